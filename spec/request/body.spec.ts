import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import request from 'supertest';
import { createBodyReader } from '../../lib/request/body.js';
import { JSON_TYPE, post } from '../helpers.js';

/** Its parsers are those of body-parser 1.x. */
const express4: typeof express = createRequire(import.meta.url)('express4');

/** Answers what the reader found: the object, the refusal's code, or the `type` of the parser's error. */
function appWith(limit: number | string, ...before: RequestHandler[]): Express {
  const readBody = createBodyReader(limit);
  const app = express();
  for (const middleware of before) app.use(middleware);
  app.use((req, res) => {
    const given = req.body;
    readBody(req, res, (error, body) => {
      const { type, status } = Object(error);
      if (body === undefined) res.json({ error: type, status });
      else if ('refusal' in body) res.json({ refusal: body.refusal.code });
      else res.json({ object: body.object, same: body.object === given });
    });
  });
  const tellError: ErrorRequestHandler = ({ type, status }, _req, res, _next) => {
    res.json({ error: type, status });
  };
  return app.use(tellError);
}

/** A post of JSON whose body the spec writes. */
const openPost = (app: Express) => request(app).post('/').set('content-type', JSON_TYPE);

const NO_ENVELOPE = { refusal: 'NO_ENVELOPE' };
const WRONG_TYPE = { refusal: 'UNSUPPORTED_MEDIA_TYPE' };
const PARSED = { object: { a: 1 }, same: false };

/** Without and after a body parser of the app, the answer must be the same. */
const MOUNTS: [string, RequestHandler[]][] = [
  ['alone', []],
  ['after express.json()', [express.json()]],
  ['after express.urlencoded()', [express.urlencoded({ extended: true })]],
];

describe.each(MOUNTS)('the body, read %s', (_title, before) => {
  const app = appWith('1mb', ...before);

  it.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json ;charset=utf-8',
  ])('is a JSON object of type %s', async (type) => {
    const reply = await request(app).post('/').set('content-type', type).send('{"a":1}');
    expect(reply.body.object).toEqual({ a: 1 });
  });

  it.each(['application/vnd.x+json', 'application/ld+json; charset=utf-8'])(
    'is a JSON object of type %s, which express.json() passes over',
    async (type) => {
      const reply = await request(app).post('/').set('content-type', type).send('{"a":1}');
      expect(reply.body).toEqual(PARSED);
    },
  );

  it('is an object when it is {}', async () => {
    const reply = await post(app, '{}');
    expect(reply.body.object).toEqual({});
  });

  it.each(['[]', '[{"session_id":"a"}]'])('is no envelope when it is %s', async (json) => {
    const reply = await request(app).post('/').set('content-type', 'application/json').send(json);
    expect(reply.body).toEqual(NO_ENVELOPE);
  });

  // A route that reads `req.body.x` must not be given what express.json() would have kept from it.
  it.each(['"text"', '7', 'true', 'null'])(
    'is the error of express.json() when it is %s',
    async (json) => {
      const reply = await request(app).post('/').set('content-type', 'application/json').send(json);
      expect(reply.body).toEqual({ error: 'entity.parse.failed', status: 400 });
    },
  );

  it.each<[string, string]>([
    ['application/x-www-form-urlencoded', 'a=1'],
    ['text/plain', '{"a":1}'],
    ['text/json', '{"a":1}'],
    ['application/jsonp', '{"a":1}'],
    ['application/json-seq', '{"a":1}'],
    ['application/octet-stream', '{"a":1}'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['x/application/json', '{"a":1}'],
  ])('is of the wrong media type when it is %s', async (type, text) => {
    const reply = await request(app).post('/').set('content-type', type).send(text);
    expect(reply.body).toEqual(WRONG_TYPE);
  });

  it('is absent on a GET', async () => {
    expect((await request(app).get('/')).body).toEqual(NO_ENVELOPE);
  });

  it('is absent on a POST without a body', async () => {
    expect((await request(app).post('/')).body).toEqual(NO_ENVELOPE);
    const typed = openPost(app);
    expect((await typed.set('content-length', '0')).body).toEqual(NO_ENVELOPE);
  });
});

describe('a body that nobody parsed before', () => {
  const app = appWith('1mb');

  it('is absent when it is chunked and empty', async () => {
    const reply = await openPost(app).set('transfer-encoding', 'chunked');
    expect(reply.body).toEqual(NO_ENVELOPE);
  });

  it('is read when it is chunked', async () => {
    const sent = openPost(app);
    sent.write('{"a":');
    sent.write('1}');
    expect((await sent).body).toEqual(PARSED);
  });

  it('is inflated when it is gzip', async () => {
    const sent = openPost(app).set('content-encoding', 'gzip');
    sent.write(gzipSync('{"a":1}'));
    expect((await sent).body).toEqual(PARSED);
  });

  it('is absent when it inflates to nothing', async () => {
    const sent = openPost(app).set('content-encoding', 'gzip');
    sent.write(gzipSync(''));
    expect((await sent).body).toEqual(NO_ENVELOPE);
  });

  it('has no type that could be known when there is no content-type', async () => {
    const sent = request(app).post('/').unset('content-type');
    sent.write('{"a":1}');
    expect((await sent).body).toEqual(WRONG_TYPE);
  });

  it.each<[string, string]>([
    ['cut off', '{"a":'],
    ['blank', '   '],
    ['single-quoted', "{'a':1}"],
    ['two documents', '{}{}'],
  ])('is an error of the parser when it is malformed: %s', async (_title, text) => {
    const reply = await post(app, text);
    expect(reply.body).toEqual({ error: 'entity.parse.failed', status: 400 });
  });

  it('is an error of the parser when its encoding or charset is unknown', async () => {
    const encoded = openPost(app);
    encoded.set('content-encoding', 'rot13').write('{}');
    expect((await encoded).body).toEqual({ error: 'encoding.unsupported', status: 415 });
    const charset = request(app).post('/').set('content-type', 'application/json; charset=koi8-r');
    expect((await charset.send('{}')).body).toEqual({ error: 'charset.unsupported', status: 415 });
  });
});

describe('the limit', () => {
  const ofLength = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`;

  it.each<[number | string, number]>([
    [64, 64],
    ['64', 64],
    ['64b', 64],
    ['1kb', 1024],
    ['0.5kb', 512],
    ['1mb', 1024 * 1024],
  ])('%p takes a body of %i bytes and refuses a longer one', async (limit, bytes) => {
    const app = appWith(limit);
    const fits = await post(app, ofLength(bytes));
    expect(Object.keys(fits.body)).toEqual(['object', 'same']);
    const long = await post(app, ofLength(bytes + 1));
    expect(long.body).toEqual({ error: 'entity.too.large', status: 413 });
  });

  it('counts what a compressed body inflates to', async () => {
    const sent = openPost(appWith(64));
    const small = gzipSync(ofLength(5000));
    expect(small.length).toBeLessThan(64);
    sent.set('content-encoding', 'gzip').write(small);
    expect((await sent).body).toEqual({ error: 'entity.too.large', status: 413 });
  });

  it('does not apply to a body that somebody parsed before', async () => {
    const reply = await request(appWith(8, express.json()))
      .post('/')
      .send({ a: 'longer than 8 bytes' });
    expect(reply.body).toEqual({ object: { a: 'longer than 8 bytes' }, same: true });
  });
});

describe('a body that somebody parsed before', () => {
  it('is taken as it is, the same object', async () => {
    const reply = await post(appWith('1mb', express.json()), '{"a":1}');
    expect(reply.body).toEqual({ object: { a: 1 }, same: true });
  });

  it('is taken from a parser without the mark of body-parser', async () => {
    const parser: RequestHandler = (req, _res, next) => {
      req.resume().on('end', () => {
        req.body = { own: true };
        next();
      });
    };
    const reply = await post(appWith('1mb', parser), '{"a":1}');
    expect(reply.body).toEqual({ object: { own: true }, same: true });
  });

  it.each(['"text"', '7', 'null'])(
    'is no envelope when a parser that is not strict made it of %s',
    async (text) => {
      const app = appWith('1mb', express.json({ strict: false }));
      expect((await post(app, text)).body).toEqual(NO_ENVELOPE);
    },
  );

  it('is of the wrong media type when it is a form, though that is an object, too', async () => {
    for (const extended of [true, false]) {
      const app = appWith('1mb', express.urlencoded({ extended }));
      const reply = await request(app).post('/').type('form').send('session_id=a');
      expect(reply.body).toEqual(WRONG_TYPE);
    }
  });

  it('is an envelope when a host set it without a stream or a content type', async () => {
    const host: RequestHandler = (req, _res, next) => {
      req.body = { a: 1 };
      next();
    };
    const reply = await request(appWith('1mb', host)).post('/');
    expect(reply.body).toEqual({ object: { a: 1 }, same: true });
  });
});

describe.each<[string, RequestHandler]>([
  ['a Buffer', express.raw({ type: () => true })],
  ['a text', express.text({ type: () => true })],
])('a body that is left as %s', (_title, parser) => {
  const json = (app: Express) => request(app).post('/').set('content-type', 'application/json');

  it('is parsed', async () => {
    expect((await json(appWith('1mb', parser)).send(' {"a":"ä"}')).body).toEqual({
      object: { a: 'ä' },
      same: false,
    });
  });

  it('is parsed when it came compressed, for it is inflated already', async () => {
    const post = json(appWith('1mb', parser)).set('content-encoding', 'gzip');
    post.write(gzipSync('{"a":1}'));
    expect((await post).body).toEqual(PARSED);
  });

  it('is an error of the parser when it is malformed', async () => {
    const reply = await json(appWith('1mb', parser)).send('{"a":');
    expect(reply.body).toEqual({ error: 'entity.parse.failed', status: 400 });
  });

  it('is held to the limit, in bytes', async () => {
    const app = appWith(10, parser);
    expect((await json(app).send('{"a":"ä"}')).body.object).toEqual({ a: 'ä' });
    const reply = await json(app).send('{"a":"ää"}');
    expect(reply.body).toEqual({ error: 'entity.too.large', status: 413 });
  });

  it('is of the wrong media type when it has another one, or none', async () => {
    const app = appWith('1mb', parser);
    const typed = await request(app).post('/').set('content-type', 'text/plain').send('{"a":1}');
    expect(typed.body).toEqual(WRONG_TYPE);
    const typeless = request(app).post('/').unset('content-type');
    typeless.write('{"a":1}');
    expect((await typeless).body).toEqual(WRONG_TYPE);
  });

  it('stays as it is', async () => {
    const readBody = createBodyReader('1mb');
    const app = express().use(parser, (req, res) => {
      const given = req.body;
      readBody(req, res, (_error, body) => {
        res.json({ found: Object.keys(Object(body)), same: req.body === given });
      });
    });
    expect((await json(app).send('{"a":1}')).body).toEqual({ found: ['object'], same: true });
  });
});

describe('a Buffer', () => {
  /** As adapters of AWS Lambda do it. */
  const leave = (body: Buffer, type: string): RequestHandler => {
    return (req, _res, next) => {
      req.body = body;
      req.headers['content-type'] = type;
      next();
    };
  };

  it('is decoded by the charset of its type', async () => {
    const bytes = Buffer.from('{"a":1}', 'utf16le');
    const app = appWith('1mb', leave(bytes, 'application/json; charset=utf-16le'));
    expect((await request(app).post('/')).body).toEqual(PARSED);
  });

  it('is no body when it is empty', async () => {
    const app = appWith('1mb', leave(Buffer.alloc(0), 'application/json'));
    expect((await request(app).get('/')).body).toEqual(NO_ENVELOPE);
  });
});

describe('a body that was read here', () => {
  it.each<[string, RequestHandler]>([
    ['express.json()', express.json()],
    ['body-parser 1.x', express4.json()],
  ])('is not read again by %s, mounted later', async (_title, later) => {
    const readBody = createBodyReader('1mb');
    const app = express();
    app.use((req, res, next) => readBody(req, res, (error) => next(error)));
    app.use(later, (req, res) => {
      res.json(req.body);
    });
    const post = () => request(app).post('/').set('content-type', 'application/json');
    expect((await post().send('{"a":1}')).body).toEqual({ a: 1 });
    expect((await post().send('[1]')).body).toEqual([1]);
    const chunked = post();
    chunked.write('{"a":1}');
    expect((await chunked).body).toEqual({ a: 1 });
  });
});

describe('over HTTP/2, where no header need say that there is a body,', () => {
  const readBody = createBodyReader(64);
  const server = createServer((req: Http2ServerRequest, res: Http2ServerResponse) => {
    // The reader needs nothing of Express.
    const request = req as unknown as Request;
    readBody(request, res as unknown as Response, (error, body) => {
      onRead(error);
      res.end(JSON.stringify({ error: Object(error).type, ...body, kept: request.body }));
    });
  });
  let client: ClientHttp2Session;
  let onRead: (error: unknown) => void = () => {};
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterAll(async () => {
    client.close();
    await once(server.close(), 'close');
  });

  const post = async (text: string, headers = {}) => {
    const stream = client.request({
      ':method': 'POST',
      'content-type': 'application/json',
      ...headers,
    });
    stream.end(text);
    let reply = '';
    for await (const chunk of stream.setEncoding('utf8')) reply += chunk;
    return JSON.parse(reply);
  };

  it('an object is read, and kept in req.body', async () => {
    expect(await post('{"a":1}')).toEqual({ object: { a: 1 }, kept: { a: 1 } });
  });

  it('the errors are those of the parser', async () => {
    expect(await post('{"a":')).toEqual({ error: 'entity.parse.failed' });
    expect(await post(JSON.stringify('x'.repeat(64)))).toEqual({ error: 'entity.too.large' });
  });

  it('a client may leave after its refusal, with the body half sent', async () => {
    const half = Object.assign(new PassThrough(), {
      headers: { 'content-type': 'application/json' },
      httpVersionMajor: 2,
      stream: { endAfterHeaders: false },
    });
    const refusal = new Promise((resolve) => {
      readBody(half as unknown as Request, {} as Response, resolve);
    });
    half.write('x'.repeat(65));
    expect(await refusal).toMatchObject({ type: 'entity.too.large' });
    half.destroy(new Error('the client left'));
    // An error that nobody listened to would end the process by now.
    await setImmediate();
    await setImmediate();
  });

  it('a client that leaves in the middle of it is an error', async () => {
    const failed = new Promise((resolve) => {
      onRead = resolve;
    });
    const stream = client.request({ ':method': 'POST', 'content-type': 'application/json' });
    stream.on('error', () => {});
    stream.write('{"a":');
    await once(server, 'request');
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await failed).toMatchObject({ status: 400 });
  });

  it('a body may be absent, or of another type', async () => {
    expect((await post('')).refusal.code).toBe('NO_ENVELOPE');
    const typed = await post('{"a":1}', { 'content-type': 'text/plain' });
    expect(typed.refusal.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });
});

describe('a request that is no envelope', () => {
  it.each(['application/x-www-form-urlencoded', 'text/plain', 'application/octet-stream'])(
    'of type %s keeps its unread stream for a later parser',
    async (type) => {
      const readBody = createBodyReader('1mb');
      const app = express();
      app.use((req, res, next) => readBody(req, res, (error) => next(error)));
      app.use(express.text({ type: () => true }));
      app.use((req, res) => {
        res.json({ body: req.body });
      });
      const reply = await request(app).post('/').set('content-type', type).send('a=1');
      expect(reply.body).toEqual({ body: 'a=1' });
    },
  );
});
