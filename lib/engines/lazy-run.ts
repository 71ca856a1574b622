/** A generator of events goes in, an `AgentRun` comes out: one that starts when it is first iterated or awaited. */
import { type AgentRun, type AgentRunResult, brandRun } from '../shared/agent-run.js';
import { EnvelopeError } from '../shared/errors.js';
import type { AgentEvent } from '../shared/run-events.js';

/** What the generator of a run is given. */
export interface RunControl {
  /** Aborts when the run's consumer stops early: a pending step must not hold it up. */
  readonly stop: AbortController;
  readonly resolve: (result: AgentRunResult) => void;
  readonly reject: (error: unknown) => void;
}

type Events = AsyncGenerator<AgentEvent, void>;

/** Makes a run of the generator that `drive` returns. */
export function createRun(drive: (control: RunControl) => Events): AgentRun {
  const stop = new AbortController();
  let control = { stop } as RunControl;
  const outcome = new Promise<AgentRunResult>((resolve, reject) => {
    control = { stop, resolve, reject };
  });
  // A consumer that only iterates gets the failure from its iterator; the promise must not count as unhandled.
  outcome.catch(() => {});
  const events = drive(control);
  let iterated = false;
  let drained: { readonly events: readonly AgentEvent[]; readonly done: Promise<void> } | undefined;

  /** Events are kept so that a handler can await the result and still return the run. */
  const drain = () => {
    const kept: AgentEvent[] = [];
    const pull = async () => {
      for await (const event of events) kept.push(event);
    };
    return { events: kept, done: pull().catch(control.reject) };
  };
  async function* replay({ events, done }: NonNullable<typeof drained>): Events {
    await done;
    yield* events;
    await outcome;
  }
  return brandRun({
    [Symbol.asyncIterator]() {
      let source: Events | undefined;
      return {
        next() {
          if (source === undefined && drained === undefined && iterated) {
            return Promise.reject(readAlready());
          }
          source ??= drained ? replay(drained) : events;
          iterated = true;
          return source.next();
        },
        async return() {
          if (source === undefined && drained === undefined && !iterated) {
            source = events;
            iterated = true;
          }
          // A reader that was refused, or that reads what is kept for the result, must not end the run of others.
          if (source !== events) source?.return();
          else {
            const reason = new DOMException('The consumer of the run has stopped', 'AbortError');
            stop.abort(reason);
            await source.return();
            control.reject(reason);
          }
          return { done: true, value: undefined };
        },
      };
    },
    result: lazyPromise(() => {
      if (!iterated) drained ??= drain();
      return outcome;
    }),
  });
}

/** For a second reader of events that are gone: an empty stream would be taken for the answer. */
function readAlready(): EnvelopeError {
  const message =
    'The events of the run are read already: await its result first, or return a run that nothing else reads';
  return new EnvelopeError('INVALID_OUTPUT', message);
}

/**
 * A promise that begins its work when it is first awaited: looking at `run.result` must not start the run. `catch` and
 * `finally` of every promise call `then`, so with their prototype this one method is all that it takes.
 */
function lazyPromise<T>(start: () => Promise<T>): Promise<T> {
  const then: Promise<T>['then'] = (...callbacks) => start().then(...callbacks);
  return Object.assign(Object.create(Promise.prototype), { then });
}
