/** Rivet's real daemon, with a small scripted agent behind it: an agent that costs no key, no download and no network. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rivet } from 'express-agent-envelope/engines/rivet';

const agent = fileURLToPath(new URL('../acp-agent.mjs', import.meta.url));
// A cache directory of the checkout: nothing is left behind elsewhere.
const dataHome = fileURLToPath(
  new URL('../../node_modules/.cache/express-agent-envelope-demo', import.meta.url),
);
// The daemon runs an agent by its name: `mock` is the executable `mock-acp` in this place.
const launcher = join(dataHome, 'sandbox-agent/bin/agent_processes/mock-acp');
mkdirSync(dirname(launcher), { recursive: true });
writeFileSync(launcher, `#!/bin/sh\nexec '${process.execPath}' '${agent}'\n`, { mode: 0o755 });

/** With a real agent: `rivet({ agent: 'claude' })`. */
export const rivetEngine = rivet({ agent: 'mock', dataHome, permissions: 'once' });
