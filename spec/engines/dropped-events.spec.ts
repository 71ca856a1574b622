import express from 'express';
import { type AgentEvent, run } from '../../lib/engines/index.js';
import { bind } from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { envelopeApp, JSON_TYPE, NDJSON, post, SSE } from '../helpers.js';
import { smallEngine } from './small-engine.js';

/** What `queue()` gives a reader that was slower than the run, and its events than `maxEvents`. */
async function* withGap(): AsyncIterable<AgentEvent> {
  yield { type: 'message.delta', delta: 'Do not ' };
  yield { type: 'events.dropped', count: 7 };
  yield { type: 'message.delta', delta: 'press the button' };
  yield { type: 'run.end', stop_reason: 'stop' };
}

const start = () => run(smallEngine(withGap), { messages: [{ role: 'user', content: 'Hello' }] });

async function replyOf(make: () => unknown, accept: string) {
  const { app, errors } = envelopeApp(
    express(),
    bind([], () => make()),
  );
  const { status, text } = await post(app, {}).set('accept', accept).buffer(true);
  return { status, text, errors };
}

describe('a run that has lost events', () => {
  it.each<[string, string, () => unknown, RegExp]>([
    ['a value', JSON_TYPE, start, /"code":"ENGINE_FAILED"/],
    ['uiMessageStream()', '*/*', () => uiMessageStream(start()), /"type":"error".*\n\n/],
    ['agUiEvents()', '*/*', () => agUiEvents(start()), /"RUN_ERROR".*"ENGINE_FAILED"/],
  ])('is no whole answer as %s', async (_kind, accept, make, failure) => {
    const { text, errors } = await replyOf(make, accept);
    expect(text).toMatch(failure);
    expect(text).not.toContain('button');
    expect(errors).toEqual([expect.objectContaining({ code: 'ENGINE_FAILED', status: 502 })]);
    expect((errors[0] as Error).message).toMatch(/7 of its events/);
  });

  it.each([NDJSON, SSE])('tells the gap in its place as %s', async (accept) => {
    const { status, text, errors } = await replyOf(start, accept);
    const types = [...text.matchAll(/"type":"([^"]*)"/g)].map(([, type]) => type);
    const parts = ['message.delta', 'events.dropped', 'message.delta'];
    expect([status, types, errors]).toEqual([200, ['run.start', ...parts, 'run.end'], []]);
  });

  it('has no result, whoever reads its events', async () => {
    const running = start();
    for await (const _ of running);
    await expect(running.result).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });
});
