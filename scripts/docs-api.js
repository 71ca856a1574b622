/**
 * Every public name as Markdown pages in docs/api/, from the doc comments; a warning fails it. The pages are not in git: what is
 * generated and committed drifts. typedoc is needed for nothing else, so it is installed beside the project, not in it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locked, output, project, workspace } from './consumer.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRIES = ['index', 'engines/index', 'engines/conformance/index'].concat(
  ['pi', 'rivet', 'remote', 'queue'].map((name) => `engines/${name}/index`),
);

const folder = await project(join(workspace(), 'typedoc'), {
  dependencies: {
    typedoc: '0.28.20',
    'typedoc-plugin-markdown': '4.14.1',
    typescript: locked('typescript'),
  },
});
rmSync(join(ROOT, 'docs/api'), { recursive: true, force: true });
await output(
  process.execPath,
  [
    join(folder, 'node_modules/typedoc/bin/typedoc'),
    ...['--plugin', join(folder, 'node_modules/typedoc-plugin-markdown/dist/index.js')],
    ...['--tsconfig', join(ROOT, 'tsconfig.json'), '--out', join(ROOT, 'docs/api')],
    ...['--readme', 'none', '--excludeInternal', '--treatWarningsAsErrors', '--disableSources'],
    // Types that a public one is made of are told where it is.
    ...['--validation.notExported', 'false'],
    ...ENTRIES.flatMap((name) => ['--entryPoints', join(ROOT, `lib/${name}.ts`)]),
  ],
  ROOT,
).then(
  () => console.log('docs/api/README.md'),
  (error) => {
    console.error(error.stdout + error.stderr);
    process.exitCode = 1;
  },
);
