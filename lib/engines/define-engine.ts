/** A name and a generator go in, an engine comes out. */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { configError } from '../shared/errors.js';
import type { AgentEvent } from '../shared/run-events.js';
import { disown } from '../shared/thrown.js';
import type { AgentEngine, EngineRequest } from './engine.js';
import { engineFailed } from './engine-error.js';

/**
 * Answers a conversation: yields the answer's text as strings, and events where there is more to tell.
 *
 * @param request - the conversation, the model and the parameters that `run()` was called with
 * @param signal - aborts when the run is to end early, and when it has ended. A listener of it must not throw: Node makes an uncaught
 * exception of it, which ends the process
 */
export type EnginePrompt = (
  request: EngineRequest,
  signal: AbortSignal,
) => AsyncIterable<string | AgentEvent>;

/**
 * An engine from one async generator. Each run calls it once; its `finally` is where it releases what it holds. The engine's own
 * session id is a random UUID. `run.end` is added with the reason `stop` where the generator yields none.
 *
 * It gets messages with every kind of part; one that takes text only says so: `{ ...defineEngine(name, prompt), accepts: [] }`.
 *
 * @param name - short name for spans and replies, not empty
 * @param prompt - see {@link EnginePrompt}
 * @throws TypeError at once, for a name that is none, and for what is no function
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `ENGINE_FAILED` (502) for what the generator throws
 * @example
 * ```ts
 * const parrot = defineEngine('parrot', async function* ({ messages }) {
 *   yield 'You said: ';
 *   yield JSON.stringify(messages.at(-1)?.content);
 * });
 * ```
 */
export function defineEngine(name: string, prompt: EnginePrompt): AgentEngine {
  if (typeof name !== 'string' || name === '') {
    throw configError('defineEngine: name', 'must be a string that is not empty', name);
  }
  if (typeof prompt !== 'function') {
    throw configError('defineEngine: prompt', 'must be an async generator function', prompt);
  }
  return {
    name,
    async open(_request, signal) {
      signal.throwIfAborted();
      return {
        id: randomUUID(),
        async *prompt(request) {
          const answer: unknown = prompt(request, signal);
          if (!isAsyncIterable(answer)) {
            disown(answer);
            throw engineFailed(`The engine "${name}" is no async generator function`);
          }
          for await (const item of answer) {
            if (typeof item !== 'string') yield item;
            else if (item !== '') yield { type: 'message.delta', delta: item };
            // Nothing is told of it: where there is nothing else, nobody further on could pause.
            else await nextTurn();
            if (typeof item !== 'string' && item?.type === 'run.end') return;
          }
          yield { type: 'run.end', stop_reason: 'stop' };
        },
        async close() {},
      };
    },
  };
}

function isAsyncIterable(value: unknown): value is AsyncIterable<string | AgentEvent> {
  return typeof Object(value)[Symbol.asyncIterator] === 'function';
}
