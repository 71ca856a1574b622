/** In a process of its own: Jest has a module registry of its own, and only the built package is what an app loads. */
import { execFileSync } from 'node:child_process';

/** The packages that a process has loaded after it has run `script`, an ES module beside `dist/`. */
const loaded = (script: string): string[] => {
  const tell = `
    import { createRequire } from 'node:module';
    const { cache } = createRequire(import.meta.url);
    console.log(JSON.stringify(Object.keys(cache)));`;
  const args = ['--input-type=module', '--eval', `${script};${tell}`];
  const cwd = new URL('..', import.meta.url);
  const paths: string[] = JSON.parse(
    execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }),
  );
  return paths.map((path) => path.replaceAll('\\', '/'));
};

const files = (script: string, name: string) =>
  loaded(script).filter((path) => path.includes(`/node_modules/${name}`));

const ENTRIES = [
  'index.mjs',
  'index.cjs',
  'engines/index.mjs',
  'engines/remote/index.mjs',
  'engines/conformance/index.mjs',
];

describe('a process that imports the package', () => {
  it.each(ENTRIES)('loads %s without ajv and without Express', (entry) => {
    const imported = loaded(`import './dist/${entry}'`);
    expect(imported.filter((path) => /node_modules\/(ajv|express)/.test(path))).toEqual([]);
    // What it does need of packages shows in this list.
    expect(imported.some((path) => path.includes('/node_modules/@opentelemetry/api/'))).toBe(true);
  });

  it.each(['mjs', 'cjs'])('loads ajv with the first JSON Schema (%s)', (build) => {
    const declared = `import { bind } from './dist/index.${build}'; bind({ inputs: { type: 'object' } }, () => null)`;
    const of = (file: string) => files(declared, file);
    expect(of('ajv/dist/core.js')).toHaveLength(1);
    expect([...of('ajv/dist/2019.js'), ...of('ajv/dist/2020.js')]).toEqual([]);
  });
});
