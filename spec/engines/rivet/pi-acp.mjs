/**
 * A real process with `pi-acp` and Pi, as they are installed beside this file, behind the real daemon: `rivet()` asks four
 * questions. Prints as JSON the events of each, or the code of its error. Only the model is a script, on loopback.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { delimiter, dirname, join } from 'node:path';
import { run } from 'express-agent-envelope/engines';
import { rivet } from 'express-agent-envelope/engines/rivet';

const folder = import.meta.dirname;
const home = join(folder, 'home');

/** What the model calls; the arguments go out in small pieces, as models send them. */
const CALLS = {
  '/write': ['write', { path: 'a.txt', content: 'A whole line.' }],
  '/bash': ['bash', { command: 'echo printed by a program' }],
};

/** The chunks of an answer in OpenAI's chat completions, which Pi speaks to any model of `models.json`. */
function* answer({ role, content }) {
  const text = JSON.stringify(content);
  const call = role === 'user' && Object.entries(CALLS).find(([word]) => text.includes(word))?.[1];
  if (!call) {
    yield { delta: { content: 'Hello ' } };
    yield { delta: { content: 'from the model.' } };
    return yield { delta: {}, finish_reason: 'stop' };
  }
  const [name, input] = call;
  const part = (more) => ({ delta: { tool_calls: [{ index: 0, ...more }] } });
  yield part({ id: 'call-1', type: 'function', function: { name, arguments: '' } });
  for (const piece of JSON.stringify(input).match(/.{1,5}/g)) {
    yield part({ function: { arguments: piece } });
  }
  yield { delta: {}, finish_reason: 'tool_calls' };
}

const model = createServer(async (req, res) => {
  const { messages } = JSON.parse(Buffer.concat(await req.toArray()).toString());
  const last = messages.at(-1);
  if (JSON.stringify(last).includes('/402')) {
    return res.writeHead(402).end('{"error":{"message":"No credit is left"}}');
  }
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const choice of answer(last)) {
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'scripted-1' };
    res.write(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, ...choice }] })}\n\n`);
  }
  res.end('data: [DONE]\n\n');
}).listen(0, '127.0.0.1');
await once(model, 'listening');

const put = (path, text, mode) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
};
put(
  join(home, 'pi/models.json'),
  JSON.stringify({
    providers: {
      scripted: {
        baseUrl: `http://127.0.0.1:${model.address().port}/v1`,
        api: 'openai-completions',
        apiKey: 'none',
        models: [{ id: 'scripted-1' }],
      },
    },
  }),
);
const adapter = join(folder, 'node_modules/pi-acp/dist/index.js');
put(
  join(home, 'sandbox-agent/bin/agent_processes/pi-acp'),
  `#!/bin/sh\nexec '${process.execPath}' '${adapter}'\n`,
  0o755,
);

// The adapter looks for `pi` on the PATH, and asks npm whether there is a newer one.
const path = [join(folder, 'node_modules/.bin'), dirname(process.execPath), process.env.PATH];
const engine = rivet({
  agent: 'pi',
  dataHome: home,
  env: {
    PATH: path.join(delimiter),
    HOME: home,
    PI_CODING_AGENT_DIR: join(home, 'pi'),
    PI_OFFLINE: '1',
    npm_config_offline: 'true',
  },
  startTimeoutMs: 60_000,
});
const told = [];
for (const content of ['Hello', '/write', '/bash', '/402']) {
  try {
    const events = [];
    for await (const event of run(engine, { messages: [{ role: 'user', content }] })) {
      if (event.type !== 'run.start') events.push(event);
    }
    told.push(events);
  } catch (error) {
    told.push(`${error.code}: ${error.message}`);
  }
}
process.stdout.write(JSON.stringify(told));
model.close();
model.closeAllConnections();
