/** The two views, the envelope's form and a chat, of one conversation: what is selected is shown by both. */
import { byId } from './dom.js';
import { followChat } from './send.js';
import { createTabs } from './tabs.js';

/** @param engines - the names of those that the server has */
export function wireViews({ engines }) {
  createTabs(byId('views'), (view) => {
    const isChat = view === 'chat';
    byId('workbench').dataset.view = view;
    byId('skip').href = isChat ? '#chat-message' : '#message';
    // A reload, and a link that is sent on, show the same view.
    if (isChat !== (location.hash === '#chat')) {
      history.replaceState(null, '', isChat ? '#chat' : location.pathname);
    }
    if (isChat) showChat(engines);
    else followChat();
  });
}

/** Nobody loads React who does not chat. */
async function showChat(engines) {
  const { mountChat } = await import('./chat.js');
  mountChat(byId('chat'), engines);
}
