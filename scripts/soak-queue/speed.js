/** A Redis goes in; how fast runs are served, and events are written, is printed. */
import { setTimeout } from 'node:timers/promises';
import { run } from 'express-agent-envelope/engines';
import { queue } from 'express-agent-envelope/engines/queue';
import { Redis } from 'ioredis';
import { start } from '../../bench/child-process.js';
import { readRun } from './client.js';
import { startPlace } from './place.js';

const NODE = new URL('node.js', import.meta.url);
const AT_ONCE = 200;
/** Processes that write, and runs that each has at once. */
const WRITERS = 2;
const STREAMS = 10;

/** Runs of 20 events that take 200 ms, ten at once in a worker, as by default: 50 a second are the most that one can do. */
export async function runsPerSecond(connection, runs) {
  for (const workers of [1, 2, 4]) {
    const name = `speed-${workers}`;
    const place = await startPlace({ gateways: 3, workers }, connection, {
      gateway: { name },
      worker: { name },
    });
    let begun = 0;
    const client = async () => {
      while (begun < runs) {
        begun += 1;
        await readRun(place, Math.random, { id: `${name}-${begun}`, count: 20, pauseMs: 50 });
      }
    };
    const roles = [place.gateways, place.workers].map((members) =>
      members.map(({ process }) => process),
    );
    const before = await Promise.all(roles.map(cpuOf));
    const began = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    const seconds = (performance.now() - began) / 1000;
    const after = await Promise.all(roles.map(cpuOf));
    const [gateways, worker] = after.map((cpu, i) =>
      (((cpu - before[i]) / runs) * 1000).toFixed(1),
    );
    console.log(
      `throughput with ${workers} worker${workers > 1 ? 's' : ''}: ${(runs / seconds).toFixed(0)} runs/s; ` +
        `CPU of a run: ${gateways} ms in the gateway, ${worker} ms in the worker`,
    );
    place.stop();
  }
}

/**
 * Workers, and by hand, in turns: `count` events of each run, three times.
 *
 * @returns how many times as many events as by hand the workers write in the same CPU time: the clock of a busy machine tells
 * who else was at work
 */
export async function eventsPerSecond(connection, count) {
  const redis = new Redis(connection);
  const rates = { byHand: [], byWorkers: [] };
  for (let round = 0; round < 3; round++) {
    rates.byHand.push(await measured(redis, count, await byHand(connection, count)));
    rates.byWorkers.push(await measured(redis, count, await byWorkers(connection, redis, count)));
  }
  redis.disconnect();
  const [hand, workers] = [rates.byHand, rates.byWorkers].map(median);
  const tell = ({ clock, cpu }) =>
    `${clock.toFixed(0)} events/s, ${(1e6 / cpu).toFixed(1)} µs of CPU each`;
  console.log(`${WRITERS} workers with ${STREAMS} runs each write ${tell(workers)}, with Redis's`);
  console.log(`${WRITERS} processes by hand, an XADD each: ${tell(hand)}`);
  console.log(
    `workers against by hand: ${(workers.clock / hand.clock).toFixed(2)} by the clock, ` +
      `${(workers.cpu / hand.cpu).toFixed(2)} by CPU time`,
  );
  return workers.cpu / hand.cpu;
}

/** How many events are written in a second of the clock, and in one of CPU time, Redis's included. */
async function measured(redis, count, { processes, write, stop }) {
  const used = async () => (await cpuOf(processes)) + (await cpuOfRedis(redis));
  const before = await used();
  const began = performance.now();
  await write();
  const seconds = (performance.now() - began) / 1000;
  const cpu = (await used()) - before;
  await stop();
  return { clock: (WRITERS * STREAMS * count) / seconds, cpu: (WRITERS * STREAMS * count) / cpu };
}

/** CPU time that these processes have used, in seconds. */
async function cpuOf(processes) {
  const told = await Promise.all(processes.map((process) => process.ask('cpu')));
  return told.reduce((sum, microseconds) => sum + microseconds / 1e6, 0);
}

async function cpuOfRedis(redis) {
  const info = await redis.info('cpu');
  const of = (kind) => Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)[1]);
  return of('sys') + of('user');
}

const median = (rates) => rates.toSorted((one, other) => one.cpu - other.cpu)[1];

async function byHand(connection, count) {
  const options = JSON.stringify({ connection });
  const processes = await Promise.all(
    Array.from({ length: WRITERS }, () => start(NODE, 'by-hand', options)),
  );
  return {
    processes,
    write: () => Promise.all(processes.map(({ ask }) => ask('write', { streams: STREAMS, count }))),
    stop: () => processes.forEach((process) => void process.stop()),
  };
}

/** The runs are begun, and nobody reads them; all start to write at one moment. */
async function byWorkers(connection, redis, count) {
  const name = 'events';
  const place = await startPlace({ gateways: 0, workers: WRITERS }, connection, {
    worker: { name, concurrency: STREAMS },
  });
  const engine = queue({ connection, name, onClientLeft: 'continue', maxEvents: 1_000_000 });
  const runIds = await Promise.all(
    Array.from({ length: WRITERS * STREAMS }, () => beginAndLeave(engine, count)),
  );
  const processes = place.workers.map(({ process }) => process);
  return {
    processes,
    async write() {
      await Promise.all(processes.map(({ ask }) => ask('go')));
      for (const runId of runIds) {
        while ((await redis.hget(`bull:${name}:run:${runId}`, 'state')) !== 'ended') {
          await setTimeout(5);
        }
      }
    },
    async stop() {
      await checkWritten(redis, name, runIds, count);
      place.stop();
    },
  };
}

/** A figure of runs that were broken off is none. */
async function checkWritten(redis, name, runIds, count) {
  for (const runId of runIds) {
    const written = await redis.xlen(`bull:${name}:run:${runId}:events`);
    if (written !== count + 1) throw new Error(`${written} events of a run, not ${count + 1}`);
  }
}

async function beginAndLeave(engine, count) {
  const content = JSON.stringify({ tag: 'events', count, pauseMs: 0, waits: true });
  const client = new AbortController();
  const { signal } = client;
  const running = run(engine, { messages: [{ role: 'user', content }] }, { signal });
  const { value } = await running[Symbol.asyncIterator]().next();
  client.abort();
  return value.run_id;
}
