/** Status and headers of a WHATWG `Response` go in, and onto the reply, but for those that only the connection can say. */
import type { Response } from 'express';
import { forgetLength } from './framing.js';

/** The web's `Response`: where one is sent, `Response` alone is Express's. */
export type WebResponse = globalThis.Response;

/** RFC 9110 section 7.6.1: they speak of one connection. Over HTTP/2 they are refused. */
const CONNECTION_HEADERS: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Several middlewares may each have something to add: the reply keeps what it has. */
const LIST_HEADERS: ReadonlySet<string> = new Set(['set-cookie', 'vary']);

/** Puts status, reason and headers of `response` onto `res`. */
export function copyHead(response: WebResponse, res: Response): void {
  const { headers, status, statusText } = response;
  res.statusCode = status;
  // HTTP/2 has no reason, and Node warns of one.
  if (statusText !== '' && res.req.httpVersionMajor < 2) res.statusMessage = statusText;
  forgetLength(res);
  const left = new Set([...CONNECTION_HEADERS, ...namedBy(headers), ...ofTheBytes(response, res)]);
  headers.forEach((value, name) => {
    if (left.has(name)) return;
    if (LIST_HEADERS.has(name)) res.append(name, value);
    else res.setHeader(name, value);
  });
}

/** The further headers that `Connection` names. */
function namedBy(headers: Headers): string[] {
  return (headers.get('connection') ?? '').toLowerCase().split(/[\s,]+/);
}

/** What no longer holds of the bytes that are sent. */
function ofTheBytes({ url }: WebResponse, { req, statusCode }: Response): string[] {
  // Without a body, the length is that of what would have been sent.
  const length = req.method === 'HEAD' || statusCode === 304 ? [] : ['content-length'];
  // What `fetch()` gives is decoded, and still says how it was encoded.
  return url === '' ? length : ['content-length', 'content-encoding'];
}
