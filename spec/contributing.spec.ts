/** What the documents for contributors say of the checkout is so. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');
const contributing = read('CONTRIBUTING.md');
const { scripts, version, allowScripts } = JSON.parse(read('package.json'));

const lib = readdirSync(new URL('lib/', root), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .sort();
const isFile = (path: string) => /\.(ts|cjs)$/.test(path);
const files = lib.filter(isFile);
const folders = lib.filter((path) => !isFile(path)).map((path) => `${path}/`);

/** The first cells of a table's rows, which are code. */
const firstCells = (head: string): string[] => {
  const from = contributing.indexOf(`\n| ${head} `);
  const table = contributing.slice(from).trimStart().split('\n\n')[0] ?? '';
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, cell]) => cell as string);
};

describe('CONTRIBUTING.md', () => {
  it('has every file of lib/ in its table, and no other', () => {
    expect(firstCells('file').sort()).toEqual(files);
  });

  it('is right that no file of lib/ has more than 180 lines', () => {
    const linesOf = (path: string) => read(`lib/${path}`).trimEnd().split('\n').length;
    expect(contributing).toContain('No file has more than 180 lines.');
    expect(files.filter((path) => linesOf(path) > 180)).toEqual([]);
  });

  it('has every folder of lib/ in its table, and no other', () => {
    expect(firstCells('folder').sort()).toEqual(['', ...folders].map((path) => `lib/${path}`));
  });

  it('names no file and no folder of lib/ that is not there', () => {
    const paths = [...contributing.matchAll(/`(?:lib\/)?([\w/-]+(?:\.ts|\.cjs|\/))`/g)]
      .map(([, path]) => path as string)
      .filter((path) => /\.(ts|cjs)$|^(shared|request|session|reply|engines)\//.test(path))
      .filter((path) => !path.startsWith('spec/'));
    expect(paths.filter((path) => ![...files, ...folders].includes(path))).toEqual([]);
  });
});

describe.each(['CONTRIBUTING.md', 'SECURITY.md', 'README.md', 'examples/README.md'])(
  '%s',
  (document) => {
    const text = read(document);

    it('names no npm script and no spec that is not there', () => {
      const names = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string);
      const specs = [...text.matchAll(/\bspec\/[\w/-]+\.\w+\.ts\b/g)].map(([path]) => path);
      expect(names.filter((name) => !(name in scripts))).toEqual([]);
      expect(specs.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
    });
  },
);

describe('package.json', () => {
  it('has an entry in the changelog for its version', () => {
    expect(read('CHANGELOG.md')).toContain(`\n## ${version}\n`);
  });

  it('allows or denies the install script of every package that has one', () => {
    const { packages } = JSON.parse(read('package-lock.json'));
    const withScript = Object.keys(packages)
      .filter((path) => packages[path].hasInstallScript)
      .map((path) => path.replace(/^.*node_modules\//, ''));
    expect(Object.keys(allowScripts)).toEqual([...new Set(withScript)].sort());
  });
});

describe('npm run publisher', () => {
  let copy: string;
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'publisher-spec-'));
    for (const file of ['package.json', 'README.md', 'scripts/publisher.js']) {
      cpSync(new URL(file, root), join(copy, file));
    }
  });
  afterEach(() => rmSync(copy, { recursive: true }));
  const publisher = (...args: string[]) =>
    spawnSync(process.execPath, [join(copy, 'scripts/publisher.js'), ...args]).status;
  const manifest = () => readFileSync(join(copy, 'package.json'), 'utf8');
  const readme = () => readFileSync(join(copy, 'README.md'), 'utf8');

  it('fills in the repository and the author, after which nothing stops a release', () => {
    expect(publisher('somebody/something', 'Some Body <some@body.example>')).toBe(0);
    expect(JSON.parse(manifest())).toMatchObject({
      author: 'Some Body <some@body.example>',
      homepage: 'https://github.com/somebody/something#readme',
      bugs: 'https://github.com/somebody/something/issues',
      repository: { url: 'git+https://github.com/somebody/something.git' },
    });
    expect(manifest() + readme()).not.toContain('OWNER');
    expect(readme()).toContain('https://github.com/somebody/something/blob/main/docs/README.md');
    expect(readme()).toContain('https://raw.githubusercontent.com/somebody/something/main/');
    expect(publisher()).toBe(0);
  });

  it.each([[['somebody']], [['somebody/something']], [['a/b/c', 'Some Body']]])(
    'refuses %j, and changes nothing',
    (args) => {
      const before = manifest() + readme();
      expect(publisher(...args)).toBe(1);
      expect(manifest() + readme()).toBe(before);
    },
  );

  it('stops a release while nobody has filled them in', () => {
    expect(publisher('OWNER/something', 'OWNER')).toBe(0);
    expect(publisher()).toBe(1);
  });
});
