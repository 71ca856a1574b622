/** A way of mounting goes in; an app as many have it, with what it logged and what its upstream got, comes out. */
import { createHmac } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import compression from 'compression';
import cors from 'cors';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import session from 'express-session';
import helmet from 'helmet';
import { createProxyMiddleware, fixRequestBody } from 'http-proxy-middleware';
import multer from 'multer';
import { pinoHttp } from 'pino-http';

/** What Express 4 brought, still in many an app after its move to Express 5. */
const legacyParser: typeof express = createRequire(import.meta.url)('body-parser1');

export interface ExistingAppOptions {
  /** `agentEnvelope()` and its routes as a part of the app, after login. */
  readonly agent?: ((app: Express) => void) | undefined;
  /** `agentEnvelope()` for the whole app. */
  readonly appWide?: RequestHandler | undefined;
  /** Whether the routes that need the bytes come before what is app-wide. */
  readonly bytesFirst?: boolean;
  /** Where the proxy leads. */
  readonly upstream?: string | undefined;
  /** Whether the proxy writes a parsed body again. */
  readonly repairBody?: boolean;
  readonly lastHandlers?: readonly ErrorRequestHandler[];
}

export interface LogLine {
  readonly req: { readonly url: string };
  readonly res: { readonly statusCode: number };
  readonly session_id?: unknown;
}

declare module 'express-session' {
  interface SessionData {
    user: string;
  }
}

export const WEBHOOK_SECRET = 'whsec_spec';
export const signatureOf = (bytes: string | Buffer) =>
  createHmac('sha256', WEBHOOK_SECRET).update(bytes).digest('hex');

export function existingApp(options: ExistingAppOptions = {}): { app: Express; log: LogLine[] } {
  const log: LogLine[] = [];
  const app = express();
  app.use(helmet());
  app.use(
    cors({ origin: 'https://app.example', credentials: true, exposedHeaders: ['x-session-id'] }),
  );
  app.use(
    pinoHttp(
      { customSuccessObject: withSessionId, customErrorObject: withSessionId },
      { write: (line: string) => log.push(JSON.parse(line)) },
    ),
  );
  app.use(rateLimit({ limit: 1000, standardHeaders: false, legacyHeaders: false }));
  app.use(session({ secret: 'spec', resave: false, saveUninitialized: false }));
  app.use(compression({ threshold: 0 }));
  app.use('/static', express.static(fileURLToPath(new URL('.', import.meta.url))));
  if (options.bytesFirst) mountByteRoutes(app, options);
  if (options.appWide) app.use(options.appWide);
  if (!options.bytesFirst) mountByteRoutes(app, options);
  mountRoutes(app);
  options.agent?.(app);
  for (const handler of options.lastHandlers ?? [ownErrorHandler]) app.use(handler);
  return { app, log };
}

/** Where the id of a finished reply stands for whoever logs it. */
function withSessionId(
  _req: unknown,
  res: { getHeader(name: string): unknown },
  ...rest: unknown[]
) {
  return { ...(rest.at(-1) as object), session_id: res.getHeader('x-session-id') };
}

/** The routes that read the body's bytes, or hand them on. */
function mountByteRoutes(app: Express, { upstream, repairBody }: ExistingAppOptions): void {
  app.post('/webhook', express.raw({ type: 'application/json' }), (req, res) => {
    const genuine = Buffer.isBuffer(req.body) && signatureOf(req.body) === req.get('signature');
    res.status(genuine ? 200 : 400).json({ genuine });
  });
  const keepBytes = (req: object, _res: object, bytes: Buffer) =>
    Object.assign(req, { rawBody: bytes });
  app.post('/verified', express.json({ verify: keepBytes }), (req, res) => {
    const { rawBody } = req as { rawBody?: Buffer };
    res.json({ bytes: rawBody?.length ?? null });
  });
  app.post('/large', express.json({ limit: '6mb' }), (req, res) => {
    res.json({ characters: req.body.text.length });
  });
  app.post('/scalar', express.json({ strict: false }), (req, res) => {
    res.json({ got: req.body });
  });
  if (upstream === undefined) return;
  app.use(
    '/proxy',
    createProxyMiddleware({
      target: upstream,
      ...(repairBody && { on: { proxyReq: fixRequestBody } }),
    }),
  );
}

function mountRoutes(app: Express): void {
  app.post('/login', express.json(), (req, res) => {
    req.session.user = req.body.user;
    res.json({ user: req.body.user });
  });
  app.get('/me', (req, res) => {
    res.json({ user: req.session.user ?? null });
  });
  app.post('/upload', multer().single('file'), (req, res) => {
    res.json({ bytes: req.file?.size, title: req.body.title });
  });
  app.post('/legacy', legacyParser.json(), (req, res) => {
    res.json(req.body);
  });
  app.post('/legacy-form', legacyParser.urlencoded({ extended: true }), (req, res) => {
    res.json(req.body);
  });
  app.post('/member', express.json(), (req, res) => {
    res.json({ x: req.body.x ?? null });
  });
  app.post('/articles', express.json({ type: 'application/vnd.api+json' }), (req, res) => {
    res.json({ articles: req.body.data.length, locals: Object.keys(res.locals) });
  });
  const eventTypes = ['application/json', 'application/cloudevents+json'];
  app.post('/events', express.json({ type: eventTypes }), (req, res) => {
    res.json({ ...req.body, locals: Object.keys(res.locals) });
  });
  app.post('/model', express.json(), (req, res) => {
    res.json({ heard: req.body.inputs, locals: Object.keys(res.locals) });
  });
  app.get('/ticks', async (_req, res) => {
    res.type('text/event-stream');
    for (const tick of [1, 2, 3]) {
      res.write(`data: ${tick}\n\n`);
      res.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
    res.end();
  });
  app.get('/fails', () => {
    throw new Error('a route of the app failed');
  });
}

/** The app's own, as it was before there was an agent. */
export const ownErrorHandler: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error);
  res.status(error.status ?? 500).json({ error: error.type ?? error.code ?? 'unknown' });
};

/** An HTTP server on a free port of this machine; call `close` when done. */
export async function listen(
  listener: RequestListener,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
