// What useChat does for one turn, without React: the answer's message again and again, as it grows.
import { DefaultChatTransport, readUIMessageStream } from 'ai';

export async function* ask(api, id, messages, abortSignal) {
  const transport = new DefaultChatTransport({ api });
  const request = { trigger: 'submit-message', chatId: id, messageId: undefined };
  const stream = await transport.sendMessages({ ...request, messages, abortSignal });
  yield* readUIMessageStream({ stream, terminateOnError: true });
}
