/** A body of server-sent events goes in and comes out again, in whole lines; each message in it is handed over on the way. */
import type { LineSplitter } from '../response-body.js';
import type { RpcMessage } from './rpc.js';

/** The functions that are called on the way. */
export interface EventStreamListeners {
  readonly onMessage: (message: RpcMessage) => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Watches a body. What comes out are whole lines, since the SDK searches all that it holds with each chunk: a long line in
 * small chunks would cost it the square of its length.
 */
export function watchEvents(
  body: ReadableStream<Uint8Array>,
  splitter: LineSplitter,
  { onMessage, onFailure }: EventStreamListeners,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let held: Uint8Array[] = [];
  const release = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    controller.enqueue(Buffer.concat(held));
    held = [];
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            if (held.length > 0) release(controller);
            return controller.close();
          }
          for (const line of splitter.push(value)) {
            if (line.startsWith('data:')) onMessage(JSON.parse(line.slice(5)) as RpcMessage);
          }
          held.push(value);
          if (value.includes(LINE_FEED)) return release(controller);
        }
      } catch (error) {
        onFailure(error);
        controller.error(error);
        // The body may go on after a line that is too long.
        reader.cancel(error).catch(() => undefined);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

const LINE_FEED = 10;
