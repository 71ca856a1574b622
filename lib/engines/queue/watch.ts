/** A worker's runs go in; a signal for each comes out, which aborts when the run is another's, or over. */
import type { RunStore } from './run-store.js';

/** A cancellation arrives within twice this time. A poll survives what a subscription does not: a lost connection. */
const LOOK_MS = 300;

/** A run that is watched. */
export interface WatchedRun {
  readonly signal: AbortSignal;
  stop(): void;
}

/** @returns a function that watches a run until its `stop()` is called. There is one timer for all runs, none without any. */
export function watchStanding(store: RunStore) {
  const runs = new Set<{ look(): Promise<void> }>();
  let timer: NodeJS.Timeout | undefined;
  const lookAgain = () => {
    timer = runs.size === 0 ? undefined : setTimeout(lookAtAll, LOOK_MS);
  };
  // While Redis is away nothing is known, and the next look is as good.
  const lookAtAll = () => {
    Promise.allSettled([...runs].map((run) => run.look())).then(lookAgain);
  };
  return (runId: string, token: string): WatchedRun => {
    const controller = new AbortController();
    const run = {
      async look() {
        if ((await store.standing(runId, token)) === 'lost') controller.abort();
      },
    };
    runs.add(run);
    if (timer === undefined) lookAgain();
    return {
      signal: controller.signal,
      stop() {
        runs.delete(run);
      },
    };
  };
}
