/** In a process of its own: Jest has a module registry of its own, and only the built package is what an app loads. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const load = (entry: string): string[] => {
  const file = fileURLToPath(new URL(`../../dist/${entry}.cjs`, import.meta.url));
  const script =
    'require(process.argv[1]); console.log(JSON.stringify(Object.keys(require.cache)))';
  return JSON.parse(execFileSync(process.execPath, ['-e', script, file], { encoding: 'utf8' }));
};

const validatorOrExpress = (entry: string) =>
  load(entry).filter((path) => /node_modules.(ajv|express)./.test(path));

describe('a process that only runs engines', () => {
  it.each(['engines/index', 'engines/remote/index', 'engines/conformance/index'])(
    'loads %s without ajv and without Express',
    (entry) => {
      expect(validatorOrExpress(entry)).toEqual([]);
    },
  );

  it('would have loaded ajv with the middlewares', () => {
    expect(validatorOrExpress('index')).not.toEqual([]);
  });
});
