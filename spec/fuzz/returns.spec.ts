import { Readable } from 'node:stream';
import express from 'express';
import fc from 'fast-check';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { json } from './arbitraries.js';
import { property } from './cases.js';
import { fails, sample } from './samples.js';
import { type FuzzServer, JSON_BODY, startServer } from './server.js';

let server: FuzzServer;
beforeAll(async () => {
  server = await startServer(express);
});
afterAll(() => server.stop());

const asJson = (value: unknown) => JSON.parse(JSON.stringify(value));
const BODY = '{"session_id":"s-1","data":{}}';

describe('whatever a handler returns', () => {
  property('is sent as the JSON that it is, or is one 500', sample, async ({ make, meant }) => {
    const handler = bind([], async () => make());
    server.use(agentEnvelope(), handler, problemDetails());
    const { status, headers, text } = await server.send(BODY, JSON_BODY);
    const reply = JSON.parse(text);
    expect(headers['x-session-id']).toBe('s-1');
    expect(text).not.toContain('private');
    if (meant) expect([status, reply.data]).toEqual([200, { outputs: asJson(make()) }]);
    else expect([status, reply.code]).toEqual([500, 'INVALID_OUTPUT']);
  });

  const stream = fc.record({
    items: fc.array(sample, { maxLength: 5 }),
    readable: fc.boolean(),
    pauses: fc.boolean(),
    sse: fc.boolean(),
  });

  property(
    'and streams, item by item: a failure is the last of them, or the status where nothing was sent',
    stream,
    async ({ items, readable, pauses, sse }) => {
      const source = async function* () {
        for (const { make } of items) {
          if (pauses) await new Promise(setImmediate);
          yield make();
        }
      };
      // A Readable takes no null.
      const asReadable = readable && items.every(({ make }) => make() !== null);
      const handler = bind([], () => (asReadable ? Readable.from(source()) : source()));
      server.use(agentEnvelope(), handler, problemDetails());
      const accept = sse ? 'text/event-stream' : 'application/x-ndjson';
      const { status, text } = await server.send(BODY, { ...JSON_BODY, accept });
      expect(text).not.toContain('private');
      const bad = items.findIndex(({ meant }) => !meant);
      if (bad === 0) {
        expect([status, JSON.parse(text).code]).toEqual([500, 'INVALID_OUTPUT']);
        return;
      }
      expect(status).toBe(200);
      const told = sse ? framesOf(text) : linesOf(text);
      const good = items.slice(0, bad < 0 ? items.length : bad);
      expect(told.slice(0, good.length)).toEqual(good.map(({ make }) => asJson(make())));
      expect(told.slice(good.length)).toEqual(
        bad < 0 ? [] : [expect.objectContaining({ code: 'INVALID_OUTPUT' })],
      );
    },
  );

  /** The items of an NDJSON stream, and after them the problem of a failure. */
  function linesOf(text: string): unknown[] {
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line, i) => {
      const item = JSON.parse(line);
      return i === lines.length - 1 && item?.type === 'error' ? item.error : item;
    });
  }

  function framesOf(text: string): unknown[] {
    const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => line ?? '');
    return data.map((line) => JSON.parse(line));
  }
});

describe('whatever a handler throws', () => {
  const getters = fc.subarray(
    [
      'name',
      'message',
      'stack',
      'status',
      'statusCode',
      'type',
      'expose',
      'headers',
      'code',
      'cause',
    ],
    { minLength: 1 },
  );
  const status = fc.oneof(json, fc.integer({ min: -1, max: 700 }));
  const field = fc.constantFrom('Retry-After', 'Content-Length', 'a b', 'X-A');
  const properties = fc.record(
    {
      status,
      statusCode: status,
      expose: json,
      message: json,
      code: json,
      headers: fc.oneof(json, fc.dictionary(field, fc.string({ unit: 'binary' }))),
    },
    { requiredKeys: [] },
  );
  const thrown: fc.Arbitrary<{ kind: string; make: () => unknown }> = fc.oneof(
    sample,
    properties.map((own) => ({
      kind: `an error with ${JSON.stringify(own)}`,
      make: () => Object.assign(new Error('private'), own),
    })),
    getters.map((names) => ({
      kind: `an error whose ${names} throws`,
      make: () => {
        const error = new Error('private');
        // It is written when it is first read, from the name and the message.
        void error.stack;
        for (const each of names) Object.defineProperty(error, each, { get: fails });
        return error;
      },
    })),
  );

  property(
    'is one problem document with an error status, and the next request is answered',
    fc.tuple(thrown, fc.constantFrom('throws', 'rejects', 'streams')),
    async ([{ make }, how]) => {
      const handlers = {
        throws: () => {
          throw make();
        },
        rejects: () => Promise.reject(make()),
        // biome-ignore lint/correctness/useYield: it fails before its first item
        streams: async function* (): AsyncGenerator<unknown> {
          throw make();
        },
      };
      const handler = bind([], handlers[how as keyof typeof handlers]);
      server.use(agentEnvelope(), handler, problemDetails());
      const { status, headers, text } = await server.send(BODY, JSON_BODY);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(JSON.parse(text)).toMatchObject({ status, session_id: 's-1' });
    },
  );
});
