/**
 * Every recipe of examples/backends and examples/libraries on the real package, offline, with stubs for the models and for the
 * backend. Each must export nothing amiss, and be amiss without our processor and without our context.
 * `npm run test:backends -- Langfuse 'AI SDK'`: only those whose title has one of the words.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineFaults, moreThan, spanFaults } from './backends/checks.js';
import { installNode, installRecipe } from './backends/install.js';
import { packages } from './backends/packages.js';
import { runRecipe } from './backends/run.js';
import { pack, report, workspace } from './consumer.js';

const words = process.argv.slice(2);
const chosen = ({ title }) => words.length === 0 || words.some((word) => title.includes(word));

const tarball = pack(workspace());
const node = await installNode();

const BOTH = ['processor', 'context'];

function checksOf(entry) {
  const { title, file, args, env, recipe, sessionAttributes, unplugged = BOTH } = entry;
  const start = { node, args, recipe, sessionAttributes };
  let folder;
  let plugged;
  const run = async (what) => {
    const service = await entry.service?.(folder);
    const all = (...urls) => ({ ...env(...urls), ...service?.env });
    try {
      const ran = await runRecipe(folder, { ...start, env: all }, what);
      return { ...ran, spans: [...ran.spans, ...(service?.spans ?? [])] };
    } finally {
      await service?.stop();
    }
  };
  const faultsOf = (run) => (entry.lines ? lineFaults : spanFaults)(run, entry);
  return [
    [
      `${title}: each has the id of its conversation`,
      async () => {
        folder = await installRecipe(entry, tarball);
        if (entry.swapped) swapProcessors(join(folder, file));
        plugged = await run();
        fail(faultsOf(plugged));
      },
    ],
    ...unplugged.map((what) => [
      `${title}: without our ${what} it shows`,
      async () => {
        if (plugged === undefined) throw new Error('not run');
        const without = await run(what);
        if (faultsOf(without).length === 0) throw new Error(`nothing is amiss without our ${what}`);
        if (what === 'processor') fail(moreThan(without, plugged));
      },
    ]),
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

await report('test:backends', packages.filter(chosen).flatMap(checksOf));
