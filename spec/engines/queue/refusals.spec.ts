/** A Redis that is there, and says no: to a request, and in the middle of a run. */
import { run } from '../../../lib/engines/index.js';
import { queue } from '../../../lib/engines/queue/index.js';
import { ask } from '../nodes.js';
import { type RedisServer, startRedis } from './redis.js';

let redis: RedisServer;
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis.stop());

const set = (name: string, value: string | number) => () => redis.client.config('SET', name, value);
const REFUSALS = [
  { why: 'is full', refuse: set('maxmemory', 1), relent: set('maxmemory', 0) },
  {
    why: 'is a replica',
    refuse: () => redis.client.replicaof('127.0.0.1', 1),
    relent: () => redis.client.replicaof('NO', 'ONE'),
  },
  {
    why: 'has too few replicas',
    refuse: set('min-replicas-to-write', 1),
    relent: set('min-replicas-to-write', 0),
  },
];

describe.each(REFUSALS)('when Redis $why', ({ refuse, relent }) => {
  it('a request is told that it was refused, and leaves nothing behind', async () => {
    const engine = queue({ connection: redis.connection });
    await refuse();
    const runs = Array.from({ length: 5 }, () => run(engine, ask('x')).result);
    for (const outcome of await Promise.allSettled(runs)) {
      expect(outcome).toMatchObject({
        reason: {
          code: 'ENGINE_FAILED',
          status: 502,
          message: 'Redis has refused a command',
          cause: expect.any(Error),
        },
      });
    }
    await relent();
    expect(await redis.client.pubsub('CHANNELS')).toEqual([]);
    expect(await redis.client.keys('*:run:*')).toEqual([]);
  });
});

it('a password that is missing is a refusal, too', async () => {
  await redis.client.config('SET', 'requirepass', 'secret');
  const engine = queue({ connection: redis.connection });
  await expect(run(engine, ask('x')).result).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    status: 502,
    message: 'Redis has refused a command',
  });
});
