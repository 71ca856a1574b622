/** The AI SDK's own chat, as `useChat` drives it, with a plain state in place of React's. */
import {
  AbstractChat,
  type ChatInit,
  type ChatState,
  type ChatStatus,
  DefaultChatTransport,
  type UIMessage,
} from 'ai';

class PlainState implements ChatState<UIMessage> {
  status: ChatStatus = 'ready';
  error: Error | undefined;
  messages: UIMessage[] = [];
  pushMessage = (message: UIMessage) => {
    this.messages = [...this.messages, message];
  };
  popMessage = () => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index: number, message: UIMessage) => {
    this.messages = this.messages.with(index, structuredClone(message));
  };
  snapshot = <T>(value: T): T => structuredClone(value);
}

class Chat extends AbstractChat<UIMessage> {}

/** A chat that talks to `api`; `replies` are the responses that it got, `finishReasons` what it was told at their ends. */
export function chatOf(
  api: string,
  id: string,
  body: object = {},
  init: Pick<ChatInit<UIMessage>, 'sendAutomaticallyWhen'> = {},
) {
  const replies: Response[] = [];
  const finishReasons: unknown[] = [];
  const keeping: typeof fetch = async (...args) => {
    const reply = await fetch(...args);
    replies.push(reply);
    return reply;
  };
  const chat = new Chat({
    ...init,
    id,
    state: new PlainState(),
    transport: new DefaultChatTransport({ api, body, fetch: keeping }),
    onFinish: ({ finishReason }) => finishReasons.push(finishReason),
  });
  return { chat, replies, finishReasons };
}

/** The text of a message. */
export const textOf = (message: UIMessage | undefined) =>
  message?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
