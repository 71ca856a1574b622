/** Real processes over a real Redis, and what happens when one of them is killed, stopped or does not understand. */
import { once } from 'node:events';
import { Queue } from 'bullmq';
import { ask, getJson, type Node, post, start, until } from '../nodes.js';
import { type RedisServer, startRedis } from './redis.js';
import { allFrames, type Frame, framesOf, numbers, resume, stream, textOf } from './sse.js';

interface State {
  readonly open: number;
  readonly requests: readonly object[];
}

let redis: RedisServer;
let nodes: Node[];
const startNode = async (role: string, options: object = {}) => {
  const port = String(redis.connection.port);
  const node = await start('queue/process.mjs', [role, port, JSON.stringify(options)]);
  nodes.push(node);
  return node;
};
const stateOf = (node: Node) => getJson<State>(`${node.url}/state`);
const hasTaken = (node: Node, runs = 1) =>
  until(async () => (await stateOf(node)).requests.length === runs);
/** What time does to the lock of a worker that is gone, at once. */
const expireLocks = async () => {
  const locks = await redis.client.keys('bull:agent-runs:*:lock');
  expect(locks).toHaveLength(1);
  await redis.client.del(locks);
};
const types = (frames: readonly Frame[]) => frames.map(({ data, event }) => event ?? data.type);

beforeEach(() => {
  nodes = [];
});
afterEach(async () => {
  // A worker that is asked to stop would wait for its run.
  for (const { child } of nodes) child.kill('SIGKILL');
  await redis.stop();
});

describe('when a worker is killed', () => {
  beforeEach(async () => {
    redis = await startRedis();
  });

  it('before its first event, another takes the run, says so, and the client sees one answer', async () => {
    const [gateway, doomed] = await Promise.all([startNode('gateway'), startNode('worker')]);
    const reply = stream(gateway, 'hang 0', 'conv-1');
    const frames: Frame[] = [];
    const reading = (async () => {
      for await (const frame of framesOf(await reply)) if (frames.push(frame) === 2) break;
    })();
    // A worker that dies before the start is written leaves nothing to be replaced.
    await until(() => frames.length === 1);
    doomed.child.kill('SIGKILL');
    await expireLocks();
    const heir = await startNode('worker');
    await hasTaken(heir);
    await reading;
    expect(types(frames)).toEqual(['run.start', 'session.replaced']);
    expect(frames[0]?.data).toMatchObject({ session_id: 'conv-1' });
    expect(frames[1]?.data.from).not.toBe(frames[1]?.data.to);
  });

  it('in the middle, the run ends with a code under the same id, never with a second half', async () => {
    const [gateway, doomed, other] = await Promise.all([
      startNode('gateway'),
      startNode('worker'),
      startNode('worker', { name: 'another-queue' }),
    ]);
    const reply = await stream(gateway, 'stall 3', 'conv-1');
    const frames: Frame[] = [];
    for await (const frame of framesOf(reply)) {
      if (frames.push(frame) !== 4) continue;
      doomed.child.kill('SIGKILL');
      await expireLocks();
      await startNode('worker');
    }
    expect(types(frames)).toEqual(['run.start', ...Array(3).fill('message.delta'), 'error']);
    expect(frames.at(-1)?.data).toMatchObject({
      code: 'ENGINE_FAILED',
      status: 502,
      session_id: 'conv-1',
    });
    const again = await allFrames(await resume(gateway, frames[0]?.data.run_id));
    expect(types(again)).toEqual(types(frames));
    expect((await stateOf(other)).requests).toEqual([]);
  });

  it('by the run itself, again and again, the run is given up', async () => {
    const gateway = await startNode('gateway');
    const reply = stream(gateway, 'poison', 'conv-1').then(allFrames);
    for (let i = 0; i < 3; i += 1) {
      const victim = await startNode('worker');
      if (victim.child.signalCode === null) await once(victim.child, 'exit');
      await expireLocks();
    }
    const survivor = await startNode('worker');
    const frames = await reply;
    expect(types(frames)).toEqual(['run.start', 'error']);
    expect(frames.at(-1)?.data).toMatchObject({ code: 'ENGINE_FAILED', session_id: 'conv-1' });
    expect((await stateOf(survivor)).requests).toEqual([]);
  });
});

describe('when a worker is asked to stop', () => {
  it('it finishes what it runs, and takes nothing more', async () => {
    redis = await startRedis();
    const [gateway, worker] = await Promise.all([
      startNode('gateway', { timeoutMs: 3000 }),
      startNode('worker'),
    ]);
    const frames: Frame[] = [];
    for await (const frame of framesOf(await stream(gateway, 'count 20 50', 'conv-1'))) {
      if (frames.push(frame) === 2) worker.child.kill('SIGTERM');
    }
    expect(textOf(frames)).toBe(numbers(20));
    if (worker.child.exitCode === null) await once(worker.child, 'exit');
    expect(worker.child.exitCode).toBe(0);
    expect((await stream(gateway, 'count 1', 'conv-2')).status).toBe(504);
  });
});

describe('when a worker is asked to stop while a run hangs', () => {
  it('the gateway’s timeoutMs ends the run, and with it the worker', async () => {
    redis = await startRedis();
    const [gateway, worker] = await Promise.all([
      startNode('gateway', { timeoutMs: 2000 }),
      startNode('worker'),
    ]);
    const frames: Frame[] = [];
    for await (const frame of framesOf(await stream(gateway, 'stall 3', 'conv-1'))) {
      if (frames.push(frame) === 4) worker.child.kill('SIGTERM');
    }
    expect(frames.at(-1)?.data).toMatchObject({ code: 'ENGINE_FAILED', status: 504 });
    if (worker.child.exitCode === null) await once(worker.child, 'exit');
    expect(worker.child.exitCode).toBe(0);
  });
});

describe('when a worker is asked to stop while Redis is not there', () => {
  it('it ends: it runs nothing, and has nobody to tell so', async () => {
    redis = await startRedis();
    const worker = await startNode('worker');
    await redis.stop();
    worker.child.kill('SIGTERM');
    if (worker.child.exitCode === null) await once(worker.child, 'exit');
    expect(worker.child.exitCode).toBe(0);
    redis = await startRedis();
  });
});

describe('when Redis', () => {
  let gateway: Node;
  let worker: Node;
  const readThrough = async (fault: () => unknown): Promise<Frame[]> => {
    [gateway, worker] = await Promise.all([startNode('gateway'), startNode('worker')]);
    const frames: Frame[] = [];
    for await (const frame of framesOf(await stream(gateway, 'count 30 50', 'conv-1'))) {
      if (frames.push(frame) === 3) await fault();
    }
    return frames;
  };

  it('stands still for five seconds, a run goes on after it', async () => {
    redis = await startRedis();
    const frames = await readThrough(() => {
      redis.pause();
      setTimeout(redis.goOn, 5_000);
    });
    expect(textOf(frames)).toBe(numbers(30));
    expect(types(frames).at(-1)).toBe('run.end');
  });

  it('restarts with what it had, a run goes on after it', async () => {
    redis = await startRedis(true);
    const frames = await readThrough(redis.restart);
    expect(textOf(frames)).toBe(numbers(30));
    expect(types(frames).at(-1)).toBe('run.end');
  });

  it('restarts with nothing, a run ends with a code, and the next one is served', async () => {
    redis = await startRedis();
    const frames = await readThrough(redis.restart);
    expect(types(frames).at(-1)).toBe('error');
    expect(frames.at(-1)?.data).toMatchObject({ code: 'ENGINE_FAILED', session_id: 'conv-1' });
    const text = textOf(frames);
    expect(numbers(30).startsWith(text)).toBe(true);
    await until(async () => (await stateOf(worker)).open === 0);
    const next = await stream(gateway, 'count 3', 'conv-2');
    expect(textOf(await allFrames(next))).toBe(numbers(3));
  });

  it('is not there, a request gets a coded problem with its id', async () => {
    redis = await startRedis();
    const gateway = await startNode('gateway');
    await redis.stop();
    const reply = await post(gateway, { session_id: 'conv-1', data: { inputs: ask('x') } });
    expect(reply.status).toBe(502);
    expect(await reply.json()).toMatchObject({ code: 'ENGINE_FAILED', session_id: 'conv-1' });
    expect((await resume(gateway, 'x')).status).toBe(502);
    redis = await startRedis();
  });
});

describe('a job', () => {
  beforeEach(async () => {
    redis = await startRedis();
  });

  it('that nobody takes is a 504 with the id, and is gone from the queue', async () => {
    const gateway = await startNode('gateway', { timeoutMs: 300 });
    const reply = await stream(gateway, 'count 1', 'conv-1');
    expect(reply.status).toBe(504);
    expect(await reply.json()).toMatchObject({ code: 'ENGINE_FAILED', session_id: 'conv-1' });
    expect(await redis.client.llen('bull:agent-runs:wait')).toBe(0);
  });

  it.each([
    ['of a version that the worker does not know', (data: object) => ({ ...data, version: 99 })],
    ['that is no job', () => ({ some: 'thing' })],
    ['whose messages are none', (data: object) => ({ ...data, request: { messages: 'x' } })],
  ])('%s ends its run with a code, and the worker goes on', async (_what, change) => {
    const gateway = await startNode('gateway');
    const reply = stream(gateway, 'count 1', 'conv-1');
    const jobs = new Queue('agent-runs', { connection: redis.connection });
    await until(async () => (await jobs.getWaitingCount()) === 1);
    const [job] = await jobs.getWaiting();
    await job?.updateData(change(job.data));
    // And one that no run belongs to.
    await jobs.add('run', {});
    await jobs.close();
    await startNode('worker');
    const refused = await reply;
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(await refused.json()).toMatchObject({ session_id: 'conv-1' });
    expect(textOf(await allFrames(await stream(gateway, 'count 2', 'conv-2')))).toBe(numbers(2));
  });
});
