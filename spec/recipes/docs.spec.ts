/** What the pages of docs/ show is what is run, and their links lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const pages = readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  // What `npm run docs:api` makes is not in git.
  .filter((path) => path.endsWith('.md') && !path.startsWith('api/'));
const EMBEDDED = /<!-- (examples\/\S+) -->\n\n```js\n([\s\S]*?)```/g;

/** GitHub's anchors of a page. */
const anchors = (markdown: string) =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

it.each(['README.md', ...pages.map((page) => `docs/${page}`)])(
  '%s shows each program as it is in its file',
  (path) => {
    const text = read(path);
    const shown = [...text.matchAll(EMBEDDED)];
    expect(shown).toHaveLength(text.match(/<!-- examples\//g)?.length ?? 0);
    for (const [, file = '', code] of shown) expect(code).toBe(read(file));
  },
);

describe.each(pages)('docs/%s', (page) => {
  const text = read(`docs/${page}`);

  it('has links that lead somewhere', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
    const broken = links.filter(([, path = '', anchor]) => {
      const own = new URL(`docs/${page}`, root);
      const target = path === '' ? own : new URL(path, own);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchors(readFileSync(target, 'utf8')).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('has links into the repository that lead somewhere in the package, too', () => {
    const { files } = JSON.parse(read('package.json')) as { files: string[] };
    const packed = [...files, 'README.md', 'LICENSE', 'package.json'];
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]+)?\)/g)];
    const outside = links.filter(([, path = '']) => {
      const target = new URL(path, new URL(`docs/${page}`, root));
      const [top = ''] = target.href.slice(root.href.length).split('/');
      return !packed.includes(top);
    });
    expect(outside.map(([link]) => link)).toEqual([]);
  });

  it('is in the index', () => {
    if (page !== 'README.md') expect(read('docs/README.md')).toContain(`](${page})`);
  });

  it('names a command of package.json wherever it says npm run', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const names = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
  });
});

it('each recipe and each client is shown in a page, or is the CommonJS form of one that is', () => {
  const shown = pages.flatMap((page) =>
    [...read(`docs/${page}`).matchAll(EMBEDDED)].map(([, path]) => path),
  );
  const files = ['tracing', 'clients', 'backends', 'libraries'].flatMap((folder) =>
    readdirSync(new URL(`examples/${folder}/`, root)).map((file) => `examples/${folder}/${file}`),
  );
  expect(files.filter((file) => !shown.includes(file))).toEqual(['examples/tracing/app.cjs']);
});
