/** The app that every platform serves: an Express app goes in, with the routes that the checks ask it comes out. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { agentEnvelope, bind, problemDetails, SessionSpanProcessor } from 'express-agent-envelope';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SessionSpanProcessor()] }),
);

/** How often `/release` was asked for a session, and who waits for the next time. */
const released = new Map();

function release(id) {
  const waiting = released.get(id);
  released.set(id, true);
  if (typeof waiting === 'function') waiting();
}

async function waitForRelease(id) {
  if (released.get(id) !== true) await new Promise((resolve) => released.set(id, resolve));
  released.delete(id);
}

async function* items({ session_id, inputs }) {
  for (const n of [1, 2, 3]) {
    // Items of one turn of the event loop would go out in one write.
    if (n > 1) await (inputs.gated ? waitForRelease(session_id) : setTimeout(1));
    yield { n };
  }
}

/** What became of the source of `/endless`, by session. */
const left = new Map();

/** One item, then nothing for ever: only the client's leaving ends it. */
function endless({ session_id }, { signal }) {
  const fate = { aborted: false, returned: false };
  left.set(session_id, fate);
  signal.addEventListener('abort', () => {
    fate.aborted = true;
  });
  let asked = 0;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => (++asked === 1 ? { done: false, value: { n: 1 } } : new Promise(() => {})),
    return: async () => {
      fate.returned = true;
      return { done: true };
    },
  };
}

async function traced() {
  await setTimeout(1);
  const span = trace.getTracer('platforms').startSpan('work');
  span.end();
  return span.attributes['session.id'];
}

/** A schema of a draft of its own for each: what checks it is loaded late. */
const dated = ($schema) => ({ $schema, properties: { q: { type: 'string', format: 'date' } } });
const inputs = dated('http://json-schema.org/draft-07/schema');
const parameters = dated('https://json-schema.org/draft/2020-12/schema');

export const envelope = () => agentEnvelope({ limit: '64kb' });

export const routes = {
  '/invoke': bind(['session_id', 'inputs'], ({ session_id, inputs }) => ({ session_id, inputs })),
  '/items': bind(['session_id', 'inputs'], items),
  '/release': bind(['session_id'], ({ session_id }) => {
    release(session_id);
    return 'released';
  }),
  '/endless': bind(['session_id'], endless),
  '/left': bind(['session_id'], ({ session_id }) => left.get(session_id)),
  '/traced': bind([], traced),
  '/checked': bind({ inputs, parameters }, () => 'fits'),
};

/** Mounts the routes, and further ones. */
export function mount(app, further = {}) {
  app.use(envelope());
  for (const [path, handler] of Object.entries({ ...routes, ...further })) app.post(path, handler);
  return app.use(problemDetails());
}

/** Starts an app or a server on a port of its own, and prints it. */
export async function listen(target) {
  const server = target.listen(0, '127.0.0.1');
  if (!server.listening) await once(server, 'listening');
  console.log(`port ${server.address().port}`);
}
