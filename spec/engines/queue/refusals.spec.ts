/** A Redis that is there, and says no: to a request, and in the middle of a run. */
import { setTimeout } from 'node:timers/promises';
import { defineEngine, run } from '../../../lib/engines/index.js';
import { queue, runWorker } from '../../../lib/engines/queue/index.js';
import { ask, until } from '../nodes.js';
import { type RedisServer, startRedis } from './redis.js';

let redis: RedisServer;
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis.stop());

const REFUSED = {
  code: 'ENGINE_FAILED',
  status: 502,
  message: 'Redis has refused a command',
};
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
        reason: { ...REFUSED, cause: expect.any(Error) },
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
  await expect(run(engine, ask('x')).result).rejects.toMatchObject(REFUSED);
});

describe.each(REFUSALS)('when Redis $why in the middle of a run', ({ why, refuse, relent }) => {
  it('the run ends with a failure that its readers hear of', async () => {
    const { connection } = redis;
    let go = () => {};
    const gate = new Promise<void>((open) => {
      go = open;
    });
    const engine = defineEngine('held', async function* () {
      yield 'first';
      await gate;
      yield 'second';
      // It sends no more, and would not hear of what became of that.
      await new Promise(() => {});
    });
    const worker = runWorker(engine, { connection });
    const events = run(queue({ connection }), ask('x'))[Symbol.asyncIterator]();
    await events.next();
    await events.next();
    await refuse();
    go();
    const next = events.next();
    // A full Redis takes the end.
    if (why === 'is full') await expect(next).rejects.toMatchObject(REFUSED);
    else await setTimeout(1_000);
    await relent();
    await expect(next).rejects.toMatchObject(REFUSED);
    const [key] = (await redis.client.keys('*:run:*')).filter((name) => !/events$/.test(name));
    expect(await redis.client.hget(String(key), 'state')).toBe('ended');
    await until(
      async () => (await redis.client.keys(`bull:agent-runs:${key?.slice(-36)}*`)).length === 0,
    );
    await worker.close();
  });

  async function* answer() {
    yield 'done';
  }
  it('a run that is taken then waits', async () => {
    const { connection } = redis;
    const running = run(queue({ connection }), ask('x')).result;
    running.catch(() => undefined);
    // The job is there before its run.
    await until(async () => (await redis.client.keys('*:run:*')).length === 1);
    const worker = runWorker(defineEngine('brief', answer), { connection });
    await refuse();
    await setTimeout(1_000);
    await relent();
    expect((await running).output).toBe('done');
    await worker.close();
  });
});
