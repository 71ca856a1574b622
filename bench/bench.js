/**
 * What the package costs, in one table from one run.
 *
 *     npm run bench                        a few minutes
 *     npm run bench -- --short             under a minute, with a wide spread
 *     npm run bench -- --write             puts the table into docs/performance.md
 *     npm run bench -- --against CHECKOUT  beside another checkout of this project, built and with its dependencies
 *     npm run bench -- --only requests     one measure, or several: --only spans --only imports
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureBodies } from './measures/bodies.js';
import { measureImports } from './measures/imports.js';
import { measureRequests } from './measures/requests.js';
import { measureSpans } from './measures/spans.js';
import { measureStreams } from './measures/streams.js';
import { installOthers } from './packages.js';
import { evaluate, print } from './table.js';

const MEASURES = {
  requests: measureRequests,
  bodies: measureBodies,
  streams: measureStreams,
  spans: measureSpans,
  imports: measureImports,
};
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENT = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
const MARKERS = /(<!-- bench -->\n)[\s\S]*(<!-- \/bench -->)/;

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    against: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', multiple: true, default: Object.keys(MEASURES) },
  },
});
const buildOf = (folder) => resolve(folder, 'dist/index.mjs');
const builds = [
  { label: 'ours', path: buildOf(ROOT) },
  ...options.against.map((folder) => ({
    label: `ours (${basename(resolve(folder))})`,
    path: buildOf(folder),
  })),
];

installOthers();
const rows = [];
for (const name of options.only) {
  if (process.stderr.isTTY) process.stderr.write(`${name} ...\n`);
  rows.push(...(await MEASURES[name]({ builds, short: options.short })));
}
const table = print(rows.map(evaluate), options);
console.log(table);
if (options.write) {
  const text = readFileSync(DOCUMENT, 'utf8');
  writeFileSync(
    DOCUMENT,
    text.replace(MARKERS, (_all, open, close) => `${open}\n${table}\n\n${close}`),
  );
}
