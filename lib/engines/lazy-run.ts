/** A generator of events goes in, an `AgentRun` comes out: one that starts when it is first iterated or awaited. */
import type { AgentEvent, AgentRun, AgentRunResult } from '../shared/run-events.js';

/** What the generator of a run is given. */
export interface RunControl {
  /** Aborts when the run's consumer stops early: a pending step must not hold it up. */
  readonly stop: AbortController;
  readonly resolve: (result: AgentRunResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Makes a run of the generator that `drive` returns. */
export function createRun(drive: (control: RunControl) => AsyncGenerator<AgentEvent>): AgentRun {
  const stop = new AbortController();
  let settle = {} as Omit<RunControl, 'stop'>;
  const outcome = new Promise<AgentRunResult>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Who only iterates learns of a failure there; the promise must not count as unhandled.
  outcome.catch(() => {});
  const events = drive({ stop, ...settle });
  let consumer: 'none' | 'iterator' | 'result' = 'none';

  const iterator: AsyncIterator<AgentEvent, void, undefined> = {
    next() {
      consumer = 'iterator';
      return events.next();
    },
    async return() {
      stop.abort(new DOMException('The consumer of the run has stopped', 'AbortError'));
      await events.return(undefined);
      settle.reject(stop.signal.reason);
      return { done: true, value: undefined };
    },
  };
  return {
    [Symbol.asyncIterator]() {
      if (consumer === 'result')
        throw new TypeError('The events of this run are gone: its result was awaited');
      return iterator;
    },
    result: new LazyPromise(() => {
      if (consumer === 'none') {
        consumer = 'result';
        drain(events);
      }
      return outcome;
    }),
  };
}

async function drain(events: AsyncGenerator<AgentEvent>): Promise<void> {
  try {
    for await (const _ of events);
  } catch {
    // The result has been rejected with it.
  }
}

/** A promise that begins its work when somebody waits for it: looking at `run.result` must not start the run. */
class LazyPromise<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Promise';
  readonly #start: () => Promise<T>;

  constructor(start: () => Promise<T>) {
    this.#start = start;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#start().then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#start().catch(rejected);
  }

  finally(settled?: (() => void) | null): Promise<T> {
    return this.#start().finally(settled);
  }
}
