import express from 'express';
import { type AgentRun, run } from '../../lib/engines/index.js';
import { bind } from '../../lib/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { connect, envelopeApp, gate, JSON_TYPE, NDJSON, post, serving } from '../helpers.js';
import { smallEngine } from './small-engine.js';

const READ: [how: string, read: (running: AgentRun) => Promise<unknown>][] = [
  ['to the end', (running) => readAll(running)],
  [
    'in part',
    async (running) => {
      for await (const _ of running) return;
    },
  ],
  ['not at all, and given up', async (running) => running[Symbol.asyncIterator]().return?.()],
];

async function readAll(running: AgentRun) {
  const types: string[] = [];
  for await (const { type } of running) types.push(type);
  return types;
}

const start = () => run(smallEngine(), { messages: [{ role: 'user', content: 'Hello' }] });

/** The reply of a route whose handler does something with its run before it returns it. */
async function replyOf(before: (running: AgentRun) => unknown, accept: string, give = asItIs) {
  const route = bind([], async () => {
    const running = start();
    await before(running);
    return give(running);
  });
  const { app, errors } = envelopeApp(express(), route);
  const reply = await post(app, { session_id: 'conv-1' }).set('accept', accept).buffer(true);
  return { status: reply.status, body: reply.body, text: reply.text, errors };
}

const asItIs = (running: AgentRun): unknown => running;

/** Whatever a second reader of a run does that it was refused. */
const INTRUDING: [what: string, intrude: (running: AgentRun) => Promise<unknown>][] = [
  [
    'reads, and gives up',
    async (running) => {
      const second = running[Symbol.asyncIterator]();
      await expect(second.next()).rejects.toMatchObject({ code: 'INVALID_OUTPUT' });
      return second.return?.();
    },
  ],
  ['gives up at once', (running) => Promise.resolve(running[Symbol.asyncIterator]().return?.())],
  ['is a message of a protocol', (running) => uiMessageStream(running).text()],
  [
    'is a message of a protocol that nobody reads',
    (running) => Promise.resolve(uiMessageStream(running).body?.cancel()),
  ],
];

describe('the first reader of a run reads it whole, although a second one', () => {
  it.each(INTRUDING)('%s', async (_what, intrude) => {
    const running = start();
    const first = running[Symbol.asyncIterator]();
    const types = [(await first.next()).value?.type];
    await intrude(running);
    for (let step = await first.next(); !step.done; step = await first.next()) {
      types.push(step.value.type);
    }
    expect(types).toEqual(['run.start', 'message.delta', 'message.delta', 'usage', 'run.end']);
    expect((await running.result).output).toBe('You said: Hello');
  });

  it.each(INTRUDING.slice(1))('of a run whose result is awaited %s', async (_what, intrude) => {
    const running = start();
    const result = running.result.then(({ output }) => output);
    await intrude(running);
    expect(await result).toBe('You said: Hello');
  });

  it('reads what is kept for its result, and stops early', async () => {
    const running = start();
    const result = running.result.then(({ output }) => output);
    const second = running[Symbol.asyncIterator]();
    const step = second.next();
    await second.return?.();
    await step;
    expect(await second.next()).toEqual({ done: true, value: undefined });
    expect(await result).toBe('You said: Hello');
  });
});

describe.each([NDJSON, JSON_TYPE])('a run that two requests return, the first as %s', (accept) => {
  /** The run goes on when the second request is over. */
  async function sharing(second: (url: string, asked: Promise<void>) => Promise<unknown>) {
    const begun = gate();
    const over = gate();
    const engine = smallEngine(async function* () {
      yield { type: 'message.delta', delta: 'begun ' };
      begun.open();
      await over.opened;
      yield { type: 'message.delta', delta: 'and ended' };
    });
    const running = run(engine, { messages: [{ role: 'user', content: 'Hello' }] });
    const asked = gate();
    const closed = gate();
    let requests = 0;
    const route = bind([], (_bound, { res }) => {
      requests += 1;
      if (requests === 2) {
        res.once('close', () => closed.open());
        asked.open();
      }
      return running;
    });
    await serving(envelopeApp(express(), route).app, async (url) => {
      const first = ask(url, accept).then((reply) => reply.text());
      await begun.opened;
      await second(url, asked.opened);
      await closed.opened;
      await new Promise(setImmediate);
      over.open();
      expect(await first).toMatch(
        accept === NDJSON ? /"and ended".*"run.end"/s : /begun and ended/,
      );
    });
  }
  const ask = (url: string, type: string, signal?: AbortSignal) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': JSON_TYPE, accept: type },
      body: '{"session_id":"conv-1","inputs":{}}',
      ...(signal && { signal }),
    });

  it('is whole for the first one, and refused to the second one as a stream', async () => {
    await sharing(async (url) => {
      const reply = await ask(url, NDJSON);
      expect([reply.status, await reply.json()]).toMatchObject([500, { code: 'INVALID_OUTPUT' }]);
    });
  });

  it('is whole for the first one when the client of the second one leaves', async () => {
    await sharing(async (url, asked) => {
      const client = connect(url, { session_id: 'conv-1', inputs: {} });
      await asked;
      client.destroy();
    });
  });
});

describe('a run whose events were read', () => {
  it.each(READ)('%s: is no empty stream', async (_how, read) => {
    const { status, body, errors } = await replyOf(read, NDJSON);
    expect([status, body.code]).toEqual([500, 'INVALID_OUTPUT']);
    expect((errors[0] as Error).message).toMatch(/read already/);
  });

  it.each(READ)('%s: is no empty message of a protocol', async (_how, read) => {
    const { text, errors } = await replyOf(read, '*/*', uiMessageStream);
    expect(text).toMatch(/"type":"error"/);
    expect((errors[0] as Error).message).toMatch(/read already/);
  });

  it.each(READ)('%s: fails its second reader', async (_how, read) => {
    const running = start();
    await read(running);
    await expect(readAll(running)).rejects.toMatchObject({ code: 'INVALID_OUTPUT' });
  });

  it('to the end: is still a value', async () => {
    const { status, body } = await replyOf(readAll, JSON_TYPE);
    expect([status, body.data.outputs.output]).toEqual([200, 'You said: Hello']);
  });

  it('after its result is read as often as one likes', async () => {
    const running = start();
    await running.result;
    const types = await readAll(running);
    expect(types.at(-1)).toBe('run.end');
    expect(await readAll(running)).toEqual(types);
  });
});
