/**
 * Gateways and workers over a real Redis, while some of them are killed, and what must hold of every run: `npm run soak:queue`,
 * 20,000 runs; `-- --short`, a minute; `-- --runs 5000`, as many as these. Then how fast it is.
 */
import { parseArgs } from 'node:util';
import { startRedis } from './backends/redis.js';
import { report, workspace } from './consumer.js';
import { createRandom } from './soak-cases.js';
import { readAgain, readRun } from './soak-queue/client.js';
import { leftIn } from './soak-queue/left.js';
import { startPlace } from './soak-queue/place.js';
import { eventsPerSecond, runsPerSecond } from './soak-queue/speed.js';

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    runs: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const RUNS = Number(options.runs ?? (options.short ? 600 : 20_000));
const AT_ONCE = 200;
/** A process is killed whenever so many runs are over. */
const KILL_EVERY = options.short ? 50 : 400;

const random = createRandom(Number(options.seed));
const redis = await startRedis(workspace());
const connection = { path: redis.env.REDIS_SOCKET };
const place = await startPlace({ gateways: 3, workers: 4 }, connection, {
  gateway: { onClientLeft: 'continue' },
  worker: { concurrency: AT_ONCE / 4 },
});

const stories = [];
const kills = { workers: 0, gateways: 0 };
/** A worker and a gateway in turns. */
function killOne() {
  const what = kills.workers > kills.gateways ? 'gateways' : 'workers';
  if (place.kill(random, place[what])) kills[what] += 1;
}

let begun = 0;
async function client() {
  while (begun < RUNS) {
    begun += 1;
    const run = {
      id: `conv-${begun}`,
      count: 5 + Math.floor(random() * 30),
      pauseMs: 50 + Math.floor(random() * 300),
      leavesAfter: random() < 0.1 ? 1 + Math.floor(random() * 10) : undefined,
    };
    stories.push(await readRun(place, random, run));
    if (stories.length % KILL_EVERY === 0 && begun < RUNS) killOne();
  }
}
const began = performance.now();
await Promise.all(Array.from({ length: AT_ONCE }, client));
const seconds = (performance.now() - began) / 1000;
await place.whole();

/** Some of them once more, from the start, at any gateway. */
const differing = [];
for (const story of stories.filter(({ runId }, i) => i % 10 === 0 && runId !== undefined)) {
  const again = await readAgain(await place.gateway(random), story);
  if (JSON.stringify(again) !== JSON.stringify(story.frames)) differing.push(story.tag);
}
const left = await leftIn(connection);
const faults = await place.faults();
place.stop();

const sum = (count) => stories.reduce((total, story) => total + Number(count(story)), 0);
const wrong = (goal) => () => none(stories.flatMap((story) => story.faults[goal]));
function none(list) {
  if (list.length === 0) return;
  throw new Error(`${list.length}, first of all:\n    ${list.slice(0, 5).join('\n    ')}`);
}
const some = (count) => {
  if (count === 0) throw new Error('none: the kills have met nobody, and nothing is proven');
};

const ended = sum(({ ended }) => ended === 'run.end');
const broken = sum(({ ended }) => ended === 'error');
const resumed = sum(({ resumed }) => resumed);
const replaced = sum(({ replaced }) => replaced);
const askedAgain = sum(({ askedAgain }) => askedAgain);
console.log(
  `${RUNS} runs, ${AT_ONCE} at once, seed ${options.seed}, ${seconds.toFixed(0)} s; ` +
    `killed: ${kills.workers} workers, ${kills.gateways} gateways`,
);
console.log(
  `${ended} whole, ${broken} with a coded error; read on ${resumed} times, ${replaced} taken up by another worker, ` +
    `${askedAgain} asked for again, since the gateway died before the first event`,
);
await runsPerSecond(connection, options.short ? 200 : 2_000);
const ratio = await eventsPerSecond(connection, options.short ? 2_000 : 5_000);

await report('soak:queue', [
  ['every run ends, and is whole where it has not ended with an error', wrong('lost')],
  ['every reply, event and worker tells the id of its own run, and no other', wrong('id')],
  ['every event comes once, in its place', wrong('order')],
  ['no run has an event of another, nor a second half of another worker', wrong('mixed')],
  ['a run ends with an error only where its worker was killed', wrong('unexplained')],
  ['killed workers have broken off runs', () => some(broken)],
  ['killed gateways have left clients, who read on at another', () => some(resumed)],
  ['who reads a run again has the same frames', () => none(differing)],
  ['no job and no running run is left in Redis', () => none(left)],
  ['no process warns of anything, nor leaves a rejection unhandled', () => none(faults)],
  [
    'events are written at least 0.8 times as fast as by hand, by CPU time',
    () => none(ratio >= 0.8 ? [] : [`${ratio.toFixed(2)} times`]),
  ],
]);
await redis.stop();
