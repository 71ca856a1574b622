import { gzipSync } from 'node:zlib';
import express, { type Express, type RequestHandler } from 'express';
import request from 'supertest';
import { createBodyReader } from '../../lib/request/body.js';
import { JSON_TYPE, post } from '../helpers.js';

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
  return app;
}

/** A post of JSON whose body the spec writes. */
const openPost = (app: Express) => request(app).post('/').set('content-type', JSON_TYPE);

const NO_ENVELOPE = { refusal: 'NO_ENVELOPE' };
const WRONG_TYPE = { refusal: 'UNSUPPORTED_MEDIA_TYPE' };
const PARSED = { object: { a: 1 }, same: false };

/** Without and behind a body parser of the app, the answer must be the same. */
const MOUNTS: [string, RequestHandler[]][] = [
  ['alone', []],
  ['behind express.json()', [express.json({ strict: false })]],
  ['behind express.urlencoded()', [express.urlencoded({ extended: true })]],
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

  it.each(['"text"', '7', 'true', 'null', '[]', '[{"session_id":"a"}]'])(
    'is no envelope when it is %s',
    async (json) => {
      const reply = await post(app, json);
      expect(reply.body).toEqual(NO_ENVELOPE);
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

  it('is no envelope when it is a Buffer', async () => {
    const app = appWith('1mb', express.raw({ type: () => true }));
    expect((await post(app, '{"a":1}')).body).toEqual(NO_ENVELOPE);
  });

  it('is no envelope when it is a text', async () => {
    const app = appWith('1mb', express.text({ type: () => true }));
    expect((await post(app, '{"a":1}')).body).toEqual(NO_ENVELOPE);
  });

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
