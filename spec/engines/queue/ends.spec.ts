/** However a run comes to its end, whoever reads it hears of it: real processes over a real Redis. */
import { getJson, type Node, start, until } from '../nodes.js';
import { type RedisServer, startRedis } from './redis.js';
import { allFrames, type Frame, stream } from './sse.js';

let redis: RedisServer;
let nodes: Node[];
const startNode = async (role: string, options: object = {}) => {
  const port = String(redis.connection.port);
  const node = await start('queue/process.mjs', [role, port, JSON.stringify(options)]);
  nodes.push(node);
  return node;
};
beforeEach(async () => {
  nodes = [];
  redis = await startRedis();
});
afterEach(async () => {
  for (const { child } of nodes) child.kill('SIGKILL');
  await redis.stop();
});

const LIST = 'bull:agent-runs:session:conv-1';
const keyOfRun = async () => {
  await until(async () => (await redis.client.llen(LIST)) === 1);
  return String(await redis.client.lindex(LIST, 0));
};
const data = (frames: readonly Frame[]) => frames.map((frame) => frame.data);

/** Gateways that listen to it. */
const listening = async (runKey: string, count: number) =>
  until(async () => Number((await redis.client.pubsub('NUMSUB', runKey))[1]) === count);
/** All ways to read a run. The protocol's sends no byte before the run has begun. */
const pathsTo = (runKey: string) => [
  'agent/conv-1',
  'sessions/conv-1',
  `runs/${runKey.split(':').at(-1)}`,
];

/** Begins to read a run in each way, on a gateway that has nothing to do with it. */
async function readersOf(runKey: string) {
  const { url } = await startNode('gateway');
  const read = async (path = '') => (await fetch(`${url}/${path}`)) as Response;
  const [agentPath, ...paths] = pathsTo(runKey);
  const agent = read(agentPath);
  await listening(runKey, 2);
  const replies = await Promise.all(paths.map(read));
  return { url, frames: Promise.all([agent, ...replies].map(async (r) => allFrames(await r))) };
}

/** How an end is told, in our own events and by AG-UI. */
const LATE = [{ code: 'ENGINE_FAILED', status: 504 }, { type: 'RUN_ERROR' }] as const;
const LEFT = [
  { type: 'run.end', stop_reason: 'cancelled' },
  { type: 'RUN_FINISHED', result: { stopReason: 'cancelled' } },
] as const;

describe('a run that no worker has begun', () => {
  it.each([
    ['that waited longer than timeoutMs', { timeoutMs: 5000 }, () => {}, LATE],
    ['whose client has left', {}, (client: AbortController) => client.abort(), LEFT],
  ])('%s ends for its readers', async (_what, options, act, end) => {
    const client = new AbortController();
    const gateway = await startNode('gateway', options);
    const asked = stream(gateway, 'count 1', 'conv-1', client.signal).catch(() => undefined);
    const runKey = await keyOfRun();
    const { url, frames } = await readersOf(runKey);
    act(client);
    const [agent, session, run] = await frames;
    // Clients know no end without a start.
    const startOf = (type: string) => (end === LEFT ? [{ type }] : []);
    expect(data(run ?? [])).toMatchObject([...startOf('run.start'), end[0]]);
    expect(session).toEqual(run);
    expect(data(agent ?? [])).toMatchObject([...startOf('RUN_STARTED'), end[1]]);
    const [, , path] = pathsTo(runKey);
    expect(await allFrames(await fetch(`${url}/${path}`))).toEqual(run);
    await asked;
  });

  it.each([[0], [1], [2]])('is no error where it is its reader that leaves, %d', async (way) => {
    const [gateway, other] = await Promise.all([startNode('gateway'), startNode('gateway')]);
    stream(gateway, 'count 1', 'conv-1').catch(() => undefined);
    const runKey = await keyOfRun();
    const client = new AbortController();
    const path = pathsTo(runKey)[way];
    fetch(`${other.url}/${path}`, { signal: client.signal }).catch(() => undefined);
    await listening(runKey, 2);
    // So that it waits.
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.abort();
    await listening(runKey, 1);
    expect(await getJson(`${other.url}/state`)).toMatchObject({ errors: [] });
  });
});

describe('a run that is silent for longer than timeoutMs', () => {
  const kill = ({ child }: Node) => child.kill('SIGKILL');
  it.each([
    ['whose worker is gone', kill],
    [
      'whose worker is gone for long',
      async (worker: Node) => {
        kill(worker);
        await redis.client.del(await redis.client.keys('bull:agent-runs:*:lock'));
      },
    ],
    ['whose worker hangs', () => {}],
  ])('%s ends for its readers', async (_what, fault) => {
    const [gateway, worker] = await Promise.all([
      startNode('gateway', { timeoutMs: 5000 }),
      startNode('worker'),
    ]);
    const asked = stream(gateway, 'stall 3', 'conv-1').then(allFrames);
    const runKey = await keyOfRun();
    await until(async () => (await redis.client.hget(runKey, 'n')) === '3');
    const { url, frames } = await readersOf(runKey);
    await fault(worker);
    const [agent, session, run] = await frames;
    expect(data(run ?? []).at(-1)).toMatchObject(LATE[0]);
    expect(run).toHaveLength(5);
    expect([session, await asked]).toEqual([run, run]);
    expect(data(agent ?? []).at(-1)).toMatchObject(LATE[1]);
    expect((await fetch(`${url}/sessions/conv-1`)).status).toBe(204);
    expect(await redis.client.exists(LIST)).toBe(0);
  });
});

describe('a run of which Redis has lost something', () => {
  /** As a Redis that comes back with what it had some time ago. */
  async function toFirstEvent(key: string) {
    const [[, fields] = []] = await redis.client.xrange(`${key}:events`, '-', '+', 'COUNT', 1);
    const back = redis.client.multi().hset(key, 'n', 1).del(`${key}:events`);
    await back.xadd(`${key}:events`, '1-0', ...(fields as string[])).exec();
  }
  it.each([
    ['its last events', toFirstEvent],
    ['all of it', (key: string) => redis.client.del(key)],
  ])('%s, ends for its readers, whose gateway is gone', async (_what, lose) => {
    const [gateway] = await Promise.all([startNode('gateway'), startNode('worker')]);
    const asked = stream(gateway, 'count 40 100', 'conv-1').catch(() => undefined);
    const runKey = await keyOfRun();
    await until(async () => Number(await redis.client.hget(runKey, 'n')) > 3);
    const { url, frames } = await readersOf(runKey);
    gateway.child.kill('SIGKILL');
    await lose(runKey);
    for (const told of await frames)
      expect(data(told).at(-1)).toMatchObject({ code: 'ENGINE_FAILED' });
    await until(async () => (await fetch(`${url}/sessions/conv-1`)).status === 204);
    await asked;
  });

  it('its events, once it is over, is told as it is', async () => {
    const [gateway] = await Promise.all([startNode('gateway'), startNode('worker')]);
    const [head] = await allFrames(await stream(gateway, 'count 3', 'conv-1'));
    await redis.client.del(`bull:agent-runs:run:${head?.data.run_id}:events`);
    const reply = await fetch(`${gateway.url}/runs/${head?.data.run_id}`);
    expect(data(await allFrames(reply))).toMatchObject([
      head?.data,
      { type: 'events.dropped', count: 4 },
      { code: 'ENGINE_FAILED', status: 502 },
    ]);
  });
});

describe('a job whose gateway died before it had made the run', () => {
  it.each([
    ['is done', true],
    ['is not done again once a worker had taken it: its run is long over', false],
  ])('%s', async (_what, isFirst) => {
    const [gateway, reader] = await Promise.all([startNode('gateway'), startNode('gateway')]);
    const asked = stream(gateway, 'stall 3', 'conv-1').catch(() => undefined);
    const runKey = await keyOfRun();
    gateway.child.kill('SIGKILL');
    if (!isFirst) {
      const worker = await startNode('worker');
      await until(async () => Number(await redis.client.hget(runKey, 'n')) === 3);
      worker.child.kill('SIGKILL');
      await redis.client.del(await redis.client.keys('bull:agent-runs:*:lock'));
    }
    await redis.client.del(runKey, `${runKey}:events`, LIST);
    const worker = await startNode('worker');
    const jobKey = runKey.replace(':run:', ':');
    await until(
      async () => (await redis.client.exists(isFirst ? runKey : jobKey)) === Number(isFirst),
    );
    const requests = async () =>
      (await getJson<{ requests: object[] }>(`${worker.url}/state`)).requests.length;
    if (isFirst) await until(async () => (await requests()) === 1);
    else expect(await requests()).toBe(0);
    const reply = await fetch(`${reader.url}/sessions/conv-1`);
    expect(reply.status).toBe(isFirst ? 200 : 204);
    await reply.body?.cancel();
    await asked;
  });
});

it('a run that nobody is there for ends for its readers after timeoutMs, and for those after them', async () => {
  const options = { timeoutMs: 5000, onClientLeft: 'continue' };
  const [gateway, worker] = await Promise.all([startNode('gateway', options), startNode('worker')]);
  const asked = stream(gateway, 'stall 3', 'conv-1').catch(() => undefined);
  const runKey = await keyOfRun();
  await until(async () => (await redis.client.hget(runKey, 'n')) === '3');
  for (const { child } of [gateway, worker]) child.kill('SIGKILL');
  const { url } = await startNode('gateway');
  const paths = pathsTo(runKey).map((path) => fetch(`${url}/${path}`).then(allFrames));
  const told = await Promise.all(paths);
  expect(told.map((frames) => data(frames).at(-1))).toMatchObject([LATE[1], LATE[0], LATE[0]]);
  expect((await fetch(`${url}/sessions/conv-1`)).status).toBe(204);
  await asked;
});
