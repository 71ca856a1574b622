/** What a run fails with is told where its engine runs: the gateway gets neither the engine's error nor a cause. */
import { jest } from '@jest/globals';
import { run } from '../../../lib/engines/index.js';
import { queue, type RunWorkerOptions, runWorker } from '../../../lib/engines/queue/index.js';
import { EnvelopeError, getSessionId } from '../../../lib/index.js';
import type { AgentEvent } from '../../../lib/shared/run-events.js';
import { ask } from '../nodes.js';
import { smallEngine } from '../small-engine.js';
import { type RedisServer, startRedis } from './redis.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const KEY_MISSING = new Error('the key of the model is missing');
const REFUSED = new EnvelopeError('INVALID_INPUT', '/data/inputs/messages is no conversation');

/** Fails as it is asked to. */
async function* script(text: string): AsyncIterable<AgentEvent> {
  yield { type: 'message.delta', delta: 'an answer' };
  if (text === 'fail') throw KEY_MISSING;
  if (text === 'refuse') throw REFUSED;
  if (text === 'hang') await new Promise(() => {});
  yield { type: 'run.end', stop_reason: 'stop' };
}

interface Told {
  readonly error: unknown;
  readonly runId: string;
  readonly sessionId: string | undefined;
}

type OnError = RunWorkerOptions['onError'];

/** Runs on a worker of its own; gives what the gateway's run has failed with. */
async function failureOn(text: string, name: string, onError: OnError): Promise<unknown> {
  const place = { connection: redis.connection, name };
  const worker = runWorker(smallEngine(script), { ...place, onError });
  const controller = new AbortController();
  const { signal } = controller;
  const running = run(queue(place), { ...ask(text), sessionId: 's-1' }, { signal });
  try {
    for await (const event of running) {
      if (event.type === 'message.delta' && text === 'hang') controller.abort();
    }
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await worker.close();
  }
}

/** What goes to stderr meanwhile, of an app in production. */
async function printed(work: () => Promise<unknown>): Promise<string> {
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  let text = '';
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  try {
    await work();
  } finally {
    write.mockRestore();
    process.env.NODE_ENV = NODE_ENV;
  }
  return text;
}

describe('onError of runWorker()', () => {
  it.each([
    ['fail', { code: 'ENGINE_FAILED', cause: KEY_MISSING }],
    ['refuse', REFUSED],
  ])('sees once, in its session, what a run fails with that is to %s', async (text, error) => {
    const told: Told[] = [];
    const failure = await failureOn(text, `seen-${text}`, (seen, { runId }) => {
      told.push({ error: seen, runId, sessionId: getSessionId() });
    });
    expect(told).toEqual([
      { error: expect.objectContaining(error), sessionId: 's-1', runId: expect.any(String) },
    ]);
    expect(failure).toMatchObject({ code: error.code });
    expect((failure as Error).cause).toBeUndefined();
  });

  it.each(['end', 'hang'])('sees nothing of a run that is to %s, or is cancelled', async (text) => {
    const onError = jest.fn();
    await failureOn(text, `unseen-${text}`, onError);
    expect(onError).not.toHaveBeenCalled();
  });
});

describe('stderr of a worker', () => {
  it('has the failure of an engine with its cause, where there is no onError', async () => {
    const text = await printed(() => failureOn('fail', 'printed', undefined));
    expect(text).toContain('EnvelopeError: The engine "small" failed');
    expect(text).toContain(`[cause] Error: ${KEY_MISSING.message}`);
  });

  it.each<[string, string, OnError]>([
    ['of what the client did wrong', 'refuse', undefined],
    ['where onError sees it', 'fail', () => undefined],
    ['of a run that ends well', 'end', undefined],
    ['of one that is cancelled', 'hang', undefined],
  ])('has nothing %s', async (title, text, onError) => {
    const name = `silent-${title.length}`;
    expect(await printed(() => failureOn(text, name, onError))).toBe('');
  });

  it.each<[string, OnError]>([
    [
      'throws',
      () => {
        throw new Error('the log is full');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the log is full'))],
  ])('has what onError %s with', async (how, onError) => {
    const text = await printed(() => failureOn('fail', `faulty-${how}`, onError));
    expect(text).toContain('the log is full');
  });
});
