/** Starts the demo, runner and gateway, and ends both with itself. `npm run demo` calls it. */
import { bundle } from './bundle.js';
import { end, isEnding, start } from './processes.js';

// For the chat, while the processes start.
const bundled = bundle();
const runner = process.env.RUNNER_URL ? undefined : await start('runner');
const runnerUrl = runner?.url ?? process.env.RUNNER_URL;
const gateway = await start('server', { RUNNER_URL: runnerUrl });
await bundled;
// Without a gateway there is no demo; without a runner there is one less engine, which is worth a try.
gateway?.child.once('exit', () => end(1));
runner?.child.once('exit', () => {
  if (isEnding()) return;
  const { port } = new URL(runnerUrl);
  console.log(`\nThe runner has ended. Another one: RUNNER_PORT=${port} npm run demo:runner\n`);
});
if (gateway && !isEnding()) console.log(introduction(gateway, runner));

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
