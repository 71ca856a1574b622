/**
 * A tracing recipe and an app go in, as a user starts them; what is wrong with the spans that an OTLP receiver gets comes out.
 * The process gets SIGTERM while a request is running: its spans are the ones that a hasty shutdown loses.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startReceiver } from './otlp-receiver.js';

const SESSIONS = ['conv-done', 'conv-running'];

/** Runs `node args` in `cwd`, and expects spans of the media type `type`. Resolves with the faults, none when all is well. */
export async function tryRecipe({ node, args, cwd, type }) {
  const receiver = await startReceiver();
  const child = spawn(node, args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      OTEL_SERVICE_NAME: 'recipe',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`The app ended too early: ${complaints}`);
    return value;
  };
  try {
    const url = await nextLine();
    const answers = [await invoke(url, 'conv-done', 0)];
    await nextLine();
    const running = invoke(url, 'conv-running', 300);
    // The handler has begun.
    await nextLine();
    child.kill('SIGTERM');
    answers.push(await running);
    const [code, signal] = await exited;
    return [
      ...(code === 0 ? [] : [`ended with ${code ?? signal}`]),
      ...answers.filter((answer) => !answer.startsWith('done in ')),
      ...(complaints === '' ? [] : [complaints]),
      ...faultsOf(receiver, type),
    ];
  } finally {
    child.kill('SIGKILL');
    await exited;
    receiver.close();
  }
}

async function invoke(url, session_id, ms) {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ session_id, inputs: { ms } }),
  });
  return reply.ok
    ? (await reply.json()).data.outputs
    : `${session_id} was answered ${reply.status}`;
}

/** Each request has the span of the server and the one of the route, with its id, and the service has its name. */
function faultsOf({ spans, types }, type) {
  const faults = [];
  if (String([...types]) !== type) faults.push(`exported as ${[...types].join() || 'nothing'}`);
  for (const session of SESSIONS) {
    const own = spans.filter(({ attributes }) => attributes['session.id'] === session);
    // Of the server, open before the id is known; of the route, started in the session.
    for (const [scope, start] of [
      ['http', 'POST'],
      ['express', 'request handler'],
    ]) {
      const library = `@opentelemetry/instrumentation-${scope}`;
      if (!own.some((span) => span.scope === library && span.name.startsWith(start)))
        faults.push(`${session}: no span "${start}" of ${library}`);
    }
    if (!own.every(({ resource }) => resource['service.name'] === 'recipe'))
      faults.push(`${session}: a span of another service`);
  }
  return faults;
}
