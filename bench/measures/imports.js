/** What the import of the core costs a process that has imported Express. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { interleave } from '../rounds.js';

const run = promisify(execFile);

const PROGRAM = `
const [before, after] = process.argv.slice(1);
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
const started = cpu();
await import(before);
const between = cpu();
await import(after);
console.log(JSON.stringify([between - started, cpu() - between]));
`;

export async function measureImports({ builds, short }) {
  const express = [];
  const runners = Object.fromEntries(
    builds.map(({ label, path }) => [
      label,
      async () => {
        const [first, second] = await importing(createRequire(path).resolve('express'), path);
        express.push(first);
        return second;
      },
    ]),
  );
  const samples = await interleave(short ? 5 : 25, runners);
  const row = { measure: 'import', unit: 'ms CPU' };
  return [
    { ...row, variant: 'Express', samples: express },
    ...builds.map(({ label }, i) => ({
      ...row,
      variant: `${label}, after Express`,
      samples: samples[label],
      goal: i === 0 ? { of: 'figure', most: 20 } : undefined,
    })),
  ];
}

/** The milliseconds of CPU that each of two imports takes in a new process. */
async function importing(...files) {
  const urls = files.map((file) => pathToFileURL(file).href);
  const args = ['--input-type=module', '--eval', PROGRAM, ...urls];
  const { stdout } = await run(process.execPath, args);
  return JSON.parse(stdout);
}
