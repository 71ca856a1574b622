import express from 'express';
import request from 'supertest';
import { negotiate, offersOf, type ReplyType } from '../../lib/reply/negotiate.js';

const OFFERS = offersOf('application/x-ndjson');

import { EnvelopeError } from '../../lib/shared/errors.js';
import { JSON_TYPE, JSONL, NDJSON, SSE } from '../helpers.js';

/** What a client with this `Accept` gets offered, by kind of reply; `406` where it is refused. */
async function picked(kind: keyof typeof OFFERS, accept?: string): Promise<unknown> {
  const app = express();
  let outcome: unknown;
  app.get('/', (req, res) => {
    try {
      outcome = negotiate(req, OFFERS[kind]);
    } catch (error) {
      outcome = error instanceof EnvelopeError ? error.status : error;
    }
    res.end();
  });
  const test = request(app).get('/');
  if (accept !== undefined) test.set('Accept', accept);
  await test;
  return outcome;
}

describe('negotiate picks for a value', () => {
  it.each<[accept: string | undefined, outcome: unknown]>([
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['Application/JSON', JSON_TYPE],
    ['application/*', JSON_TYPE],
    ['application/json, text/plain, */*', JSON_TYPE],
    ['text/event-stream, application/json', JSON_TYPE],
    ['text/event-stream, application/json;q=0.1', JSON_TYPE],
    ['text/event-stream', 406],
    ['application/x-ndjson', 406],
    ['application/jsonl', 406],
    ['text/html', 406],
    ['application/json;q=0', 406],
    ['application/json;q=0, */*', 406],
  ])('under Accept %p: %p', async (accept, outcome) => {
    expect(await picked('value', accept)).toBe(outcome);
  });
});

describe('negotiate picks for a stream', () => {
  it.each<[accept: string | undefined, outcome: unknown]>([
    [undefined, NDJSON],
    ['*/*', NDJSON],
    ['application/json, text/plain, */*', NDJSON],
    ['application/*', NDJSON],
    ['text/event-stream', SSE],
    ['text/*', SSE],
    ['application/x-ndjson', NDJSON],
    ['application/jsonl', JSONL],
    ['text/event-stream, */*', SSE],
    ['application/jsonl, application/x-ndjson', JSONL],
    ['text/event-stream;q=0.5, application/x-ndjson', NDJSON],
    ['text/event-stream, application/x-ndjson;q=0.5', SSE],
    ['application/x-ndjson;q=0, application/jsonl', JSONL],
    ['application/json, text/event-stream;q=0.1', SSE],
    ['application/json', 406],
    ['text/html', 406],
    ['text/event-stream;q=0', 406],
  ])('under Accept %p: %p', async (accept, outcome) => {
    expect(await picked('stream', accept)).toBe(outcome);
  });
});

describe('negotiate picks for a run', () => {
  it.each<[accept: string | undefined, outcome: unknown]>([
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['application/json, text/plain, */*', JSON_TYPE],
    ['text/event-stream', SSE],
    ['application/x-ndjson', NDJSON],
    ['application/jsonl', JSONL],
    ['application/json, text/event-stream', JSON_TYPE],
    ['text/event-stream, application/json', SSE],
    ['application/json;q=0.5, text/event-stream', SSE],
    ['text/event-stream, */*;q=0.1', SSE],
    ['text/html', 406],
  ])('under Accept %p: %p', async (accept, outcome) => {
    expect(await picked('run', accept)).toBe(outcome);
  });
});

it.each([
  ['value', 'application/json'],
  ['stream', 'application/x-ndjson, application/jsonl, text/event-stream'],
  [
    'run',
    'application/json or, as a stream, application/x-ndjson, application/jsonl, text/event-stream',
  ],
] as const)('says what a %s can be when it refuses', async (kind, types) => {
  const app = express();
  let refusal: unknown;
  app.get('/', (req, res) => {
    try {
      negotiate<ReplyType>(req, OFFERS[kind]);
    } catch (error) {
      refusal = error;
    }
    res.end();
  });
  await request(app).get('/').set('Accept', 'image/png');
  expect(refusal).toBeInstanceOf(EnvelopeError);
  expect(refusal).toMatchObject({
    code: 'NOT_ACCEPTABLE',
    status: 406,
    message: `This reply can be ${types}`,
  });
});
