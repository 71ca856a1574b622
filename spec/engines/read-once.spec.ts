import express from 'express';
import { type AgentRun, run } from '../../lib/engines/index.js';
import { bind } from '../../lib/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { envelopeApp, JSON_TYPE, NDJSON, post } from '../helpers.js';
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
