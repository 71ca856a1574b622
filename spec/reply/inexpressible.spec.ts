/** An event of an engine that JSON cannot express is one fault: the same code and status, however the run is read. */
import express from 'express';
import { type AgentEvent, run } from '../../lib/engines/index.js';
import { RunWriter } from '../../lib/engines/queue/run-writer.js';
import { bind } from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { smallEngine } from '../engines/small-engine.js';
import { envelopeApp, JSON_TYPE, NDJSON, post, SSE } from '../helpers.js';

const boom = (): never => {
  throw new Error('private');
};
const circle = () => {
  const made: { self?: unknown } = {};
  made.self = made;
  return made;
};

const VALUES: [what: string, make: () => unknown][] = [
  ['a BigInt', () => 1n],
  ['a BigInt inside', () => ({ rows: [{ id: 1n }] })],
  ['a circle', circle],
  ['a toJSON() that throws', () => ({ toJSON: boom })],
  ['a toJSON() that gives a BigInt', () => [{ toJSON: () => 1n }]],
  [
    'a getter that throws',
    () => ({
      get name() {
        return boom();
      },
    }),
  ],
  ['a Proxy that throws', () => [new Proxy({}, { ownKeys: boom })]],
  ['10,000 levels', () => JSON.parse('['.repeat(10_000) + ']'.repeat(10_000))],
];
const PLACES: [member: string, event: (value: unknown) => object][] = [
  ['arguments', (value) => ({ type: 'tool.call', id: 'a', name: 'b', arguments: value })],
  ['output', (value) => ({ type: 'tool.result', id: 'a', output: value, is_error: false })],
  ['extra', (extra) => ({ type: 'tool.result', id: 'a', output: 1, is_error: false, extra })],
  [
    'toJSON\\(\\)',
    (value) => ({
      type: 'tool.result',
      id: 'a',
      output: 1,
      is_error: false,
      toJSON: () => JSON.stringify(value),
    }),
  ],
];
const CASES = PLACES.flatMap(([member, event]) =>
  VALUES.map(([what, make]) => [what, member, () => event(make())] as const),
);

function startOf(event: () => object) {
  const engine = smallEngine(async function* () {
    yield { type: 'message.delta', delta: 'Hm.' };
    yield { type: 'tool.call', id: 'a', name: 'b', arguments: {} };
    yield event() as AgentEvent;
  });
  const accepting = { ...engine, accepts: ['tool.call', 'tool.result'] as const };
  return () => run(accepting, { messages: [{ role: 'user', content: 'Hello' }] });
}

describe.each(CASES)('%s as %s of an event', (_what, member, event) => {
  const named = expect.objectContaining({
    code: 'ENGINE_FAILED',
    status: 502,
    message: expect.stringMatching(new RegExp(`JSON cannot express: ${member}$`)),
  });
  type Tell = (start: () => ReturnType<typeof run>) => unknown;
  const READERS: [how: string, accept: string, status: number, tell: Tell][] = [
    ['a value', JSON_TYPE, 502, (start) => start()],
    ['a value whose result was awaited', JSON_TYPE, 502, (start) => awaited(start())],
    ['NDJSON', NDJSON, 200, (start) => start()],
    ['SSE', SSE, 200, (start) => start()],
  ];
  // The protocols have a form of their own for an event, in which nothing else of it is said.
  if (/^[ao]/.test(member)) {
    READERS.push(['a UI message stream', '*/*', 200, (start) => uiMessageStream(start())]);
    READERS.push(['AG-UI', '*/*', 200, (start) => agUiEvents(start())]);
  }

  it.each(READERS)('is an ENGINE_FAILED in %s', async (_how, accept, status, tell) => {
    const { app, errors } = envelopeApp(
      express(),
      bind([], () => tell(startOf(event))),
    );
    const reply = await post(app, {}).set('accept', accept).buffer(true);
    expect([reply.status, errors]).toEqual([status, [named]]);
    expect(reply.text).toMatch(
      accept === '*/*' ? /The engine failed/ : /"status":502,"code":"ENGINE_FAILED"/,
    );
  });

  it('is one where a worker writes it', async () => {
    const writer = new RunWriter({} as never, 'run', 'token', 0);
    await expect(writer.add(event() as AgentEvent)).rejects.toEqual(named);
  });
});

it.each([JSON_TYPE, NDJSON])(
  'what the client has nested too deeply is its own fault in %s',
  async (accept) => {
    const deep = JSON.parse('['.repeat(10_000) + ']'.repeat(10_000));
    const output = { type: 'tool.result', id: 'a', output: deep, is_error: false };
    const { app } = envelopeApp(
      express(),
      bind([], () => startOf(() => output)()),
    );
    const body = `{"outputs":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    const reply = await post(app, body).set('accept', accept).buffer(true);
    expect(reply.text).toMatch(/"status":400,"code":"INVALID_ENVELOPE"/);
  },
);

it.each([JSON_TYPE, NDJSON])(
  'what does not fit the schema of a run’s value is no fault of its events: %s',
  async (accept) => {
    const { app } = envelopeApp(
      express(),
      bind(
        { outputs: { type: 'string' } },
        () => startOf(() => ({ type: 'usage', input_tokens: 1, output_tokens: 1 }))() as never,
      ),
    );
    const reply = await post(app, {}).set('accept', accept).buffer(true);
    if (accept === JSON_TYPE) expect(reply.body.code).toBe('INVALID_OUTPUT');
    else expect(reply.text).toContain('run.end');
  },
);

async function awaited(running: ReturnType<typeof run>) {
  await running.result;
  return running;
}
