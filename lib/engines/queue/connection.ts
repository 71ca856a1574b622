/** What an app gave as its connection goes in; clients of Redis come out, open while somebody uses them. */
import { AsyncResource } from 'node:async_hooks';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { orAborted, within } from '../waiting.js';
import type { Peers } from './peers.js';
import { isRefusal, redisFailed, report } from './redis-failure.js';

/** What BullMQ takes: where Redis is, or a client of ioredis. */
export type QueueConnection = RedisAddress | Redis | Cluster;
type RedisAddress = RedisOptions & { readonly url?: string };

/** How long a request waits for Redis to be there: as long as a restart takes. */
const CONNECT_MS = 5_000;

/**
 * How long Redis may owe an answer before the connection is taken for dead, and made anew: a network that drops without a word
 * would be noticed by the kernel alone, after a quarter of an hour. Longer than Redis stands still, and than BullMQ's
 * blocking call waits, 5 s; shorter than a reader waits, 10 s. What was asked is asked again then: each step may come twice.
 */
const SILENCE_MS = 8_000;

/** The two clients of a gateway, whatever the number of its runs: one that subscribes can do nothing else. */
export interface Clients {
  readonly commands: Redis;
  readonly subscriber: Redis;
}

export function isClient(connection: object): connection is Redis {
  return typeof (connection as Partial<Redis>).duplicate === 'function';
}

/**
 * The clients of one place of the app. A client that was given stays its owner's: it is used, never closed. Those that are made
 * here do not keep the process alive while nobody uses them, and come back after a loss only for somebody who does.
 */
export class Connections {
  readonly #connection: QueueConnection;
  readonly #peers: Promise<Peers>;
  readonly #made: Redis[] = [];
  readonly #becoming = new Map<Redis, Promise<void>>();
  readonly #inScope: <T>(make: () => T) => T;
  #users = 0;
  /** What Redis refused the connection with: it may want another password. */
  #refusal: unknown;
  #clients: Promise<Clients> | undefined;

  constructor(connection: QueueConnection, peers: Promise<Peers>) {
    this.#connection = connection;
    this.#peers = peers;
    // Sockets live longer than the request that opens them, and must not belong to its session.
    const scope = new AsyncResource('express-agent-envelope.redis');
    this.#inScope = (make) => scope.runInAsyncScope(make);
  }

  /**
   * @returns the clients, connected. Whoever gets them calls {@link release} once.
   * @throws {@link EnvelopeError} `ENGINE_FAILED` (502) when Redis is not there
   */
  async acquire(): Promise<Clients> {
    this.#users += 1;
    // Node listens to a socket that is not connected once more for each time that it is told so.
    if (this.#users === 1) for (const client of this.#made) client.stream?.ref?.();
    try {
      this.#clients ??= this.#inScope(() => this.#open());
      const clients = await this.#clients;
      await within(CONNECT_MS, async (signal) => {
        const all = [clients.commands, clients.subscriber].map((client) => this.#ready(client));
        await orAborted(Promise.all(all), signal);
      });
      return clients;
    } catch (cause) {
      this.release();
      throw redisFailed(this.#refusal ?? cause);
    }
  }

  release(): void {
    this.#users -= 1;
    for (const client of this.#made) this.#letGo(client);
  }

  /** A client of its own for a worker, which waits for a Redis that is down until {@link close} is called. */
  async open(): Promise<Redis> {
    this.#users += 1;
    const client = await this.#make();
    client.connect().catch(() => undefined);
    return client;
  }

  /** Closes what was made here. */
  close(): void {
    this.#users = 0;
    for (const client of this.#made) client.disconnect();
  }

  async #open(): Promise<Clients> {
    const given = this.#connection;
    const subscriber = await this.#make();
    return { commands: isClient(given) ? given : await this.#make(), subscriber };
  }

  async #make(): Promise<Redis> {
    const given = this.#connection;
    const options: RedisOptions = {
      lazyConnect: true,
      // BullMQ asks for it. Each caller has a limit of its own.
      maxRetriesPerRequest: null,
      socketTimeout: SILENCE_MS,
      retryStrategy: (times) => (this.#users > 0 ? Math.min(50 * times, 1_000) : null),
    };
    const client = isClient(given)
      ? duplicate(given, options)
      : connect((await this.#peers).ioredis, given as RedisAddress, options);
    client.on('error', (error) => {
      report(error);
      if (isRefusal(error)) this.#refusal = error;
    });
    client.on('ready', () => {
      this.#refusal = undefined;
    });
    client.on('connect', () => this.#letGo(client));
    this.#made.push(client);
    return client;
  }

  /** One that was never connected, or gave up while nobody used it, is told to connect; its owner's is only waited for. */
  async #ready(client: Redis): Promise<void> {
    if (client.status === 'ready') return;
    const gaveUp = client.status === 'end' && this.#made.includes(client);
    // What it rejects with is only the first attempt's failure.
    if (gaveUp || client.status === 'wait') {
      this.#inScope(() => client.connect().catch(() => undefined));
    }
    // One listener for all that wait: Node takes eleven for a leak.
    const becoming =
      this.#becoming.get(client) ??
      new Promise<void>((resolve) => {
        client.once('ready', () => {
          this.#becoming.delete(client);
          resolve();
        });
      });
    this.#becoming.set(client, becoming);
    await becoming;
  }

  #letGo(client: Redis): void {
    if (this.#users === 0) client.stream?.unref?.();
  }
}

function duplicate(given: Redis, options: RedisOptions): Redis {
  return given.isCluster ? given.duplicate() : given.duplicate(options);
}

function connect({ Redis }: Peers['ioredis'], where: RedisAddress, options: RedisOptions): Redis {
  const { url, ...others } = where;
  const all = { ...others, ...options } as RedisOptions & { replyMapping?: 'legacy' };
  return url === undefined ? new Redis(all) : new Redis(url, all);
}
