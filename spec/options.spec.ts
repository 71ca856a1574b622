import { run } from '../lib/engines/index.js';
import { agentEnvelope, bind, envelopeField, sessionId } from '../lib/index.js';
import { parseOptions } from '../lib/options.js';
import { ask } from './engines/nodes.js';
import { smallEngine } from './engines/small-engine.js';

const DEFAULTS = {
  limit: '1mb',
  absentSession: 'anonymous',
  authorize: undefined,
  responseHeader: 'x-session-id',
  baggage: false,
  sessionAttributes: { ids: ['session.id', 'gen_ai.conversation.id'], turns: [] },
};

const KNOWN = [
  'fields',
  'limit',
  'absentSession',
  'authorize',
  'responseHeader',
  'baggage',
  'sessionAttributes',
];

describe('parseOptions', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['{}', {}],
    ['an object without a prototype', Object.create(null)],
    ['undefined for every option', Object.fromEntries(KNOWN.map((name) => [name, undefined]))],
  ])('gives every default for %s', (_title, options) => {
    const { fields, ...rest } = parseOptions(options as never);
    expect(rest).toEqual(DEFAULTS);
    expect(fields.map(({ name }) => name)).toEqual(['session_id']);
  });

  it('gives a configuration that nobody can change, and leaves the options as they are', () => {
    const options = Object.freeze({ limit: 5, fields: Object.freeze([sessionId, 'tenant']) });
    expect(Object.isFrozen(parseOptions(options))).toBe(true);
    expect(options).toEqual({ limit: 5, fields: [sessionId, 'tenant'] });
  });

  it.each<[string, object]>([
    [
      'a class',
      new (class Options {
        get limit() {
          return 5;
        }
      })(),
    ],
    [
      'a class that another extends',
      new (class extends class {
        get limit() {
          return 5;
        }
      } {})(),
    ],
    ['an object of defaults', Object.create({ limit: 5 })],
  ])('refuses an option of %s: it would be dropped', (_title, options) => {
    const act = () => parseOptions(options);
    expect(act).toThrow(TypeError);
    expect(act).toThrow("agentEnvelope: options must have each member of its own, got 'limit'");
  });

  it.each<[string, () => unknown]>([
    ['a declaration', () => bind(Object.create({ inputs: { type: 'object' } }), () => 1)],
    [
      'a field',
      () => agentEnvelope({ fields: [sessionId, Object.create({ name: 'a', schema: {} })] }),
    ],
    [
      'a field of a class',
      () =>
        envelopeField(
          new (class {
            name = 'tenant';
            get schema() {
              return { type: 'string' } as const;
            }
          })(),
        ),
    ],
    [
      'a request of run()',
      () => run(smallEngine(), Object.assign(Object.create({ sessionId: 's' }), ask('x'))),
    ],
  ])('refuses an inherited member of %s, too', (_what, act) => {
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/ must have each member of its own, got '\w+'$/);
  });

  it('takes an instance whose options are its own, and nothing from a polluted prototype', () => {
    const own = new (class Options {
      limit = 5;
    })();
    expect(parseOptions(own).limit).toBe(5);
    Object.assign(Object.prototype, { limit: 7 });
    try {
      expect(parseOptions({}).limit).toBe('1mb');
      expect(parseOptions(Object.create({})).limit).toBe('1mb');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'limit');
    }
  });

  it.each<[unknown]>([
    [null],
    ['1mb'],
    [7],
    [true],
    [[]],
    [[sessionId]],
    [() => true],
    [new Map()],
  ])('refuses %p instead of options', (options) => {
    const act = () => parseOptions(options as never);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/^agentEnvelope: options must be an object, got /);
  });

  it.each(['field', 'Limit', 'session', 'toString', 'constructor', '__proto__'])(
    'refuses the unknown option %s and lists the known ones',
    (name) => {
      const act = () => parseOptions(JSON.parse(`{"${name}":true}`));
      expect(act).toThrow(TypeError);
      expect(act).toThrow(
        `agentEnvelope: options must be among ${KNOWN.join(', ')}, got '${name}'`,
      );
    },
  );

  it('refuses an unknown option even when it is undefined', () => {
    expect(() => parseOptions({ feilds: undefined } as never)).toThrow(/got 'feilds'/);
  });

  it('says what to write when the middleware was mounted without a call', () => {
    const act = () => parseOptions({ headers: {}, url: '/', method: 'POST' } as never);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/Did you mean app\.use\(agentEnvelope\(\)\)\?/);
  });
});

const LIMIT = 'agentEnvelope: limit must be a positive number of bytes';
const ABSENT = 'agentEnvelope: absentSession must be one of anonymous, mint, require';
const AUTHORIZE = 'agentEnvelope: authorize must be a function';
const HEADER =
  'agentEnvelope: responseHeader must be a header name (not one that frames the response) or false';
const BAGGAGE = 'agentEnvelope: baggage must be true or false';
const ATTRIBUTES = 'agentEnvelope: sessionAttributes';
const PRESETS = 'otel, genai, langsmith, posthog, weave';

describe('a wrong option', () => {
  it.each<[string, unknown, string]>([
    ['limit', null, LIMIT],
    ['limit', 0, LIMIT],
    ['limit', -1, LIMIT],
    ['limit', Number.NaN, LIMIT],
    ['limit', Number.POSITIVE_INFINITY, LIMIT],
    ['limit', '', LIMIT],
    ['limit', '0', LIMIT],
    ['limit', '0kb', LIMIT],
    ['limit', '-1kb', LIMIT],
    ['limit', 'big', LIMIT],
    ['limit', 'mb', LIMIT],
    ['limit', '1 megabyte', LIMIT],
    ['limit', '1mb\n', LIMIT],
    ['limit', true, LIMIT],
    ['limit', 5n, LIMIT],
    ['limit', [1], LIMIT],
    ['absentSession', null, ABSENT],
    ['absentSession', '', ABSENT],
    ['absentSession', 'Mint', ABSENT],
    ['absentSession', 'required', ABSENT],
    ['absentSession', true, ABSENT],
    ['absentSession', ['mint'], ABSENT],
    ['authorize', null, AUTHORIZE],
    ['authorize', true, AUTHORIZE],
    ['authorize', false, AUTHORIZE],
    ['authorize', 'owner', AUTHORIZE],
    ['authorize', Promise.resolve(true), AUTHORIZE],
    ['responseHeader', null, HEADER],
    ['responseHeader', true, HEADER],
    ['responseHeader', '', HEADER],
    ['responseHeader', 'x session', HEADER],
    ['responseHeader', 'x-session:', HEADER],
    ['responseHeader', 'x-session\r\n', HEADER],
    ['responseHeader', 'x-sessïon', HEADER],
    ['responseHeader', 'Content-Length', HEADER],
    ['responseHeader', 'set-cookie', HEADER],
    ['responseHeader', 7, HEADER],
    ['baggage', null, BAGGAGE],
    ['baggage', 'true', BAGGAGE],
    ['baggage', 0, BAGGAGE],
    ['baggage', 1, BAGGAGE],
    ['baggage', {}, BAGGAGE],
    ['sessionAttributes', null, `${ATTRIBUTES} must be an array of ${PRESETS} and`],
    ['sessionAttributes', 'langsmith', `${ATTRIBUTES} must be an array`],
    ['sessionAttributes', { otel: true }, `${ATTRIBUTES} must be an array`],
    ['sessionAttributes', [''], `${ATTRIBUTES}[0] must be ${PRESETS} or the name of`],
    ['sessionAttributes', ['otel', ' '], `${ATTRIBUTES}[1] must be ${PRESETS} or the name of`],
    ['sessionAttributes', ['my id'], `${ATTRIBUTES}[0] must be`],
    ['sessionAttributes', ['otel\n'], `${ATTRIBUTES}[0] must be`],
    ['sessionAttributes', ['x'.repeat(257)], `${ATTRIBUTES}[0] must be`],
    ['sessionAttributes', [7], `${ATTRIBUTES}[0] must be`],
    ['sessionAttributes', [undefined], `${ATTRIBUTES}[0] must be`],
    ['sessionAttributes', [['otel']], `${ATTRIBUTES}[0] must be`],
    ['sessionAttributes', ['Otel'], "did you mean 'otel'?"],
    ['sessionAttributes', ['otl'], "did you mean 'otel'?"],
    ['sessionAttributes', ['gen_ai'], "did you mean 'genai'?"],
    ['sessionAttributes', ['otel', 'lang-smith'], "did you mean 'langsmith'?"],
    ['sessionAttributes', ['langsmit'], "did you mean 'langsmith'?"],
    ['sessionAttributes', ['PostHog'], "did you mean 'posthog'?"],
    ['sessionAttributes', ['wave'], "did you mean 'weave'?"],
    ['sessionAttributes', ['otel', 'otel'], `${ATTRIBUTES} must name each attribute once`],
    ['sessionAttributes', ['otel', 'session.id'], `${ATTRIBUTES} must name each attribute once`],
    ['fields', [sessionId, { name: 'a', attribute: 'session.id' }], 'an attribute of the session'],
    [
      'fields',
      [sessionId, { name: 'a', attribute: 'gen_ai.conversation.id' }],
      'an attribute of the session',
    ],
    ['fields', null, 'agentEnvelope: fields must be an array'],
    ['fields', 'session_id', 'agentEnvelope: fields must be an array'],
    ['fields', {}, 'agentEnvelope: fields must be an array'],
    ['fields', [], 'agentEnvelope: fields[0] must be sessionId'],
    ['fields', ['tenant'], 'agentEnvelope: fields[0] must be sessionId'],
    ['fields', [sessionId, 'inputs'], 'agentEnvelope: fields[1].name must not be one of'],
    ['fields', [sessionId, 'session_id'], 'agentEnvelope: fields: names must be unique'],
  ])('%s: %p is a TypeError that names the option, the rule and the value', (name, value, text) => {
    const act = () => agentEnvelope({ [name]: value });
    expect(act).toThrow(TypeError);
    expect(act).toThrow(text);
    expect(act).toThrow(/, got ./);
  });
});

describe('a right option', () => {
  it.each<[string, unknown]>([
    ['limit', 1],
    ['limit', 2048],
    ['limit', '100'],
    ['limit', '100b'],
    ['limit', '100kb'],
    ['limit', '1.5MB'],
    ['limit', '2 gb'],
    ['absentSession', 'anonymous'],
    ['absentSession', 'mint'],
    ['absentSession', 'require'],
    ['authorize', () => true],
    ['authorize', async () => true],
    ['responseHeader', false],
    ['responseHeader', 'X-Conversation'],
    ['responseHeader', 'x_session.id~1'],
    ['baggage', true],
    ['baggage', false],
  ])('%s: %p is taken as it is', (name, value) => {
    expect(parseOptions({ [name]: value })).toMatchObject({ ...DEFAULTS, [name]: value });
  });

  it.each<[string[], string[], string[]]>([
    [[], [], []],
    [['otel'], ['session.id'], []],
    [['genai'], ['gen_ai.conversation.id'], []],
    [['langsmith'], ['langsmith.metadata.thread_id'], []],
    [['posthog'], ['$ai_session_id'], []],
    [['weave'], ['wandb.thread_id'], ['wandb.is_turn']],
    [['otel', 'app.conversation'], ['session.id', 'app.conversation'], []],
    [['thread_id', 'conversation'], ['thread_id', 'conversation'], []],
    [['otel.x', 'posthog.id'], ['otel.x', 'posthog.id'], []],
  ])('sessionAttributes: %j are the attributes %j', (sessionAttributes, ids, turns) => {
    expect(parseOptions({ sessionAttributes }).sessionAttributes).toEqual({ ids, turns });
  });

  it('fields keep their order', () => {
    const { fields } = parseOptions({ fields: [sessionId, 'tenant', { name: 'user' }] });
    expect(fields.map(({ name }) => name)).toEqual(['session_id', 'tenant', 'user']);
  });
});
