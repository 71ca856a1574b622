import express from 'express';
import request from 'supertest';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';

async function* items() {
  yield 1;
}

/** The media type of a stream that the route prefers to send as `stream`. */
async function typeOf(stream: 'text/event-stream' | 'application/x-ndjson', accept?: string) {
  const app = express();
  app.use(agentEnvelope());
  app.post(
    '/',
    bind([], () => items(), { stream }),
  );
  app.use(problemDetails());
  const asked = request(app).post('/');
  const reply = await (accept === undefined ? asked : asked.set('accept', accept)).send({});
  return [reply.status, reply.headers['content-type']];
}

describe("a route's preferred stream", () => {
  it.each([
    [undefined, 'text/event-stream'],
    ['*/*', 'text/event-stream'],
    ['*/*;q=0.5', 'text/event-stream'],
    ['application/json, */*', 'text/event-stream'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['application/jsonl, */*;q=0.1', 'application/jsonl'],
    ['text/event-stream;q=0.1, application/x-ndjson', 'application/x-ndjson'],
  ])('is sent to a client that accepts %s as %s', async (accept, type) => {
    expect(await typeOf('text/event-stream', accept)).toEqual([200, type]);
  });

  it('is NDJSON unless the route says otherwise', async () => {
    expect(await typeOf('application/x-ndjson')).toEqual([200, 'application/x-ndjson']);
  });

  it.each(['application/json', 'sse', null, 1, {}])('cannot be %p', (stream) => {
    const act = () => bind([], () => null, { stream } as object);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(/^bind: stream must be one of/);
  });

  it('is the only option', () => {
    expect(() => bind([], () => null, { steam: 'text/event-stream' } as object)).toThrow(
      /^bind: options must be among stream/,
    );
  });
});
