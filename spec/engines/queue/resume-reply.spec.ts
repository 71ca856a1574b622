/** What `reply` of `resumeSession()` may give back, and what becomes of what it may not. */
import { setImmediate } from 'node:timers/promises';
import express from 'express';
import { run } from '../../../lib/engines/index.js';
import { queue, resumeSession, runWorker } from '../../../lib/engines/queue/index.js';
import { problemDetails } from '../../../lib/index.js';
import type { AgentRun } from '../../../lib/shared/agent-run.js';
import type { AgentEvent } from '../../../lib/shared/run-events.js';
import { gate, serving } from '../../helpers.js';
import { ask } from '../nodes.js';
import { smallEngine } from '../small-engine.js';
import { type RedisServer, startRedis } from './redis.js';

let redis: RedisServer;
let worker: { close(): Promise<void> };
let held = gate();
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);

async function* script(): AsyncIterable<AgentEvent> {
  yield { type: 'message.delta', delta: 'an answer' };
  await held.opened;
  yield { type: 'run.end', stop_reason: 'stop' };
}

beforeAll(async () => {
  process.on('unhandledRejection', note);
  redis = await startRedis();
  worker = runWorker(smallEngine(script), { connection: redis.connection });
});
afterAll(async () => {
  process.off('unhandledRejection', note);
  await worker.close();
  await redis.stop();
});
beforeEach(() => {
  held = gate();
  unhandled.length = 0;
});

/** A run that is under way is read on through `reply`; gives the response's status and text, and what `next()` was given. */
async function resumed(reply: (run: AgentRun) => unknown, sessionId: string) {
  const { connection } = redis;
  const running = run(queue({ connection }), { ...ask('go on'), sessionId });
  const events = running[Symbol.asyncIterator]();
  await events.next();
  await events.next();
  const errors: unknown[] = [];
  const app = express();
  // The run ends only now: one that is over is not read on.
  const found = (kept: AgentRun) => {
    held.open();
    return reply(kept) as Response;
  };
  app.get('/:sessionId', resumeSession({ connection, authorize: () => true, reply: found }));
  app.use(problemDetails({ onError: (error) => errors.push(error) }));
  const told = await serving(app, async (url) => {
    const response = await fetch(new URL(sessionId, url));
    return { status: response.status, text: await response.text() };
  });
  while ((await events.next()).done !== true);
  await setImmediate();
  return { ...told, errors };
}

describe('reply of resumeSession()', () => {
  it.each<[string, (run: AgentRun) => unknown]>([
    ['at once', (run) => new Response(textOf(run))],
    ['as a promise', async (run) => new Response(textOf(run))],
    ['when the run has ended', async (run) => new Response((await run.result).output)],
  ])('may give a Response %s', async (title, reply) => {
    const { status, text, errors } = await resumed(reply, `reply-${title.length}`);
    expect([status, text, errors]).toEqual([200, 'an answer', []]);
    expect(unhandled).toEqual([]);
  });

  const DOWN = new Error('the store is down');
  it.each<[string, (run: AgentRun) => unknown, object]>([
    ['nothing', () => undefined, { code: 'INVALID_OUTPUT' }],
    ['a text', () => 'text', { code: 'INVALID_OUTPUT' }],
    ['the promise of a text', async () => 'text', { code: 'INVALID_OUTPUT' }],
    ['the run itself', (run) => run, { code: 'INVALID_OUTPUT' }],
    ['a result that nobody awaits', (run) => void run.result, { code: 'INVALID_OUTPUT' }],
    [
      'a throw',
      () => {
        throw DOWN;
      },
      DOWN,
    ],
    ['a rejection', async () => Promise.reject(DOWN), DOWN],
  ])('is a 500 for %s, and leaves nothing behind', async (title, reply, error) => {
    const { status, errors } = await resumed(reply, `wrong-${title.length}`);
    expect(status).toBe(500);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject(error);
    if (error !== DOWN) expect(String(errors[0])).toContain('resumeSession: reply');
    expect(unhandled).toEqual([]);
  });
});

/** The text of the answer, as it comes. */
const textOf = (running: AgentRun) => ReadableStream.from(bytesOf(running));

async function* bytesOf(running: AgentRun) {
  const encoder = new TextEncoder();
  for await (const event of running) {
    if (event.type === 'message.delta') yield encoder.encode(event.delta);
  }
}
