import { DiagLogLevel, diag } from '@opentelemetry/api';
import { agentEnvelope, bind } from '../../lib/index.js';
import { backtracksWithoutEnd } from '../../lib/shared/pattern-cost.js';

const warnings: string[] = [];
beforeEach(() => {
  warnings.length = 0;
  const ignore = () => undefined;
  const warn = (message: string) => void warnings.push(message);
  const logger = { error: ignore, warn, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
});
afterEach(() => diag.disable());

const object = (properties: object) => ({ type: 'object', properties }) as const;
const places = () =>
  warnings.map(
    (warning) =>
      /^express-agent-envelope COSTLY_SCHEMA: (.*?) (?:compares|can be)/.exec(warning)?.[1],
  );

describe('bind() and agentEnvelope() warn of a schema whose check a client can make very slow', () => {
  it.each<[string, object, string[]]>([
    [
      'objects',
      object({ tags: { type: 'array', uniqueItems: true, items: { type: 'object' } } }),
      ['bind: inputs/properties/tags/uniqueItems'],
    ],
    [
      'arrays',
      object({ tags: { type: 'array', uniqueItems: true, items: { type: ['string', 'array'] } } }),
      ['bind: inputs/properties/tags/uniqueItems'],
    ],
    [
      'anything',
      object({ tags: { type: 'array', uniqueItems: true } }),
      ['bind: inputs/properties/tags/uniqueItems'],
    ],
    [
      'anything of a list',
      object({ tags: { type: 'array', uniqueItems: true, items: { enum: [1, 2] } } }),
      ['bind: inputs/properties/tags/uniqueItems'],
    ],
    [
      'objects, no more than so many',
      object({ tags: { type: 'array', uniqueItems: true, maxItems: 9 } }),
      [],
    ],
    ['text', object({ tags: { type: 'array', uniqueItems: true, items: { type: 'string' } } }), []],
    [
      'text and numbers',
      object({ tags: { type: 'array', uniqueItems: true, items: { type: ['string', 'number'] } } }),
      [],
    ],
    ['what need not be unique', object({ tags: { type: 'array', uniqueItems: false } }), []],
    [
      'a property called uniqueItems',
      object({
        uniqueItems: { type: 'boolean' },
        pattern: { type: 'string' },
        default: { type: 'array', uniqueItems: true },
      }),
      ['bind: inputs/properties/default/uniqueItems'],
    ],
    [
      'a value of the schema',
      object({ a: { default: { uniqueItems: true }, enum: [{ pattern: '(a+)+$' }] } }),
      [],
    ],
    [
      'a definition',
      {
        ...object({ a: { $ref: '#/definitions/a' } }),
        definitions: { a: { type: 'array', uniqueItems: true } },
      },
      ['bind: inputs/definitions/a/uniqueItems'],
    ],
    [
      'a definition that nothing refers to, of a pattern that is none',
      { ...object({}), definitions: { a: { type: 'string', pattern: '[z-a]' } } },
      [],
    ],
    [
      'a branch',
      { anyOf: [{ type: 'array', uniqueItems: true }, {}] },
      ['bind: inputs/anyOf/0/uniqueItems'],
    ],
    [
      'a pattern',
      object({ a: { type: 'string', pattern: '^(a+)+$' } }),
      ['bind: inputs/properties/a/pattern'],
    ],
    [
      'a pattern of names',
      { type: 'object', patternProperties: { '^(a+)+$': {} } },
      ['bind: inputs/patternProperties/^(a+)+$'],
    ],
    ['a pattern that is fine', object({ a: { type: 'string', pattern: '^a+$' } }), []],
  ])('%s', (_what, inputs, expected) => {
    bind({ inputs } as never, () => 'answer');
    expect(places()).toEqual(expected);
  });

  it('of a field, with the remedy, and takes it all the same', () => {
    const fields = ['session_id', { name: 'tags', schema: { type: 'array', uniqueItems: true } }];
    agentEnvelope({ fields });
    expect(warnings).toEqual([
      'express-agent-envelope COSTLY_SCHEMA: agentEnvelope: fields[1].schema/uniqueItems compares each item with each: ' +
        'add maxItems, or a scalar type of the items',
    ]);
  });
});

/** How long the engine takes for a text that does not fit in the end: what the warning is about. */
const BAD = [
  '^(a+)+$',
  '^(a*)*$',
  '^(a|a)*$',
  '^(a|aa)+$',
  '^(\\w+\\s?)*$',
  '^([a-z0-9]+)*@$',
  '^(?:(?:a{1,})b?){2,}$',
  '^(.*,)*x$',
  '^((ab)*)*c$',
  '^(\\d+|[0-9a-f])+$',
  '^(?<word>[a-z]+-?)+$',
  '^([^,]+,?)*$',
  '^(a?a?)*$',
  '^(\\p{L}+\\p{Ll}*)+$',
  '^(a{1,30}){1,30}$',
];
const FINE = [
  '',
  'a',
  '^[A-Za-z0-9._:-]{1,128}$',
  '^[a-z0-9]+(-[a-z0-9]+)*$',
  '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
  '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z)?$',
  '^(\\d{1,3}\\.){3}\\d{1,3}$',
  '^(?:[0-9a-f]{2})+$',
  '^(a|b)*$',
  '^("[^"]*"|[^",]*)(,("[^"]*"|[^",]*))*$',
  '^(\\\\.|[^\\\\])*$',
  '^#(?:[0-9a-fA-F]{3}){1,2}$',
  '^(?=.*\\d)(?=.*[a-z]).{8,}$',
  '^\\s+|\\s+$',
  '^(https?):\\/\\/[^\\s/]+(\\/[^\\s]*)?$',
  '^[\\]\\w-]+$',
  '^\\u{1F600}+$',
  `^${'a?b?'.repeat(100)}$`,
];

describe('backtracksWithoutEnd()', () => {
  it.each(BAD)('finds %p', (source) => {
    expect(backtracksWithoutEnd(source)).toBe(true);
  });

  it.each(FINE)('lets %p be', (source) => {
    expect(backtracksWithoutEnd(source)).toBe(false);
    expect(() => new RegExp(source, 'u')).not.toThrow();
  });

  it('ends, however much it is given', () => {
    const sources = [`(${'a?'.repeat(64)})*`, `(${'[^a]?'.repeat(64)})*`, `${'a?b?'.repeat(1000)}`];
    expect(sources.map(backtracksWithoutEnd)).toEqual([true, true, false]);
  });
});
