import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { compileSchema } from '../../lib/shared/schema.js';
import { compileStandard } from '../../lib/shared/standard-schema.js';

/** The same rules three times. */
const VENDORS: [string, StandardSchemaV1][] = [
  [
    'Zod',
    z.object({
      q: z.string().max(3).optional(),
      mode: z.enum(['fast', 'deep']).optional(),
      top: z.number().default(5),
      'a/b~c': z.array(z.object({ n: z.number() })).optional(),
      mail: z.email().optional(),
    }),
  ],
  [
    'Valibot',
    v.object({
      q: v.optional(v.pipe(v.string(), v.maxLength(3))),
      mode: v.optional(v.picklist(['fast', 'deep'])),
      top: v.optional(v.number(), 5),
      'a/b~c': v.optional(v.array(v.object({ n: v.number() }))),
      mail: v.optional(v.pipe(v.string(), v.email())),
    }),
  ],
  [
    'ArkType',
    type({
      'q?': 'string <= 3',
      'mode?': "'fast' | 'deep'",
      top: 'number = 5',
      'a/b~c?': type({ n: 'number' }).array(),
      'mail?': 'string.email',
    }),
  ],
];

describe.each(VENDORS)('a schema of %s', (_vendor, schema) => {
  const check = compileStandard(schema, 'bind: inputs');

  it('gives its output, with defaults, and leaves the value as it was', async () => {
    const value = Object.freeze({ q: 'abc' });
    expect(await check(value, '')).toEqual({ value: { q: 'abc', top: 5 } });
    expect(value).toEqual({ q: 'abc' });
  });

  it.each<[object, string]>([
    [{ q: 7 }, '/at/q'],
    [{ mode: 'SECRET' }, '/at/mode'],
    [{ q: 'SECRET' }, '/at/q'],
    [{ top: 'SECRET' }, '/at/top'],
    [{ mail: 'SECRET' }, '/at/mail'],
    [{ 'a/b~c': [{ n: 1 }, { n: 'SECRET' }] }, '/at/a~1b~0c/1/n'],
    [{ mode: { x: 'SECRET' } }, '/at/mode'],
  ])('names the place and the rule, and never the value: %j', async (value, pointer) => {
    const { errors } = await check(value, '/at');
    expect(errors?.map((error) => error.pointer)).toEqual([pointer]);
    expect(errors?.[0]?.detail).not.toBe('');
    expect(JSON.stringify(errors)).not.toMatch(/SECRET|received|was /i);
  });

  it("keeps the rule's own words", async () => {
    const { errors } = await check({ q: 'long enough' }, '');
    expect(errors?.[0]?.detail).toMatch(/3/);
    const mode = await check({ mode: 'other' }, '');
    expect(mode.errors?.[0]?.detail).toMatch(/"fast"/);
    const beside = await check({ q: 'long enough', top: 3, mode: 'fast' }, '');
    expect(beside.errors?.[0]?.detail).toMatch(/3/);
  });
});

it.each<[string, StandardSchemaV1]>([
  ['Zod', z.strictObject({ a: z.number() })],
  ['Valibot', v.strictObject({ a: v.number() })],
  ['ArkType', type({ a: 'number', '+': 'reject' })],
])('%s: the pointer of an unknown member is its own', async (_vendor, schema) => {
  const { errors } = await compileStandard(schema, 'x')({ a: 1, 'b/c': 'SECRET' }, '');
  expect(errors?.map((error) => error.pointer)).toEqual(['/b~1c']);
});

const answering = (answer: unknown): StandardSchemaV1 =>
  ({
    '~standard': {
      version: 1,
      vendor: 'x',
      validate: typeof answer === 'function' ? answer : () => answer,
    },
  }) as StandardSchemaV1;

const issue = (message: string, path?: unknown[]) => ({ issues: [{ message, path }] });
const detailOf = async (answer: unknown, value: unknown) => {
  const { errors } = await compileStandard(answering(answer), 'x')(value, '');
  return errors?.[0]?.detail;
};

describe('a message', () => {
  it.each<[string, unknown, unknown[]]>([
    ['"Berlin" ist keine Stadt', 'Berlin', []],
    ['no berlin here', { city: ' Berlin ' }, ['city']],
    ['7 is odd', 7, []],
    ['not like Berlin', { a: [{ b: 'Berlin' }] }, []],
    ['', 'x', []],
    ['"Ber\\u006cin" is no city', 'Berlin', []],
    ['%42erlin is no city', 'Berlin', []],
    ['&#66;erlin is no city', 'Berlin', []],
    ['no city: Berl…', { city: 'Berlin' }, ['city']],
    ['no city: xBerlinx', 'Berlin', []],
    ['not beside Berlin', { a: 'x', b: 'Berlin' }, ['a']],
    ['not beside the member tenantSecret', { a: 'x', tenantSecret: 1 }, ['a']],
    ['1,234,567 is no card', 1234567, []],
    ['NY is no city', ['NY'], [0]],
    ['ＢＥＲＬＩＮ is no city', 'berlin', []],
    ['no city', { a: 'x'.repeat(70_000) }, []],
  ])('that quotes the value is not shown: %j', async (message, value, path) => {
    expect(await detailOf(issue(message, path), value)).toBe('does not fit the schema');
  });

  // Thousands of them would be normalized for minutes.
  it.each<[what: string, marks: string]>([
    ['on one letter', `a${'\u0315'.repeat(16)}${'\u0300'.repeat(16)}`],
    ['of half width', '\uff9e\uff9f'.repeat(16)],
  ])('is not compared with 32 marks %s: it is not shown', async (_what, marks) => {
    expect(await detailOf(issue('no city'), { a: marks })).toBe('does not fit the schema');
  });

  it.each<[string, unknown]>([
    ['no city', `a${'\u0301'.repeat(31)}`],
    ['must be a city', 'c'],
    ['must be at least 18', 8],
    ['must be true', true],
    ['must be a string', { kind: 'string' }],
  ])('of which the value is only a piece of a word is shown: %j', async (message, value) => {
    expect(await detailOf(issue(message), value)).toBe(message);
  });
});

describe('a Standard Schema', () => {
  it('may be asynchronous, and is not when it answers at once', async () => {
    const later = compileStandard(
      answering(async (value: unknown) => ({ value })),
      'x',
    );
    expect(later(1, '')).toBeInstanceOf(Promise);
    expect(await later(1, '')).toEqual({ value: 1 });
    expect(compileStandard(answering({ value: 2 }), 'x')(1, '')).toEqual({ value: 2 });
  });

  it('may name the place by objects with a key', async () => {
    const check = compileStandard(answering(issue('bad', [{ key: 'a/b' }, 0])), 'x');
    expect(await check({}, '/i')).toEqual({ errors: [{ pointer: '/i/a~1b/0', detail: 'bad' }] });
  });

  it('refuses by a list of issues, even an empty one, and keeps eight of a thousand', async () => {
    expect(await detailOf({ issues: [] }, 1)).toBe('does not fit the schema');
    const many = { issues: Array(1000).fill({ message: 'bad' }) };
    expect((await compileStandard(answering(many), 'x')(1, '')).errors).toHaveLength(8);
  });

  it.each<[string, unknown]>([
    ['throws', () => assertNever()],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['answers nothing', () => undefined],
    ['answers nothing later', async () => undefined],
  ])('that %s is a fault of the server', async (_what, answer) => {
    const check = async () => compileStandard(answering(answer), 'bind: inputs')(1, '');
    await expect(check()).rejects.toMatchObject({ code: 'INTERNAL_ERROR', status: 500 });
  });

  it.each([{ version: 2, validate: () => ({ value: 1 }) }, { version: 1 }, undefined])(
    'of another version is refused: %j',
    (standard) => {
      const schema = { '~standard': standard } as never;
      expect(() => compileStandard(schema, 'bind: inputs')).toThrow(
        /^bind: inputs must be a Standard Schema of version 1/,
      );
    },
  );

  it.each(VENDORS)('of %s is no schema for an envelope field', (_vendor, schema) => {
    expect(() => compileSchema(schema as never, 'field')).toThrow(
      'field must be a JSON Schema: only inputs, outputs and parameters take a Standard Schema',
    );
  });
});

function assertNever(): never {
  throw new TypeError('broken');
}
