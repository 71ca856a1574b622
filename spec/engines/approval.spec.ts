/** A tool that waits for the user, through `run()`: the question, the answer in the next turn, the spans. */
import { conformance } from '../../lib/engines/conformance/index.js';
import { type AgentEvent, type AgentMessage, run } from '../../lib/engines/index.js';
import { type SmallEngine, smallEngine } from './small-engine.js';
import { startTracing } from './tracing.js';

const CALL = {
  type: 'tool.call',
  id: 'c1',
  name: 'remove',
  arguments: { key: 'private' },
} as const;
const RESULT = { type: 'tool.result', id: 'c1', output: 'gone', is_error: false } as const;
const QUESTION = { ...CALL, type: 'tool.approval' } as const;
const decision = (approved: unknown = true, id: unknown = 'c1') => ({
  type: 'tool.approval' as const,
  id,
  approved,
});
const ASK: AgentMessage[] = [{ role: 'user', content: 'Remove it' }];

const engineOf = (script: () => AsyncIterable<AgentEvent>): SmallEngine =>
  Object.assign(smallEngine(script), {
    accepts: ['tool.call', 'tool.result', 'tool.approval'] as const,
  });
const asking = () =>
  engineOf(async function* () {
    yield { type: 'message.delta', delta: 'Shall I?' };
    yield CALL;
    yield QUESTION;
    yield { type: 'run.end', stop_reason: 'approval' };
  });
const running = () =>
  engineOf(async function* () {
    yield RESULT;
    yield { type: 'message.delta', delta: 'Done.' };
    yield { type: 'run.end', stop_reason: 'stop' };
  });

let tracing: ReturnType<typeof startTracing>;
beforeAll(() => {
  tracing = startTracing();
});
beforeEach(() => tracing.reset());
afterAll(() => tracing.stop());
const tools = () => tracing.finishedSpans().filter(({ name }) => name.startsWith('execute_tool'));

describe('a tool that waits for the user', () => {
  it('ends its run, and has its result in the run after the decision', async () => {
    const first = await run(asking(), { messages: ASK, sessionId: 's-1' }).result;
    expect(first.stopReason).toBe('approval');
    expect(first.messages.at(-1)).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'Shall I?' }, CALL],
    });
    const answer = { role: 'user' as const, content: [decision() as never] };
    const messages = [...first.messages, answer];
    const second = await run(running(), { messages, sessionId: 's-1' }).result;
    expect(second.messages.at(-1)).toEqual({
      role: 'assistant',
      content: [RESULT, { type: 'text', text: 'Done.' }],
    });
    const third: AgentMessage[] = [...second.messages, { role: 'user', content: 'Thanks' }];
    await expect(run(running(), { messages: third }).result).resolves.toBeDefined();
  });

  it.each([true, false])('has a span where it runs, decided as %s', async (approved) => {
    await run(asking(), { messages: ASK, sessionId: 's-1' }).result;
    const [waited] = tools();
    expect([waited?.status.code, waited?.attributes['gen_ai.tool.call.id']]).toEqual([0, 'c1']);
    tracing.reset();
    const messages: AgentMessage[] = [
      ...ASK,
      { role: 'assistant', content: [CALL] },
      { role: 'user', content: [decision(approved) as never] },
    ];
    const capturing = { captureContent: true };
    await run(running(), { messages, sessionId: 's-1' }, capturing).result;
    expect(tools().map(({ name, attributes }) => [name, attributes])).toEqual(
      approved
        ? [
            [
              'execute_tool remove',
              expect.objectContaining({
                'session.id': 's-1',
                'gen_ai.tool.call.id': 'c1',
                'gen_ai.tool.call.result': 'gone',
              }),
            ],
          ]
        : [],
    );
    const agent = tracing.finishedSpans().find(({ name }) => name.startsWith('invoke_agent'));
    expect(agent?.attributes['gen_ai.input.messages']).toContain(
      JSON.stringify(decision(approved)),
    );
  });

  it.each<[string, AgentMessage['role'], unknown, string, string]>([
    [
      'of a call that is not there',
      'user',
      decision(true, 'c2'),
      '/id',
      'must be that of a tool.call',
    ],
    ['that is none', 'user', decision('yes'), '/approved', 'must be true or false'],
    ['without an id', 'user', decision(true, null), '/id', 'must be a string'],
    ['of the assistant', 'assistant', decision(), '/type', 'only of the user'],
  ])('is decided by no part %s', (_what, role, part, place, rule) => {
    const messages = [
      ...ASK,
      { role: 'assistant', content: [CALL] },
      { role, content: [part] },
      ...ASK,
    ] as AgentMessage[];
    expect(() => run(asking(), { messages })).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        errors: [
          { pointer: `/messages/2/content/0${place}`, detail: expect.stringContaining(rule) },
        ],
      }),
    );
  });

  it('is not decided about after it has run', () => {
    const messages = [
      ...ASK,
      { role: 'assistant', content: [CALL, RESULT] },
      { role: 'user', content: [decision()] },
    ] as AgentMessage[];
    expect(() => run(asking(), { messages })).toThrow(/before it, without a tool\.result/);
  });

  it('is decided about for one turn: what was approved before the last answer opens nothing', async () => {
    const messages = [
      ...ASK,
      { role: 'assistant', content: [CALL] },
      { role: 'user', content: [decision()] },
      { role: 'assistant', content: 'I could not.' },
      ...ASK,
    ] as AgentMessage[];
    await run(running(), { messages }).result;
    expect(tools()).toEqual([]);
  });

  it('is asked for by an event with the call', async () => {
    const engine = engineOf(async function* () {
      yield { type: 'tool.approval', id: 'c1', arguments: {} } as unknown as AgentEvent;
    });
    await expect(run(engine, { messages: ASK }).result).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    });
  });
});

describe('an engine that asks conforms: it', () => {
  const failing = () =>
    engineOf(async function* () {
      yield CALL;
      throw new Error('boom');
    });
  const subject = { failingEngine: failing, finishedSpans: () => tracing.finishedSpans() };
  it.each(conformance({ ...subject, engine: asking }))('$name', ({ test }) => test());

  it.each<[string, AgentEvent[]]>([
    [
      'asks for a call that it has not told',
      [QUESTION, { type: 'run.end', stop_reason: 'approval' }],
    ],
    ['ends for another reason', [CALL, QUESTION, { type: 'run.end', stop_reason: 'stop' }]],
  ])('and does not, where it %s', async (_what, events) => {
    const engine = () =>
      engineOf(async function* () {
        yield* events;
      });
    const cases = conformance({ ...subject, engine });
    const approval = cases.find(({ name }) => name.startsWith('asks for the approval'));
    await expect(approval?.test()).rejects.toThrow();
  });
});
