import { compileBinder } from '../../lib/request/binding.js';
import type { EnvelopeData, FieldValues } from '../../lib/request/envelope.js';
import { reaches } from '../helpers.js';

const PLACE = 'bind: names';

/** As `readFields` makes them: no prototype, and every allowlisted name is a key. */
function fieldsOf(values: Record<string, unknown>): FieldValues {
  return Object.assign(Object.create(null), values);
}

function dataOf(data: Partial<EnvelopeData> = {}): EnvelopeData {
  return { inputs: {}, outputs: undefined, parameters: {}, ...data };
}

function bindNames(names: readonly string[], fields: FieldValues, data: EnvelopeData) {
  return compileBinder(names, PLACE)(fields, data);
}

function expectDeeplyFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value)).toBe(true);
  for (const member of Object.values(value)) expectDeeplyFrozen(member);
}

describe('a field is resolved', () => {
  const tenant = { name: 'tenant' };
  const data = dataOf({ inputs: { tenant: 'from the inputs' } });

  it('to its value, beside names', () => {
    const bind = compileBinder([tenant, 'inputs'], PLACE);
    expect(bind(fieldsOf({ tenant: 't' }), data)).toEqual({ tenant: 't', inputs: data.inputs });
    expect(bind(fieldsOf({ tenant: undefined }), data).tenant).toBeUndefined();
  });

  it('to an error where no middleware knows it, never to an input of the same name', () => {
    const bind = compileBinder([tenant], PLACE);
    const act = () => bind(fieldsOf({ session_id: 's-1' }), data);
    expect(act).toThrow(expect.objectContaining({ code: 'MIDDLEWARE_MISSING' }));
    expect(act).toThrow(/tenant/);
  });
});

describe('a name is resolved', () => {
  it('to the data field of that name, by identity', () => {
    const data = dataOf({ inputs: { a: 1 }, outputs: ['o'], parameters: { p: 2 } });
    const bound = bindNames(['inputs', 'outputs', 'parameters'], fieldsOf({}), data);
    expect(Object.keys(bound)).toEqual(['inputs', 'outputs', 'parameters']);
    expect(bound.inputs).toBe(data.inputs);
    expect(bound.outputs).toBe(data.outputs);
    expect(bound.parameters).toBe(data.parameters);
  });

  it('to the allowlisted field before the input of that name', () => {
    const data = dataOf({ inputs: { session_id: 'from inputs', tenant: 'from inputs' } });
    const fields = fieldsOf({ session_id: 's-1', tenant: 't-1' });
    expect(bindNames(['session_id', 'tenant'], fields, data)).toEqual({
      session_id: 's-1',
      tenant: 't-1',
    });
  });

  it('to undefined for an allowlisted field that is absent, whatever the inputs hold', () => {
    const data = dataOf({ inputs: { session_id: 'from inputs', tenant: 'from inputs' } });
    const fields = fieldsOf({ session_id: undefined, tenant: undefined });
    const bound = bindNames(['session_id', 'tenant'], fields, data);
    expect(bound).toStrictEqual({ session_id: undefined, tenant: undefined });
  });

  it('to the whole envelope for `request`, even when an input has that name', () => {
    const data = dataOf({ inputs: { request: 'an input' } });
    expect(bindNames(['request'], fieldsOf({ session_id: 's-1' }), data)).toEqual({
      request: { session_id: 's-1', data: { inputs: { request: 'an input' }, parameters: {} } },
    });
  });

  it('to a data field before the input of that name', () => {
    const data = dataOf({ inputs: { inputs: 1, outputs: 2, parameters: 3 }, outputs: 'real' });
    const bound = bindNames(['outputs', 'parameters'], fieldsOf({}), data);
    expect(bound).toEqual({ outputs: 'real', parameters: {} });
  });

  it.each([null, false, 0, '', [], { deep: true }])('to the input %j as it was sent', (value) => {
    const bound = bindNames(['question'], fieldsOf({}), dataOf({ inputs: { question: value } }));
    expect(bound).toStrictEqual({ question: value });
  });

  it('to undefined for an input that nobody sent, and the key is there', () => {
    const bound = bindNames(['question'], fieldsOf({}), dataOf());
    expect(bound).toStrictEqual({ question: undefined });
  });

  it('never to a parameter: a free name means an input', () => {
    const data = dataOf({ parameters: { temperature: 1 }, outputs: { temperature: 2 } });
    expect(bindNames(['temperature'], fieldsOf({}), data).temperature).toBeUndefined();
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
    'never to what the prototype of inputs has as %s',
    (name) => {
      expect(bindNames([name], fieldsOf({}), dataOf())[name]).toBeUndefined();
    },
  );

  it('to an own input even when its name is one of the prototype', () => {
    const inputs = JSON.parse('{"constructor":"mine","toString":"too"}');
    const bound = bindNames(['constructor', 'toString'], fieldsOf({}), dataOf({ inputs }));
    expect(Object.entries(bound)).toEqual([
      ['constructor', 'mine'],
      ['toString', 'too'],
    ]);
  });

  it('never to something that was put on the prototype of inputs', () => {
    const inputs = Object.create({ role: 'admin' });
    expect(bindNames(['role'], fieldsOf({}), dataOf({ inputs })).role).toBeUndefined();
  });

  it('and an own `__proto__` in the inputs changes no prototype', () => {
    const inputs = JSON.parse('{"__proto__":{"role":"admin"}}');
    const bound = bindNames(['role', 'inputs'], fieldsOf({}), dataOf({ inputs }));
    expect(bound.role).toBeUndefined();
    expect(Object.getPrototypeOf(bound)).toBe(Object.prototype);
  });
});

describe('an argument has', () => {
  it('exactly the names asked for, and nothing for an empty list', () => {
    const fields = fieldsOf({ session_id: 's-1', tenant: 't-1' });
    const data = dataOf({ inputs: { a: 1, b: 2 } });
    expect(Reflect.ownKeys(bindNames(['tenant', 'a'], fields, data))).toEqual(['tenant', 'a']);
    expect(Reflect.ownKeys(bindNames([], fields, data))).toEqual([]);
  });

  it('an identity of its own: two requests never share one', () => {
    const binder = compileBinder(['session_id'], PLACE);
    const first = binder(fieldsOf({ session_id: 's-1' }), dataOf());
    const second = binder(fieldsOf({ session_id: 's-2' }), dataOf());
    expect([first.session_id, second.session_id]).toEqual(['s-1', 's-2']);
  });

  it('the names of the moment of the call: a list that changes later changes nothing', () => {
    const names = ['inputs'];
    const binder = compileBinder(names, PLACE);
    names.push('session_id');
    expect(Object.keys(binder(fieldsOf({ session_id: 's-1' }), dataOf()))).toEqual(['inputs']);
  });
});

describe("'...rest'", () => {
  const fields = fieldsOf({ session_id: 'S3CRET-id', tenant: 'S3CRET-tenant' });
  const data = dataOf({ inputs: { a: 1 }, outputs: 'o', parameters: { p: 2 } });

  it('is all data fields when none was asked for', () => {
    expect(bindNames(['...rest'], fields, data)).toStrictEqual({
      rest: { inputs: { a: 1 }, outputs: 'o', parameters: { p: 2 } },
    });
  });

  it.each([
    ['inputs', ['outputs', 'parameters']],
    ['outputs', ['inputs', 'parameters']],
    ['parameters', ['inputs', 'outputs']],
  ])('leaves out %s when it was asked for by name, before or after it', (name, left) => {
    for (const names of [
      [name, '...rest'],
      ['...rest', name],
    ]) {
      expect(Object.keys(Object(bindNames(names, fields, data).rest))).toEqual(left);
    }
  });

  it('is empty when every data field was asked for', () => {
    const names = ['inputs', 'outputs', 'parameters', '...rest'];
    expect(bindNames(names, fields, data).rest).toStrictEqual({});
  });

  it('takes any name after the dots', () => {
    expect(Object.keys(bindNames(['...others'], fields, data))).toEqual(['others']);
    expect(Object.keys(bindNames(['...session_id'], fields, data))).toEqual(['session_id']);
    expect(bindNames(['...session_id'], fields, data).session_id).toStrictEqual({ ...data });
  });

  it('keeps a data field that only shares the name after the dots', () => {
    expect(bindNames(['...inputs'], fields, data).inputs).toStrictEqual({ ...data });
  });

  it('is never an envelope field: the id cannot be found anywhere in the argument', () => {
    const bound = bindNames(['...rest'], fields, data);
    expect(reaches(bound, 'S3CRET')).toBe(false);
  });

  it('lets the id be found only by those who asked for it', () => {
    for (const name of ['session_id', 'request', 'tenant']) {
      expect(reaches(bindNames([name, '...rest'], fields, data), 'S3CRET')).toBe(true);
    }
    expect(reaches(Object.create({ [Symbol('S3CRET')]: 1 }), 'S3CRET')).toBe(true);
  });
});

describe('`request`', () => {
  const fields = fieldsOf({ session_id: 's-1', tenant: undefined, tier: 'gold' });
  const data = dataOf({
    inputs: { list: [{ deep: { deeper: [1] } }], none: null },
    outputs: [{ o: 1 }],
    parameters: { p: { q: 1 } },
  });

  it('has the fields that have a value, and the data', () => {
    expect(bindNames(['request'], fields, data).request).toStrictEqual({
      session_id: 's-1',
      tier: 'gold',
      data: { inputs: data.inputs, outputs: [{ o: 1 }], parameters: { p: { q: 1 } } },
    });
  });

  it('has no `outputs` when the request has none, and keeps a null one', () => {
    const none = bindNames(['request'], fields, dataOf()).request as { data: object };
    expect(Object.keys(none.data)).toEqual(['inputs', 'parameters']);
    const nothing = bindNames(['request'], fields, dataOf({ outputs: null })).request;
    expect(nothing).toHaveProperty('data.outputs', null);
  });

  it('is frozen all the way down', () => {
    expectDeeplyFrozen(bindNames(['request'], fields, data).request);
  });

  it('is a copy: what it was made of stays as it is and can still be changed', () => {
    const before = JSON.stringify(data);
    const { request } = bindNames(['request'], fields, data);
    const copied = (request as { data: EnvelopeData }).data;
    expect(copied.inputs).not.toBe(data.inputs);
    expect(copied.inputs.list).not.toBe(data.inputs.list);
    expect(Object.isFrozen(data.inputs)).toBe(false);
    expect(Object.isFrozen(data.inputs.list)).toBe(false);
    expect(JSON.stringify(data)).toBe(before);
  });

  it('keeps an own `__proto__` in the data as a plain member', () => {
    const inputs = JSON.parse('{"__proto__":{"role":"admin"}}');
    const { request } = bindNames(['request'], fieldsOf({}), dataOf({ inputs }));
    const copied = (request as { data: EnvelopeData }).data.inputs;
    expect(copied.role).toBeUndefined();
    expect(JSON.stringify(copied)).toBe('{"__proto__":{"role":"admin"}}');
  });
});

describe('names that cannot be bound are a TypeError that names the place and the name', () => {
  it.each<[string, unknown[], RegExp]>([
    ['an empty name', [''], /^bind: names .*''/],
    ['dots without a name', ['...'], /^bind: names .*'\.\.\.'/],
    ['__proto__', ['__proto__'], /^bind: names .*'__proto__'/],
    ['a rest called __proto__', ['...__proto__'], /^bind: names .*__proto__'/],
    ['the same name twice', ['inputs', 'inputs'], /^bind: names .*once.*'inputs'/],
    ['a rest with the key of another name', ['rest', '...rest'], /^bind: names .*once/],
    ['a name with the key of the rest', ['...inputs', 'inputs'], /^bind: names .*once/],
    ['a second rest', ['...rest', '...others'], /^bind: names .*one rest.*'\.\.\.others'/],
    ['a number', [7], /^bind: names .*7/],
    ['undefined', [undefined], /^bind: names .*undefined/],
    ['null', ['inputs', null], /^bind: names .*null/],
    ['a nested list', [['inputs']], /^bind: names .*inputs/],
    ['a field without a name', [{}], /^bind: names .*undefined/],
    ['a field and its name', [{ name: 'a' }, 'a'], /^bind: names .*once.*'a'/],
    ['a hole in the list', Array(1), /^bind: names .*undefined/],
  ])('%s', (_what, names, message) => {
    const compile = () => compileBinder(names as string[], PLACE);
    expect(compile).toThrow(TypeError);
    expect(compile).toThrow(message);
  });
});
