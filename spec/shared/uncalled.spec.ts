import express, { type ErrorRequestHandler, type Express, Router } from 'express';
import request from 'supertest';
import { agentEnvelope, bind, problemDetails, sessionId } from '../../lib/index.js';

const MEANT = {
  agentEnvelope:
    'agentEnvelope makes a middleware and is none. Did you mean app.use(agentEnvelope())?',
  problemDetails:
    'problemDetails makes a middleware and is none. Did you mean app.use(problemDetails())?',
  bind: 'bind makes a handler and is none. Did you mean app.post(path, bind(names, handler))?',
};
const FACTORIES = [
  ['agentEnvelope', agentEnvelope],
  ['problemDetails', problemDetails],
  ['bind', bind],
] as const;

/** What the client, and an error handler, learn of a request to `app`. */
async function failureOf(app: Express): Promise<unknown[]> {
  let thrown: unknown;
  app.use(((error, _req, res, _next) => {
    thrown = error;
    res.status(500).end();
  }) satisfies ErrorRequestHandler);
  const { status } = await request(app).post('/');
  return [status, (thrown as Error)?.constructor.name, (thrown as Error)?.message];
}

describe.each(FACTORIES)('%s, mounted without being called', (name, factory) => {
  const middleware = factory as never;

  it('throws at start in app.use(), at a path and in a list, too', () => {
    const app = express();
    expect(() => app.use(middleware)).toThrow(new TypeError(MEANT[name]));
    expect(() => app.use('/agent', middleware)).toThrow(new TypeError(MEANT[name]));
    expect(() => app.use([express.json(), middleware])).toThrow(new TypeError(MEANT[name]));
  });

  it('fails each request in a router and in a route, which ask nothing at start', async () => {
    const routed = express().use(Router().use(middleware));
    expect(await failureOf(routed)).toEqual([500, 'TypeError', MEANT[name]]);
    const route = express();
    route.post('/', middleware);
    expect(await failureOf(route)).toEqual([500, 'TypeError', MEANT[name]]);
  });

  it('says the same when it is called with the app, as other libraries want', () => {
    expect(() => (factory as (app: unknown) => unknown)(express())).toThrow(
      new TypeError(MEANT[name]),
    );
  });
});

describe('a factory called in another way than it is meant', () => {
  const handler = () => 1;

  it.each<[string, () => unknown, string]>([
    [
      'agentEnvelope([sessionId])',
      () => agentEnvelope([sessionId] as never),
      'agentEnvelope: options must be an object, got an array. Did you mean agentEnvelope({ fields: […] })?',
    ],
    [
      'problemDetails(onError)',
      () => problemDetails(handler as never),
      'problemDetails: options must be an object, got a function. Did you mean problemDetails({ onError: … })?',
    ],
    [
      'bind(handler)',
      () => bind(handler as never, undefined as never),
      "bind: names must be a list of names or a declaration. Did you mean bind(['inputs'], handler)?",
    ],
    [
      'bind(handler, names)',
      () => bind(handler as never, ['inputs'] as never),
      "bind: names must be a list of names or a declaration. Did you mean bind(['inputs'], handler)?",
    ],
    [
      "bind('inputs', handler)",
      () => bind('inputs' as never, handler),
      "bind: names must be a list of names or a declaration. Did you mean bind(['inputs'], handler)?",
    ],
    [
      "bind(['inputs'])",
      () => bind(['inputs'], undefined as never),
      'bind: handler must be a function, got undefined',
    ],
  ])('%s says how', (_call, call, message) => {
    expect(call).toThrow(new TypeError(message));
  });

  it('is no request because inputs have the names of its members', () => {
    expect(() => bind({ url: true, headers: true, socket: true }, handler)).not.toThrow();
  });

  it.each<[string, () => unknown]>([
    ['agentEnvelope', () => new (agentEnvelope as never as new () => unknown)()],
    ['problemDetails', () => new (problemDetails as never as new () => unknown)()],
  ])('new %s() gives the same middleware', (name, construct) => {
    expect((construct() as { name: string }).name).toBe(name);
  });
});
