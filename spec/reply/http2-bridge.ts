/** An Express app goes in, the same app over HTTP/2 and TLS comes out: Node's compatibility API, which Express does not speak. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type Express } from 'express';

/** Express makes its prototypes the request's and the response's: here they stand on those of HTTP/2. */
function overHttp2(app: Express): Express {
  const onto = (prototype: object, methods: object) =>
    Object.create(prototype, {
      ...Object.getOwnPropertyDescriptors(methods),
      app: { value: app, writable: true, configurable: true },
    });
  app.request = onto(http2.Http2ServerRequest.prototype, express.request);
  app.response = onto(http2.Http2ServerResponse.prototype, express.response);
  return app;
}

function selfSigned(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'http2-bridge-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string];
  try {
    const args =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost';
    execFileSync(
      'openssl',
      [...args.split(' '), '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
      {
        stdio: 'pipe',
      },
    );
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Serves `app` on a free port, and gives a client's session, for as long as `use` takes. */
export async function servingHttp2<T>(
  app: Express,
  use: (session: http2.ClientHttp2Session) => Promise<T>,
): Promise<T> {
  const { key, cert } = selfSigned();
  // An app is typed for HTTP/1.
  const serve = overHttp2(app) as unknown as (req: object, res: object) => void;
  const server = http2.createSecureServer({ key, cert }, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca: cert, servername: 'localhost' });
  session.on('error', () => undefined);
  try {
    return await use(session);
  } finally {
    session.destroy();
    server.close();
  }
}

/** Sends an envelope, in a POST. */
export function postHttp2(
  session: http2.ClientHttp2Session,
  body: object,
  accept = '*/*',
  method = 'POST',
) {
  const text = JSON.stringify(body);
  const headers = {
    ':method': method,
    ':path': '/',
    accept,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  };
  // Node ends a HEAD at once, and an envelope needs a body.
  const stream = session.request(headers, { endStream: false });
  stream.on('error', () => undefined);
  stream.end(text);
  return stream;
}
