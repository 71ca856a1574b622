/** Calls of tools and results go in, in the order of the conversation; the result of each call comes out. */

/** The calls of one message under one id, in their order. */
interface Waiting<Call> {
  readonly message: unknown;
  readonly calls: Call[];
  answered: number;
}

/** Agents use an id again: a result is that of the nearest message before it that has calls with its id, of the first that waits. */
export class CallResults<Call, Result> {
  readonly #results = new Map<Call, Result>();
  readonly #waiting = new Map<unknown, Waiting<Call>>();

  /** @param message - where the call stands, by its identity */
  call(id: unknown, call: Call, message: unknown): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined && waiting.message === message) waiting.calls.push(call);
    else this.#waiting.set(id, { message, calls: [call], answered: 0 });
  }

  /** A result without a call that waits is dropped. */
  result(id: unknown, result: Result): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.answered === waiting.calls.length) return;
    this.#results.set(waiting.calls[waiting.answered] as Call, result);
    waiting.answered += 1;
  }

  /** `undefined` for a call that has none. */
  of(call: Call): Result | undefined {
    return this.#results.get(call);
  }
}
