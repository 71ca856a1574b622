/** The chat: the AI SDK's own `useChat`, on the engines and the conversations of the page. */
import { Composer, goOnWriting } from './chat-composer.js';
import { Chip, Message } from './chat-message.js';
import { Engine, Suggestions } from './chat-start.js';
import { chatOf, currentId, keepMessages } from './chats.js';
import {
  createRoot,
  createElement as h,
  useChat,
  useEffect,
  useLayoutEffect,
  useRef,
  useSyncExternalStore,
} from './packages.js';
import { subscribe } from './store.js';

let root;

/** @param engines - the names of those that the envelope's form has, too */
export function mountChat(element, engines) {
  if (root) return;
  root = createRoot(element);
  root.render(h(View, { engines }));
}

function View({ engines }) {
  const id = useSyncExternalStore(subscribe, currentId);
  return h(Conversation, { key: id, id, engines });
}

function Conversation({ id, engines }) {
  const { messages, status, error, ...chat } = useChat({ chat: chatOf(id) });
  const isBusy = status === 'submitted' || status === 'streaming';
  useEffect(() => keepMessages(id, messages), [id, messages]);
  const decide = (approval, approved) => {
    chat.addToolApprovalResponse({ id: approval, approved });
    goOnWriting();
  };
  return [
    h(
      'div',
      { key: 'head', className: 'head' },
      h('h2', {}, 'Chat'),
      h('p', { className: 'hint' }, 'chat id = session id ', h(Chip, { id })),
    ),
    h(
      'p',
      { key: 'hint', className: 'hint' },
      'The AI SDK’s own ',
      h('code', {}, 'useChat'),
      ', its transport unmodified. Each turn is a trace beside it, under the chat’s id.',
    ),
    h(Engine, { key: 'engine', engines }),
    h(
      Log,
      { key: 'log', messages },
      messages.length === 0 &&
        h(
          'li',
          { key: 'start' },
          h('p', { className: 'hint' }, 'Say something, or try:'),
          h(Suggestions, { send: chat.sendMessage, isBusy, isFirst: true }),
        ),
      messages.map((message, i) =>
        h(Message, {
          key: message.id,
          message,
          isBusy: isBusy && i === messages.length - 1,
          decide,
        }),
      ),
      status === 'submitted' &&
        h('li', { className: 'chat-message agent' }, h('p', { className: 'bubble' }, '…')),
    ),
    error && h(Failure, { key: 'error', error, chat, messages }),
    messages.length > 0 &&
      h(Suggestions, { key: 'suggestions', send: chat.sendMessage, isBusy, isFirst: false }),
    h(Composer, { key: 'composer', chat, messages, status, isBusy }),
  ];
}

/** Follows the end, unless somebody has scrolled up. */
function Log({ messages, children }) {
  const list = useRef(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [messages]);
  const onScroll = ({ target: { scrollHeight, scrollTop, clientHeight } }) => {
    atEnd.current = scrollHeight - scrollTop - clientHeight < 30;
  };
  return h(
    'div',
    { className: 'log', ref: list, onScroll, role: 'log', tabIndex: 0, 'aria-label': 'Messages' },
    h('ol', {}, children),
  );
}

function Failure({ error, chat, messages }) {
  const takeBack = () => {
    chat.setMessages(
      messages.slice(
        0,
        messages.findLastIndex(({ role }) => role === 'user'),
      ),
    );
    chat.clearError();
    goOnWriting();
  };
  return h(
    'div',
    { className: 'failure', role: 'alert' },
    h('p', {}, h('code', {}, 'error.message'), ` ${error.message}`),
    h(
      'div',
      { className: 'row' },
      h('button', { className: 'quiet', onClick: () => chat.regenerate() }, 'Try again'),
      h('button', { className: 'quiet', onClick: takeBack }, 'Take the message back'),
    ),
  );
}
