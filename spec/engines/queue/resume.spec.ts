/** Two gateways and a worker, real processes over a real Redis; a client that goes from one gateway to the other. */
import { getJson, type Node, start, stop, until } from '../nodes.js';
import { type RedisServer, startRedis } from './redis.js';
import { allFrames, type Frame, framesOf, numbers, resume, stream, textOf } from './sse.js';

let redis: RedisServer;
let worker: Node;
let first: Node;
let second: Node;
const nodes: Node[] = [];
const startNode = async (role: string, options: object = {}) => {
  const port = String(redis.connection.port);
  const node = await start('queue/process.mjs', [role, port, JSON.stringify(options)]);
  nodes.push(node);
  return node;
};
beforeAll(async () => {
  redis = await startRedis();
  [worker, first, second] = await Promise.all([
    startNode('worker'),
    startNode('gateway', { onClientLeft: 'continue', authorize: 'conv-1' }),
    startNode('gateway', { authorize: 'conv-1' }),
  ]);
});
afterAll(async () => {
  await Promise.all(nodes.map(stop));
  await redis.stop();
});

/** Reads the run's first frames and leaves. */
async function readAndLeave(node: Node, content: string, count: number): Promise<Frame[]> {
  const controller = new AbortController();
  const frames: Frame[] = [];
  for await (const frame of framesOf(await stream(node, content, 'conv-1', controller.signal))) {
    if (frames.push(frame) === count) break;
  }
  controller.abort();
  return frames;
}

const runIdOf = (frames: readonly Frame[]) => frames[0]?.data.run_id;

describe('a run over the queue', () => {
  it('has an unguessable run_id in run.start, and an id on every frame', async () => {
    const reply = await stream(first, 'count 3', 'conv-1');
    expect(reply.headers.get('x-session-id')).toBe('conv-1');
    const frames = await allFrames(reply);
    expect(frames.map(({ data }) => data.type)).toEqual([
      'run.start',
      ...Array(3).fill('message.delta'),
      'run.end',
    ]);
    expect(frames[0]?.data).toMatchObject({ session_id: 'conv-1', engine: 'queue' });
    expect(runIdOf(frames)).toMatch(/^[\da-f]{8}-[\da-f]{4}-4/);
    const ids = frames.map(({ id }) => id);
    expect(ids.every((id) => typeof id === 'string' && id !== '')).toBe(true);
    expect(new Set(ids).size).toBe(frames.length);
  });

  it('is one trace under one id, parent to child, and the engine never sees the id', async () => {
    const [head] = await allFrames(await stream(first, 'count 1', 'conv-1'));
    const spansAt = async (node: Node) =>
      (await getJson<Record<string, string>[]>(`${node.url}/spans`)).filter(
        ({ trace }) => trace === head?.data.trace_id,
      );
    await until(async () =>
      (await spansAt(worker)).some(({ name }) => /^invoke_agent/.test(name ?? '')),
    );
    const [here, there] = [await spansAt(first), await spansAt(worker)];
    expect([...here, ...there].map(({ id }) => id)).toEqual(
      Array(here.length + there.length).fill('conv-1'),
    );
    const spanAt = (spans: typeof here, name: string) => spans.find((span) => span.name === name);
    expect(spanAt(there, 'invoke_agent scripted')?.parent).toBe(
      spanAt(here, 'invoke_agent queue')?.span,
    );
    expect(JSON.stringify(await getJson(`${worker.url}/state`))).not.toContain('conv-1');
  });

  it('goes by the engine’s id where the client sends none, on the reply and on a resumed one', async () => {
    const open = await startNode('gateway');
    const reply = await stream(open, 'count 2');
    const frames = await allFrames(reply);
    expect(reply.headers.get('x-session-id')).toMatch(/^engine-/);
    const again = await resume(open, runIdOf(frames));
    expect(again.headers.get('x-session-id')).toBe(reply.headers.get('x-session-id'));
    expect(await allFrames(again)).toEqual(frames);
  });
});

describe('resumeRun()', () => {
  it.each([[undefined], [0], [1], [5]])(
    'gives exactly the events after the frame %p, then the live ones, from another gateway',
    async (index) => {
      const had = await readAndLeave(first, 'count 30 20', 8);
      const from = index === undefined ? undefined : had[index];
      const reply = await resume(second, runIdOf(had), from?.id);
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toMatch(/^text\/event-stream/);
      expect(reply.headers.get('x-session-id')).toBe('conv-1');
      const rest = await allFrames(reply);
      const before = index === undefined ? [] : had.slice(0, index + 1);
      expect(textOf([...before, ...rest])).toBe(numbers(30));
      expect(rest.slice(0, had.length - before.length)).toEqual(had.slice(before.length));
      expect(rest.at(-1)?.data).toEqual({ type: 'run.end', stop_reason: 'stop' });
    },
  );

  it('serves two clients at once', async () => {
    const had = await readAndLeave(first, 'count 20 20', 3);
    const replies = [first, second].map((node) => resume(node, runIdOf(had)));
    const [one, two] = await Promise.all(replies.map(async (reply) => allFrames(await reply)));
    expect(textOf(one ?? [])).toBe(numbers(20));
    expect(two).toEqual(one);
  });

  it('serves what there was after the end, and says by a 204 that nothing is left', async () => {
    const frames = await allFrames(await stream(first, 'count 5', 'conv-1'));
    const rest = await allFrames(await resume(second, runIdOf(frames), frames[2]?.id));
    expect(rest).toEqual(frames.slice(3));
    const done = await resume(second, runIdOf(frames), frames.at(-1)?.id);
    expect([done.status, done.headers.get('x-session-id')]).toEqual([204, 'conv-1']);
  });

  it('serves the failure of a run in band, and nothing after it', async () => {
    const failed = await stream(first, 'fail', 'conv-1');
    const frames = await allFrames(failed);
    expect(frames.at(-1)).toMatchObject({ event: 'error', data: { code: 'ENGINE_FAILED' } });
    expect(JSON.stringify(frames)).not.toContain('private');
    const again = await allFrames(await resume(second, runIdOf(frames)));
    expect(again.at(-1)).toMatchObject({
      event: 'error',
      data: { code: 'ENGINE_FAILED', session_id: 'conv-1' },
    });
    // An `EventSource` asks again after each end, a failure too: with the id of this frame it is told to stop.
    expect(again.at(-1)?.id).toBe(frames.at(-1)?.id);
    const done = await resume(second, runIdOf(frames), frames.at(-1)?.id);
    expect(done.status).toBe(204);
  });

  it('goes on after the gateway was killed', async () => {
    const gateway = await startNode('gateway');
    const reply = await stream(gateway, 'count 30 30', 'conv-1');
    const had: Frame[] = [];
    try {
      for await (const frame of framesOf(reply)) {
        if (had.push(frame) === 5) gateway.child.kill('SIGKILL');
      }
    } catch {
      // The connection broke.
    }
    const rest = await allFrames(await resume(second, runIdOf(had), had.at(-1)?.id));
    expect(textOf([...had, ...rest])).toBe(numbers(30));
  });

  it('refuses who may not read the session with a 403 that does not tell its id', async () => {
    const reply = await stream(first, 'count 1', 'conv-2');
    const frames = await allFrames(reply);
    const refused = await resume(second, runIdOf(frames));
    expect(refused.status).toBe(403);
    expect(refused.headers.get('x-session-id')).toBeNull();
    const body = await refused.text();
    expect(JSON.parse(body).code).toBe('SESSION_FORBIDDEN');
    expect(body).not.toContain('conv-2');
  });

  it.each([['7e9a5b0c-0000-4000-8000-000000000000'], ['x'], ['a:b'], ['%00']])(
    'answers an unknown run %p with a 404',
    async (runId) => {
      const reply = await resume(first, runId);
      expect(reply.status).toBe(404);
      expect(await reply.json()).toMatchObject({ code: 'RUN_NOT_FOUND' });
    },
  );

  it('answers an expired run with a 404', async () => {
    const brief = await startNode('gateway', { retentionMs: 1 });
    const frames = await allFrames(await stream(brief, 'count 1', 'conv-1'));
    await until(async () => (await resume(first, runIdOf(frames))).status === 404);
    await until(async () => (await redis.client.keys(`*${runIdOf(frames)}*`)).length === 0);
  });

  it.each([['99'], ['abc'], ['-1'], ['1-0']])(
    'answers a Last-Event-ID %p that is not of the run with a 400',
    async (id) => {
      const frames = await allFrames(await stream(first, 'count 1', 'conv-1'));
      const reply = await resume(first, runIdOf(frames), id);
      expect(reply.status).toBe(400);
      expect(await reply.json()).toMatchObject({ code: 'INVALID_INPUT', status: 400 });
    },
  );

  it('tells in band how many of the oldest events are no longer kept', async () => {
    const small = await startNode('gateway', { maxEvents: 10 });
    const frames = await allFrames(await stream(small, 'count 300', 'conv-1'));
    const kept = await allFrames(await resume(second, runIdOf(frames)));
    expect(kept[0]?.data.type).toBe('run.start');
    expect(kept[1]?.data).toEqual({ type: 'events.dropped', count: 291 });
    expect(textOf(kept)).toBe(numbers(300).slice(-9 * 4));
    expect(await redis.client.xlen(`bull:agent-runs:run:${runIdOf(frames)}:events`)).toBe(10);
  });
});

describe('a client that leaves', () => {
  it('cancels its run, and the queue keeps nothing of the job', async () => {
    const { aborted } = await getJson<{ aborted: number }>(`${worker.url}/state`);
    const had = await readAndLeave(second, 'stall 3', 4);
    await until(
      async () => (await getJson<{ aborted: number }>(`${worker.url}/state`)).aborted > aborted,
    );
    const rest = await allFrames(await resume(first, runIdOf(had), had.at(-1)?.id));
    expect(rest.map(({ data }) => data)).toEqual([{ type: 'run.end', stop_reason: 'cancelled' }]);
    await until(async () => !(await redis.client.exists(`bull:agent-runs:${runIdOf(had)}`)));
  });

  it('leaves its run going with onClientLeft: continue', async () => {
    const had = await readAndLeave(first, 'count 20 30', 3);
    const rest = await allFrames(await resume(first, runIdOf(had), had.at(-1)?.id));
    expect(textOf([...had, ...rest])).toBe(numbers(20));
    expect(rest.at(-1)?.data).toEqual({ type: 'run.end', stop_reason: 'stop' });
  });
});
