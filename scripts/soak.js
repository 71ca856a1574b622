/**
 * Many requests of every kind at once, and what must hold after them: `npm run soak`, a million; `-- --short`, under a minute;
 * `-- --requests 100000`, as many as these.
 */
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { start } from '../bench/child-process.js';
import { report } from './consumer.js';
import { BAD_CODES, createCases, createRandom } from './soak-cases.js';
import { createClients } from './soak-client.js';

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    requests: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const REQUESTS = Number(options.requests ?? (options.short ? 12_000 : 1_000_000));
const AT_ONCE = 256;
const PARTS = 10;

const server = await start(new URL('soak-server.js', import.meta.url));
const before = await server.ask('left');
const nextCase = createCases(createRandom(Number(options.seed)));
const wrong = { status: [], id: [], incomplete: [] };
const sent = {};

/** Sends until the part is done; no more than AT_ONCE are on their way. */
async function soak(ways, count) {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      const [way, cases] = nextCase();
      left -= cases.length;
      sent[way] = (sent[way] ?? 0) + cases.length;
      try {
        for (const faults of await ways[way](cases)) {
          for (const [goal, fault] of Object.entries(faults)) wrong[goal].push(fault);
        }
      } catch (error) {
        wrong.incomplete.push(`${way} ${cases[0].path}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Waits until the server has let go of everything, or does not. */
async function leftAfter(clients) {
  clients.close();
  for (let i = 0; i < 30; i++) {
    if (JSON.stringify(await server.ask('left')) === JSON.stringify(before)) break;
    await setTimeout(100);
  }
  return server.ask('left');
}

const heaps = [];
let clients;
// The one before the first fills caches and wakes the compiler; it is not counted.
for (let part = 0; part <= PARTS; part++) {
  clients = createClients(server);
  await soak(clients.ways, REQUESTS / PARTS);
  await leftAfter(clients);
  heaps.push((await server.ask('memory')) / 2 ** 20);
}
const after = await leftAfter(clients);
const faults = await server.ask('faults');
server.stop();

function none(list) {
  if (list.length === 0) return;
  throw new Error(
    `${list.length}, first of all:\n    ${[...new Set(list)].slice(0, 5).join('\n    ')}`,
  );
}
const same = (name) => () =>
  none(before[name] === after[name] ? [] : [`${before[name]} before, ${after[name]} after`]);

console.log(
  `${REQUESTS} requests, ${AT_ONCE} at once, seed ${options.seed}: ${JSON.stringify(sent)}`,
);
console.log(
  `heap after each tenth, MB: ${heaps
    .slice(1)
    .map((heap) => heap.toFixed(1))
    .join(' ')}`,
);
await report('soak', [
  ['every reply tells the id of its own request, and no other', () => none(wrong.id)],
  ['every status is the expected one', () => none(wrong.status)],
  ['every reply comes, and is whole', () => none(wrong.incomplete)],
  [
    'the app has no error but those of bad requests',
    () => none(Object.keys(faults.errors).filter((code) => !BAD_CODES.includes(code))),
  ],
  ['no rejection is left unhandled', () => none(faults.unhandled)],
  ['the process warns of nothing', () => none(faults.warnings)],
  ['no stream source is left open', same('sources')],
  ['no engine session is left open', same('engines')],
  ['listeners are as at the start', same('listeners')],
  ['timers and handles are as at the start', same('handles')],
  [
    'the heap after the last tenth is within 5 % of the one after the second',
    () => none(heaps.at(-1) <= heaps[2] * 1.05 ? [] : [`${heaps[2]} MB, then ${heaps.at(-1)} MB`]),
  ],
]);
