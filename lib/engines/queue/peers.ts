/** Nothing goes in; BullMQ and ioredis come out, or an error that says what to install. */
import type * as BullMq from 'bullmq';
import type * as IoRedis from 'ioredis';
import { requirePeers } from '../peer.js';

/** The packages of the queue. */
export interface Peers {
  readonly bullmq: typeof BullMq;
  readonly ioredis: typeof IoRedis;
}

/**
 * Begins to load the packages where the app is put together: the first request need not wait for them.
 *
 * @throws Error at once, with the code `PEER_MISSING`, for a package that is not installed
 */
export function loadPeers(caller: string): Promise<Peers> {
  requirePeers(caller, ['bullmq', 'ioredis']);
  const loading = Promise.all([import('bullmq'), import('ioredis')]);
  const peers = loading.then(([bullmq, ioredis]) => ({ bullmq, ioredis }));
  // Whoever uses them gets the failure.
  peers.catch(() => undefined);
  return peers;
}
