import type { IncomingMessage } from 'node:http';
import { type Express, Router } from 'express';
import request, { type Response, type Test } from 'supertest';
import { type AgentEnvelopeOptions, agentEnvelope, bind, problemDetails } from '../lib/index.js';
import {
  type ExistingAppOptions,
  existingApp,
  type LogLine,
  listen,
  ownErrorHandler,
  signatureOf,
} from './existing-app.js';

/** As docs/mounting.md has it: after helmet, cors, the log and the login, with error documents of its own. */
const ownRouter =
  (options?: AgentEnvelopeOptions) =>
  (app: Express): void => {
    const agent = Router();
    agent.use(agentEnvelope(options));
    agent.post(
      '/invoke',
      bind(['inputs'], ({ inputs }) => inputs),
    );
    agent.post(
      '/stream',
      bind([], async function* () {
        yield 'one';
        yield 'two';
      }),
    );
    agent.use(problemDetails());
    app.use('/agent', agent);
  };

const json = (test: Test, body: string, type = 'application/json') =>
  test.set('content-type', type).send(body);

/** What the routes of the app have to do, agent or none. */
const REQUESTS: [string, (app: Express) => Test][] = [
  ['a login', (app) => json(request(app).post('/login'), '{"user":"ada"}')],
  ['a page for whoever is logged in', (app) => request(app).get('/me')],
  [
    'an upload',
    (app) =>
      request(app).post('/upload').field('title', 'T').attach('file', Buffer.from('abc'), 'f'),
  ],
  ['JSON for body-parser 1.x', (app) => json(request(app).post('/legacy'), '{"a":1}')],
  ['malformed JSON for body-parser 1.x', (app) => json(request(app).post('/legacy'), '{"a')],
  [
    'a form for body-parser 1.x',
    (app) => request(app).post('/legacy-form').type('form').send('a=1'),
  ],
  ['a body that is read by member', (app) => json(request(app).post('/member'), '{"x":1}')],
  ['null where a member is read', (app) => json(request(app).post('/member'), 'null')],
  ['text where a member is read', (app) => json(request(app).post('/member'), '"text"')],
  ['a list where a member is read', (app) => json(request(app).post('/member'), '[]')],
  ['malformed JSON', (app) => json(request(app).post('/member'), '{"x')],
  [
    'JSON:API',
    (app) =>
      json(
        request(app).post('/articles'),
        '{"data":[{"type":"articles","id":"1"}]}',
        'application/vnd.api+json',
      ),
  ],
  [
    'CloudEvents',
    (app) =>
      json(
        request(app).post('/events'),
        '{"specversion":"1.0","id":"1","data":"text"}',
        'application/cloudevents+json',
      ),
  ],
  ['a model that takes text', (app) => json(request(app).post('/model'), '{"inputs":"text"}')],
  ['a static file', (app) => request(app).get('/static/existing-app.ts')],
  ['server-sent events, compressed', (app) => request(app).get('/ticks')],
  ['a route that fails', (app) => request(app).get('/fails')],
  ['a path that is not there', (app) => json(request(app).post('/nowhere'), '{"a":1}')],
  [
    'a preflight request',
    (app) =>
      request(app)
        .options('/agent/invoke')
        .set({ origin: 'https://app.example', 'access-control-request-method': 'POST' }),
  ],
];

/** What needs the body's bytes, a larger body, or a parser with options of its own. */
const EVENT = '{"type":"paid", "amount":1.0}';
const BYTES: [string, (app: Express) => Test][] = [
  [
    'a signed webhook',
    (app) => json(request(app).post('/webhook'), EVENT).set('signature', signatureOf(EVENT)),
  ],
  ["a parser's verify function", (app) => json(request(app).post('/verified'), EVENT)],
  [
    'a body of 5 MB',
    (app) => json(request(app).post('/large'), JSON.stringify({ text: 'x'.repeat(5_000_000) })),
  ],
  ['a JSON scalar', (app) => json(request(app).post('/scalar'), '"text"')],
  ['a proxied body', (app) => json(request(app).post('/proxy/a'), EVENT)],
];

/** Everything of a reply that does not change from one request to the next. */
function outcomeOf({ status, headers, text }: Response, log: readonly LogLine[]): unknown {
  const { date: _date, 'set-cookie': cookies, ...stable } = headers;
  return {
    status,
    headers: { ...stable, cookies: cookies?.length },
    text,
    log: log.map(({ req, res }) => [req.url, res.statusCode]),
  };
}

/** An upstream that tells what it got. */
const upstream = listen((req, res) => {
  let body = '';
  req.on('data', (chunk) => {
    body += chunk;
  });
  req.on('end', () => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ method: req.method, url: req.url, body }));
  });
});
afterAll(async () => (await upstream).close());

async function outcome(options: ExistingAppOptions, send: (app: Express) => Test) {
  const { app, log } = existingApp({ ...options, upstream: (await upstream).url });
  const reply = await send(app);
  return outcomeOf(reply, log);
}

describe('an app that exists, with the agent in a router of its own', () => {
  it.each([...REQUESTS, ...BYTES])('answers %s as before', async (_what, send) => {
    const mounted = await outcome({ agent: ownRouter() }, send);
    expect(mounted).toEqual(await outcome({}, send));
  });
});

describe('an app that exists, with agentEnvelope() for the whole of it', () => {
  it.each(REQUESTS)('answers %s as before', async (_what, send) => {
    const mounted = await outcome({ appWide: agentEnvelope(), agent: ownRouter() }, send);
    expect(mounted).toEqual(await outcome({}, send));
  });

  it.each(BYTES)(
    'answers %s as before where it is mounted after that route',
    async (_what, send) => {
      const mounted = await outcome({ appWide: agentEnvelope(), bytesFirst: true }, send);
      expect(mounted).toEqual(await outcome({}, send));
    },
  );

  it.each<[string, number, unknown]>([
    ['a signed webhook', 400, { genuine: false }],
    ["a parser's verify function", 200, { bytes: null }],
    ['a body of 5 MB', 413, { error: 'entity.too.large' }],
    ['a JSON scalar', 400, { error: 'entity.parse.failed' }],
  ])('has read the body that %s needs where it is mounted before', async (what, status, body) => {
    const send = BYTES.find(([name]) => name === what)?.[1] as (app: Express) => Test;
    const { app } = existingApp({ appWide: agentEnvelope() });
    const reply = await send(app);
    expect([reply.status, reply.body]).toEqual([status, body]);
  });

  it('takes the body of 5 MB with a limit that lets it through', async () => {
    const [, send] = BYTES[2] as (typeof BYTES)[number];
    const { app } = existingApp({ appWide: agentEnvelope({ limit: '6mb' }) });
    expect((await send(app)).body).toEqual({ characters: 5_000_000 });
  });

  it('leaves nothing for a proxy to hand on: the upstream would wait for ever', async () => {
    const bytes: Buffer[] = [];
    let proxied: IncomingMessage | undefined;
    // It answers without having seen the body, so that this spec does not wait.
    const eager = await listen((req, res) => {
      proxied = req.on('data', (chunk) => bytes.push(chunk)).on('error', () => {});
      res.end('without a body');
    });
    const { app } = existingApp({ appWide: agentEnvelope(), upstream: eager.url });
    const reply = await json(request(app).post('/proxy/a'), EVENT);
    expect(reply.text).toBe('without a body');
    await eager.close();
    expect(proxied?.headers['content-length']).toBe(String(EVENT.length));
    expect([proxied?.complete, bytes]).toEqual([false, []]);
  });

  it('proxies the body that fixRequestBody writes again', async () => {
    const { url } = await upstream;
    const { app } = existingApp({ appWide: agentEnvelope(), upstream: url, repairBody: true });
    const reply = await json(request(app).post('/proxy/a'), EVENT);
    expect(reply.body).toEqual({
      method: 'POST',
      url: '/a',
      body: JSON.stringify(JSON.parse(EVENT)),
    });
  });

  it('takes an object that could be an envelope for one, on any route', async () => {
    const event = { specversion: '1.0', data: { amount: 1 } };
    const send = (app: Express) => json(request(app).post('/events'), JSON.stringify(event));
    const minting = existingApp({ appWide: agentEnvelope({ absentSession: 'mint' }) });
    const minted = await send(minting.app);
    expect(minted.body).toEqual({
      ...event,
      locals: ['session_id', 'inputs', 'outputs', 'parameters'],
    });
    expect(minted.headers).toHaveProperty('x-session-id');
    const requiring = existingApp({ appWide: agentEnvelope({ absentSession: 'require' }) });
    const required = await send(requiring.app);
    expect([required.status, required.body]).toEqual([400, { error: 'SESSION_REQUIRED' }]);
  });
});

describe.each<[string, (options: AgentEnvelopeOptions) => ExistingAppOptions]>([
  ['a router of its own', (options) => ({ agent: ownRouter(options) })],
  [
    'an app-wide mount',
    (options) => ({
      appWide: agentEnvelope(options),
      agent: ownRouter(),
      lastHandlers: [problemDetails()],
    }),
  ],
])('a request to the agent in %s', (_title, mounting) => {
  const post = (app: Express, path: string, body: string) =>
    json(request(app).post(path), body).set('origin', 'https://app.example');

  it.each<[string, string, string, number, string | undefined]>([
    ['served', '/agent/invoke', '{"session_id":"conv-1"}', 200, 'conv-1'],
    ['refused for its id', '/agent/invoke', '{"session_id":"not valid"}', 400, undefined],
    ['refused for its data', '/agent/invoke', '{"session_id":"conv-1","data":[]}', 400, 'conv-1'],
    ['refused by authorize', '/agent/invoke', '{"session_id":"theirs"}', 403, 'theirs'],
    ['of another route', '/agent/invoke', '{"data":[]}', 400, undefined],
    ['malformed', '/agent/invoke', '{"session_id":', 400, undefined],
  ])('that is %s has its CORS headers and its log line', async (_kind, path, body, status, id) => {
    const { app, log } = existingApp(mounting({ authorize: (sent) => sent !== 'theirs' }));
    const reply = await post(app, path, body);
    expect(reply.status).toBe(status);
    expect(reply.headers).toMatchObject({
      'content-type': expect.stringContaining(status === 200 ? 'json' : 'application/problem+json'),
      'access-control-allow-origin': 'https://app.example',
      'access-control-expose-headers': 'x-session-id',
      'x-content-type-options': 'nosniff',
    });
    expect(reply.headers['x-session-id']).toBe(id);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatchObject({ req: { url: path }, res: { statusCode: status } });
    expect(log[0]?.session_id).toBe(id);
  });

  it('streams through compression() uncompressed', async () => {
    const { app } = existingApp(mounting({}));
    const reply = await post(app, '/agent/stream', '{"session_id":"conv-1"}').set({
      accept: 'text/event-stream',
      'accept-encoding': 'gzip',
    });
    expect(reply.headers).not.toHaveProperty('content-encoding');
    expect(reply.text).toBe('data: "one"\n\ndata: "two"\n\n');
  });

  it('knows who has logged in, for authorize', async () => {
    const owners: Record<string, string> = { 'conv-1': 'ada' };
    const authorize: AgentEnvelopeOptions['authorize'] = (id, req) =>
      req.session.user !== undefined && owners[id] === req.session.user;
    const { app } = existingApp(mounting({ authorize }));
    const agent = request.agent(app);
    await json(agent.post('/login'), '{"user":"ada"}');
    expect((await json(agent.post('/agent/invoke'), '{"session_id":"conv-1"}')).status).toBe(200);
    expect((await json(agent.post('/agent/invoke'), '{"session_id":"conv-2"}')).status).toBe(403);
    expect((await post(app, '/agent/invoke', '{"session_id":"conv-1"}')).status).toBe(403);
  });
});

describe("the app's own error handler", () => {
  const failing = (...handlers: ExistingAppOptions['lastHandlers'] & {}) =>
    request(existingApp({ lastHandlers: handlers }).app).get('/fails');

  it('answers as before beside a router that has problemDetails()', async () => {
    const { app } = existingApp({ agent: ownRouter() });
    expect((await request(app).get('/fails')).body).toEqual({ error: 'unknown' });
  });

  it('is never reached after problemDetails(), and answers before it', async () => {
    const quiet = problemDetails({ onError: () => {} });
    expect((await failing(quiet, ownErrorHandler)).body.code).toBe('INTERNAL_ERROR');
    expect((await failing(ownErrorHandler, quiet)).body).toEqual({ error: 'unknown' });
  });
});
