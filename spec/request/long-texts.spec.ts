/** A text at which a schema's regular expression overflows V8's stack: whose fault that is, the place says. */
import express, { type RequestHandler } from 'express';
import * as v from 'valibot';
import { z } from 'zod';
import { bind, sessionId } from '../../lib/index.js';
import { envelopeApp, post } from '../helpers.js';

/** Each round of it notes many places to go back to: 200,000 characters are enough. */
const SOURCE = `^(?:[a-z]${'(x)?'.repeat(30)})*$`;
const TEXT = 'a'.repeat(200_000);

const json = { type: 'object', properties: { q: { type: 'string', pattern: SOURCE } } } as const;
const names = { type: 'object', propertyNames: { pattern: SOURCE } } as const;
const expression = new RegExp(SOURCE);
const zod = z.object({ q: z.string().regex(expression) });
const late = zod.refine(async () => true);
const valibot = v.object({ q: v.pipe(v.string(), v.regex(expression)) });

it('overflows', () => {
  expect(() => expression.test(TEXT)).toThrow(RangeError);
});

const inputs = { q: TEXT };
const UNFIT = [422, 'INVALID_INPUT'] as const;

it.each<
  [what: string, route: RequestHandler, body: object, outcome: readonly unknown[], pointer: string]
>([
  ['a JSON Schema of the inputs', bind({ inputs: json }, () => 1), { inputs }, UNFIT, '/inputs'],
  [
    'one of the names',
    bind({ inputs: names }, () => 1),
    { data: { inputs: { [TEXT]: 1 } } },
    UNFIT,
    '/data/inputs',
  ],
  [
    'one of the parameters',
    bind({ parameters: json }, () => 1),
    { parameters: inputs },
    UNFIT,
    '/parameters',
  ],
  ['Zod', bind({ inputs: zod }, () => 1), { inputs }, UNFIT, '/inputs'],
  ['Zod, asynchronously', bind({ inputs: late }, () => 1), { inputs }, UNFIT, '/inputs'],
  ['Valibot', bind({ inputs: valibot }, () => 1), { inputs }, UNFIT, '/inputs'],
  ['a field', bind([], () => 1), { tag: TEXT }, [400, 'INVALID_FIELD'], '/tag'],
  [
    'an answer',
    bind({ outputs: json }, () => inputs),
    {},
    [500, 'INVALID_OUTPUT'],
    '/data/outputs',
  ],
])('too long for %s', async (_what, route, body, [status, code], pointer) => {
  const fields = [sessionId, { name: 'tag', schema: { type: 'string', pattern: SOURCE } }];
  const { app, errors } = envelopeApp(express(), route, { fields, limit: '4mb' });
  const reply = await post(app, body);
  expect([reply.status, reply.body.code]).toEqual([status, code]);
  const place = { pointer, detail: 'has a text that is too long to be checked' };
  expect(errors).toEqual([expect.objectContaining({ errors: [place] })]);
});

it('an overflow that no text explains stays the app’s own', async () => {
  const endless = z.object({ q: z.string() }).refine(function again(): boolean {
    return again();
  });
  const { app } = envelopeApp(
    express(),
    bind({ inputs: endless }, () => 1),
  );
  const reply = await post(app, { inputs: { q: 'short' } });
  expect([reply.status, reply.body.code]).toEqual([500, 'INTERNAL_ERROR']);
});
