/** Streams of small items: throughput with many at once, the first byte, and what a reader that stalls makes the server hold. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { openStream, post, startServer } from '../load.js';
import { interleave, quantile } from '../rounds.js';
import { EVENTS } from '../sources.js';

const STREAMS = 500;
const STALLED = 50;
const MODES = { '/bursts': 'in bursts of ten', '/singly': 'one by one' };
const HAND = 'hand-written: for await, res.write()';
const BODY = '{"session_id":"conversation-0123456789","data":{"inputs":{}}}';

export async function measureStreams({ builds, short }) {
  const variants = [{ variant: 'hand-written', label: HAND, path: builds[0].path }];
  for (const build of builds) variants.push({ variant: 'ours', ...build });
  const servers = await Promise.all(variants.map((v) => startServer(v.variant, v.path)));
  const runnersOf = (measure) =>
    Object.fromEntries(variants.map(({ label }, i) => [label, () => measure(servers[i])]));
  const rows = [];
  for (const [path, mode] of Object.entries(MODES)) {
    const runners = runnersOf((server) => eventsPerCpuSecond(server, path));
    await interleave(1, runners);
    const samples = await interleave(short ? 3 : 12, runners);
    const look = { measure: `${STREAMS} streams, ${mode}`, unit: 'events per ms CPU', least: 1 };
    rows.push(...rowsOf(samples, look, builds));
  }
  const runners = runnersOf((server) => firstByte(server, short ? 30 : 100));
  await interleave(2, runners);
  const samples = await interleave(short ? 6 : 20, runners);
  rows.push(...rowsOf(samples, { measure: 'first byte', unit: 'ms', most: 1.05 }, builds));
  for (const [i, { label, variant }] of variants.entries()) {
    if (variant === 'ours') rows.push(await stalledRow(servers[i], label, builds));
  }
  for (const server of servers) server.stop();
  return rows;
}

function rowsOf(samples, { measure, unit, most, least }, builds) {
  return Object.entries(samples).map(([variant, values]) => ({
    measure,
    variant,
    unit,
    samples: values,
    over: { name: 'hand-written', samples: samples[HAND] },
    goal: variant === builds[0].label ? { of: 'ratio', most, least } : undefined,
  }));
}

/** Only the items count: the CPU is taken from where every stream is open to where every one has ended. */
async function eventsPerCpuSecond(server, path) {
  const sockets = await Promise.all(
    Array.from({ length: STREAMS }, () => openStream(server, path)),
  );
  const ended = Promise.all(sockets.map((socket) => once(socket.resume(), 'end')));
  const before = await server.ask('cpu');
  await server.ask('release');
  await ended;
  return (STREAMS * EVENTS[path]) / (((await server.ask('cpu')) - before) / 1000);
}

async function firstByte(server, requests) {
  const times = [];
  for (let i = 0; i < requests; i++) times.push(await post(server, '/first', BODY));
  return quantile(times, 0.5);
}

async function stalledRow(server, label, builds) {
  return {
    measure: 'a reader that stalls',
    variant: label,
    unit: 'kB held',
    samples: [await stalledReader(server)],
    goal: label === builds[0].label ? { of: 'figure', most: 64 } : undefined,
  };
}

/** The server's memory per client that sent its request, read one chunk and then stopped reading. */
async function stalledReader(server) {
  (await openStream(server, '/endless')).destroy();
  await setTimeout(1000);
  const before = await server.ask('memory');
  const sockets = await Promise.all(
    Array.from({ length: STALLED }, () => openStream(server, '/endless')),
  );
  await setTimeout(1000);
  const after = await server.ask('memory');
  for (const socket of sockets) socket.destroy();
  const grown = (name) => after[name] - before[name];
  // What waits in a socket is counted as one or the other, or as both.
  const bytes = grown('heapUsed') + Math.max(grown('external'), grown('arrayBuffers'));
  return bytes / STALLED / 1024;
}
