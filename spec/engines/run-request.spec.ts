/** Members of a run's request that are of the wrong type: refused at once, by name and rule. */
import { type AgentRunRequest, defineEngine, run } from '../../lib/engines/index.js';
import { smallEngine } from './small-engine.js';

const SECRET = 'private-text';
const ASK = { messages: [{ role: 'user', content: 'Hello' }] } as const;

const JUNK: [kind: string, value: unknown][] = [
  ['a number', 5],
  ['zero', 0],
  ['true', true],
  ['false', false],
  ['a BigInt', 1n],
  ['a symbol', Symbol(SECRET)],
  ['a function', () => SECRET],
  ['bytes', Buffer.from(SECRET)],
  ['a list', [SECRET]],
];
const TEXT: [string, unknown] = ['text', `${SECRET} `];
const OBJECT: [string, unknown] = ['an object', { [SECRET]: SECRET }];

/** What each member refuses, and how. */
const MEMBERS: Record<keyof AgentRunRequest, [values: [string, unknown][], refusal: RegExp]> = {
  messages: [
    [...JUNK, TEXT, OBJECT, ['null', null]],
    /^messages(\[0\])? must be an (array|object)$/,
  ],
  model: [[...JUNK, OBJECT], /^run: request\.model must be a string$/],
  parameters: [[...JUNK, TEXT], /^run: request\.parameters must be an object$/],
  sessionId: [[...JUNK, TEXT, OBJECT], /^session id must /],
};

describe.each(Object.entries(MEMBERS))('%s', (member, [values, refusal]) => {
  it.each(values)('is refused as %s, before the engine is opened', (_kind, value) => {
    const engine = { ...smallEngine(), open: () => expect('opened').toBe('never opened') };
    const attempt = () => run(engine as never, { ...ASK, [member]: value } as never);
    expect(attempt).toThrow(
      member === 'messages' ? expect.objectContaining({ code: 'INVALID_INPUT' }) : TypeError,
    );
    expect(attempt).toThrow(refusal);
    expect(attempt).not.toThrow(SECRET);
  });
});

it.each([...JUNK, TEXT, ['null', null], ['undefined', undefined]])(
  'a request that is %s is refused',
  (_kind, value) => {
    const attempt = () => run(smallEngine(), value as never);
    expect(attempt).toThrow(new TypeError('run: request must be an object'));
  },
);

it.each([null, undefined])('a model and parameters that are %p are absent', async (absent) => {
  const asked: object[] = [];
  const engine = defineEngine('curious', async function* (request) {
    asked.push({ ...request });
    yield 'a';
  });
  const request = { ...ASK, model: absent, parameters: absent, sessionId: absent };
  const { model } = await run(engine, request as never).result;
  // Members of its own: an engine reads none from a polluted prototype.
  const absentToo = { ...ASK, model: undefined, parameters: undefined };
  expect([model, asked]).toStrictEqual([undefined, [absentToo]]);
});
