/** What an app may have done to `res` before the envelope is read, and what becomes of the request. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { type AgentEnvelopeOptions, agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { uiMessageRequest } from '../../lib/protocols/ui-message-stream/index.js';
import { keepErrors, post } from '../helpers.js';

const refuse = (): never => {
  throw new Error('private');
};
const replaceLocals = (res: Response, locals: object) => {
  Object.defineProperty(res, 'locals', { value: locals, configurable: true, writable: true });
};

const defineBody = (
  req: Request,
  body: { get?: () => unknown; set?: (value: unknown) => void },
) => {
  Object.defineProperty(req, 'body', body);
};

const HOSTILE: [what: string, change: (res: Response) => void][] = [
  ['frozen locals', (res) => void Object.freeze(res.locals)],
  ['sealed locals', (res) => void Object.seal(res.locals)],
  ['locals that refuse every write', (res) => replaceLocals(res, new Proxy({}, { set: refuse }))],
  [
    'locals that refuse a name',
    (res) =>
      replaceLocals(
        res,
        new Proxy(
          {},
          {
            set: (target, name, value) =>
              typeof name === 'symbol' ? Reflect.set(target, name, value) : refuse(),
          },
        ),
      ),
  ],
  ['locals that refuse to be read', (res) => replaceLocals(res, new Proxy({}, { get: refuse }))],
  [
    'locals with a setter that throws',
    (res) => void Object.defineProperty(res.locals, 'session_id', { set: refuse }),
  ],
  ['a body that cannot be set', ({ req }) => defineBody(req, {})],
  ['a body that refuses to be set', ({ req }) => defineBody(req, { set: refuse })],
  [
    'a body that refuses to be read once it was set',
    ({ req }) => {
      let get = (): unknown => undefined;
      defineBody(req, {
        get: () => get(),
        set: (value) => {
          get = value === undefined ? get : refuse;
        },
      });
    },
  ],
  ['no locals', (res) => replaceLocals(res, undefined as never)],
  [
    'a setHeader that refuses the id',
    (res) => {
      const { setHeader } = res;
      res.setHeader = function (name, value) {
        return /session/i.test(name) ? refuse() : setHeader.call(this, name, value);
      };
    },
  ],
];

const OPTIONS: [how: string, options: AgentEnvelopeOptions, body: object | string][] = [
  ['at once', {}, { session_id: 'conv-1' }],
  ['after authorize', { authorize: async () => true }, { session_id: 'conv-1' }],
  ['after a refusal', { authorize: async () => false }, { session_id: 'conv-1' }],
  ['for a faulty envelope', {}, { session_id: 'conv-1', inputs: 7 }],
];

function appOf(
  change: RequestHandler,
  options: AgentEnvelopeOptions,
  between: RequestHandler[] = [],
) {
  const errors: unknown[] = [];
  const app = express();
  app.set('env', 'test');
  app.use(change, ...between, agentEnvelope(options));
  app.post(
    '/',
    bind([], () => 'answered'),
  );
  app.use(keepErrors(errors), problemDetails());
  return { app, errors };
}

describe.each(HOSTILE)('%s', (_what, change) => {
  it.each([
    ['a chat', { id: 'conv-1', messages: [], trigger: 'submit-message' }],
    ['a malformed body', '{'],
  ])('send %s of a client with its own protocol to its error handlers', async (_what, body) => {
    const { app, errors } = appOf(
      (_req, res, next) => {
        change(res);
        next();
      },
      {},
      [uiMessageRequest()],
    );
    const reply = await post(app, body);
    expect([reply.status >= 400, errors.length]).toEqual([true, 1]);
    expect(reply.text).not.toContain('private');
  });

  it.each(OPTIONS)('send the request to its error handlers, %s', async (_how, options, body) => {
    const { app, errors } = appOf((_req, res, next) => {
      change(res);
      next();
    }, options);
    const reply = await post(app, body);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.text).not.toContain('private');
    expect(errors).toHaveLength(1);
  });

  it('send a request without an envelope to its error handlers, or to its route', async () => {
    const { app, errors } = appOf((_req, res, next) => {
      change(res);
      next();
    }, {});
    const reply = await post(app, '[]');
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(errors).toHaveLength(1);
  });
});

it('locals that are frozen after the envelope was read do no harm', async () => {
  const app = express();
  app.use(agentEnvelope(), (_req, res, next) => {
    Object.freeze(res.locals);
    next();
  });
  app.post(
    '/',
    bind([], () => 'answered'),
  );
  const reply = await post(app, { session_id: 'conv-1' });
  expect([reply.status, reply.headers['x-session-id']]).toEqual([200, 'conv-1']);
});
