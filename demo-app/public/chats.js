/** A session id goes in, its chat comes out: one for each conversation, with what was said in either view. */
import { isCut, sendTurn } from './chat-turn.js';
import { toChatMessages } from './history.js';
import {
  Chat,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
} from './packages.js';
import { newSession } from './request.js';
import { selected, sessionOf, subscribe, turnsOf } from './store.js';

const chats = new Map();
let draft = newSession();

/** For the next turn, whichever chat it is in. */
export const chosen = { engine: 'ai-sdk' };

/** The id of the chat that is shown: the selected conversation's, or a new one. */
export function currentId() {
  const turn = selected();
  // One that was refused before its id was read is in its chat all the same.
  const id = turn?.via === 'chat' ? turn.sent : turn && !turn.plain ? sessionOf(turn) : undefined;
  if (id !== undefined) return id;
  if (chats.get(draft)?.messages.length > 0) draft = newSession();
  return draft;
}

export function chatOf(id) {
  if (!chats.has(id)) {
    chats.set(id, createChat(id));
    if (turnsOf(id).some(isCut)) resume(chats.get(id));
  }
  return chats.get(id);
}

/** After a reload in the middle of an answer: the whole of it comes again. */
async function resume(chat) {
  const { messages } = chat;
  chat.messages = messages.slice(0, messages.findLastIndex(({ role }) => role === 'user') + 1);
  await chat.resumeStream();
  // It was over already.
  if (chat.lastMessage?.role === 'user' && !chat.error) chat.messages = messages;
}

/** Each request takes its own trace, and the engine; all else is the AI SDK's. */
const createChat = (id) =>
  new Chat({
    id,
    messages: toChatMessages(turnsOf(id)),
    transport: new DefaultChatTransport({
      api: '/chat',
      body: () => ({ parameters: { engine: chosen.engine } }),
      fetch: sendTurn,
    }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    onFinish: ({ messages }) => keepMessages(id, messages),
  });

/** On the last turn of the chat, for a reload and for the other view. */
export function keepMessages(id, messages) {
  const turns = turnsOf(id).filter(({ via }) => via === 'chat');
  for (const turn of turns) turn.chat = undefined;
  if (turns.length > 0) turns.at(-1).chat = messages;
}

// A turn that the other view has sent.
subscribe((turn) => {
  if (!turn || turn.via === 'chat' || turn.state !== 'done') return;
  const id = sessionOf(turn);
  const chat = chats.get(id);
  if (!chat || !['ready', 'error'].includes(chat.status)) return;
  const messages = toChatMessages(turnsOf(id));
  if (messages.length > chat.messages.length) chat.messages = messages;
});
