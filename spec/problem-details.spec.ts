import { jest } from '@jest/globals';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import request from 'supertest';
import {
  type AgentEnvelopeOptions,
  EnvelopeError,
  problemDetails,
  withSessionId,
} from '../lib/index.js';
import { envelopeApp, keepErrors, post, serverSpan, useTracing } from './helpers.js';

/** Posts `envelope` to an app whose only handler is `handler`. */
const replyOf = (
  handler: RequestHandler,
  envelope: string | object = { session_id: 'conv-1' },
  options?: AgentEnvelopeOptions,
) => post(envelopeApp(express(), handler, options).app, envelope);

const failWith =
  (error: unknown): RequestHandler =>
  (_req, _res, next) =>
    next(error);

const throwing =
  (error: unknown): RequestHandler =>
  () => {
    throw error;
  };

describe('problemDetails()', () => {
  it('answers an EnvelopeError as a problem document of RFC 9457', async () => {
    const errors = [{ pointer: '/data/inputs/q', detail: 'is required' }];
    const reply = await replyOf(
      failWith(new EnvelopeError('INVALID_INPUT', 'q is missing', { errors })),
    );
    expect(reply.status).toBe(422);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.headers['x-session-id']).toBe('conv-1');
    expect(reply.body).toEqual({
      type: 'urn:problem-type:express-agent-envelope:invalid-input',
      title: 'The data does not fit the schema of the route',
      status: 422,
      code: 'INVALID_INPUT',
      detail: 'q is missing',
      errors,
      session_id: 'conv-1',
    });
  });

  it.each<[string, RequestHandler]>([
    ['thrown', throwing(new TypeError('secret: cannot read db.password'))],
    ['passed to next', failWith(new Error('secret'))],
    ['a string', throwing('secret')],
    ['an object', throwing({ message: 'secret', stack: 'secret' })],
  ])(
    'shows nothing of an unknown error, %s, but the session it happened in',
    async (_title, handler) => {
      const reply = await replyOf(handler);
      expect(reply.status).toBe(500);
      expect(reply.body).toEqual({
        type: 'urn:problem-type:express-agent-envelope:internal-error',
        title: 'Internal Server Error',
        status: 500,
        code: 'INTERNAL_ERROR',
        detail: 'The server failed to handle the request',
        session_id: 'conv-1',
      });
      expect(reply.text + JSON.stringify(reply.headers)).not.toMatch(/secret|at /);
    },
  );

  it('answers with the status and the exposed message of an error of http-errors', async () => {
    const error = Object.assign(new Error('Edit conflict'), { status: 409, expose: true });
    const reply = await replyOf(failWith(error));
    expect(reply.status).toBe(409);
    expect(reply.body).toEqual({
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      code: 'HTTP_ERROR',
      detail: 'Edit conflict',
      session_id: 'conv-1',
    });
  });

  it('answers the path that Express itself cannot decode, without quoting it', async () => {
    const app = express();
    app.get('/:name', (_req, res) => {
      res.end();
    });
    app.use(problemDetails());
    const reply = await request(app).get('/%E0%A4%A');
    expect([reply.status, reply.body.code]).toEqual([400, 'HTTP_ERROR']);
    expect(reply.text).not.toContain('%E0');
  });

  it.each<[string, string, number, string]>([
    ['malformed JSON', '{"secret', 400, 'MALFORMED_JSON'],
    ['a body over the limit', `{"inputs":{"secret":"${'x'.repeat(64)}"}}`, 413, 'BODY_TOO_LARGE'],
  ])('answers %s without quoting it', async (_title, body, status, code) => {
    const reply = await replyOf(failWith(undefined), body, { limit: 64 });
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.body).toMatchObject({ status, code });
    expect(reply.text).not.toContain('secret');
  });

  it.each([
    ['application/json; charset=koi8-r', 'identity'],
    ['application/json', 'rot13'],
  ])('answers 415 to %s in the encoding %s', async (type, encoding) => {
    const reply = await replyOf(failWith(undefined), '{}').set({
      'content-type': type,
      'content-encoding': encoding,
    });
    expect(reply.status).toBe(415);
    expect(reply.body).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
    expect(reply.text).not.toMatch(/koi8|rot13/i);
  });

  it('puts no id on the reply where there is no session', async () => {
    const reply = await replyOf(failWith(new Error('x')), '{}');
    expect(reply.status).toBe(500);
    expect(reply.body).not.toHaveProperty('session_id');
    expect(reply.headers).not.toHaveProperty('x-session-id');
  });

  it('names the session in the body where the header is switched off', async () => {
    const reply = await replyOf(failWith(new Error('x')), undefined, { responseHeader: false });
    expect(reply.body.session_id).toBe('conv-1');
    expect(reply.headers).not.toHaveProperty('x-session-id');
  });

  it('puts back the header that a handler removed', async () => {
    const reply = await replyOf((_req, res, next) => {
      res.removeHeader('x-session-id');
      next(new Error('x'));
    });
    expect(reply.headers['x-session-id']).toBe('conv-1');
  });

  it('replaces the status and the type that a handler had set', async () => {
    const reply = await replyOf((_req, res, next) => {
      res.status(201).type('text/html');
      next(new EnvelopeError('INVALID_INPUT', 'x'));
    });
    expect(reply.status).toBe(422);
    expect(reply.headers['content-type']).toBe('application/problem+json');
  });

  it('works without agentEnvelope()', async () => {
    const app = express();
    app.get('/', throwing(new EnvelopeError('NO_ENVELOPE', 'none')));
    app.use(problemDetails());
    const reply = await withSessionId('not-of-this-request', () => request(app).get('/'));
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({
      type: 'urn:problem-type:express-agent-envelope:no-envelope',
      title: 'The request carries no envelope',
      status: 400,
      code: 'NO_ENVELOPE',
      detail: 'none',
    });
  });

  it('comes after a handler of the app that only looks', async () => {
    const seen: unknown[] = [];
    const app = express();
    const error = new Error('for the log only');
    app.get('/', throwing(error));
    app.use(keepErrors(seen), problemDetails());
    expect((await request(app).get('/')).body.code).toBe('INTERNAL_ERROR');
    expect(seen).toEqual([error]);
  });

  it('leaves a request that did not fail alone', async () => {
    const reply = await replyOf((_req, res) => {
      res.json({ fine: true });
    });
    expect([reply.status, reply.body]).toEqual([200, { fine: true }]);
  });

  it('is an error handler for Express, by its name and its four parameters', () => {
    const handler = problemDetails();
    expect([handler.name, handler.length]).toEqual(['problemDetails', 4]);
  });
});

describe('problemDetails() once the reply has begun', () => {
  it('delegates to next when the headers are sent', async () => {
    const error = new Error('in the middle');
    const last = jest.fn<ErrorRequestHandler>((_error, _req, res, _next) => {
      res.end(', cut off');
    });
    const app = express();
    app.get('/', (_req, res, next) => {
      res.type('text/plain').write('begun');
      next(error);
    });
    app.use(problemDetails());
    app.use(((thrown, req, res, next) =>
      last(thrown, req, res, next)) satisfies ErrorRequestHandler);
    const reply = await request(app).get('/');
    expect([reply.status, reply.text]).toEqual([200, 'begun, cut off']);
    expect(last).toHaveBeenCalledTimes(1);
    expect(last.mock.calls[0]?.[0]).toBe(error);
  });

  it('leaves a reply alone that has ended', async () => {
    const last = jest.fn<() => void>();
    const app = express();
    app.get('/', (_req, res, next) => {
      res.json({ whole: true });
      next(new Error('afterwards'));
    });
    app.use(problemDetails());
    app.use(((_error, _req, _res, next) => {
      last();
      next();
    }) satisfies ErrorRequestHandler);
    const reply = await request(app).get('/');
    expect([reply.status, reply.body]).toEqual([200, { whole: true }]);
    expect(last).not.toHaveBeenCalled();
  });
});

describe('problemDetails() in a trace', () => {
  const tracing = useTracing();

  it('names the trace, which leads to what it does not show', async () => {
    const { app } = envelopeApp(express().use(serverSpan), failWith(new Error('secret')));
    const reply = await post(app, { session_id: 'conv-1' });
    const traceId = tracing.spanNamed('server')?.spanContext().traceId;
    expect(reply.body).toMatchObject({ status: 500, session_id: 'conv-1', trace_id: traceId });
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('headers on a problem', () => {
  it('are those that an HTTP error brings, and none that describe the reply that failed', async () => {
    const app = express();
    app.post('/', (_req, res) => {
      res.set({ 'Cache-Control': 'public, max-age=60', ETag: '"a"', 'X-Own': 'kept' });
      throw Object.assign(new Error('busy'), { status: 503, headers: { 'Retry-After': '7' } });
    });
    app.use(problemDetails());
    const { headers } = await request(app).post('/').expect(503);
    expect(headers).toMatchObject({ 'retry-after': '7', 'x-own': 'kept' });
    expect(headers).not.toHaveProperty('cache-control');
    expect(headers.etag).not.toBe('"a"');
  });

  it.each([
    ['a fetch Headers', new Headers({ 'set-cookie': 'a=1', 'x-session-id': 'theirs' })],
    ['an object', { 'set-cookie': 'a=1', 'x-session-id': 'theirs', 'content-encoding': 'gzip' }],
  ])(
    'are not those of an upstream, which the error of a model SDK brings as %s',
    async (_what, theirs) => {
      const busy = Object.assign(new Error('busy'), { status: 429, headers: theirs });
      const { headers, body } = await replyOf(throwing(busy), { session_id: 'ours' }).expect(429);
      expect(headers['x-session-id']).toBe('ours');
      expect(headers).not.toHaveProperty('set-cookie');
      expect(body).toMatchObject({ code: 'HTTP_ERROR', session_id: 'ours' });
    },
  );
});
