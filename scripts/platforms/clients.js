/** How a platform is asked: a path and a body go in; a status, headers and the parts of the reply as they come, come out. */
import { connect } from 'node:http2';

const PATIENCE_MS = 10_000;
const JSON_TYPE = { 'content-type': 'application/json' };

/** Over HTTP/1.1. `leave` closes the connection. */
export function overHttp(url) {
  return async (path, body, headers) => {
    const leaving = new AbortController();
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { ...JSON_TYPE, ...headers },
      body,
      signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      parts: response.body.pipeThrough(new TextDecoderStream()),
      leave: () => leaving.abort(),
    };
  };
}

/** Over HTTP/2 and TLS, in one session. `leave` resets the stream. */
export function overHttp2(url, ca) {
  const session = connect(url, { ca });
  // Each request tells of a session that failed.
  session.on('error', () => {});
  const send = (path, body, headers) =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        ...JSON_TYPE,
        ...headers,
      });
      stream.setTimeout(PATIENCE_MS, () => stream.destroy(new Error('no answer in time')));
      stream.setEncoding('utf8').once('error', reject);
      stream.once('response', (head) =>
        resolve({
          status: head[':status'],
          header: (name) => head[name],
          parts: stream,
          leave: () => stream.close(8),
        }),
      );
      stream.end(body);
    });
  return { send, close: () => session.destroy() };
}

/** An AWS Lambda function, called as by an HTTP API; it has no connection, and its reply is there at once. */
export function overLambda(handler, { base64 = false } = {}) {
  return async (path, body, headers) => {
    const http = { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' };
    const event = {
      version: '2.0',
      routeKey: '$default',
      rawPath: path,
      rawQueryString: '',
      headers: {
        ...JSON_TYPE,
        host: 'localhost',
        'content-length': String(Buffer.byteLength(body)),
        ...headers,
      },
      requestContext: { http, domainName: 'localhost', stage: '$default' },
      body: base64 ? Buffer.from(body).toString('base64') : body,
      isBase64Encoded: base64,
    };
    const reply = await inTime(handler(event, {}));
    const names = Object.entries(reply.headers ?? {}).map(([name, value]) => [
      name.toLowerCase(),
      String(value),
    ]);
    const fields = Object.fromEntries(names);
    return {
      status: reply.statusCode,
      header: (name) => fields[name],
      parts: [Buffer.from(reply.body, reply.isBase64Encoded ? 'base64' : 'utf8').toString()],
      leave() {},
    };
  };
}

/** Fails where the function never answers, as Lambda itself would. */
function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
