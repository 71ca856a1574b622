/** The turns of a conversation go in; its messages come out, as an envelope has them and as `useChat` has them, whichever view sent them. */

/** For an envelope: texts. */
export function toEnvelopeMessages(turns) {
  const turn = turns.findLast(({ messages, chat }) => messages ?? chat);
  return turn?.messages ?? fromChat(turn?.chat ?? []);
}

const fromChat = (messages) =>
  messages
    .map(({ role, parts }) => ({ role, content: textOf(parts) }))
    .filter(({ content }) => content !== '');

export const textOf = (parts) =>
  parts
    .map(({ type, text }) => (type === 'text' ? text : ''))
    .filter(Boolean)
    .join('\n\n');

/** For `useChat`: what it had at its last turn, and the turns since then that the other view sent. */
export function toChatMessages(turns) {
  const known = turns.findLast(({ chat }) => chat)?.chat ?? [];
  const others = turns.filter(({ via, state, trace }) => {
    return via !== 'chat' && state === 'done' && !known.some(({ id }) => id === `${trace}-you`);
  });
  return [...known, ...others.flatMap(toMessages)];
}

const toMessages = ({ trace, message, answer = '', returned }) => [
  { id: `${trace}-you`, role: 'user', parts: [{ type: 'text', text: message }] },
  {
    id: `${trace}-agent`,
    role: 'assistant',
    metadata: { sessionId: returned },
    parts: [{ type: 'text', text: answer }],
  },
];
