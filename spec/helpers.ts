/**
 * What the specs share. An app goes in, what a client and a tracer see of it comes out. Nothing here loads Express: a spec that
 * needs it imports it, and by that runs on both majors (`jest.config.js`).
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import request from 'supertest';
import {
  type AgentEnvelopeOptions,
  agentEnvelope,
  problemDetails,
  SessionSpanProcessor,
} from '../lib/index.js';

export const JSON_TYPE = 'application/json';
export const NDJSON = 'application/x-ndjson';
export const JSONL = 'application/jsonl';
export const SSE = 'text/event-stream';

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A promise that is resolved by hand. */
export function gate<T = void>() {
  let open: (value: T) => void = () => undefined;
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Keeps each error that passes, and passes it on. */
export function keepErrors(errors: unknown[]): ErrorRequestHandler {
  return (error, _req, _res, next) => {
    errors.push(error);
    next(error);
  };
}

/** `POST /` of an empty app becomes an envelope route; `errors` are those that came to `problemDetails()`. */
export function envelopeApp(app: Express, route: RequestHandler, options?: AgentEnvelopeOptions) {
  const errors: unknown[] = [];
  app.use(agentEnvelope(options));
  app.post('/', route);
  app.use(keepErrors(errors), problemDetails());
  return { app, errors };
}

/** Posts an envelope, or JSON as it was typed by hand: `post(app, '{"session_id":"a"}')`. */
export const post = (app: Express, body: string | object, path = '/') =>
  request(app).post(path).set('content-type', JSON_TYPE).send(body);

/** Where a problem says the faults are. */
export const pointers = (problem: { errors?: { pointer: string }[] }) =>
  problem.errors?.map(({ pointer }) => pointer);

/** Serves `app` on a free port for as long as `use` takes. */
export async function serving<T>(app: Express, use: (url: string) => Promise<T>): Promise<T> {
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** A client that can leave: posts `body`, or gets where there is none. */
export function connect(url: string, body?: object): http.ClientRequest {
  const method = body === undefined ? 'GET' : 'POST';
  const client = http.request(url, { method, headers: { 'content-type': JSON_TYPE } });
  client.on('error', () => undefined);
  client.end(body && JSON.stringify(body));
  return client;
}

/** The response once its headers have come. It is read only as far as the caller reads it. */
export async function responseTo(client: http.ClientRequest): Promise<http.IncomingMessage> {
  const [res] = (await once(client, 'response')) as [http.IncomingMessage];
  res.on('error', () => undefined);
  return res;
}

/** Whether `needle` can be found from `root`: own names, symbols, getters, prototypes, inside strings, maps and sets. */
export function reaches(root: unknown, needle: string): boolean {
  const seen = new Set<unknown>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string' && value.includes(needle)) return true;
    if (typeof value === 'symbol' && String(value).includes(needle)) return true;
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) continue;
    if (seen.has(value)) continue;
    seen.add(value);
    open.push(Object.getPrototypeOf(value));
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key);
      open.push(key, descriptor?.value, descriptor?.get, descriptor?.set);
      try {
        open.push(Reflect.get(value, key));
      } catch {
        // `caller` and `arguments` of functions throw.
      }
    }
    if (value instanceof Map || value instanceof Set) open.push([...value]);
  }
  return false;
}

/** Real tracing for the specs of this `describe` or file, with no span at the beginning of each. */
export function useTracing() {
  const tracing = createTracing();
  beforeAll(tracing.start);
  beforeEach(tracing.reset);
  afterAll(tracing.stop);
  return tracing;
}

function createTracing() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SessionSpanProcessor(), new SimpleSpanProcessor(exporter)],
  });
  const spanNamed = (name: string) =>
    exporter.getFinishedSpans().find((span) => span.name === name);
  return {
    finishedSpans: () => exporter.getFinishedSpans(),
    spanNamed,
    attributesOf: (name: string) => spanNamed(name)?.attributes,
    start() {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      trace.setGlobalTracerProvider(provider);
    },
    reset: () => exporter.reset(),
    async stop() {
      context.disable();
      trace.disable();
      await provider.shutdown();
    },
  };
}

/** A span named `server` around each request, active in what follows, as HTTP instrumentation makes it. */
export const serverSpan: RequestHandler = (_req, res, next) => {
  trace.getTracer('spec').startActiveSpan('server', (span) => {
    res.once('finish', () => span.end());
    next();
  });
};
