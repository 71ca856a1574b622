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
  const waiting: T[] = [];
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
        for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) yield item;
        if (ended !== undefined) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (ended.failure !== undefined) throw ended.failure;
    },
  };
}
