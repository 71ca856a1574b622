import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Response } from 'express';
import type { StreamType } from '../../lib/reply/negotiate.js';
import { HEARTBEAT_MS, type StreamOptions, sendStream } from '../../lib/reply/stream.js';
import { Client } from '../../lib/request/client.js';
import { connect, gate, JSONL, NDJSON, responseTo, SSE, serving } from '../helpers.js';

const TYPES: StreamType[] = [SSE, NDJSON, JSONL];
const KB = 1024;

/** What became of a stream on the server. */
type Outcome = { readonly error: unknown } | { readonly sent: true };

interface Served {
  readonly url: string;
  /** The response, as soon as there is one. */
  readonly response: Promise<Response>;
  /** How `sendStream` ended. */
  readonly outcome: Promise<Outcome>;
  /** Whether everything had been handed to the system when `sendStream` failed. */
  readonly flushed: Promise<boolean>;
}

/** Serves one stream on a free port for as long as `use` takes. An early failure is answered with status 500. */
async function streaming<T>(
  source: AsyncIterable<unknown>,
  options: Partial<StreamOptions>,
  use: (served: Served) => Promise<T>,
): Promise<T> {
  const response = gate<Response>();
  const outcome = gate<Outcome>();
  const flushed = gate<boolean>();
  const app = express();
  app.get('/', (req, res) => {
    response.open(res);
    sendStream(res, source, {
      type: NDJSON,
      client: new Client(req, res),
      encode: (item) => JSON.stringify(item),
      idOf: undefined,
      beforeHeaders: () => undefined,
      headersReady: () => true,
      encodeFailure: (error) => JSON.stringify({ title: String(error) }),
      heartbeatMs: HEARTBEAT_MS,
      ...options,
    }).then(
      () => outcome.open({ sent: true }),
      (error) => {
        flushed.open(res.writableFinished);
        outcome.open({ error });
        if (!res.headersSent) res.status(500).end('failed early');
      },
    );
  });
  return serving(app, (url) =>
    use({
      url,
      response: response.opened,
      outcome: outcome.opened,
      flushed: flushed.opened,
    }),
  );
}

/** One stream, read to its end. */
function received(source: AsyncIterable<unknown>, options: Partial<StreamOptions> = {}) {
  return streaming(source, options, async ({ url, outcome }) => {
    const { status, headers, ...body } = await get(url);
    return { status, headers, text: await body.text(), outcome: await outcome };
  });
}

async function get(url: string) {
  const res = await fetch(url);
  return { status: res.status, headers: res.headers, text: () => res.text() };
}

async function* from(...items: unknown[]) {
  for (const item of items) {
    if (item instanceof Error) throw item;
    yield item;
  }
}

/** Waits until `read()` has had the same value for half a second: whatever was moving has stopped. */
async function stable(read: () => number): Promise<number> {
  let value = read();
  for (let same = 0; same < 10; same++) {
    await sleep(50);
    const now = read();
    if (now !== value) same = 0;
    value = now;
  }
  return value;
}

describe('a frame', () => {
  it('is an event in SSE and a line in NDJSON', async () => {
    const items = () => from({ a: 1 }, 'text', 0, null, false, [1]);
    const json = ['{"a":1}', '"text"', '0', 'null', 'false', '[1]'];
    const sse = await received(items(), { type: SSE });
    expect(sse.text).toBe(json.map((item) => `data: ${item}\n\n`).join(''));
    for (const type of [NDJSON, JSONL] as const) {
      const { text } = await received(items(), { type });
      expect(text).toBe(json.map((item) => `${item}\n`).join(''));
    }
  });

  it('cannot be ended early by what stands in an item', async () => {
    const item = 'a\n\nevent: error\r\ndata: {}\u2028\u2029';
    const sse = await received(from(item), { type: SSE });
    expect(sse.text.match(/\n/g)).toHaveLength(2);
    expect(JSON.parse(sse.text.slice('data: '.length))).toBe(item);
    const ndjson = await received(from(item));
    expect(ndjson.text.match(/[\r\n]/g)).toHaveLength(1);
    expect(JSON.parse(ndjson.text)).toBe(item);
  });
});

describe('the headers', () => {
  it.each(TYPES)('of %s keep proxies from holding it back', async (type) => {
    const { status, headers } = await received(from(1), { type });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(headers.get('x-accel-buffering')).toBe('no');
  });

  it('go after the first item: what it decided stands on them', async () => {
    const order: string[] = [];
    async function* source() {
      order.push('first item');
      yield 1;
      await sleep(1);
      order.push('second item');
      yield 2;
    }
    await received(source(), { beforeHeaders: () => order.push('headers') });
    expect(order).toEqual(['first item', 'headers', 'second item']);
  });

  it('go once, with an empty stream too', async () => {
    let calls = 0;
    const beforeHeaders = () => {
      calls += 1;
    };
    const empty = await received(from(), { beforeHeaders });
    expect([empty.status, empty.headers.get('content-type'), empty.text]).toEqual([
      200,
      NDJSON,
      '',
    ]);
    await received(from(1, 2, 3), { beforeHeaders });
    expect(calls).toBe(2);
  });

  it('and the first item arrive while the source is still at work on the second', async () => {
    const seen = gate();
    async function* source() {
      yield 1;
      await seen.opened;
      yield 2;
    }
    await streaming(source(), {}, async ({ url, outcome }) => {
      const res = await responseTo(connect(url));
      const [chunk] = await once(res, 'data');
      expect(String(chunk)).toBe('1\n');
      seen.open();
      const [last] = await once(res, 'data');
      expect(String(last)).toBe('2\n');
      expect(await outcome).toEqual({ sent: true });
    });
  });
});

describe('a failure', () => {
  const error = new Error('boom');

  it.each(TYPES)('before the first item leaves the response untouched: %s', async (type) => {
    const { status, headers, text, outcome } = await received(from(error), { type });
    expect(outcome).toEqual({ error });
    expect([status, text]).toEqual([500, 'failed early']);
    expect(headers.has('x-accel-buffering')).toBe(false);
  });

  it('after the first item is the last frame, and is thrown as well', async () => {
    const sse = await received(from(1, error, 2), { type: SSE });
    expect(sse.text).toBe('data: 1\n\nevent: error\ndata: {"title":"Error: boom"}\n\n');
    expect(sse.outcome).toEqual({ error });
    for (const type of [NDJSON, JSONL] as const) {
      const { status, text, outcome } = await received(from(1, error, 2), { type });
      expect([status, text]).toEqual([
        200,
        '1\n{"type":"error","error":{"title":"Error: boom"}}\n',
      ]);
      expect(outcome).toEqual({ error });
    }
  });

  it('is thrown only when its frame has gone out: what destroys the socket comes too late', async () => {
    // Far more than the socket buffers hold, and a client that takes its time.
    const title = 'x'.repeat(32 * KB * KB);
    const options = { encodeFailure: () => JSON.stringify({ title }) };
    await streaming(from(1, error), options, async ({ url, response, flushed }) => {
      const res = await responseTo(connect(url));
      let bytes = 0;
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      const ended = once(res, 'end');
      expect(await flushed).toBe(true);
      (await response).socket?.destroy();
      await ended;
      expect(bytes).toBeGreaterThan(title.length);
    });
  }, 30_000);

  it('of an item that cannot be sent ends the stream, and the source gets to its finally', async () => {
    for (const [bad, expected] of [
      [1, 'failed early'],
      [2, '1\n{"type":"error","error":{"title":"Error: boom"}}\n'],
    ] as const) {
      let cleaned = false;
      let pulled = 0;
      async function* source() {
        try {
          for (;;) yield ++pulled;
        } finally {
          cleaned = true;
        }
      }
      const { text, outcome } = await received(source(), {
        encode: (item) => {
          if (item === bad) throw error;
          return String(item);
        },
      });
      expect([text, cleaned, pulled]).toEqual([expected, true, bad]);
      expect(outcome).toEqual({ error });
    }
  });

  it('does not encode what a generator returns: that is no item', async () => {
    async function* source() {
      yield 'item';
      return 'no item';
    }
    const checked: unknown[] = [];
    const { text } = await received(source(), {
      encode: (item) => String(checked.push(item)),
    });
    expect([text, checked]).toEqual(['1\n', ['item']]);
  });

  it('to write the first item as JSON comes before the headers, too', async () => {
    const { status, text, outcome } = await received(from(1n));
    expect(outcome).toEqual({ error: expect.any(TypeError) });
    expect([status, text]).toEqual([500, 'failed early']);
  });

  it('to write a later item as JSON is in band', async () => {
    const { status, text, outcome } = await received(from(1, 2n, 3));
    expect(outcome).toEqual({ error: expect.any(TypeError) });
    expect([status, text.split('\n')]).toEqual([
      200,
      ['1', expect.stringMatching(/^\{"type":"error"/), ''],
    ]);
  });

  it('of the source is not hidden by a clean-up that throws at once', async () => {
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(error),
        return: () => {
          throw new Error('clean-up');
        },
      }),
    };
    const { outcome } = await received(source);
    expect(outcome).toEqual({ error });
  });
});

describe('heartbeats', () => {
  it('keep a silent SSE stream alive, before and after its first item', async () => {
    const before = gate();
    const after = gate();
    async function* source() {
      await before.opened;
      yield 1;
      await after.opened;
      yield 2;
    }
    await streaming(source(), { type: SSE, heartbeatMs: 5 }, async ({ url }) => {
      const res = await responseTo(connect(url));
      expect(res.headers['content-type']).toBe(SSE);
      let text = '';
      for await (const chunk of res) {
        text += chunk;
        if (text.endsWith(':\n\n')) before.open();
        if (/data: 1\n\n(?::\n\n)+$/.test(text)) after.open();
      }
      expect(text).toMatch(/^(?::\n\n)+data: 1\n\n(?::\n\n)+data: 2\n\n$/);
    });
  });

  it('of a silent NDJSON stream are blank lines, which its readers pass over, before and after its first item', async () => {
    const before = gate();
    const after = gate();
    async function* source() {
      await before.opened;
      yield 1;
      await after.opened;
      yield 2;
    }
    await streaming(source(), { heartbeatMs: 5 }, async ({ url }) => {
      // Comes back only because the headers were sent: the item waits for it.
      const res = await responseTo(connect(url));
      before.open();
      let text = '';
      for await (const chunk of res) {
        text += chunk;
        if (/1\n\n+$/.test(text)) after.open();
      }
      expect(text).toMatch(/^\n+1\n\n+2\n$/);
    });
  });

  it('wait while the headers would lack what the first item decides', async () => {
    const asked = gate();
    let calls = 0;
    let idKnown = false;
    const headersReady = () => {
      calls += 1;
      if (calls === 3) asked.open();
      return idKnown;
    };
    async function* source() {
      await asked.opened;
      yield 1;
    }
    let sentBefore: boolean | undefined;
    await streaming(
      source(),
      {
        type: SSE,
        heartbeatMs: 5,
        headersReady,
        beforeHeaders: () => {
          idKnown = true;
        },
      },
      async ({ url, response }) => {
        const text = fetch(url).then((res) => res.text());
        const res = await response;
        await asked.opened;
        sentBefore = res.headersSent;
        expect(await text).toMatch(/^data: 1\n\n/);
      },
    );
    expect(sentBefore).toBe(false);
    expect(idKnown).toBe(true);
  });

  it('call what comes before the headers once', async () => {
    let calls = 0;
    const first = gate();
    async function* source() {
      await first.opened;
      yield 1;
    }
    const beforeHeaders = () => {
      calls += 1;
    };
    await streaming(source(), { type: SSE, heartbeatMs: 5, beforeHeaders }, async ({ url }) => {
      const res = await responseTo(connect(url));
      let beats = 0;
      for await (const _chunk of res) {
        beats += 1;
        if (beats === 3) first.open();
      }
    });
    expect(calls).toBe(1);
  });

  /** Options of a stream whose heartbeats are counted and send nothing. */
  function counting() {
    const fourth = gate();
    const beats = { count: 0 };
    const headersReady = () => {
      beats.count += 1;
      if (beats.count === 4) fourth.open();
      return false;
    };
    const options = { type: SSE, heartbeatMs: 1, headersReady } as const;
    return { beats, fourth: fourth.opened, options };
  }

  /** Passes when no heartbeat comes any more. */
  async function expectSilence(beats: { readonly count: number }): Promise<void> {
    const last = beats.count;
    await sleep(30);
    expect(beats.count).toBe(last);
  }

  it.each([
    ['ended', from(1)],
    ['failed', from(1, new Error('boom'))],
  ])('stop when the stream has %s, and nothing stays on the response', async (_how, source) => {
    await streaming(source, { type: SSE, heartbeatMs: 1 }, async ({ url, response, outcome }) => {
      const text = fetch(url).then((reply) => reply.text());
      const res = await response;
      await outcome;
      let writes = 0;
      res.write = () => {
        writes += 1;
        return true;
      };
      await text;
      await sleep(30);
      expect([writes, res.listenerCount('drain')]).toEqual([0, 0]);
    });
  });

  it('stop when the client has left, even if the source does not notice', async () => {
    const { beats, fourth, options } = counting();
    const release = gate();
    async function* deaf() {
      await release.opened;
      yield 1;
    }
    await streaming(deaf(), options, async (served) => {
      const client = connect(served.url);
      const res = await served.response;
      await fourth;
      const closed = once(res, 'close');
      client.destroy();
      await closed;
      try {
        await expectSilence(beats);
      } finally {
        release.open();
        await served.outcome;
      }
    });
  });
});

describe('backpressure', () => {
  const ITEM = 'x'.repeat(8 * KB);

  it('pulls the next item only when the last was taken', async () => {
    const order: string[] = [];
    const source: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]() {
        let i = 0;
        return {
          async next() {
            order.push(`pull ${++i}`);
            return i > 2 ? { done: true, value: undefined } : { done: false, value: i };
          },
        };
      },
    };
    await received(source, { encode: (item) => String(order.push(`take ${item}`)) });
    expect(order).toEqual(['pull 1', 'take 1', 'pull 2', 'take 2', 'pull 3']);
  });

  it('stops the source while the client does not read, at a bounded cost', async () => {
    const total = 8 * KB; // 64 MB, far more than any socket buffer holds
    let produced = 0;
    const cleaned = gate();
    async function* source() {
      try {
        for (; produced < total; produced++) yield ITEM;
      } finally {
        cleaned.open();
      }
    }
    // Heartbeats go on all the time: they must not pile up either.
    const options = { type: SSE, heartbeatMs: 1 } as const;
    await streaming(source(), options, async ({ url, response, outcome }) => {
      const client = connect(url);
      await responseTo(client);
      const res = await response;
      const stalled = await stable(() => produced);
      expect(stalled).toBeGreaterThan(0);
      expect(stalled).toBeLessThan(total);
      expect(res.writableLength).toBeLessThanOrEqual(64 * KB);
      // What was pulled is on its way: no queue of items between the source and the socket.
      const written = Number(res.socket?.bytesWritten);
      expect(stalled * ITEM.length - written).toBeLessThanOrEqual(64 * KB);
      const before = res.writableLength;
      await sleep(50);
      expect(res.writableLength).toBeLessThanOrEqual(before);
      expect(produced).toBe(stalled);
      // The client leaves while the source waits for it: the source is returned.
      client.destroy();
      await cleaned.opened;
      expect(await outcome).toEqual({ sent: true });
    });
  }, 30_000);

  it('goes on where it stopped when the client reads again: nothing is lost', async () => {
    const total = 4 * KB; // 32 MB
    let produced = 0;
    async function* source() {
      for (; produced < total; produced++) yield ITEM;
    }
    await streaming(source(), {}, async ({ url, outcome }) => {
      const res = await responseTo(connect(url));
      expect(await stable(() => produced)).toBeLessThan(total);
      let bytes = 0;
      for await (const chunk of res) bytes += (chunk as Buffer).length;
      expect(bytes).toBe(total * `"${ITEM}"\n`.length);
      expect(await outcome).toEqual({ sent: true });
    });
  }, 30_000);

  it('adds no listener per item', async () => {
    const counts: number[] = [];
    let res: Response | undefined;
    async function* source() {
      for (let i = 0; i < 300; i++) {
        yield ITEM;
        if (res) counts.push(res.listenerCount('close') + res.listenerCount('drain'));
      }
    }
    await streaming(source(), {}, async ({ url, response, outcome }) => {
      const text = fetch(url).then((reply) => reply.text());
      res = await response;
      await text;
      await outcome;
    });
    expect(counts.length).toBeGreaterThan(0);
    expect(Math.max(...counts)).toBeLessThanOrEqual(8);
  });
});

describe('when the client leaves', () => {
  const end = { done: true as const, value: undefined };
  it.each<[string, () => unknown]>([
    ['gives a promise', async () => end],
    ['gives a result', () => end],
    ['gives nothing', () => undefined],
  ])('a source that is silent is returned, once, where its return() %s', async (_what, give) => {
    let returned = 0;
    const source = {
      [Symbol.asyncIterator]() {
        let i = 0;
        return {
          next: () =>
            i++ === 0
              ? Promise.resolve({ done: false, value: 'first' })
              : new Promise<never>(() => undefined),
          return: () => {
            returned += 1;
            return give() as Promise<typeof end>;
          },
        };
      },
    };
    await streaming(source, {}, async ({ url, outcome }) => {
      const client = connect(url);
      const res = await responseTo(client);
      await once(res, 'data');
      client.destroy();
      expect(await outcome).toEqual({ sent: true });
    });
    expect(returned).toBe(1);
  });

  it('a generator gets to its finally, and nothing more is pulled', async () => {
    let pulled = 0;
    const cleaned = gate();
    async function* source() {
      try {
        for (;;) {
          pulled += 1;
          yield pulled;
          await sleep(1);
        }
      } finally {
        cleaned.open();
      }
    }
    await streaming(source(), {}, async ({ url, outcome }) => {
      const client = connect(url);
      const res = await responseTo(client);
      await once(res, 'data');
      client.destroy();
      await cleaned.opened;
      const last = pulled;
      expect(await outcome).toEqual({ sent: true });
      expect(pulled).toBe(last);
    });
  });

  it('a source that has not begun is never pulled', async () => {
    let pulled = 0;
    let returned = 0;
    const source: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          pulled += 1;
          return { done: true, value: undefined };
        },
        return: async () => {
          returned += 1;
          return { done: true, value: undefined };
        },
      }),
    };
    const begun = gate();
    const done = gate<boolean>();
    const app = express();
    app.get('/', async (req, res) => {
      begun.open();
      await once(res, 'close');
      await sendStream(res, source, {
        type: NDJSON,
        client: new Client(req, res),
        encode: (item) => JSON.stringify(item),
        idOf: undefined,
        beforeHeaders: () => undefined,
        headersReady: () => true,
        encodeFailure: () => '{}',
        heartbeatMs: HEARTBEAT_MS,
      });
      done.open(res.headersSent);
    });
    const headersSent = await serving(app, async (url) => {
      const client = connect(url);
      await begun.opened;
      client.destroy();
      return done.opened;
    });
    expect([pulled, returned, headersSent]).toEqual([0, 1, false]);
  });

  it('an error of the clean-up is thrown', async () => {
    const error = new Error('clean-up');
    async function* source() {
      try {
        for (;;) {
          yield 1;
          await sleep(1);
        }
      } finally {
        await Promise.reject(error);
      }
    }
    await streaming(source(), {}, async ({ url, outcome }) => {
      const client = connect(url);
      const res = await responseTo(client);
      await once(res, 'data');
      client.destroy();
      expect(await outcome).toEqual({ error });
    });
  });

  it('an error of the item that was being made is thrown', async () => {
    const error = new Error('half-way');
    const left = gate();
    async function* source() {
      yield 1;
      await left.opened;
      throw error;
    }
    await streaming(source(), {}, async ({ url, response, outcome }) => {
      const client = connect(url);
      const res = await responseTo(client);
      await once(res, 'data');
      const closed = once(await response, 'close');
      client.destroy();
      await closed;
      left.open();
      expect(await outcome).toEqual({ error });
    });
  });
});

describe('when the app ends the response itself', () => {
  it('nothing is written after the end, and the source is returned', async () => {
    let returned = false;
    const served = gate<Response>();
    const source = (async function* () {
      try {
        yield 'first';
        // What the app's own end overtakes in the same turn of the event loop is lost.
        await sleep(1);
        (await served.opened).end();
        yield 'second';
      } finally {
        returned = true;
      }
    })();
    await streaming(source, { type: SSE, heartbeatMs: 1 }, async ({ url, response, outcome }) => {
      response.then(served.open);
      const res = await responseTo(connect(url));
      let text = '';
      res.on('data', (chunk) => {
        text += chunk;
      });
      await once(res, 'end');
      expect(await outcome).toEqual({ sent: true });
      expect(text).toContain('first');
      expect(text).not.toContain('second');
    });
    expect(returned).toBe(true);
  });
});
