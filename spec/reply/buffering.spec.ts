/** Behind a middleware that keeps all that is written, and sends it at the end: no header is sent until then. */
import express, { type RequestHandler } from 'express';
import { bind } from '../../lib/index.js';
import { envelopeApp, JSON_TYPE, NDJSON, post, SSE } from '../helpers.js';

const keepAll: RequestHandler = (_req, res, next) => {
  const { end } = res;
  const kept: Buffer[] = [];
  res.write = (chunk: Buffer) => {
    kept.push(Buffer.from(chunk));
    return true;
  };
  res.end = (chunk?: unknown) => {
    if (chunk instanceof Uint8Array) kept.push(Buffer.from(chunk));
    const body = Buffer.concat(kept);
    res.setHeader('Content-Length', body.length);
    return end.call(res, body, 'utf8');
  };
  next();
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function* items(count: number) {
  for (let item = 0; item < count; item += 1) {
    yield item;
    await turn();
    await turn();
  }
  throw new Error('private');
}

const appOf = (make: () => unknown) =>
  envelopeApp(
    express().use(keepAll),
    bind([], () => make()),
  );

describe.each([NDJSON, SSE])('a stream of %s', (type) => {
  const read = (count: number) =>
    post(appOf(() => items(count)).app, {})
      .set('accept', type)
      .buffer(true)
      .parse((res, done) => {
        let text = '';
        res.on('data', (chunk) => {
          text += chunk;
        });
        res.on('end', () => done(null, text));
      });

  it.each([1, 3])('that fails after %i items ends with the failure in band', async (count) => {
    const reply = await read(count);
    expect([reply.status, reply.headers['content-type']]).toEqual([200, type]);
    const parts = String(reply.body)
      .trim()
      .split(/\n+(?!data)/);
    expect(parts).toHaveLength(count + 1);
    const json = String(parts.at(-1)).replace(/^.*data: /s, '');
    expect((JSON.parse(json).error ?? JSON.parse(json)).code).toBe('INTERNAL_ERROR');
  });

  it('that fails before the first item is a problem, and nothing else', async () => {
    const reply = await read(0);
    expect([reply.status, reply.headers['content-type']]).toEqual([
      500,
      'application/problem+json',
    ]);
    expect(JSON.parse(reply.body).code).toBe('INTERNAL_ERROR');
  });
});

it('a Response that fails after it has begun is reset', async () => {
  let pulled = 0;
  const body = () =>
    new ReadableStream({
      async pull(controller) {
        pulled += 1;
        if (pulled > 1) await turn();
        if (pulled === 3) controller.error(new Error('private'));
        else controller.enqueue(new Uint8Array(10));
      },
    });
  const { app } = appOf(() => new Response(body()));
  await expect(post(app, {}).set('accept', JSON_TYPE)).rejects.toThrow(/socket hang up|ECONNRESET/);
});
