/**
 * A real process with the ACP adapters of Claude and Codex, as they are installed beside this file, behind the real daemon, and
 * without a login or a key of either. Prints as JSON what becomes of a run of each.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from 'express-agent-envelope/engines';
import { rivet } from 'express-agent-envelope/engines/rivet';

const home = join(import.meta.dirname, 'home');
const packages = join(import.meta.dirname, 'node_modules');
const ADAPTERS = {
  claude: '@agentclientprotocol/claude-agent-acp/dist/index.js',
  codex: '@zed-industries/codex-acp/bin/codex-acp.js',
};
const theirs = Object.keys(process.env).filter((name) =>
  /^(ANTHROPIC|CLAUDE|OPENAI|CODEX|IS_SANDBOX)/.test(name),
);

const executable = (path, line) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
};
const told = {};
for (const [agent, adapter] of Object.entries(ADAPTERS)) {
  const command = `'${process.execPath}' '${join(packages, adapter)}'`;
  // The daemon wants the agent's own program, too; the adapters bring theirs.
  executable(join(home, 'sandbox-agent/bin', agent), 'exit 1');
  for (const name of [`${agent}-acp`, `${agent}-agent-acp`]) {
    executable(join(home, 'sandbox-agent/bin/agent_processes', name), `exec ${command}`);
  }
  const engine = rivet({
    agent,
    dataHome: home,
    env: {
      ...Object.fromEntries(theirs.map((name) => [name, undefined])),
      HOME: home,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
    startTimeoutMs: 60_000,
  });
  told[agent] = await run(engine, { messages: [{ role: 'user', content: 'Hello' }] }).result.then(
    ({ output }) => output,
    ({ code, status, cause }) => `${code}, ${status}: ${cause?.message}`,
  );
}
process.stdout.write(JSON.stringify(told));
