/**
 * What the package's types cost an app that compiles against them: instantiations, time and memory of `tsc`, for the packed package in
 * a small project; the row `none` is Express's types by themselves. `npm run types:cost [tarball]`; with another release's tarball, for
 * comparison. Fails over the budget.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { locked, output, pack, project, workspace } from './consumer.js';

/** Of the app alone, with `skipLibCheck`. A list of names needs about 5,000: it is the floor. */
const MAX_INSTANTIATIONS = { list: 10_000, one: 20_000, twenty: 60_000 };

const route = (i) => `
app.post('/${i}', bind(
  {
    session_id: true,
    inputs: {
      type: 'object',
      properties: {
        question${i}: { type: 'string' },
        top: { type: ['integer', 'null'] },
        tags: { type: 'array', items: { enum: ['a', 'b'] } },
        from: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      },
      required: ['question${i}'],
      additionalProperties: false,
    },
    outputs: { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] },
  },
  ({ session_id, inputs }) => ({ answer: [session_id, inputs.question${i}, inputs.from?.name].join() }),
));`;
const APPS = {
  none: '',
  list: `app.post('/', bind(['session_id', 'inputs'], ({ session_id, inputs }) => [session_id, inputs]));`,
  one: route(0),
  twenty: Array.from({ length: 20 }, (_, i) => route(i)).join(''),
};

const root = workspace();
const tarball = process.argv[2] === undefined ? pack(root) : resolve(process.argv[2]);
const folder = await project(join(root, 'types'), {
  manifest: { type: 'module' },
  dependencies: {
    '@opentelemetry/api': '^1.9.0',
    '@types/express': locked('@types/express'),
    '@types/node': locked('@types/node'),
    express: '^5.0.0',
    'express-agent-envelope': `file:${tarball}`,
    typescript: locked('typescript'),
  },
});

console.log('bind()    skipLibCheck  instantiations    types   time s   memory MB');
for (const skipLibCheck of [true, false]) {
  for (const [name, code] of Object.entries(APPS)) {
    const { instantiations, types, seconds, megabytes } = await measure(name, code, skipLibCheck);
    const cells = [instantiations, types, seconds, megabytes].map(String);
    const row = cells.map((cell, i) => cell.padStart([16, 9, 9, 12][i])).join('');
    console.log(`${name.padEnd(10)}${String(skipLibCheck).padEnd(12)}${row}`);
    if (
      process.argv[2] === undefined &&
      skipLibCheck &&
      instantiations > MAX_INSTANTIATIONS[name]
    ) {
      console.log(`FAIL: at most ${MAX_INSTANTIATIONS[name]} instantiations`);
      process.exitCode = 1;
    }
  }
}

async function measure(name, code, skipLibCheck) {
  const file = `${name}-${skipLibCheck}.ts`;
  writeFileSync(
    join(folder, file),
    [
      "import express from 'express';",
      code && "import { bind } from 'express-agent-envelope';",
      'export const app = express();',
      code,
    ].join('\n'),
  );
  const flags = `--noEmit --strict --module nodenext --target es2022 --types node --skipLibCheck ${skipLibCheck}`;
  const args = [
    'node_modules/typescript/bin/tsc',
    file,
    ...flags.split(' '),
    '--extendedDiagnostics',
  ];
  const printed = await output(process.execPath, args, folder).catch((error) => {
    throw new Error(error.stdout || error.message);
  });
  const read = (label) => Number(new RegExp(`^${label}:\\s+([\\d.]+)`, 'm').exec(printed)?.[1]);
  return {
    instantiations: read('Instantiations'),
    types: read('Types'),
    seconds: read('Total time'),
    megabytes: Math.round(read('Memory used') / 1024),
  };
}
