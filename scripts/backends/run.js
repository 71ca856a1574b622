/** A recipe goes in, as a user starts it; what it exported while two conversations and an anonymous request interleaved comes out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startReceiver } from '../../spec/recipes/otlp-receiver.js';
import { datadogSpans } from './datadog.js';
import { startModelServer } from './model-server.js';
import { sentrySpans } from './sentry.js';

/** Their ids; without one, a request is nobody's. */
export const CONVERSATIONS = ['conv-a', 'conv-b', undefined];
const TURNS = [1, 2];

/** @returns `{ requests, spans, lines }`: what the app was asked, what was exported, and what it printed as JSON */
export async function runRecipe(
  folder,
  { node, args, recipe, env, sessionAttributes },
  unplugged = '',
) {
  const [models, receiver] = await Promise.all([startModelServer(), startReceiver()]);
  const out = join(folder, `out-${process.hrtime.bigint()}.jsonl`);
  const child = spawn(node, [...args, 'app.mjs', recipe], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      OUT: out,
      SESSION_ATTRIBUTES: JSON.stringify(sessionAttributes),
      UNPLUGGED: unplugged,
      ...env(models.url, receiver.url),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const printed = [];
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
  try {
    const port = await portOf(child, printed);
    if (port === undefined) throw new Error(`The app did not start: ${complaints}`);
    for (const n of TURNS) await Promise.all(CONVERSATIONS.map((id) => ask(port, id, n)));
    child.kill('SIGTERM');
    await exited;
    const written = existsSync(out) ? jsonLines(readFileSync(out, 'utf8')) : [];
    return {
      requests: written.filter((line) => line.request),
      spans: [
        ...written.filter((line) => line.span),
        ...receiver.spans.map(likeWritten),
        ...sentrySpans(receiver.others),
        ...datadogSpans(receiver.others),
      ],
      lines: jsonLines(printed.join('\n')),
    };
  } catch (error) {
    throw new Error(`${error.message}\n${complaints}`);
  } finally {
    clearTimeout(late);
    child.kill('SIGKILL');
    await exited;
    rmSync(out, { force: true });
    models.close();
    receiver.close();
  }
}

const likeWritten = ({ name, ...span }) => ({ span: name, ...span });

function portOf(child, printed) {
  return new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const port = /^port (\d+)$/.exec(line)?.[1];
      if (port) resolve(port);
      else printed.push(line);
    });
    child.once('exit', () => resolve(undefined));
  });
}

/** The prompt says whose it is, and the foreign id of the same conversation goes with it, for libraries that have ids of their own. */
async function ask(port, session_id, n) {
  const prompt = `${session_id ?? 'nobody'} turn ${n}`;
  const reply = await fetch(`http://127.0.0.1:${port}/invoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ session_id, inputs: { prompt, thread: `thread-${session_id ?? n}` } }),
  });
  const text = await reply.text();
  if (!reply.ok || !text.includes(`re: ${prompt}`)) throw new Error(`${reply.status} ${text}`);
}

function jsonLines(text) {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)].filter((value) => typeof value === 'object' && value !== null);
    } catch {
      return [];
    }
  });
}
