import { sessionId } from '../../lib/index.js';
import { DATA_FIELDS, isAbsent } from '../../lib/request/field.js';
import { envelopeField, parseFieldList } from '../../lib/request/field-list.js';
import { fieldAttributes, SESSION_FIELD } from '../../lib/request/parsed-field.js';
import { compileSchema } from '../../lib/shared/schema.js';

const RULE = 'must be a string that matches ^[A-Za-z0-9._:-]{1,128}$';

/** Parses an allowlist whose first entry is right. */
const parse = (...entries: unknown[]) => parseFieldList([sessionId, ...(entries as [])], 'fields');

describe('sessionId', () => {
  it('is an envelope field like any other, with the name, schema and attribute of the contract', () => {
    expect(sessionId).toEqual({
      name: 'session_id',
      schema: expect.objectContaining({ type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' }),
      attribute: 'session.id',
    });
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(sessionId)).toBe(true);
    expect(Object.isFrozen(sessionId.schema)).toBe(true);
  });
});

describe('DATA_FIELDS', () => {
  it('are the three members that hold the data', () => {
    expect(DATA_FIELDS).toEqual(['inputs', 'outputs', 'parameters']);
  });
});

describe('isAbsent', () => {
  it.each<[unknown]>([[undefined], [null], [''], [' '], ['\t\r\n'], ['\u00a0']])(
    'counts %j as absent',
    (value) => {
      expect(isAbsent(value)).toBe(true);
    },
  );

  it.each<[unknown]>([['a'], [' a '], [0], [false], [{}], [[]]])(
    'counts %j as present',
    (value) => {
      expect(isAbsent(value)).toBe(false);
    },
  );
});

describe('the rule of session_id, the same as its schema says,', () => {
  const asSchema = compileSchema(sessionId.schema ?? {}, 'sessionId');

  it.each([
    'a',
    '7',
    'A-b_c.d:e',
    'x'.repeat(128),
    '550e8400-e29b-41d4-a716-446655440000',
    '__proto__',
    'constructor',
    '...',
  ])('takes %s', (id) => {
    expect(SESSION_FIELD.check(id)).toBeUndefined();
    expect(asSchema(id, '/session_id')).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['129 characters', 'x'.repeat(129)],
    ['a line break at the end', 'a\n'],
    ['a line break in the middle', 'a\nb'],
    ['a line break at the start', '\na'],
    ['a carriage return at the end', 'a\r'],
    ['a space around it', ' a '],
    ['a slash', 'a/b'],
    ['a comma', 'a,b'],
    ['a percent sign', 'a%20b'],
    ['a letter outside ASCII', 'é'],
    ['digits outside ASCII', '١٢'],
    ['an emoji', '🙂'],
    ['a NUL', 'a\0'],
    ['a number', 7],
    ['zero', 0],
    ['a boolean', true],
    ['an array', ['a']],
    ['an object', { id: 'a' }],
  ])('refuses %s, with the pointer and the rule', (_title, value) => {
    expect(SESSION_FIELD.check(value)).toEqual([{ pointer: '/session_id', detail: RULE }]);
    expect(asSchema(value, '/session_id')).toHaveLength(1);
  });
});

describe('parseFieldList', () => {
  it.each<[string, unknown]>([
    ['sessionId', sessionId],
    ['its name', 'session_id'],
    ['an object with its name only', { name: 'session_id' }],
    ['the sessionId of another copy of the package', structuredClone(sessionId)],
  ])('takes %s as the first entry, with the rule of the wire', (_title, entry) => {
    const [field] = parseFieldList([entry] as never, 'fields');
    expect(field?.name).toBe('session_id');
    expect(field?.check('a b')).toEqual([{ pointer: '/session_id', detail: RULE }]);
  });

  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['another name', ['tenant']],
    ['another field before it', [{ name: 'tenant' }, sessionId]],
    ['a laxer rule', [{ ...sessionId, schema: {} }]],
    ['another attribute', [{ ...sessionId, attribute: 'my.session' }]],
  ])('refuses %s in the place of sessionId', (_title, entries) => {
    const act = () => parseFieldList(entries as [], 'fields');
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/^fields\[0\] must be sessionId/);
  });

  it.each<[unknown]>([['session_id'], [{}], [null], [7], [new Set([sessionId])]])(
    'refuses %p, which is no array',
    (entries) => {
      const act = () => parseFieldList(entries as [], 'fields');
      expect(act).toThrow(TypeError);
      expect(act).toThrow(/^fields must be an array, got /);
    },
  );

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a number', 7],
    ['an array', ['tenant']],
  ])('refuses %s as an entry', (_title, entry) => {
    const act = () => parse(entry);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/^fields\[1\] must be a name or \{ name, schema\?, attribute\? \}, got /);
  });

  it('refuses a hole in the list', () => {
    const entries: unknown[] = [sessionId];
    entries[2] = 'tenant';
    const act = () => parseFieldList(entries as [], 'fields');
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/^fields\[1\] must be a name/);
  });

  it.each<[unknown]>([
    [''],
    [' '],
    ['tenant id'],
    ['7up'],
    ['-x'],
    ['...rest'],
    ['tenant\n'],
    ['a/b'],
    [7],
    [null],
  ])('refuses %j as a name', (name) => {
    const act = () => parse({ name });
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/^fields\[1\]\.name must match .*, got /);
  });

  it.each([
    'inputs',
    'outputs',
    'parameters',
    'data',
    'request',
    '__proto__',
    'constructor',
    'prototype',
  ])('refuses the reserved name %s, bare and in an object', (name) => {
    for (const entry of [name, { name }]) {
      const act = () => parse(entry);
      expect(act).toThrow(TypeError);
      expect(act).toThrow(/^fields\[1\]\.name must not be one of inputs, outputs, parameters/);
      expect(act).toThrow(`got '${name}'`);
    }
  });

  it('refuses a member that a field does not have', () => {
    const act = () => parse({ name: 'tenant', atribute: 'app.tenant' });
    expect(act).toThrow(TypeError);
    expect(act).toThrow("fields[1] takes name, schema and attribute only, got 'atribute'");
  });

  it.each<[string, unknown[]]>([
    ['session_id', ['session_id']],
    ['tenant', ['tenant', { name: 'tenant' }]],
  ])('refuses %s twice', (name, entries) => {
    const act = () => parse(...entries);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`fields: names must be unique, got '${name}'`);
  });

  it('refuses one attribute for two fields', () => {
    const act = () => parse({ name: 'a', attribute: 'app.x' }, { name: 'b', attribute: 'app.x' });
    expect(act).toThrow(TypeError);
    expect(act).toThrow("fields: attributes must be unique, got 'app.x'");
  });

  it.each<[unknown]>([[''], [' '], [7], [null], [['app.tenant']]])(
    'refuses %j as an attribute',
    (attribute) => {
      const act = () => parse({ name: 'tenant', attribute });
      expect(act).toThrow(TypeError);
      expect(act).toThrow(/^fields\[1\]\.attribute must be the name of a span attribute, got /);
    },
  );

  it.each<[unknown]>([['string'], [null], [true], [[]], [{ type: 'text' }], [{ maxlength: 3 }]])(
    'refuses %j as a schema',
    (schema) => {
      const act = () => parse({ name: 'tenant', schema });
      expect(act).toThrow(TypeError);
      expect(act).toThrow(/^fields\[1\]\.schema /);
    },
  );

  it('takes an explicit undefined for the default', () => {
    const [, field] = parse({ name: 'tenant', schema: undefined, attribute: undefined });
    expect(field?.attribute).toBeUndefined();
    expect(field?.check('any text')).toBeUndefined();
  });

  it.each([
    ['1 character', 'x'],
    ['256 characters', 'x'.repeat(256)],
    ['a number', -0.5],
    ['a boolean', false],
  ])('without a schema takes %s', (_what, value) => {
    const [, field] = parse({ name: 'tenant' });
    expect(field?.check(value)).toBeUndefined();
  });

  it.each([
    ['257 characters', 'x'.repeat(257)],
    ['a line break', 'a\nb'],
    ['a control character of C1', 'a\u0085b'],
    ['an object', { any: 'value' }],
    ['an array', ['value']],
    ['a number that is not finite', Number.POSITIVE_INFINITY],
  ])('without a schema refuses %s: it goes onto every span and log line', (_what, value) => {
    const [, field] = parse({ name: 'tenant' });
    expect(field?.check(value)).toEqual([
      { pointer: '/tenant', detail: expect.stringContaining('1 to 256 characters') },
    ]);
  });

  it('does not keep the list or the entry of the caller', () => {
    const entry = { name: 'tenant' };
    const entries = [sessionId, entry];
    const fields = parseFieldList(entries, 'fields');
    entry.name = 'other';
    entries.push({ name: 'late' });
    expect(fields.map(({ name }) => name)).toEqual(['session_id', 'tenant']);
    expect(Object.isFrozen(fields)).toBe(true);
  });
});

describe('the check of a further field', () => {
  it('quotes the description of its schema as the rule', () => {
    const schema = { type: 'string', maxLength: 3, description: 'at most 3 characters' };
    const [, field] = parse({ name: 'tenant', schema });
    expect(field?.check('abc')).toBeUndefined();
    expect(field?.check('abcd')).toEqual([
      { pointer: '/tenant', detail: 'must be at most 3 characters' },
    ]);
  });

  it('says the broken keyword where there is no description', () => {
    const [, field] = parse({ name: 'tenant', schema: { type: 'string' } });
    expect(field?.check(7)).toEqual([{ pointer: '/tenant', detail: 'must be string' }]);
  });

  it('points inside the value, where the description of the whole does not apply', () => {
    const schema = { properties: { id: { type: 'string' } }, description: 'a tenant' };
    const [, field] = parse({ name: 'tenant', schema });
    expect(field?.check({ id: 7 })).toEqual([{ pointer: '/tenant/id', detail: 'must be string' }]);
  });
});

describe('fieldAttributes', () => {
  it.each<[unknown, unknown]>([
    ['acme', 'acme'],
    [7, 7],
    [false, false],
    [{ a: [1] }, '{"a":[1]}'],
    [['a', 'b'], '["a","b"]'],
  ])('writes %j as %j', (value, attribute) => {
    const fields = parse({ name: 'tenant', attribute: 'app.tenant' });
    expect(fieldAttributes(fields, { session_id: undefined, tenant: value })).toEqual({
      'app.tenant': attribute,
    });
  });

  it('writes nothing for a field without an attribute', () => {
    expect(fieldAttributes(parse('tenant'), { tenant: 'acme' })).toEqual({});
  });
});

describe('envelopeField', () => {
  it('gives the field as it was declared, frozen, for the allowlist', () => {
    const declaration = { name: 'tenant', schema: { maxLength: 3 }, attribute: 'app.tenant' };
    const tenant = envelopeField(declaration);
    expect(tenant).toEqual(declaration);
    expect(Object.isFrozen(tenant)).toBe(true);
    const [, parsed] = parseFieldList([sessionId, tenant], 'fields');
    expect(parsed).toMatchObject({ name: 'tenant', attribute: 'app.tenant' });
    expect(parsed?.check('long')).toHaveLength(1);
  });

  it.each<[unknown, RegExp]>([
    [undefined, /^envelopeField: field must be \{ name, schema\?, attribute\? \}/],
    ['tenant', /^envelopeField: field must be \{ name, schema\?, attribute\? \}/],
    [{}, /^envelopeField: field\.name must match/],
    [{ name: 'a b' }, /^envelopeField: field\.name must match/],
    [{ name: 'inputs' }, /^envelopeField: field\.name must not be one of/],
    [{ name: 'session_id' }, /^envelopeField: field\.name is what sessionId is for/],
    [{ name: 'a', atribute: 'b' }, /^envelopeField: field takes name, schema and attribute only/],
    [{ name: 'a', attribute: '' }, /^envelopeField: field\.attribute must be/],
    [{ name: 'a', schema: { maxlength: 3 } }, /^envelopeField: field\.schema .*maxlength/],
  ])('refuses %j where it is written', (declaration, message) => {
    const act = () => envelopeField(declaration as { name: 'a' });
    expect(act).toThrow(TypeError);
    expect(act).toThrow(message);
  });
});
