/** What stands between the parsed body and the handler, by the size of the body and the number of fields. */
import { bodyOf, FIELDS } from '../fields.js';
import { post, startServer } from '../load.js';
import { interleave, pairwise, quantile } from '../rounds.js';

const SIZES = { '1 kB': 1024, '100 kB': 100 * 1024, '1 MB': 1024 * 1024 };
const HAND = 'hand-written';

export async function measureBodies({ builds, short }) {
  const [rounds, requests] = short ? [4, 6] : [30, 20];
  const variants = [{ variant: HAND, label: HAND, path: builds[0].path }];
  for (const build of builds) variants.push({ variant: 'ours', ...build });
  const servers = await Promise.all(
    variants.map(({ variant, path }) => startServer(variant, path, 'timed')),
  );
  const cases = Object.keys(SIZES).flatMap((size) => FIELDS.map((count) => ({ size, count })));
  const bodies = Object.fromEntries(Object.entries(SIZES).map(([size, n]) => [size, bodyOf(n)]));
  const runners = {};
  for (const { size, count } of cases) {
    for (const [i, { label }] of variants.entries()) {
      runners[keyOf(size, count, label)] = () =>
        timeOf(servers[i], `/fields/${count}`, bodies[size], requests);
    }
  }
  await interleave(short ? 3 : 20, runners);
  const samples = await interleave(rounds, runners);
  for (const server of servers) server.stop();
  return cases.flatMap((each) => rowsOf(samples, each, variants));
}

const keyOf = (size, count, label) => `${size}, ${count}, ${label}`;

/** The median over some requests, one after the other: a garbage collection in one of them is not the middle one. */
async function timeOf(server, path, body, requests) {
  for (let i = 0; i < requests; i++) await post(server, path, body);
  return quantile(await server.ask('timings'), 0.5);
}

/** Flat: at most a quarter more, beside the hand-written one, than with the smallest body. */
const SLACK = 1.25;

function rowsOf(samples, { size, count }, variants) {
  const [smallest] = Object.keys(SIZES);
  const measure = `body of ${size}, ${count} ${count === 1 ? 'field' : 'fields'}`;
  const ratios = (of, label) =>
    pairwise(samples[keyOf(of, count, label)], samples[keyOf(of, count, HAND)], (a, b) => a / b);
  return variants.map(({ label }, i) => ({
    measure,
    variant: label,
    unit: 'µs CPU',
    samples: samples[keyOf(size, count, label)],
    over: { name: 'hand-written', samples: samples[keyOf(size, count, HAND)] },
    // The first is the hand-written one, the second this build.
    goal:
      i === 1 && size !== smallest
        ? { of: 'ratio', most: Number((quantile(ratios(smallest, label), 0.5) * SLACK).toFixed(2)) }
        : undefined,
  }));
}
