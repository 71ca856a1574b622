/** The two views, the envelope's form and a chat, of one conversation: what is selected is shown by both. */
import { byId } from './dom.js';
import { followChat } from './send.js';
import { createTabs } from './tabs.js';

export function wireViews() {
  createTabs(byId('views'), (view) => {
    const isChat = view === 'chat';
    byId('workbench').dataset.view = view;
    byId('skip').href = isChat ? '#chat-message' : '#message';
    // A reload, and a link that is sent on, show the same view.
    if (isChat !== (location.hash === '#chat')) {
      history.replaceState(null, '', isChat ? '#chat' : location.pathname);
    }
    if (isChat) showChat();
    else followChat();
  });
}

/** Nobody loads React who does not chat. */
async function showChat() {
  const { mountChat } = await import('./chat.js');
  mountChat(byId('chat'));
}
