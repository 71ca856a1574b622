/** Promises and signals go in, waits come out that an AbortSignal or a time limit can cut short. */

interface Shared {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const sharedListeners = new WeakMap<AbortSignal, Shared>();

/**
 * Calls back when `signal` aborts, at once when it has. A signal gets one listener however many wait for it: Node takes
 * eleven listeners on one signal for a leak, and many runs may share a signal.
 *
 * @returns a function that removes the callback, so that a long-lived signal keeps nothing
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const { callbacks, listener } = sharedListeners.get(signal) ?? listen(signal);
  // A function of its own: the same callback may be given twice.
  const entry = () => callback();
  callbacks.add(entry);
  return () => {
    if (!callbacks.delete(entry) || callbacks.size > 0) return;
    signal.removeEventListener('abort', listener);
    sharedListeners.delete(signal);
  };
}

function listen(signal: AbortSignal): Shared {
  const callbacks = new Set<() => void>();
  const listener = () => {
    for (const callback of callbacks) callback();
  };
  signal.addEventListener('abort', listener, { once: true });
  const shared = { callbacks, listener };
  sharedListeners.set(signal, shared);
  return shared;
}

/** Aborts `controller` together with `signal`; the returned function parts them again. */
export function follow(controller: AbortController, signal: AbortSignal | undefined): () => void {
  return onAbort(signal, () => controller.abort(signal?.reason));
}

/**
 * What `value` resolves or rejects with, or the signal's reason when that comes first. The loser of the two is not left
 * unhandled.
 */
export function orAborted<T>(value: T | PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    Promise.resolve(value).then(resolve, reject).finally(forget);
  });
}

/** What else {@link within} knows. */
export interface Limit {
  /** Aborts the work, too. */
  readonly outer?: AbortSignal | undefined;
  /** Makes the error for work that takes too long. @defaultValue a `TimeoutError` */
  readonly late?: (() => unknown) | undefined;
}

/**
 * Does `work` with a signal that aborts after `ms` milliseconds.
 *
 * @throws the signal's reason once it has aborted: work that is cut short fails in many ways, and the reason is what happened
 */
export async function within<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  {
    outer,
    late = () => new DOMException(`It took longer than ${ms} ms`, 'TimeoutError'),
  }: Limit = {},
): Promise<T> {
  const controller = new AbortController();
  const unfollow = follow(controller, outer);
  const timer = setTimeout(() => controller.abort(late()), ms);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    unfollow();
  }
}

/** Waits for `promise`, `ms` milliseconds at most. Its outcome is left to its owner. */
export async function atMost(ms: number, promise: Promise<unknown> | undefined): Promise<void> {
  await within(ms, (late) => orAborted(promise, late)).catch(() => undefined);
}
