import { isDeepStrictEqual } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import express, { type RequestHandler } from 'express';
import fc from 'fast-check';
import { agentEnvelope, bind, getSessionId, problemDetails, sessionId } from '../../lib/index.js';
import { anyId, bodyBytes, headers } from './arbitraries.js';
import { property } from './cases.js';
import { type FuzzServer, JSON_BODY, type Reply, startServer } from './server.js';

let server: FuzzServer;
beforeAll(async () => {
  server = await startServer(express);
});
afterAll(() => server.stop());

const ID = /^[A-Za-z0-9._:-]{1,128}$/;
const fields = [sessionId, 'tenant', 'x.y'];

/** Tells what it got without the values: to write those is the app's own affair. */
const plain: RequestHandler = (_req, res) => void res.json(Object.keys(res.locals.inputs ?? {}));
const inputs = {
  type: 'object',
  properties: { question: { type: 'string', maxLength: 4 }, length: { enum: [1, null] } },
  additionalProperties: { type: ['string', 'object', 'array'] },
} as const;
const ROUTES: Record<string, () => RequestHandler> = {
  plain: () => plain,
  names: () => bind(['session_id', 'question', '...rest'], (bound) => bound),
  request: () => bind(['request'], ({ request }) => request),
  declared: () => bind({ session_id: true, inputs }, (bound) => bound),
  stream: () =>
    bind(['inputs'], async function* ({ inputs }) {
      yield inputs;
      yield getSessionId();
    }),
};

/** Too deep for the comparison itself. */
const isDeep = (body: string) => /\[{90}|(?:\{"a":){90}/.test(body);

/** What is answered where there is no JSON to compare. */
const UNPARSED = ['MALFORMED_JSON', 'UNSUPPORTED_MEDIA_TYPE', 'HTTP_ERROR'];

/** A few bytes at random are a whole brotli stream now and then. */
function decoded(body: string | Uint8Array, encoding: string | undefined): Buffer {
  const bytes = Buffer.from(body as string);
  if (bytes.length === 0) return bytes;
  if (encoding === 'br') return brotliDecompressSync(bytes);
  return encoding === 'gzip' ? gunzipSync(bytes) : bytes;
}

function expectProblem({ status, headers, text }: Reply): void {
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(JSON.parse(text)).toMatchObject({ status, code: expect.any(String) });
}

describe('whatever a client sends', () => {
  const request = fc.record({
    body: bodyBytes,
    headers,
    route: fc.constantFrom(...Object.keys(ROUTES)),
  });

  property(
    'is answered by a reply or a refusal, never by a fault, and its body stays as it was',
    request,
    async ({ body, headers, route }) => {
      server.use(
        agentEnvelope({ fields }),
        (ROUTES[route] as () => RequestHandler)(),
        problemDetails(),
      );
      const reply = await server.send(body, headers as Record<string, string>);
      expect(reply.status).toBeLessThan(500);
      if (reply.status >= 400) expectProblem(reply);
      else expect(reply.status).toBe(200);
      const { code } = reply.status === 200 ? { code: undefined } : JSON.parse(reply.text);
      if (UNPARSED.includes(code) || !headers['content-type'].includes('json')) return;
      const text = decoded(body, headers['content-encoding']).toString();
      if (text !== '' && !isDeep(text)) {
        expect(isDeepStrictEqual(server.body(), JSON.parse(text))).toBe(true);
      }
    },
  );
});

describe('whatever id a client sends', () => {
  /** Stands in every string that is refused, so that a reply that repeats it is found. */
  const MARK = 'marked-';

  property(
    'is taken unchanged, or counts as absent, or is refused by its rule',
    anyId,
    async (id) => {
      const sent = typeof id === 'string' && id.trim() !== '' && !ID.test(id) ? `${MARK}${id}` : id;
      const seen: unknown[] = [];
      const handler = bind(['session_id'], async ({ session_id }) => {
        seen.push(session_id, getSessionId());
        await null;
        seen.push(getSessionId());
        return null;
      });
      server.use(agentEnvelope(), handler, problemDetails());
      const reply = await server.send(JSON.stringify({ session_id: sent }), JSON_BODY);
      const told = JSON.parse(reply.text);
      const absent = sent === null || (typeof sent === 'string' && sent.trim() === '');
      if (absent || (typeof sent === 'string' && ID.test(sent))) {
        const expected = absent ? undefined : sent;
        expect(reply.status).toBe(200);
        expect([...seen, told.session_id, reply.headers['x-session-id']]).toEqual(
          Array(5).fill(expected),
        );
        return;
      }
      expect(reply.status).toBe(400);
      expect(told).toMatchObject({ code: 'INVALID_FIELD', errors: [{ pointer: '/session_id' }] });
      expect(reply.headers['x-session-id']).toBeUndefined();
      expect(reply.text).not.toContain(MARK);
      expect(seen).toEqual([]);
    },
  );
});
