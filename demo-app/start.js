/** Starts the demo, runner and gateway, and ends both with itself. `npm run demo` calls it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const tracing = new URL('tracing.js', import.meta.url).href;
const children = new Set();
let ending = false;

process.on('SIGINT', () => end()).on('SIGTERM', () => end());

// For the chat, while the processes start.
const bundled = bundle();
const runner = process.env.RUNNER_URL ? undefined : await start('runner');
const runnerUrl = runner?.url ?? process.env.RUNNER_URL;
const gateway = await start('server', { RUNNER_URL: runnerUrl });
await bundled;
// Without a gateway there is no demo; without a runner there is one less engine, which is worth a try.
gateway?.child.once('exit', () => end(1));
runner?.child.once('exit', () => {
  if (ending) return;
  const { port } = new URL(runnerUrl);
  console.log(`\nThe runner has ended. Another one: RUNNER_PORT=${port} npm run demo:runner\n`);
});
if (gateway && !ending) console.log(introduction(gateway, runner));

/** Forks a script; its first message says where it listens. */
async function start(name, env = {}) {
  if (ending) return undefined;
  const child = fork(here(`${name}.js`), {
    execArgv: ['--import', tracing],
    env: { ...process.env, ...env },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  const first = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (first[0]?.url) return { child, url: first[0].url };
  end(1);
  return undefined;
}

function end(code = 0) {
  if (ending) return;
  ending = true;
  // Zero by Ctrl-C: npm would report anything else as a failure.
  process.exitCode = code;
  for (const child of children) child.kill('SIGTERM');
}

function introduction(gateway, runner) {
  const curl = (path, id) =>
    `curl -iN ${gateway.url}${path} -H 'content-type: application/json' ` +
    `-d '{"session_id":"${id}","data":{"inputs":{"question":"What time is it?"}}}'`;
  const at = runner ? `${runner.url}  pid ${runner.child.pid}` : `${runnerUrl}  not ours`;
  return `
  The demo is at  ${gateway.url}

    gateway  ${gateway.url}  pid ${gateway.child.pid}
    runner   ${at}

  ${curl('/invoke', 'conv-42')}

  ${curl('/stream', 'conv-42')}

  Ctrl-C ends it. Each finished span is one line below.
`;
}
