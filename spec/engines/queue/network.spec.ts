/** A network that drops between a gateway or a worker and Redis: a run ends whole, or with a code, and the next one is served. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Node, start } from '../nodes.js';
import { type Link, startLink } from './link.js';
import { type RedisServer, startRedis } from './redis.js';
import { allFrames, type Frame, framesOf, numbers, stream, textOf } from './sse.js';

let redis: RedisServer;
let gateway: Node;
let worker: Node;
const links: Record<'gateway' | 'worker', Link> = {} as never;
const startNode = async (role: 'gateway' | 'worker', options: object = {}) => {
  links[role] = await startLink(redis.connection);
  const port = String(links[role].port);
  return start('queue/process.mjs', [role, port, JSON.stringify(options)]);
};
beforeAll(async () => {
  redis = await startRedis();
  // Longer than any of the breaks: silence of a worker, not of the network.
  gateway = await startNode('gateway', { timeoutMs: 25_000 });
  worker = await startNode('worker');
});
afterAll(async () => {
  for (const { child } of [gateway, worker]) child.kill('SIGKILL');
  await Promise.all(Object.values(links).map((link) => link.stop()));
  await redis.stop();
});

/** How a network breaks, and comes back after a second. */
const BREAKS = {
  'is cut and refuses': {
    drop: (link: Link) => link.cut(),
    mend: (link: Link) => link.mend(),
  },
  'is silent': {
    drop: (link: Link) => link.silence(),
    mend: (link: Link) => link.mend(),
  },
  'forgets its connections without a word': {
    drop: (link: Link) => link.silence(),
    mend: (link: Link) => link.mendForNew(),
  },
};
type Break = keyof typeof BREAKS;
const SIDES = {
  'at the gateway': ['gateway'],
  'at the worker': ['worker'],
  'on both sides': ['gateway', 'worker'],
} as const;
type Side = keyof typeof SIDES;

/** @returns what mends it again */
const drop = (side: Side, what: Break) => {
  const dropped = SIDES[side].map((role) => links[role]);
  for (const link of dropped) BREAKS[what].drop(link);
  return () => Promise.all(dropped.map((link) => BREAKS[what].mend(link)));
};

const COUNT = 30;
/** Whole, or a part and a coded error under the run's own id. */
function expectEnd(frames: readonly Frame[], id: string): 'whole' | 'broken' {
  const last = frames.at(-1);
  if (last?.data.type === 'run.end') {
    expect(textOf(frames)).toBe(numbers(COUNT));
    return 'whole';
  }
  expect(last?.data).toMatchObject({ code: 'ENGINE_FAILED', session_id: id });
  expect(numbers(COUNT).startsWith(textOf(frames))).toBe(true);
  return 'broken';
}

async function readAll(reply: Response, id: string): Promise<'whole' | 'broken'> {
  expect(reply.headers.get('x-session-id')).toBe(id);
  if (reply.ok) return expectEnd(await allFrames(reply), id);
  expect(await reply.json()).toMatchObject({ code: 'ENGINE_FAILED', session_id: id });
  return 'broken';
}

const cases = (Object.keys(BREAKS) as Break[]).flatMap((what) =>
  (Object.keys(SIDES) as Side[]).map((side) => [what, side] as const),
);
let runs = 0;
const ask = () => {
  runs += 1;
  const id = `conv-${runs}`;
  return { id, reply: stream(gateway, `count ${COUNT} 50`, id) };
};

/** Begins a run, and breaks the network in the middle of it. */
async function breakIn(side: Side, what: Break) {
  const { id, reply } = ask();
  const frames = framesOf(await reply);
  const first: Frame[] = [];
  while (first.length < 5) first.push((await frames.next()).value as Frame);
  const mend = drop(side, what);
  const end = async () => {
    const rest: Frame[] = [];
    for await (const frame of frames) rest.push(frame);
    return expectEnd([...first, ...rest], id);
  };
  return { mend, end: end() };
}

const expectNextIsWhole = async () => {
  const { id, reply } = ask();
  expect(await readAll(await reply, id)).toBe('whole');
};

it.each(cases)(
  'when the network %s %s, runs in the middle and before their first event end, and the next one is whole',
  async (what, side) => {
    const { mend, end } = await breakIn(side, what);
    const { id, reply } = ask();
    await delay(1_000);
    await mend();
    expect(['whole', 'broken']).toContain(await end);
    expect(['whole', 'broken']).toContain(await readAll(await reply, id));
    await expectNextIsWhole();
  },
);

it.each(['is cut and refuses', 'is silent'] as const)(
  'when the network %s at the gateway and stays so, the run ends with a code',
  async (what) => {
    const { mend, end } = await breakIn('at the gateway', what);
    expect(await end).toBe('broken');
    await mend();
    await expectNextIsWhole();
  },
);
