import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { NDJSON, serving } from '../helpers.js';

/** A route for any method: `/value`, `/stream`, `/broken`, with the status of `?status=`. */
function anyMethod() {
  const errors: unknown[] = [];
  const app = express();
  app.use((req, res, next) => {
    res.status(Number(req.query.status ?? 200));
    next();
  });
  app.use(agentEnvelope());
  app.all(
    '/value',
    bind([], () => 'answer'),
  );
  app.all(
    '/stream',
    bind([], async function* () {
      yield 'item';
      await sleep(1);
      yield 'item';
    }),
  );
  app.all(
    '/broken',
    bind([], async function* () {
      yield 'item';
      await sleep(1);
      throw new Error('private');
    }),
  );
  app.use(problemDetails({ onError: (error) => errors.push(error) }));
  return { app, errors };
}

/** What a socket says to the requests that it was sent, until it closes: the last one asks for that. */
async function conversation(requests: string): Promise<{ text: string; errors: unknown[] }> {
  const { app, errors } = anyMethod();
  return serving(app, async (url) => {
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.write(requests);
    await once(socket, 'close');
    return { text, errors };
  });
}

const BODY = '{"session_id":"conv-1"}';
const request = (line: string, headers = '') =>
  `${line} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
/** It shows that what came before has left the connection in order. */
const LAST = request('POST /value', 'Connection: close\r\n');

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

describe('an exchange of another kind ends, with the id, and leaves its connection in order', () => {
  it.each<[what: string, first: string, status: number[]]>([
    ['HEAD of a value', request('HEAD /value'), [200, 200]],
    ['HEAD of a stream', request('HEAD /stream'), [200, 200]],
    ['HEAD of a stream that breaks', request('HEAD /broken'), [200, 200]],
    ['a value with status 204', request('POST /value?status=204'), [204, 200]],
    ['a stream with status 204', request('POST /stream?status=204'), [204, 200]],
    ['a stream with status 304', request('POST /stream?status=304'), [304, 200]],
    ['a stream that breaks with status 204', request('POST /broken?status=204'), [204, 200]],
    ['a stream that breaks', request('POST /broken'), [200, 200]],
    ['PUT', request('PUT /value'), [200, 200]],
    ['DELETE with a body', request('DELETE /stream'), [200, 200]],
    ['Expect: 100-continue', request('POST /value', 'Expect: 100-continue\r\n'), [100, 200, 200]],
  ])('%s', async (_what, first, expected) => {
    const { text } = await conversation(first + LAST);
    expect(statuses(text)).toEqual(expected);
    expect(text.match(/x-session-id: conv-1/gi)).toHaveLength(2);
    expect(text).toMatch(/"outputs":"answer"\}\}$/);
  });

  it.each(['/value', '/stream', '/broken'])('HTTP/1.0, which knows no chunks: %s', async (path) => {
    const { text, errors } = await conversation(
      request(`POST ${path}`, `Accept: ${path === '/value' ? '*/*' : NDJSON}\r\n`).replace(
        'HTTP/1.1',
        'HTTP/1.0',
      ),
    );
    expect(text).toContain(path === '/value' ? '"answer"' : '"item"\n');
    expect(text.includes('INTERNAL_ERROR')).toBe(path === '/broken');
    expect(errors).toHaveLength(path === '/broken' ? 1 : 0);
  });
});
