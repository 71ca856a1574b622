import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ask, getJson, type Node, post, start, stop, until } from './nodes.js';

interface Left {
  readonly resources: readonly string[];
  readonly sockets: number;
  readonly children: number;
  readonly files: readonly string[];
}

/** What makes each of them take its time. */
const ENGINES = [
  ['pi', 'Hello'],
  ['rivet', 'Hello /slow'],
  ['remote', 'stall'],
] as const;

let folder: string;
let runner: Node;
let host: Node;
let before: Left;

const left = () => getJson<Left>(`${host.url}/left`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'leftovers-spec-'));
  runner = await start('process.mjs', ['runner']);
  host = await start('host.mjs', [runner.url, join(folder, 'data')], {
    TMPDIR: mkdtempSync(join(folder, 'tmp-')),
  });
  // Once each, so that what an engine loads and keeps on purpose is there.
  for (const [engine, text] of ENGINES) await cutOff(engine, text);
  await until(async () => {
    before = await left();
    return before.children === 0 && before.files.length === 0 && before.sockets <= 1;
  });
});
afterAll(async () => {
  await Promise.all([stop(host), stop(runner)]);
  rmSync(folder, { recursive: true });
});

/** Starts a stream, and leaves when the first text has come. */
async function cutOff(engine: string, text: string): Promise<void> {
  const controller = new AbortController();
  const body = { session_id: 'cut-off', data: { inputs: ask(text), parameters: { engine } } };
  const reply = await post(host, body, 'application/x-ndjson', controller.signal);
  expect(reply.status).toBe(200);
  const decoder = new TextDecoder();
  let received = '';
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  while (!received.includes('message.delta')) {
    received += decoder.decode((await reader.read()).value, { stream: true });
  }
  expect(received).not.toContain('run.end');
  controller.abort();
}

const nothingIsLeft = () =>
  until(async () => {
    const { sockets, ...rest } = await left();
    const { sockets: _, ...expected } = before;
    return sockets <= before.sockets && isDeepStrictEqual(rest, expected);
  });

describe('a client that leaves in the middle of a stream leaves nothing open behind it', () => {
  it.each(ENGINES)('with %s', async (engine, text) => {
    await Promise.all([cutOff(engine, text), cutOff(engine, text)]);
    await nothingIsLeft();
  });
});

describe('a runner that is killed in the middle of a stream', () => {
  it('leaves nothing open in the gateway, which tells its client', async () => {
    const body = {
      session_id: 'k',
      data: { inputs: ask('stall'), parameters: { engine: 'remote' } },
    };
    const reply = await post(host, body, 'application/x-ndjson');
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    runner.child.kill('SIGKILL');
    let received = '';
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      received += new TextDecoder().decode(step.value);
    }
    expect(received).toContain('ENGINE_FAILED');
    await nothingIsLeft();
  });
});
