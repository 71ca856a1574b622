/** Items are pushed in; a consumer pulls them out. */

/** From push to pull. */
export interface EventQueue<T> {
  push(item: T): void;
  /** What was pushed is still delivered, then the items end, with `failure` when there is one. Only the first end counts. */
  end(failure?: unknown): void;
  /** The items, once. */
  items(): AsyncGenerator<T>;
}

/**
 * Makes a queue. Only the length of the answer bounds it. Agents do not apply backpressure; without this buffer the data
 * would pile up in theirs.
 */
export function createEventQueue<T extends object>(): EventQueue<T> {
  let waiting: T[] = [];
  let ended: { readonly failure: unknown } | undefined;
  let wake = () => {};
  return {
    push(item) {
      waiting.push(item);
      wake();
    },
    end(failure) {
      ended ??= { failure };
      wake();
    },
    async *items() {
      for (;;) {
        // All at once: to take the first of many, one by one, moves the others each time.
        const taken = waiting;
        waiting = [];
        yield* taken;
        if (waiting.length > 0) continue;
        if (ended !== undefined) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (ended.failure !== undefined) throw ended.failure;
    },
  };
}
