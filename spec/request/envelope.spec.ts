import { EnvelopeError, sessionId } from '../../lib/index.js';
import { type LocatedData, readData, readFields } from '../../lib/request/envelope.js';
import { parseFieldList } from '../../lib/request/field-list.js';
import type { JsonObject } from '../../lib/shared/json.js';

const FIELDS = parseFieldList(
  [sessionId, { name: 'tenant', schema: { type: 'string', maxLength: 3 } }, 'toString'],
  'fields',
);

/** As it comes from the wire: `__proto__` is an own member of parsed JSON, not of a literal. */
const fromWire = (json: string) => JSON.parse(json) as Record<string, unknown>;

describe('readFields', () => {
  it('reads exactly the allowlisted names from the top level', () => {
    const { values, error } = readFields(
      { session_id: 'c-1', tenant: 'abc', version: 1, flags: {}, references: [] },
      FIELDS,
    );
    expect(error).toBeUndefined();
    expect(Object.entries(values)).toEqual([
      ['session_id', 'c-1'],
      ['tenant', 'abc'],
      ['toString', undefined],
    ]);
  });

  it('has every allowlisted name as its own, also one that a prototype has', () => {
    const { values } = readFields({}, FIELDS);
    expect(Object.keys(values)).toEqual(['session_id', 'tenant', 'toString']);
    expect(Object.hasOwn(values, 'constructor')).toBe(false);
  });

  it.each(['null', '""', '"  "', '"\\n"', undefined])(
    'counts a field that is %s as absent, before its schema is asked',
    (json) => {
      const { values, error } = readFields(
        json === undefined ? {} : fromWire(`{"session_id":${json},"tenant":${json}}`),
        FIELDS,
      );
      expect(error).toBeUndefined();
      expect([values.session_id, values.tenant]).toEqual([undefined, undefined]);
    },
  );

  it.each([
    '{"data":{"session_id":"c-1"}}',
    '{"inputs":{"session_id":"c-1"}}',
    '{"data":{"inputs":{"session_id":"c-1"}}}',
    '{"__proto__":{"session_id":"c-1"}}',
    '{"SESSION_ID":"c-1","sessionId":"c-1"}',
  ])('finds no session id in %s', (json) => {
    expect(readFields(fromWire(json), FIELDS).values.session_id).toBeUndefined();
  });

  it('does not find a field in the prototype of the body', () => {
    expect(readFields({}, FIELDS).values.toString).toBeUndefined();
    expect(readFields(Object.create({ session_id: 'c-1' }), FIELDS).values.session_id).toBe(
      undefined,
    );
  });

  it('keeps the valid fields when another one is refused', () => {
    const { values, error } = readFields({ session_id: 'c-1', tenant: 'too long' }, FIELDS);
    expect(values.session_id).toBe('c-1');
    expect(values.tenant).toBeUndefined();
    expect(error).toMatchObject({
      code: 'INVALID_FIELD',
      status: 400,
      errors: [{ pointer: '/tenant', detail: 'must NOT have more than 3 characters' }],
    });
  });

  it('names every field that is refused, never its value', () => {
    const { values, error } = readFields({ session_id: 'bad id', tenant: 'secret' }, FIELDS);
    expect(values.session_id).toBeUndefined();
    expect(error?.errors.map(({ pointer }) => pointer)).toEqual(['/session_id', '/tenant']);
    expect(error?.message).toContain('/session_id must be a string that matches');
    expect(JSON.stringify([error?.message, error?.errors])).not.toMatch(/bad id|secret/);
  });
});

/** The data, or a throw of the error. */
function dataOf(body: JsonObject): LocatedData {
  const data = readData(body);
  if (data instanceof EnvelopeError) throw data;
  return data;
}

describe('readData', () => {
  it('reads the canonical spelling', () => {
    const data = { inputs: { q: 1 }, outputs: [2], parameters: { t: 0 } };
    expect(dataOf({ session_id: 'c-1', data })).toEqual({ ...data, pointer: '/data' });
  });

  it('reads the flat spelling', () => {
    const data = { inputs: { q: 1 }, outputs: [2], parameters: { t: 0 } };
    expect(dataOf({ session_id: 'c-1', ...data, version: 1 })).toEqual({ ...data, pointer: '' });
  });

  it.each<[string, string]>([
    ['nothing', '{}'],
    ['null inputs and parameters', '{"inputs":null,"parameters":null}'],
    ['empty data', '{"data":{}}'],
    ['data that is null', '{"data":null}'],
    ['null inputs and parameters in data', '{"data":{"inputs":null,"parameters":null}}'],
    ['unknown siblings only', '{"version":1,"data":{"messages":[]}}'],
  ])('gives empty inputs and parameters and no outputs for %s', (_title, json) => {
    expect(dataOf(fromWire(json))).toMatchObject({
      inputs: {},
      outputs: undefined,
      parameters: {},
    });
  });

  it.each<[string]>([['null'], ['"text"'], ['0'], ['false'], ['[1]'], ['{"a":1}']])(
    'takes any JSON as outputs: %s',
    (json) => {
      expect(dataOf(fromWire(`{"data":{"outputs":${json}}}`)).outputs).toEqual(JSON.parse(json));
      expect(dataOf(fromWire(`{"outputs":${json}}`)).outputs).toEqual(JSON.parse(json));
    },
  );

  it.each(['"text"', '""', '0', 'false', '[]'])('refuses %s where an object must be', (json) => {
    for (const [body, pointer] of [
      [`{"inputs":${json}}`, '/inputs'],
      [`{"parameters":${json}}`, '/parameters'],
      [`{"data":{"inputs":${json}}}`, '/data/inputs'],
      [`{"data":{"parameters":${json}}}`, '/data/parameters'],
      [`{"data":${json}}`, '/data'],
    ] as const) {
      expect(() => dataOf(fromWire(body))).toThrow(
        expect.objectContaining({
          code: 'INVALID_ENVELOPE',
          status: 400,
          errors: [{ pointer, detail: 'must be an object' }],
        }),
      );
    }
  });

  it.each<[string, string[]]>([
    ['{"data":{},"inputs":{}}', ['/inputs']],
    ['{"data":{"inputs":{}},"outputs":1}', ['/outputs']],
    ['{"data":{},"parameters":{}}', ['/parameters']],
    ['{"data":null,"inputs":{}}', ['/inputs']],
    ['{"data":{},"inputs":null}', ['/inputs']],
    ['{"data":{},"inputs":{},"outputs":1,"parameters":{}}', ['/inputs', '/outputs', '/parameters']],
  ])('refuses both spellings at once: %s', (json, pointers) => {
    expect(() => dataOf(fromWire(json))).toThrow(
      expect.objectContaining({
        code: 'INVALID_ENVELOPE',
        status: 400,
        errors: pointers.map((pointer) => ({
          pointer,
          detail: 'must not stand beside /data; use one of the two',
        })),
      }),
    );
  });

  it.each(['{"__proto__":{"inputs":{"a":1}}}', '{"data":{"__proto__":{"inputs":{"a":1}}}}'])(
    'does not read through a prototype: %s',
    (json) => {
      expect(dataOf(fromWire(json)).inputs).toEqual({});
    },
  );

  it('reads a body without a prototype', () => {
    const body = Object.assign(Object.create(null), { inputs: { a: 1 } });
    expect(dataOf(body).inputs).toEqual({ a: 1 });
  });

  it('changes nothing in the body', () => {
    const body = Object.freeze({ data: Object.freeze({ inputs: null }) });
    expect(dataOf(body).inputs).toEqual({});
    expect(body).toEqual({ data: { inputs: null } });
  });
});
