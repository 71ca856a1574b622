/**
 * All three engines behind one route, in a real process: `host.mjs RUNNER_URL`. `GET /left` counts what is open: resources of
 * the event loop, child processes, entries of the temporary directory.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { pi } from 'express-agent-envelope/engines/pi';
import { remote } from 'express-agent-envelope/engines/remote';
import { rivet } from 'express-agent-envelope/engines/rivet';

const [runnerUrl, dataHome] = process.argv.slice(2);
const agents = join(dataHome, 'sandbox-agent/bin/agent_processes');
mkdirSync(agents, { recursive: true });
symlinkSync(
  fileURLToPath(new URL('rivet/acp-agent.mjs', import.meta.url)),
  join(agents, 'mock-acp'),
);

const engines = {
  // Slow enough to be cut off in the middle.
  pi: pi({ model: 'faux', faux: { respond: () => 'word '.repeat(10_000), tokensPerSecond: 50 } }),
  rivet: rivet({ agent: 'mock', dataHome }),
  remote: remote({ url: `${runnerUrl}/run` }),
};

/** A zombie counts as gone: nobody may be there to reap it. */
function childProcesses() {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return text.slice(text.lastIndexOf(')') + 2).split(' ');
      } catch {
        return ['Z'];
      }
    });
  return stats.filter(([state, parent]) => state !== 'Z' && Number(parent) === process.pid).length;
}

const app = express();
app.get('/left', (_req, res) => {
  const resources = process.getActiveResourcesInfo().filter((name) => name !== 'TCPSocketWrap');
  const sockets = process.getActiveResourcesInfo().length - resources.length;
  res.json({
    resources: resources.sort(),
    // Without the one that asks.
    sockets: sockets - 1,
    children: childProcesses(),
    files: readdirSync(tmpdir()),
  });
});
app.use(agentEnvelope());
app.post(
  '/run',
  bind(['inputs', 'parameters'], ({ inputs, parameters }, { signal }) =>
    run(engines[parameters.engine], { messages: inputs.messages }, { signal }),
  ),
);
app.use(problemDetails());
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${server.address().port}\n`);
});
