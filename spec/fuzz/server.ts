/** One real server whose handlers each case replaces, and a client with kept connections. */
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ErrorRequestHandler, default as Express, RequestHandler } from 'express';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface FuzzServer {
  /** Answers what is sent from now on by these. */
  use(...handlers: (RequestHandler | ErrorRequestHandler)[]): void;
  /** Posts a body as it is; rejects where there is no whole reply. */
  send(body: string | Buffer, headers?: Record<string, string>): Promise<Reply>;
  /** `req.body` as the last request left it. */
  body(): unknown;
  stop(): Promise<void>;
}

/** Against a request that hangs, not for one that is slow. */
const TIMEOUT_MS = 20_000;

/** @param express - the spec's own import: it tells the major that the spec runs on */
export async function startServer(express: typeof Express): Promise<FuzzServer> {
  let router = express.Router();
  let body: unknown;
  const app = express();
  // What reaches Express's own handler is no reply of ours; it would print the error, too.
  app.set('env', 'test');
  app.use((req, res, next) => {
    res.once('finish', () => {
      body = req.body;
    });
    router(req, res, next);
  });
  const server = app.listen(0, '127.0.0.1');
  // The default, 5 s, closes a connection under a case that was held up.
  server.keepAliveTimeout = 600_000;
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  return {
    use(...handlers) {
      router = express.Router();
      router.use(...(handlers as RequestHandler[]));
    },
    body: () => body,
    async send(content, headers = {}) {
      const bytes = Buffer.from(content as string);
      const options = { host: '127.0.0.1', port, method: 'POST', agent };
      const req = request({ ...options, headers: { 'content-length': bytes.length, ...headers } });
      req.setTimeout(TIMEOUT_MS, () => req.destroy(new Error('no reply')));
      req.end(bytes);
      const [res] = await once(req, 'response');
      return { status: res.statusCode, headers: res.headers, text: await text(res) };
    },
    async stop() {
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export const JSON_BODY = { 'content-type': 'application/json' };
