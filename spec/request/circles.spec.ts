/** What an app may have put into a body that no JSON has: an object inside of itself, or in many places. No walk goes on for ever. */
import express from 'express';
import { bind } from '../../lib/index.js';
import { envelopeApp, post } from '../helpers.js';

/** More reads than any walk needs that looks at each object once, or gives up where the stack overflows. */
const MANY = 500_000;

/** Has the member under two names. It refuses to be read for ever: a walk without an end could not be stopped. */
function twice(member: (self: object) => object, names = ['a', 'b'], made: object = {}): object {
  const get = function (this: object) {
    reads += 1;
    if (reads > MANY) throw new Error('walked without an end');
    return member(this);
  };
  for (const name of names) Object.defineProperty(made, name, { get, enumerable: true });
  return made;
}
let reads = 0;

const circle = () => twice((self) => self);
function nested(): object {
  let object: object = {};
  for (let levels = 0; levels < 60; levels += 1)
    object = twice(
      (
        (inner) => () =>
          inner
      )(object),
    );
  return object;
}
const list = () => twice((self) => self, ['0', '1'], []);

const treeSchema = {
  type: 'object',
  properties: { user: { $ref: '#/definitions/tree' } },
  definitions: {
    tree: {
      type: ['object', 'array'],
      properties: { a: { $ref: '#/definitions/tree' } },
      items: { $ref: '#/definitions/tree' },
    },
  },
} as const;
/** A Standard Schema whose check asks for more stack than there is, or says something of all that was sent. */
const standard = (validate: (value: unknown) => never | { issues: { message: string }[] }) => ({
  '~standard': { version: 1 as const, vendor: 'spec', validate },
});
const overflowing = standard(() => {
  throw new RangeError('Maximum call stack size exceeded');
});
const refusing = standard(() => ({ issues: [{ message: 'a word of its own' }] }));

const UNFIT = [422, 'INVALID_INPUT'];
const FAILED = [500, 'INTERNAL_ERROR'];
const ROUTES: [what: string, route: () => express.RequestHandler, outcome: unknown[]][] = [
  ['a copy of the request', () => bind(['request'], () => 'answered'), [200, undefined]],
  ['a schema that overflows', () => bind({ inputs: overflowing }, () => 1), FAILED],
  ['a schema that refuses', () => bind({ inputs: refusing }, () => 1), UNFIT],
  ['an answer', () => bind(['inputs'], ({ inputs }) => inputs), [500, 'INVALID_OUTPUT']],
];

function appWith(route: express.RequestHandler, make: () => object) {
  reads = 0;
  const app = express();
  app.use(express.json(), (req, _res, next) => {
    req.body.inputs.user = make();
    next();
  });
  return envelopeApp(app, route).app;
}

describe.each([
  ['an object inside of itself', circle],
  ['an object in 2^60 places', nested],
  ['a list inside of itself', list],
])('%s', (_what, make) => {
  it.each(ROUTES)('is answered: %s', async (what, route, [status, code]) => {
    // The reading of it for JSON is V8's own, and has no bound.
    if (what === 'an answer' && make === nested) return;
    const reply = await post(appWith(route(), make), { inputs: {} });
    expect([reply.status, reply.body.code]).toEqual([status, code]);
    expect(reads).toBeLessThan(MANY);
  });
});

it('an object inside of itself is the app’s own fault where a recursive schema follows it', async () => {
  const { status, body } = await post(
    appWith(
      bind({ inputs: treeSchema }, () => 1),
      circle,
    ),
    { inputs: {} },
  );
  expect([status, body.code]).toEqual(FAILED);
});
