/** More to do than can be done now: workers that have no hand free, and a Redis that takes nothing for a while. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { defineEngine, run } from '../../../lib/engines/index.js';
import { queue, runWorker } from '../../../lib/engines/queue/index.js';
import { ask, getJson, type Node, start, until } from '../nodes.js';
import { type RedisServer, startRedis } from './redis.js';
import { allFrames, stream, textOf } from './sse.js';

let redis: RedisServer;
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis.stop());

describe('when all workers are busy', () => {
  const nodes: Node[] = [];
  const startNode = async (role: string, options: object = {}) => {
    const { port } = redis.connection;
    const node = await start('queue/process.mjs', [role, String(port), JSON.stringify(options)]);
    nodes.push(node);
    return node;
  };
  afterEach(() => {
    for (const { child } of nodes.splice(0)) child.kill('SIGKILL');
  });

  it('a run that waits longer than timeoutMs is a 504, and no worker gets it later', async () => {
    const [patient, hurried, worker] = await Promise.all([
      startNode('gateway'),
      startNode('gateway', { timeoutMs: 500 }),
      startNode('worker', { concurrency: 1 }),
    ]);
    const requests = async () =>
      (await getJson<{ requests: object[] }>(`${worker.url}/state`)).requests.length;
    const held = await stream(patient, 'hold 1', 'conv-1');
    const late = await stream(hurried, 'count 1', 'conv-2');
    expect(late.status).toBe(504);
    expect(await late.json()).toMatchObject({ code: 'ENGINE_FAILED', session_id: 'conv-2' });
    let isOver = false;
    const frames = allFrames(held).finally(() => {
      isOver = true;
    });
    // It may not hold yet.
    await until(async () => {
      await fetch(`${worker.url}/go`, { method: 'POST' });
      return isOver;
    });
    expect(textOf(await frames)).toBe('0 the end');
    expect(textOf(await allFrames(await stream(patient, 'count 2', 'conv-3')))).toBe('0 1 ');
    expect(await requests()).toBe(2);
  });
});

describe('while Redis takes nothing', () => {
  it('an engine is held up after what fits into two writes', async () => {
    let sent = 0;
    const endless = defineEngine('endless', async function* (_request, signal) {
      while (!signal.aborted) {
        sent += 1;
        yield 'x';
        await setImmediate();
      }
    });
    const { connection } = redis;
    const worker = runWorker(endless, { connection });
    const controller = new AbortController();
    const events = run(queue({ connection }), ask('x'), { signal: controller.signal });
    const reading = (async () => {
      for await (const _ of events);
    })();
    await until(async () => sent > 1000);
    redis.pause();
    let before: number;
    const atPause = sent;
    do {
      before = sent;
      await setTimeout(300);
    } while (sent !== before);
    expect(sent - atPause).toBeLessThanOrEqual(2 * 256 + 1);
    redis.goOn();
    await until(async () => sent > before);
    controller.abort();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    await worker.close();
  });
});
