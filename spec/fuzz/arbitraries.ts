/** What clients send and apps do, and worse. */
import fc from 'fast-check';

/** Names that mean something here, or to JavaScript. */
export const name = fc.oneof(
  fc.constantFrom('session_id', 'tenant', 'x.y', 'data', 'inputs', 'outputs', 'parameters'),
  fc.constantFrom('request', 'rest', '...rest', '', '__proto__', 'constructor', 'prototype'),
  fc.constantFrom('toString', 'hasOwnProperty', 'then', 'toJSON', 'length', 'req', '0', 'question'),
  fc.string({ maxLength: 8 }),
);

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  // JSON knows no -0.
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
  fc.string(),
  fc.string({ unit: 'binary' }),
);

/** An object as `JSON.parse` makes it: `__proto__` is a property like any other. */
const objectOf = (value: fc.Arbitrary<unknown>) =>
  fc.array(fc.tuple(name, value), { maxLength: 6 }).map((entries) => {
    const object: Record<string, unknown> = {};
    for (const [key, each] of entries) {
      Object.defineProperty(object, key, {
        ...{ value: each, enumerable: true, writable: true, configurable: true },
      });
    }
    return object;
  });

/** Any JSON value, its keys taken from the names above. */
export const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    scalar,
    objectOf(tie('any')),
    fc.array(tie('any'), { maxLength: 4 }),
  ),
})).any as fc.Arbitrary<unknown>;

export const jsonObject = objectOf(json);

/** Accepted ids. */
export const validId = fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/);

/** Mostly ids that are not accepted, or count as absent. */
export const anyId = fc.oneof(
  validId,
  json,
  fc.string({ unit: 'binary', maxLength: 140 }),
  validId.map((id) => `${id}\n`),
  fc.constantFrom('', ' ', '\t\n', '\u2003', '\ufeff'),
  fc.integer({ min: 127, max: 130 }).map((length) => 'x'.repeat(length)),
);

/** JSON text that is nested so deeply that a walk over it may overflow the stack. */
const deepText = fc
  // To shrink a depth takes hundreds of requests, and says little.
  .noShrink(fc.tuple(fc.integer({ min: 100, max: 20_000 }), fc.boolean()))
  .map(([depth, arrays]) =>
    arrays
      ? '['.repeat(depth) + ']'.repeat(depth)
      : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  );

/** An envelope, or nearly one, as text. */
const envelopeText = fc
  .record(
    { session_id: anyId, tenant: json, data: fc.oneof(jsonObject, json), inputs: jsonObject },
    { requiredKeys: [] },
  )
  .chain((envelope) =>
    fc.oneof(
      { weight: 9, arbitrary: fc.constant(JSON.stringify(envelope)) },
      {
        weight: 1,
        arbitrary: deepText.map(
          (deep) => `{"session_id":"deep-1","data":{"inputs":{"a":${deep}}}}`,
        ),
      },
    ),
  );

/** Any bytes that a client may send, most of them JSON. */
export const bodyBytes = fc.oneof(
  { weight: 4, arbitrary: envelopeText },
  { weight: 3, arbitrary: json.map((value) => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(json, fc.nat(80))
      .map(([value, length]) => JSON.stringify(value).slice(0, length)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
);

/** Mostly what is right. */
export const headers = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 6, arbitrary: fc.constant('application/json') },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          'application/vnd.api+json; charset=utf-8',
          'application/json; charset=latin1',
          'text/plain',
          'application/x-www-form-urlencoded',
          ';',
        ),
      },
    ),
    accept: fc.constantFrom(
      '*/*',
      'application/json',
      'text/event-stream',
      'application/x-ndjson',
      'application/json; charset=utf-8',
      'image/png',
      ';q=,',
    ),
    'content-encoding': fc.oneof(
      { weight: 9, arbitrary: fc.constant('identity') },
      { weight: 1, arbitrary: fc.constantFrom('gzip', 'br', 'nonsense') },
    ),
  },
  { requiredKeys: ['content-type'] },
);
