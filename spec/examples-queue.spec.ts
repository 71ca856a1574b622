/** The examples that need Redis, and the steps of docs/scaling.md from one example to the next: real processes over a real Redis. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { until } from './engines/nodes.js';
import { type RedisServer, startRedis } from './engines/queue/redis.js';
import { startProgram, startQuietly, stopPrograms } from './programs.js';
import { chatOf, textOf } from './protocols/chat.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const example = new URL('../examples/gateway-and-worker.js', import.meta.url);
/** A program of this package is in its folder: else it would not find it by name. */
const moved = new URL(`moved-${process.pid}.mjs`, import.meta.url);

let redis: RedisServer;
let env: Record<string, string>;
beforeAll(async () => {
  redis = await startRedis();
  env = { REDIS_URL: `redis://127.0.0.1:${redis.connection.port}` };
});
afterEach(stopPrograms);
afterAll(async () => {
  rmSync(moved, { force: true });
  await redis.stop();
});

const SAID = 'I have seen 1 message(s). The last one says: Hello';

describe('gateway-and-worker.js', () => {
  it('answers the AI SDK’s chat, with both in one process', async () => {
    const url = await startProgram(example, [], env);
    const { chat } = chatOf(`${url}api/chat`, 'chat-1');
    await chat.sendMessage({ text: 'Hello' });
    expect(textOf(chat.messages[1])).toBe(SAID);
    expect(chat.messages[1]).toMatchObject({ metadata: { sessionId: 'chat-1' } });
    await chat.resumeStream();
    expect([chat.status, chat.messages.length]).toEqual(['ready', 2]);
  });

  it('lets a page that is loaded again read on from another gateway, once a worker is there', async () => {
    const gateways = [
      startProgram(example, ['gateway'], env),
      startProgram(example, ['gateway'], env),
    ];
    const [first, second] = await Promise.all(gateways);
    const before = chatOf(`${first}api/chat`, 'chat-2');
    before.chat.sendMessage({ text: 'Hello' });
    await until(async () => (await redis.client.keys('*:session:chat-2')).length > 0);
    const after = chatOf(`${second}api/chat`, 'chat-2');
    after.chat.messages = [...before.chat.messages];
    const done = after.chat.resumeStream();
    await before.chat.stop();
    startQuietly(example, ['worker'], env);
    await done;
    expect(after.chat.messages.map(textOf)).toEqual(['Hello', SAID]);
  });
});

describe('docs/scaling.md', () => {
  it('moves gateway-and-runner.js from remote() to the queue by the lines it shows', async () => {
    const [, diff = ''] = /```diff\n([\s\S]*?)```/.exec(read('../docs/scaling.md')) ?? [];
    let program = read('../examples/gateway-and-runner.js');
    // Lines that go, and the lines that come in their place.
    for (const [, gone = '', come = ''] of diff.matchAll(/((?:^-.*\n)+)((?:^\+.*\n)+)/gm)) {
      const plain = (lines: string) => lines.replace(/^[-+]/gm, '');
      expect(program).toContain(plain(gone));
      program = program.replace(plain(gone), () => plain(come));
    }
    expect(program).not.toContain('remote({');
    writeFileSync(moved, program);
    const url = await startProgram(moved, [], env);
    const body = { session_id: 's-1', inputs: { messages: [{ role: 'user', content: 'Hello' }] } };
    const reply = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(reply.headers.get('x-session-id')).toBe('s-1');
    expect(await reply.json()).toMatchObject({
      session_id: 's-1',
      data: { outputs: { engine: 'queue', output: SAID } },
    });
  });
});
