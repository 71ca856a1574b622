/**
 * The AI SDK's chat of each of its majors, unmodified, with processes of this checkout: three turns, one id on every span of gateway and
 * runner; and where there is a Redis, a page that is loaded again reads an answer on, from another gateway. `ai` 7 wants Node.js 22,
 * which comes from the npm registry, too.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRedis } from './backends/redis.js';
import { output, project, report, workspace } from './consumer.js';

const MAJORS = [
  ['5', {}],
  ['6', {}],
  ['7', { [`node-${process.platform}-${process.arch}`]: '22' }],
];
const SPECS = new URL('../spec/', import.meta.url);
const CLIENTS = ['plain-chat.mjs', 'three-turns.mjs', 'resumed-turn.mjs'];
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.log('No redis-server here: nobody reads on.');

const root = workspace();
await report(
  'test:clients',
  MAJORS.flatMap(([major, node]) => [
    [`ai ${major}: three turns`, () => withClient(major, node, threeTurns)],
    ...(hasRedis ? [[`ai ${major}: resume`, () => withClient(major, node, resumedTurn)]] : []),
  ]),
);

/** `check` gets a function that runs a client's script, and one that starts a process of the specs. */
async function withClient(major, node, check) {
  const folder = await project(join(root, `ai-${major}`), {
    dependencies: { ai: major, zod: '4', ...node },
  });
  for (const name of CLIENTS) {
    copyFileSync(new URL(`protocols/${name}`, SPECS), join(folder, name));
  }
  const [name] = Object.keys(node);
  const program = name ? join(folder, 'node_modules', name, 'bin/node') : process.execPath;
  const started = [];
  try {
    await check(
      async (...args) => JSON.parse(await output(program, args, folder)),
      (...args) => start(started, ...args),
      folder,
    );
  } finally {
    for (const child of started) child.kill();
  }
}

async function threeTurns(client, startProcess) {
  const runner = await startProcess('protocols/process.mjs', 'runner');
  const gateway = await startProcess('protocols/process.mjs', 'gateway', runner);
  const told = await client('three-turns.mjs', `${gateway}/api/chat`, 'chat-1');
  const expected = ['one', 'two', 'three'].map((text, i) => [
    `I have seen ${2 * i + 1} message(s). The last one says: ${text}`,
    'chat-1',
  ]);
  same(
    told.filter((_, i) => i % 2 === 1),
    expected,
  );
  for (const url of [runner, gateway]) {
    const spans = await (await fetch(`${url}/spans`)).json();
    if (spans.length < 9) throw new Error(`${spans.length} spans: too few`);
    same([...new Set(spans.map(([, id]) => id))], ['chat-1']);
  }
}

async function resumedTurn(client, startProcess, folder) {
  const redis = await startRedis(folder);
  try {
    const { REDIS_SOCKET: socket } = redis.env;
    const options = JSON.stringify({ onClientLeft: 'continue' });
    const [worker, ...gateways] = await Promise.all([
      startProcess('engines/queue/process.mjs', 'worker', socket),
      startProcess('engines/queue/process.mjs', 'gateway', socket, options),
      startProcess('engines/queue/process.mjs', 'gateway', socket, options),
    ]);
    const apis = gateways.map((url) => `${url}/api/chat`);
    const told = await client('resumed-turn.mjs', ...apis, `${worker}/go`, 'chat-1');
    same(told, [
      ['hold 3', null],
      ['0 1 2 the end', 'chat-1'],
    ]);
  } finally {
    await redis.stop();
  }
}

async function start(started, path, ...args) {
  const script = fileURLToPath(new URL(path, SPECS));
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const [port] = await once(child.stdout, 'data');
  return `http://127.0.0.1:${String(port).trim()}`;
}

function same(actual, expected) {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}
