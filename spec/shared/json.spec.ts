import { runInNewContext } from 'node:vm';
import { frozenCopy, isJsonObject, ownMember } from '../../lib/shared/json.js';

describe('isJsonObject', () => {
  it.each<[string, unknown]>([
    ['an empty object', {}],
    ['an object without a prototype', Object.create(null)],
    ['an object of another realm', runInNewContext('({ a: 1 })')],
  ])('takes %s for an object', (_title, value) => {
    expect(isJsonObject(value)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['an array', []],
    ['an array of another realm', runInNewContext('[]')],
    ['a string', '{}'],
    ['a number', 1],
    ['a boolean', true],
    ['a Buffer', Buffer.from('{}')],
    ['an empty Buffer', Buffer.alloc(0)],
    ['a typed array', new Uint8Array(2)],
    ['a function', () => ({})],
  ])('does not take %s for an object', (_title, value) => {
    expect(isJsonObject(value)).toBe(false);
  });
});

describe('ownMember', () => {
  it('reads a member of the object', () => {
    expect(ownMember({ a: 1 }, 'a')).toBe(1);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])(
    'never reads %s from the prototype',
    (name) => {
      expect(ownMember({}, name)).toBeUndefined();
    },
  );

  it.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])(
    'reads a member called %s that was sent',
    (name) => {
      expect(ownMember(JSON.parse(`{"${name}":"sent"}`), name)).toBe('sent');
    },
  );

  it('reads from an object without a prototype', () => {
    expect(ownMember(Object.assign(Object.create(null), { a: 1 }), 'a')).toBe(1);
  });
});

describe('frozenCopy', () => {
  it('copies all the way down and leaves the original as it is', () => {
    const original = { list: [{ deep: { er: 1 } }], text: 'a', nothing: null };
    const copy = frozenCopy(original);
    expect(copy).toEqual(original);
    expect(copy.list[0]?.deep).not.toBe(original.list[0]?.deep);
    expect(Object.isFrozen(original)).toBe(false);
    expect(Object.isFrozen(original.list[0]?.deep)).toBe(false);
  });

  it('freezes every object and array in the copy', () => {
    const copy = frozenCopy({ list: [{ deep: { er: 1 } }] });
    const parts = [copy, copy.list, copy.list[0], copy.list[0]?.deep];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true]);
  });

  it.each<[unknown]>([['a'], [1], [true], [null], [undefined]])('gives %p back', (value) => {
    expect(frozenCopy(value)).toBe(value);
  });

  it('gives bytes and functions back as they are, and does not freeze them', () => {
    const value = { bytes: Buffer.from('a'), call: () => 1 };
    const copy = frozenCopy(value);
    expect([copy.bytes, copy.call]).toEqual([value.bytes, value.call]);
    expect(Object.isFrozen(value.call)).toBe(false);
  });

  it('makes one copy of what is there twice, or inside of itself', () => {
    const twice: { self?: object; list: object[] } = { list: [] };
    twice.self = twice;
    twice.list.push(twice, twice.list);
    const copy = frozenCopy(twice);
    expect(copy).not.toBe(twice);
    expect([copy.self, copy.list[0], copy.list[1]]).toEqual([copy, copy, copy.list]);
    expect(copy.self).toBe(copy);
  });

  it('keeps a member called __proto__ as a member, never as a prototype', () => {
    const copy = frozenCopy(JSON.parse('{"__proto__":{"polluted":true}}') as object);
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect('polluted' in copy).toBe(false);
    expect('polluted' in {}).toBe(false);
  });
});
