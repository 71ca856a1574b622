/** `useChat`'s own reading on: the AI SDK's chat against two gateways and a worker, real processes over a real Redis. */
import { chatOf, textOf } from '../../protocols/chat.js';
import { getJson, type Node, start, stop, until } from '../nodes.js';
import { type RedisServer, startRedis } from './redis.js';
import { allFrames, framesOf, resume, stream } from './sse.js';

let redis: RedisServer;
let worker: Node;
let first: Node;
let second: Node;
let cancelling: Node;
const nodes: Node[] = [];
beforeAll(async () => {
  redis = await startRedis();
  const startNode = async (role: string, options: object = {}) => {
    const port = String(redis.connection.port);
    const node = await start('queue/process.mjs', [role, port, JSON.stringify(options)]);
    nodes.push(node);
    return node;
  };
  [worker, first, second, cancelling] = await Promise.all([
    startNode('worker'),
    startNode('gateway', { onClientLeft: 'continue' }),
    startNode('gateway', { onClientLeft: 'continue', authorize: 'conv-1' }),
    startNode('gateway'),
  ]);
});
afterAll(async () => {
  await Promise.all(nodes.map(stop));
  await redis.stop();
});

const state = () => getJson<{ open: number; aborted: number }>(`${worker.url}/state`);
/** Lets the runs that hold go on. */
const go = () => fetch(`${worker.url}/go`, { method: 'POST' });
const chatAt = (node: Node, id: string) => chatOf(`${node.url}/api/chat`, id);
type Opened = ReturnType<typeof chatAt>;

/** The user asks, and the page has the answer's first half. */
async function asked(node: Node, id: string, text: string): Promise<Opened> {
  const opened = chatAt(node, id);
  opened.chat.sendMessage({ text });
  await hasText(opened, HALF);
  return opened;
}

/** The page is loaded again: it has what was said before the answer. */
function reloaded({ chat: before }: Opened, node: Node): Opened & { done: Promise<void> } {
  const opened = chatAt(node, before.id);
  opened.chat.messages = before.messages.slice(0, -1);
  return { ...opened, done: opened.chat.resumeStream() };
}

const answerOf = ({ chat }: Opened) => textOf(chat.messages.at(-1));
const hasText = (opened: Opened, text: string) => until(() => answerOf(opened) === text);

const HALF = '0 1 2 ';
const WHOLE = `${HALF}the end`;

describe('useChat({ resume: true })', () => {
  it('reads the answer from its start, then live, from another gateway, to its end', async () => {
    const before = await asked(first, 'conv-1', 'hold 3');
    await before.chat.stop();
    const after = reloaded(before, second);
    await hasText(after, HALF);
    expect(after.chat.status).toBe('streaming');
    await go();
    await after.done;
    expect([after.chat.status, after.chat.error]).toEqual(['ready', undefined]);
    expect(after.chat.messages).toHaveLength(2);
    expect(after.chat.messages[1]).toMatchObject({ metadata: { sessionId: 'conv-1' } });
    expect([answerOf(after), after.finishReasons]).toEqual([WHOLE, ['stop']]);
    expect(after.replies[0]?.headers.get('x-session-id')).toBe('conv-1');

    await after.chat.sendMessage({ text: 'count 2' });
    expect([answerOf(after), after.chat.messages.length]).toEqual(['0 1 ', 4]);
  });

  it('is told by a 204 that nothing is under way, before the first turn and after the end', async () => {
    const opened = chatAt(first, 'conv-204');
    await opened.chat.resumeStream();
    await opened.chat.sendMessage({ text: 'count 2' });
    const after = reloaded(opened, first);
    await after.done;
    expect([opened.replies[0]?.status, after.replies[0]?.status]).toEqual([204, 204]);
    expect(after.replies[0]?.headers.get('x-session-id')).toBe('conv-204');
    expect([after.chat.status, after.chat.messages.length]).toEqual(['ready', 1]);
    expect(await redis.client.keys('*:session:conv-204')).toEqual([]);
  });

  it('reads the second turn, and nothing of the first', async () => {
    const before = chatAt(first, 'conv-2');
    await before.chat.sendMessage({ text: 'count 9' });
    before.chat.sendMessage({ text: 'hold 3' });
    await hasText(before, HALF);
    const after = reloaded(before, first);
    await hasText(after, HALF);
    await go();
    await Promise.all([after.done, until(() => before.chat.status === 'ready')]);
    const texts = ['count 9', '0 1 2 3 4 5 6 7 8 ', 'hold 3', WHOLE];
    expect(after.chat.messages.map(textOf)).toEqual(texts);
    expect(before.chat.messages.map(textOf)).toEqual(texts);
  });

  it('gets the calls of tools, those from before it came, too', async () => {
    const before = await asked(first, 'conv-3', 'hold-and-call 3');
    const live = reloaded(before, first);
    await hasText(live, HALF);
    await go();
    await live.done;
    const part = { type: 'dynamic-tool', toolCallId: 'c1', state: 'output-available' };
    const tool = { ...part, input: { at: 'x' }, output: 'seen' };
    expect(live.chat.messages[1]?.parts).toContainEqual(expect.objectContaining(tool));
    await until(() => before.chat.status === 'ready');
    expect(live.chat.messages[1]?.parts).toEqual(before.chat.messages[1]?.parts);
  });

  it('goes on without the result of a call that the turn before has made, and the user approved', async () => {
    const reply = await stream(first, 'hold-and-approved 3', 'conv-3a');
    const after = chatAt(first, 'conv-3a');
    const done = after.chat.resumeStream();
    await hasText(after, HALF);
    await go();
    await done;
    expect([after.chat.error, answerOf(after)]).toEqual([undefined, WHOLE]);
    await allFrames(reply);
  });

  it('gets the run’s failure as its error, without its reason', async () => {
    const before = await asked(first, 'conv-4', 'hold-and-fail 3');
    const after = reloaded(before, first);
    await hasText(after, HALF);
    await go();
    await Promise.all([after.done, until(() => before.chat.status === 'error')]);
    expect(after.chat.status).toBe('error');
    expect(after.chat.error?.message).toBe(before.chat.error?.message);
    expect(after.chat.error?.message).toMatch(/engine/);
    expect(after.chat.error?.message).not.toContain('private');
  });

  it('leaves again without an end of the run, which others read on', async () => {
    const { aborted } = await state();
    const before = await asked(first, 'conv-5', 'hold 3');
    await before.chat.stop();
    const leaving = reloaded(before, first);
    const staying = [reloaded(before, first), reloaded(before, first)];
    const readers = [leaving, ...staying];
    await Promise.all(readers.map((reader) => hasText(reader, HALF)));
    await leaving.chat.stop();
    // Longer than a worker takes to hear of a cancelled run.
    await new Promise((resolve) => setTimeout(resolve, 700));
    // A run's signal aborts with its end, too.
    expect((await state()).aborted).toBe(aborted);
    await go();
    await Promise.all(readers.map(({ done }) => done));
    expect(staying.map(answerOf)).toEqual([WHOLE, WHOLE]);
    expect(answerOf(leaving)).toBe(HALF);
  });

  it('is not another run: neither a span nor a job more', async () => {
    const spans = async () =>
      (
        await Promise.all(
          [first, second, worker].map(({ url }) => getJson<object[]>(`${url}/spans`)),
        )
      )
        .flat()
        .filter((span) => JSON.stringify(span).includes('"invoke_agent')).length;
    const before = await asked(first, 'conv-6', 'hold 3');
    const count = await spans();
    const after = reloaded(before, first);
    await hasText(after, HALF);
    await go();
    await after.done;
    await until(async () => (await spans()) >= count + 2);
    expect(await spans()).toBe(count + 2);
    expect((await state()).open).toBe(0);
  });

  it('sees no other session, and is refused one in words that do not tell its id', async () => {
    const other = await asked(first, 'conv-7', 'hold 3');
    const own = chatAt(second, 'conv-1');
    await own.chat.resumeStream();
    expect([own.replies[0]?.status, own.chat.messages]).toEqual([204, []]);
    const foreign = reloaded(other, second);
    await foreign.done;
    expect([foreign.replies[0]?.status, foreign.chat.status]).toEqual([403, 'error']);
    expect(foreign.chat.error?.message).toBe('The caller may not use this session');
    expect(foreign.replies[0]?.headers.get('x-session-id')).toBeNull();
    await go();
    await until(() => other.chat.status === 'ready');
  });
});

describe('resumeSession()', () => {
  it('gives our own events where it is told nothing else, as resumeRun() does', async () => {
    const reply = await stream(first, 'hold 3', 'conv-8');
    const again = await fetch(`${first.url}/sessions/conv-8`);
    expect(again.headers.get('x-session-id')).toBe('conv-8');
    await go();
    const frames = await allFrames(again);
    expect(frames).toEqual(await allFrames(reply));
    expect(frames).toEqual(await allFrames(await resume(first, frames[0]?.data.run_id)));
  });

  it('finds a run by the id that its engine gave', async () => {
    const reply = await stream(first, 'hold 3');
    const id = String(reply.headers.get('x-session-id'));
    expect(id).toMatch(/^engine-/);
    const again = await fetch(`${first.url}/sessions/${id}`);
    await go();
    expect(await allFrames(again)).toEqual(await allFrames(reply));
    expect(await redis.client.keys('*:session:*')).toEqual([]);
  });

  it('gives the newest run, and once that is over, one before it that is not', async () => {
    const runs = [
      await stream(first, 'hold 1', 'conv-9'),
      await stream(cancelling, 'hold 2', 'conv-9'),
    ];
    const [older, newer] = await Promise.all(
      runs.map(async (reply) => {
        const frames = framesOf(reply);
        return { runId: (await frames.next()).value?.data.run_id, leave: () => frames.return() };
      }),
    );
    const newest = async () => {
      const frames = framesOf(await fetch(`${first.url}/sessions/conv-9`));
      const { value } = await frames.next();
      await frames.return();
      return value?.data.run_id;
    };
    expect(await newest()).toBe(newer?.runId);
    await newer?.leave();
    await until(async () => (await newest()) === older?.runId);
    await go();
    await older?.leave();
  });

  it('says by a 204 that a run is not under way that Redis has lost', async () => {
    const frames = framesOf(await stream(first, 'hold 1', 'conv-11'));
    const { value } = await frames.next();
    await redis.client.del(`bull:agent-runs:run:${value?.data.run_id}`);
    expect((await fetch(`${first.url}/sessions/conv-11`)).status).toBe(204);
    await go();
    await frames.return();
  });

  it('tells a run as AG-UI, too', async () => {
    const reply = await stream(first, 'hold 3', 'conv-10');
    const again = await fetch(`${first.url}/agent/conv-10`);
    await go();
    const events = (await allFrames(again)).map(({ data }) => data);
    expect(events[0]).toMatchObject({ type: 'RUN_STARTED', threadId: 'conv-10' });
    expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', result: { stopReason: 'stop' } });
    await allFrames(reply);
  });

  it('refuses what is no session id with a 400 that does not repeat it', async () => {
    const reply = await fetch(`${first.url}/sessions/not%20one`);
    const problem = await reply.text();
    expect([reply.status, JSON.parse(problem).code]).toEqual([400, 'INVALID_FIELD']);
    expect(problem).not.toContain('not one');
  });

  it('says that its route must name the session', async () => {
    const reply = await fetch(`${first.url}/nothing`);
    expect([reply.status, await reply.json()]).toMatchObject([500, { code: 'INTERNAL_ERROR' }]);
  });
});
