/** What `npm run demo` installs is what it runs on: less than a contributor needs. */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { demoPackages } from '../scripts/demo-packages.js';

const root = new URL('../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');
const { name, dependencies, devDependencies } = JSON.parse(read('package.json'));

const demoFiles = readdirSync(new URL('demo-app/', root), { recursive: true, encoding: 'utf8' })
  .map((path) => `demo-app/${path.replaceAll('\\', '/')}`)
  .filter((path) => /\.m?js$/.test(path));
const imported = [...demoFiles, 'scripts/setup.js', 'scripts/build.js', 'tsdown.config.ts']
  .flatMap((path) => [...read(path).matchAll(/(?:from|import|register\()\s*'([@\w][\w@/.:-]*)'/g)])
  .map(([, specifier]) => specifier as string)
  .filter((specifier) => !isBuiltin(specifier))
  .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] as string)
  .filter((each) => each !== name);

/** Rivet's daemon, which its engine starts. */
const unseen = ['sandbox-agent'];

describe('npm run demo', () => {
  it('installs each package that the demo or its build imports, and no other', () => {
    const wanted = new Set([...imported, ...unseen].filter((each) => !(each in dependencies)));
    expect([...demoPackages].sort()).toEqual([...wanted].sort());
  });

  it('installs them in the version of the lock file', () => {
    expect(demoPackages.filter((each: string) => !(each in devDependencies))).toEqual([]);
  });
});
