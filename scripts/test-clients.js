/**
 * The AI SDK's chat of each of its majors, unmodified, with a gateway and a runner of this checkout: three turns, one id on every
 * span of both processes. `ai` 7 wants Node.js 22, which comes from the npm registry, too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { output, project, report, workspace } from './consumer.js';

const MAJORS = [
  ['5', {}],
  ['6', {}],
  ['7', { [`node-${process.platform}-${process.arch}`]: '22' }],
];
const SPECS = new URL('../spec/protocols/', import.meta.url);

const root = workspace();
await report(
  'test:clients',
  MAJORS.map(([major, node]) => [`ai ${major}`, () => threeTurns(major, node)]),
);

async function threeTurns(major, node) {
  const folder = await project(join(root, `ai-${major}`), {
    dependencies: { ai: major, zod: '4', ...node },
  });
  copyFileSync(new URL('three-turns.mjs', SPECS), join(folder, 'three-turns.mjs'));
  const [name] = Object.keys(node);
  const program = name ? join(folder, 'node_modules', name, 'bin/node') : process.execPath;
  const started = [];
  try {
    const runner = await start(started, 'runner');
    const gateway = await start(started, 'gateway', runner);
    const told = await output(
      program,
      ['three-turns.mjs', `${gateway}/api/chat`, 'chat-1'],
      folder,
    );
    const answers = JSON.parse(told).filter((_, i) => i % 2 === 1);
    const expected = ['one', 'two', 'three'].map((text, i) => [
      `I have seen ${2 * i + 1} message(s). The last one says: ${text}`,
      'chat-1',
    ]);
    same(answers, expected);
    for (const url of [runner, gateway]) {
      const spans = await (await fetch(`${url}/spans`)).json();
      if (spans.length < 9) throw new Error(`${spans.length} spans: too few`);
      same([...new Set(spans.map(([, id]) => id))], ['chat-1']);
    }
  } finally {
    for (const child of started) child.kill();
  }
}

async function start(started, ...args) {
  const script = fileURLToPath(new URL('process.mjs', SPECS));
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
