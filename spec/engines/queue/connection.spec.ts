/** What a gateway has open of Redis, and for how long. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { run } from '../../../lib/engines/index.js';
import { queue, runWorker } from '../../../lib/engines/queue/index.js';
import type { AgentRun } from '../../../lib/shared/agent-run.js';
import type { AgentEvent } from '../../../lib/shared/run-events.js';
import { ask, until } from '../nodes.js';
import { smallEngine } from '../small-engine.js';
import { freePort, type RedisServer, startRedis } from './redis.js';

let redis: RedisServer;
let worker: { close(): Promise<void> };
const waiting: (() => void)[] = [];
const release = () => {
  for (const go of waiting.splice(0)) go();
};

const ROUNDS = 100;

/** Says what it was asked, many times where it is asked to, and waits in the middle where it is asked to, or after each. */
async function* script(text: string): AsyncIterable<AgentEvent> {
  for (let i = 0; /^rounds/.test(text) && i < ROUNDS; i += 1) {
    yield { type: 'message.delta', delta: `${i};` };
    await new Promise<void>((go) => waiting.push(go));
  }
  const times = /^many/.test(text) ? 5_000 : 1;
  for (let i = 0; i < times; i += 1) yield { type: 'message.delta', delta: `${text} ${i};` };
  if (/^wait/.test(text)) await new Promise<void>((go) => waiting.push(go));
  yield { type: 'run.end', stop_reason: 'stop' };
}

beforeAll(async () => {
  redis = await startRedis();
  worker = runWorker(smallEngine(script), { connection: redis.connection, concurrency: 100 });
});
afterAll(async () => {
  await worker.close();
  await redis.stop();
});

const clients = async () =>
  String(await redis.client.client('LIST'))
    .trim()
    .split('\n').length;
const begin = async (running: AgentRun) => {
  const events = running[Symbol.asyncIterator]();
  await events.next();
  return events;
};

describe('a gateway', () => {
  it('has as many connections for fifty runs as for one, and nothing of one run shows in another', async () => {
    const engine = queue({ connection: redis.connection });
    const first = await begin(run(engine, ask('wait first')));
    await until(() => waiting.length === 1);
    const before = await clients();
    const runs = Array.from({ length: 50 }, (_, i) => run(engine, ask(`wait ${i}`)));
    const results = runs.map((running) => running.result.then(({ output }) => output));
    await until(() => waiting.length === 51);
    expect(await clients()).toBe(before);
    release();
    expect(await Promise.all(results)).toEqual(runs.map((_, i) => `wait ${i} 0;`));
    await first.return?.();
  });

  // Looking once a second, as after a lost message, would take longer than a spec may.
  it('is woken for each event, and looks no more often than that', async () => {
    const calls = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0);
    const before = await calls();
    for await (const event of run(queue({ connection: redis.connection }), ask('rounds'))) {
      if (event.type !== 'message.delta' || /rounds/.test(event.delta)) continue;
      await until(() => waiting.length > 0);
      // Once the gateway waits for a while.
      if (event.delta === '50;') setTimeout(release, 1_000);
      else release();
    }
    // One that writes and one that reads, and what BullMQ does for the job.
    expect((await calls()) - before).toBeLessThan(3 * ROUNDS);
  });

  it('does not make a worker wait for a client that does not read', async () => {
    const engine = queue({ connection: redis.connection });
    const slow = await begin(run(engine, ask('many')));
    await until(async () => {
      const keys = await redis.client.keys('bull:agent-runs:run:*');
      const states = await Promise.all(
        keys
          .filter((key) => !key.endsWith(':events'))
          .map((key) => redis.client.hget(key, 'state')),
      );
      return states.every((state) => state === 'ended');
    });
    let deltas = 0;
    for (let step = await slow.next(); step.done !== true; step = await slow.next()) {
      if (step.value.type === 'message.delta') deltas += 1;
    }
    expect(deltas).toBe(5_000);
  });

  it('uses a client that it was given, whatever its options, and never closes it', async () => {
    const given = new Redis(redis.connection);
    const engine = queue({ connection: given });
    expect((await run(engine, ask('given')).result).output).toBe('given 0;');
    const taker = runWorker(smallEngine(script), { connection: given, name: 'given' });
    const named = queue({ connection: given, name: 'given' });
    expect((await run(named, ask('named')).result).output).toBe('named 0;');
    await taker.close();
    expect(await given.ping()).toBe('PONG');
    given.disconnect();
  });

  it('listens to its clients once, however many requests come before it is connected', async () => {
    const listenersOf = async (requests: number) => {
      redis.pause();
      const given = new Redis(redis.connection);
      const listeners = () => given.eventNames().map((name) => [name, given.listenerCount(name)]);
      const idle = given.listenerCount('ready');
      const engine = queue({ connection: given });
      const runs = Array.from({ length: requests }, (_, i) => run(engine, ask(`first ${i}`)));
      const results = Promise.all(runs.map(({ result }) => result));
      await until(() => given.listenerCount('ready') > idle);
      const before = listeners();
      redis.goOn();
      await results;
      const after = listeners();
      given.disconnect();
      return { before, after };
    };
    expect(await listenersOf(20)).toEqual(await listenersOf(1));
  });

  it('listens to its sockets once, however many requests come while Redis is not there', async () => {
    const code = `
      import { setTimeout } from 'node:timers/promises';
      import { run } from 'express-agent-envelope/engines';
      import { queue } from 'express-agent-envelope/engines/queue';
      const engine = queue({ connection: { host: '127.0.0.1', port: ${await freePort()} } });
      const messages = [{ role: 'user', content: 'x' }];
      const ask = () => run(engine, { messages }).result.catch(({ status }) => status);
      const runs = [];
      // Some of them between two attempts to connect.
      for (let i = 0; i < 60; i += 1) {
        for (let j = 0; j < 10; j += 1) runs.push(ask());
        await setTimeout(20);
      }
      process.stdout.write([...new Set(await Promise.all(runs))].join());
      process.exit();
    `;
    const args = ['--input-type=module', '-e', code];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect({ stdout, stderr }).toEqual({ stdout: '502', stderr: '' });
  });

  it('does not keep a process alive that has nothing else to do', async () => {
    const code = `
      import { run } from 'express-agent-envelope/engines';
      import { queue } from 'express-agent-envelope/engines/queue';
      const engine = queue({ connection: ${JSON.stringify(redis.connection)} });
      const messages = [{ role: 'user', content: 'once' }];
      process.stdout.write((await run(engine, { messages }).result).output);
    `;
    const args = ['--input-type=module', '-e', code];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe('once 0;');
  });
});
