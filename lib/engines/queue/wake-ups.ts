/** A subscribing client goes in; waits for the news of a run come out, over one connection for any number of runs. */
import type { Redis } from 'ioredis';

/** A publication that a lost connection swallowed costs no more than this. */
const LOOK_MS = 1_000;

/** The news of one run. */
export interface News {
  /** What is published from when this resolves is not missed. It rejects where Redis cannot be listened to. */
  readonly ready: Promise<unknown>;
  /**
   * Waits for news that came after the last wait ended, `ms` milliseconds at most, and not for ever where some got lost.
   *
   * @returns false once it was stopped
   */
  wait(ms: number): Promise<boolean>;
  stop(): void;
}

export class WakeUps {
  readonly #subscriber: Redis;
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(subscriber: Redis) {
    this.#subscriber = subscriber;
    subscriber.on('message', (channel: string) => {
      for (const wake of this.#listeners.get(channel) ?? []) wake();
    });
  }

  /** Begins to listen, until {@link News.stop} is called: whatever else fails. */
  listen(channel: string): News {
    let fresh = true;
    let stopped = false;
    let wake = () => {};
    const listener = () => {
      fresh = true;
      wake();
    };
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    const ready = this.#subscriber.subscribe(channel);
    ready.catch(() => undefined);
    return {
      ready,
      async wait(ms) {
        if (!fresh) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, Math.min(ms, LOOK_MS));
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
        fresh = false;
        return !stopped;
      },
      stop: () => {
        stopped = true;
        listener();
        if (!listeners.delete(listener) || listeners.size > 0) return;
        this.#listeners.delete(channel);
        this.#subscriber.unsubscribe(channel).catch(() => undefined);
      },
    };
  }
}
