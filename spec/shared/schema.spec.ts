import { Type } from 'typebox';
import { escapePointer } from '../../lib/shared/pointer.js';
import { compileSchema } from '../../lib/shared/schema.js';

describe('compileSchema', () => {
  it.each<[string, unknown]>([
    ['a string', 'string'],
    ['null', null],
    ['an array', [{ type: 'string' }]],
    ['true', true],
    ['a function', () => true],
  ])('refuses %s as a schema', (_title, schema) => {
    const compile = () => compileSchema(schema as never, 'bind: inputs');
    expect(compile).toThrow(TypeError);
    expect(compile).toThrow('bind: inputs must be a JSON Schema object, got');
  });

  it.each<[string, object, RegExp]>([
    ['a misspelt keyword', { type: 'string', maxlength: 3 }, /maxlength/],
    ['an unknown format', { type: 'string', format: 'mail' }, /mail/],
    ['an unknown type', { type: 'text' }, /type/],
    ['a pattern that is none', { type: 'string', pattern: '(' }, /regular expression/i],
    ['a reference that leads nowhere', { $ref: '#/definitions/missing' }, /missing/],
    ['an unknown draft', { $schema: 'https://json-schema.org/draft/2042/schema' }, /2042/],
    ['an asynchronous schema', { $async: true, type: 'object' }, /synchronous/],
  ])('refuses %s and says where it is written', (_title, schema, reason) => {
    const compile = () => compileSchema(structuredClone(schema), 'bind: inputs');
    expect(compile).toThrow(TypeError);
    expect(compile).toThrow(/^bind: inputs /);
    expect(compile).toThrow(reason);
  });

  const DRAFT_2019 = 'https://json-schema.org/draft/2019-09/schema';
  const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema';

  it.each(['example', 'externalDocs', 'discriminator', 'xml', '$anchor', 'x-order', 'X-Own'])(
    'takes %s, which checks nothing, at any depth',
    (annotation) => {
      const a = { type: 'string', [annotation]: { note: 1 } };
      if (annotation === '$anchor') a[annotation] = 'here';
      const check = compileSchema({ type: 'object', properties: { a } }, 'x');
      expect(check({ a: 'text' }, '')).toBeUndefined();
      expect(check({ a: 1 }, '')).toEqual([{ pointer: '/a', detail: 'must be string' }]);
    },
  );

  it.each(['https', 'http'])('reads 2019-09, spelt with %s, with and without #', (scheme) => {
    for (const end of ['', '#']) {
      const $schema = `${scheme}://json-schema.org/draft/2019-09/schema${end}`;
      const dependentRequired = { a: ['b'] };
      const check = compileSchema({ $schema, type: 'object', dependentRequired }, 'x');
      expect(check({ a: 1, b: 1 }, '')).toBeUndefined();
      expect(check({ a: 1 }, '')).toHaveLength(1);
      // A list of `items` is of 2019-09, as it was of draft-07; 2020-12 has `prefixItems`.
      const tuple = compileSchema({ $schema, type: 'array', items: [{ type: 'null' }] }, 'x');
      expect(tuple([1], '')).toHaveLength(1);
    }
  });

  it.each<[string, object]>([
    [
      'a $dynamicRef to an inner anchor',
      {
        $schema: DRAFT_2020,
        $defs: { node: { $dynamicAnchor: 'node', type: 'object' } },
        $dynamicRef: '#node',
      },
    ],
    [
      'a $dynamicRef to an anchor that the root shares',
      {
        $schema: DRAFT_2020,
        $dynamicAnchor: 'node',
        $defs: { node: { $id: 'inner', $dynamicAnchor: 'node' } },
        items: { $dynamicRef: '#node' },
      },
    ],
    [
      'a $recursiveRef beside a schema with an $id',
      {
        $schema: DRAFT_2019,
        $recursiveAnchor: true,
        $defs: { inner: { $id: 'inner', $recursiveAnchor: true } },
        items: { $recursiveRef: '#' },
      },
    ],
  ])('refuses %s: ajv would judge wrongly, or fail on a value', (_title, schema) => {
    expect(() => compileSchema(schema, 'bind: inputs')).toThrow(
      /^bind: inputs .*(\$dynamicRef|\$recursiveRef) is followed only to the root/,
    );
  });

  it.each<[string, object, RegExp]>([
    ['a rule beside', { $ref: '#/definitions/a', maxItems: 2 }, /draft-07 ignores maxItems beside/],
    ['an $id beside', { $ref: '#/definitions/a', $id: 'other' }, /draft-07 ignores \$id beside/],
  ])('refuses %s a $ref, which draft-07 ignores', (_title, a, reason) => {
    const schema = { definitions: { a: { type: 'array' } }, properties: { a } };
    expect(() => compileSchema(schema, 'x')).toThrow(reason);
  });

  it('takes what is no rule beside a $ref, and rules beside one of 2020-12', () => {
    const $ref = '#/definitions/a';
    const definitions = { a: { type: 'array' } };
    const a = { $ref, $comment: 'c', title: 't', description: 'd', default: [], 'x-own': 1 };
    compileSchema({ definitions, properties: { a } }, 'x');
    const check = compileSchema({ $schema: DRAFT_2020, definitions, $ref, maxItems: 1 }, 'x');
    expect(check([1, 2], '')).toHaveLength(1);
  });

  it.each(['properties', 'patternProperties', 'dependencies'])(
    'refuses a rule for __proto__ in %s, which ajv does not check',
    (map) => {
      const schema = JSON.parse(`{"${map}":{"__proto__":{"type":"number"}}}`);
      expect(() => compileSchema(schema, 'x')).toThrow('a member named __proto__ is not checked');
    },
  );

  it.each<[string, object, string]>([
    ['unevaluatedItems', { anyOf: [{ items: {} }, {}] }, 'anyOf'],
    ['unevaluatedItems', { contains: { const: 1 } }, 'contains'],
    ['unevaluatedProperties', { oneOf: [{ required: ['a'] }, {}] }, 'oneOf'],
    ['unevaluatedProperties', { if: {}, else: {} }, 'if'],
    ['unevaluatedProperties', { dependentSchemas: { a: {} } }, 'dependentSchemas'],
    ['unevaluatedProperties', { allOf: [{ $ref: '#/$defs/a~1b%25' }] }, 'anyOf'],
    ['unevaluatedProperties', { $ref: '#named' }, 'anyOf'],
  ])('refuses %s together with %p: ajv loses count', (name, other, keyword) => {
    const $defs = { 'a/b%': { $anchor: 'named', anyOf: [{}] } };
    const schema = { $schema: DRAFT_2020, $defs, [name]: false, ...other };
    expect(() => compileSchema(schema, 'x')).toThrow(
      `${name} cannot be followed together with ${keyword}`,
    );
    // The same rule of another value does no harm, nor does a rule that takes everything.
    const elsewhere = { $schema: DRAFT_2020, $defs, properties: { a: other }, [name]: false };
    compileSchema(elsewhere, 'x');
    compileSchema({ ...schema, [name]: true }, 'x');
  });

  it('follows unevaluatedProperties through allOf and $ref', () => {
    const $defs = { base: { properties: { a: {} } } };
    const allOf = [{ $ref: '#/$defs/base' }, { properties: { b: {} } }];
    const check = compileSchema(
      { $schema: DRAFT_2020, $defs, allOf, unevaluatedProperties: false },
      'x',
    );
    expect(check({ a: 1, b: 1 }, '')).toBeUndefined();
    expect(check({ c: 1 }, '')).toHaveLength(1);
  });

  it('follows a $dynamicRef to the root', () => {
    const check = compileSchema(
      { $schema: DRAFT_2020, $dynamicAnchor: 'n', type: 'array', items: { $dynamicRef: '#n' } },
      'x',
    );
    expect(check([[], [[]]], '')).toBeUndefined();
    expect(check([[1]], '')).toEqual([{ pointer: '/0/0', detail: 'must be array' }]);
  });

  it('refuses the same schema object each time, not only the first', () => {
    const schema = { $schema: 'https://json-schema.org/draft/2042/schema' };
    expect(() => compileSchema(schema, 'x')).toThrow(TypeError);
    expect(() => compileSchema(schema, 'x')).toThrow(TypeError);
  });

  it.each<[string, object]>([
    ['required without properties', { type: 'object', required: ['a'] }],
    [
      'one of two members required',
      {
        type: 'object',
        properties: { a: {}, b: {} },
        anyOf: [{ required: ['a'] }, { required: ['b'] }],
      },
    ],
  ])('takes plain JSON Schema: %s', (_title, schema) => {
    const check = compileSchema(schema, 'x');
    expect(check({ a: 1 }, '')).toBeUndefined();
    expect(check({}, '')?.[0]).toEqual({ pointer: '/a', detail: 'is required' });
  });

  it.each<[string, object]>([
    ['#', { type: 'array', items: { $ref: '#' } }],
    [
      'its own $id',
      {
        $id: 'https://example.com/tree',
        type: 'array',
        items: { $ref: 'https://example.com/tree' },
      },
    ],
    [
      'a definition',
      {
        definitions: { tree: { type: 'array', items: { $ref: '#/definitions/tree' } } },
        $ref: '#/definitions/tree',
      },
    ],
  ])('takes a schema that refers to itself by %s', (_reference, schema) => {
    const check = compileSchema(schema, 'x');
    expect(check([[[], []]], '')).toBeUndefined();
    expect(check([[[], 7]], '')).toEqual([{ pointer: '/0/1', detail: 'must be array' }]);
  });

  it('reads draft-07 unless the schema says otherwise', () => {
    const tuple = compileSchema({ items: [{ type: 'string' }] }, 'x');
    expect(tuple(['a'], '')).toBeUndefined();
    expect(tuple([1], '')).toEqual([{ pointer: '/0', detail: 'must be string' }]);
    expect(() => compileSchema({ prefixItems: [{ type: 'string' }] }, 'x')).toThrow(/prefixItems/);
  });

  it('reads draft 2020-12 where $schema says so', () => {
    const check = compileSchema(
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        allOf: [{ properties: { pair: { type: 'array', prefixItems: [{ type: 'string' }] } } }],
        unevaluatedProperties: false,
      },
      'x',
    );
    expect(check({ pair: ['a'] }, '')).toBeUndefined();
    expect(check({ pair: [1] }, '')).toEqual([{ pointer: '/pair/0', detail: 'must be string' }]);
    expect(check({ other: 1 }, '')).toEqual([
      { pointer: '/other', detail: 'is not a known member' },
    ]);
  });

  it('takes TypeBox schemas', () => {
    const check = compileSchema(Type.Object({ n: Type.Optional(Type.Integer()) }), 'x');
    expect(check({}, '')).toBeUndefined();
    expect(check({ n: 1.5 }, '')).toEqual([{ pointer: '/n', detail: 'must be integer' }]);
  });

  it('takes the $id of one schema for two routes', () => {
    const schema = () => ({ $id: 'https://example.com/question', type: 'string' });
    const first = compileSchema(schema(), 'x');
    const second = compileSchema(schema(), 'x');
    expect([first('a', ''), second('a', '')]).toEqual([undefined, undefined]);
    expect(second(1, '')).toEqual([{ pointer: '', detail: 'must be string' }]);
  });
});

describe('a compiled schema', () => {
  it('starts every pointer where the value stands', () => {
    const check = compileSchema({ properties: { a: { items: { type: 'number' } } } }, 'x');
    expect(check({ a: [1, 'b'] }, '/data/inputs')).toEqual([
      { pointer: '/data/inputs/a/1', detail: 'must be number' },
    ]);
  });

  it.each<[string, object, unknown, string, string]>([
    [
      'a missing member',
      { properties: { 'a/b~c': {} }, required: ['a/b~c'] },
      {},
      '/a~1b~0c',
      'is required',
    ],
    [
      'a dependent member',
      { dependencies: { a: ['b'] }, type: 'object' },
      { a: 1 },
      '/b',
      'is required',
    ],
    [
      'an unknown member',
      { additionalProperties: false },
      { 'x/y': 1 },
      '/x~1y',
      'is not a known member',
    ],
    [
      'a bad member under a name with special characters',
      { properties: { 'a/b~c': { type: 'string' } } },
      { 'a/b~c': 1 },
      '/a~1b~0c',
      'must be string',
    ],
  ])('points at %s by RFC 6901', (_title, schema, value, pointer, detail) => {
    expect(compileSchema(schema, 'x')(value, '')).toEqual([{ pointer, detail }]);
  });

  it.each<[string, object]>([
    ['type', { type: 'number' }],
    ['enum', { enum: ['a', 'b'] }],
    ['const', { const: 'a' }],
    ['pattern', { pattern: '^a$' }],
    ['maxLength', { maxLength: 2 }],
    ['not', { not: { type: 'string' } }],
    ['anyOf', { anyOf: [{ type: 'number' }, { enum: [1] }] }],
  ])('never repeats the value that breaks "%s"', (_keyword, schema) => {
    const errors = compileSchema({ properties: { a: schema } }, 'x')({ a: 'secret-value' }, '');
    expect(errors?.[0]).toEqual({ pointer: '/a', detail: expect.stringMatching(/^must/) });
    expect(errors?.map((error) => Object.keys(error))).toEqual(
      errors?.map(() => ['pointer', 'detail']),
    );
    expect(JSON.stringify(errors)).not.toContain('secret-value');
  });

  it('changes nothing in the value: no default, no coercion, no removal', () => {
    const value = { count: '7', extra: true };
    const properties = { count: { type: 'number' }, mode: { default: 'fast' } };
    expect(compileSchema({ properties }, 'x')(value, '')).toEqual([
      { pointer: '/count', detail: 'must be number' },
    ]);
    expect(compileSchema({ properties: { mode: { default: 'fast' } } }, 'x')(value, '')).toBe(
      undefined,
    );
    expect(value).toEqual({ count: '7', extra: true });
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'does not find a required %s in the prototype',
    (name) => {
      const properties = JSON.parse(`{"${name}":{}}`);
      const check = compileSchema({ type: 'object', properties, required: [name] }, 'x');
      expect(check({}, '')).toEqual([{ pointer: `/${name}`, detail: 'is required' }]);
      expect(check(JSON.parse(`{"${name}":1}`), '')).toBeUndefined();
    },
  );

  it('stops at the first broken rule: untrusted data cannot make it list thousands', () => {
    const check = compileSchema({ items: { type: 'string' } }, 'x');
    expect(check(Array(1000).fill(0), '')).toHaveLength(1);
  });

  it('gives a list that the next call does not change', () => {
    const check = compileSchema({ properties: { a: { type: 'string' } } }, 'x');
    const first = check({ a: 1 }, '/first');
    check({ a: 1 }, '/second');
    expect(first).toEqual([{ pointer: '/first/a', detail: 'must be string' }]);
  });
});

describe('escapePointer', () => {
  it.each([
    ['plain', 'plain'],
    ['a/b', 'a~1b'],
    ['a~b', 'a~0b'],
    ['~1', '~01'],
    ['//~~', '~1~1~0~0'],
  ])('writes %s as %s', (segment, escaped) => {
    expect(escapePointer(segment)).toBe(escaped);
  });
});
