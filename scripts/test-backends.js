/**
 * Every recipe of examples/backends and examples/libraries on the real package, offline, with stubs for the models and for the
 * backend. Each must export nothing amiss, and be amiss without our processor and without our context.
 * `npm run test:backends -- Langfuse 'AI SDK'`: only those whose title has one of the words.
 * `npm run test:backends -- --docs`: as a reader of its page has it, each on what the page's install lines install today.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lineFaults, moreThan, spanFaults } from './backends/checks.js';
import { installByPage, installNode, installRecipe } from './backends/install.js';
import { packages } from './backends/packages.js';
import { runRecipe } from './backends/run.js';
import { pack, report, workspace } from './consumer.js';

const { positionals: words, values } = parseArgs({
  allowPositionals: true,
  options: { docs: { type: 'boolean' } },
});
const chosen = ({ title }) => words.length === 0 || words.some((word) => title.includes(word));

const tarball = pack(workspace());
const node = await installNode();

const BOTH = ['processor', 'context'];

const faultsOf = (ran, entry) => (entry.lines ? lineFaults : spanFaults)(ran, entry);

async function run(entry, folder, args, what) {
  const { recipe, sessionAttributes } = entry;
  const service = await entry.service?.(folder);
  const env = (...urls) => ({ ...entry.env(...urls), ...service?.env });
  try {
    const ran = await runRecipe(folder, { node, args, recipe, sessionAttributes, env }, what);
    return { ...ran, spans: [...ran.spans, ...(service?.spans ?? [])] };
  } finally {
    await service?.stop();
  }
}

function checksOf(entry) {
  const { title, file, layers, unplugged = BOTH } = entry;
  const args = [...entry.args, ...(layers ? ['--import', './layers.mjs'] : [])];
  let folder;
  let plugged;
  return [
    [
      `${title}: each has the id of its conversation`,
      async () => {
        folder = await installRecipe(entry, tarball);
        if (entry.swapped) swapProcessors(join(folder, file));
        plugged = await run(entry, folder, args);
        fail(faultsOf(plugged, entry));
      },
    ],
    ...unplugged.map((what) => [
      `${title}: without our ${what} it shows`,
      async () => {
        if (plugged === undefined) throw new Error('not run');
        const without = await run(entry, folder, args, what);
        if (faultsOf(without, entry).length === 0)
          throw new Error(`nothing is amiss without our ${what}`);
        if (what === 'processor') fail(moreThan(without, plugged));
      },
    ]),
  ];
}

/** What pages show, once each. */
const isShown = ({ shown }, i) =>
  shown !== undefined && packages.findIndex((other) => other.shown === shown) === i;

function checkByPage(entry) {
  return [
    `${entry.title}, by its page`,
    async () => {
      const folder = await installByPage(entry, tarball, node);
      fail(faultsOf(await run(entry, folder, entry.args), entry));
    },
  ];
}

function fail(faults) {
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** The order of the processors must not matter. */
function swapProcessors(path) {
  const text = readFileSync(path, 'utf8');
  const swapped = text.replace(/\[(new SessionSpanProcessor\(\)), (.+)\]/, '[$2, $1]');
  if (swapped === text) throw new Error(`${path}: no processors to swap`);
  writeFileSync(path, swapped);
}

const checks = values.docs
  ? packages.filter(isShown).filter(chosen).map(checkByPage)
  : packages.filter(chosen).flatMap(checksOf);
await report('test:backends', checks);
