import { setImmediate as macrotask } from 'node:timers/promises';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import express, { type RequestHandler } from 'express';
import { z } from 'zod';
import { bind } from '../../lib/index.js';
import { connect, envelopeApp, gate, NDJSON, pointers, post, serving } from '../helpers.js';

const appOf = (route: RequestHandler) => envelopeApp(express(), route).app;
const LATER = z.object({ q: z.string().refine(async (q) => q !== 'no') });

const standard = (validate: () => Promise<StandardSchemaV1.Result<unknown>>): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'spec', validate },
});

describe('a Standard Schema of a route', () => {
  it('gives its output by every name, and leaves the body and the envelope as they were sent', async () => {
    const inputs = z.object({ q: z.string(), top: z.number().default(5) });
    const route = bind({ inputs, top: true, request: true }, (bound, { req }) => [
      bound.inputs,
      bound.top,
      bound.request.data.inputs,
      req.body.inputs,
    ]);
    const { body } = await post(appOf(route), { inputs: { q: 'a' } }).expect(200);
    expect(body.data.outputs).toEqual([{ q: 'a', top: 5 }, 5, { q: 'a' }, { q: 'a' }]);
  });

  it('may be asynchronous for inputs and parameters, which are told of together', async () => {
    const app = appOf(bind({ inputs: LATER, parameters: LATER }, () => 'ran'));
    await post(app, { inputs: { q: 'a' }, parameters: { q: 'a' } }).expect(200);
    const { status, body } = await post(app, { inputs: { q: 'no' }, parameters: { q: 'no' } });
    expect([status, pointers(body)]).toEqual([422, ['/inputs/q', '/parameters/q']]);
  });

  it('may be asynchronous for an output, of which it sends what it gives back', async () => {
    const app = (q: string) =>
      appOf(bind({ outputs: LATER }, () => ({ q, secret: 1 }) as { q: string }));
    const good = await post(app('a'), {}).expect(200);
    expect(good.body.data.outputs).toEqual({ q: 'a' });
    const bad = await post(app('no'), {}).expect(500);
    expect([bad.body.code, pointers(bad.body)]).toEqual(['INVALID_OUTPUT', ['/data/outputs/q']]);
  });

  it('may be asynchronous for the items of a stream, in their order', async () => {
    const route = bind({ outputs: LATER }, async function* () {
      yield { q: 'a' };
      yield { q: 'b' };
      yield { q: 'no' };
    });
    const { text } = await post(appOf(route), {}).set('accept', NDJSON);
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.slice(0, 2)).toEqual([{ q: 'a' }, { q: 'b' }]);
    expect(text).toContain('INVALID_OUTPUT');
  });

  it.each<[string, StandardSchemaV1.Result<unknown>]>([
    ['fits: the handler is not called for it', { value: {} }],
    ['does not fit: that is no error of the app', { issues: [{ message: 'no' }] }],
  ])('may find, after the client has left, that a value %s', async (_title, result) => {
    const [asked, left] = [gate(), gate()];
    const seen: unknown[] = [];
    const inputs = standard(async () => {
      asked.open();
      await left.opened;
      return result;
    });
    const leaving = express().use((_req, res, next) => {
      res.once('close', left.open);
      next();
    });
    const { app, errors } = envelopeApp(
      leaving,
      bind({ inputs }, () => seen.push('called')),
    );
    await serving(app, async (url) => {
      const client = connect(url, { inputs: {} });
      await asked.opened;
      client.destroy();
      await left.opened;
      await macrotask();
    });
    expect([seen, errors]).toEqual([[], []]);
  });

  it('that overflows later on what the client has nested too deeply is a 400', async () => {
    const deep = (levels: number) => `{"inputs":{"q":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
    const overflowing = standard(async () => {
      throw new RangeError('Maximum call stack size exceeded');
    });
    const { app, errors } = envelopeApp(
      express(),
      bind({ inputs: overflowing }, () => 'ran'),
    );
    const { body, status } = await post(app, deep(20_000));
    expect([status, body.code]).toEqual([400, 'INVALID_ENVELOPE']);
    const own = await post(app, deep(1));
    expect(own.status).toBe(500);
    expect(errors).toHaveLength(2);
  });
});
