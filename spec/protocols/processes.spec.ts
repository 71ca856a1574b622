/** Both clients, unmodified, across two real processes: a gateway with `remote()`, and a runner with Pi. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { HttpAgent } from '@ag-ui/client';
import { getJson, type Node, start, stop, until } from '../engines/nodes.js';

const SCRIPT = '../protocols/process.mjs';
let runner: Node;
let gateway: Node;

beforeAll(async () => {
  runner = await start(SCRIPT, ['runner']);
  gateway = await start(SCRIPT, ['gateway', runner.url]);
});
afterAll(async () => {
  await Promise.all([runner, gateway].filter(Boolean).map(stop));
});

const said = (count: number, text: string) =>
  `I have seen ${count} message(s). The last one says: ${text}`;
const ANSWERS = [said(1, 'one'), said(3, 'two'), said(5, 'three')];

/** The ids on the spans of both processes, once three turns have ended. */
async function idsOf(session: string): Promise<unknown[]> {
  const spans = async ({ url }: Node) => getJson<[string, string | undefined][]>(`${url}/spans`);
  const ends = ([name, id]: [string, unknown]) => name === 'POST' && id === session;
  await until(async () => {
    const both = await Promise.all([runner, gateway].map(spans));
    return both.every((list) => list.filter(ends).length >= 3);
  });
  const all = await Promise.all([runner, gateway].map(spans));
  return [...new Set(all.flat().map(([, id]) => id))];
}

it('useChat holds three turns, with one id on every span of both processes', async () => {
  const script = fileURLToPath(new URL('three-turns.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, `${gateway.url}/api/chat`, 'chat-1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const told: [string, string | null][] = JSON.parse(out);
  expect(told.filter((_, i) => i % 2 === 1)).toEqual(ANSWERS.map((answer) => [answer, 'chat-1']));
  expect(await idsOf('chat-1')).toEqual(['chat-1']);
});

it('HttpAgent holds three turns, with one id on every span of both processes', async () => {
  const agent = new HttpAgent({ url: `${gateway.url}/agent`, threadId: 'thread-1' });
  for (const content of ['one', 'two', 'three']) {
    agent.addMessage({ id: crypto.randomUUID(), role: 'user', content });
    await agent.runAgent();
  }
  const answers = agent.messages.filter(({ role }) => role === 'assistant');
  expect(answers.map(({ content }) => content)).toEqual(ANSWERS);
  expect((await idsOf('thread-1')).sort()).toEqual(['chat-1', 'thread-1']);
});
