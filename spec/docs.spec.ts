import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as engines from '../lib/engines/index.js';
import * as lib from '../lib/index.js';
import { parseOptions } from '../lib/options.js';
import { ERROR_CATALOGUE } from '../lib/shared/errors.js';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const readme = read('README.md');
/** The first cells of the rows of the table whose head starts with `head`. */
const rows = (head: string, page = readme): string[][] => {
  const table = page.slice(page.indexOf(`\n| ${head}`)).split('\n\n')[0] ?? '';
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('`', ''))
        .slice(1),
    );
};

it('docs/errors.md has every error code with its status, and no other', () => {
  const documented = rows('code', read('docs/errors.md')).map(([code, status]) => [
    code,
    Number(status),
  ]);
  const known = Object.entries(ERROR_CATALOGUE).map(([code, { status }]) => [code, status]);
  expect(documented.sort()).toEqual(known.sort());
});

it('the pages name every export', () => {
  const docs = readdirSync(new URL('../docs/', import.meta.url));
  const pages = docs.filter((name) => name.endsWith('.md')).map((name) => read(`docs/${name}`));
  const names = [...Object.keys(lib), ...Object.keys(engines)];
  expect(names.filter((name) => !pages.join().includes(name))).toEqual([]);
});

describe('the README', () => {
  it('has every option with its default, and no other', () => {
    const { fields, sessionAttributes, ...defaults } = parseOptions();
    expect(fields).toHaveLength(1);
    expect(parseOptions({ sessionAttributes: ['otel', 'genai'] })).toMatchObject({
      sessionAttributes,
    });
    const parsed = [
      ['fields', '[sessionId]'],
      ['sessionAttributes', "['otel', 'genai']"],
    ];
    const documented = rows('option').map(([name, value]) => [name, value]);
    const known = Object.entries(defaults).map(([name, value]) => [
      name,
      typeof value === 'string' ? `'${value}'` : String(value ?? 'none'),
    ]);
    expect(documented.sort()).toEqual([...parsed, ...known].sort());
  });

  it('has absolute links only, and those into the repository lead to a file', () => {
    const { repository } = JSON.parse(read('package.json'));
    const [, slug] = /github\.com\/(.+)\.git$/.exec(repository.url) ?? [];
    const links = [...readme.matchAll(/(?:\]\(|(?:src|srcset)=")([^)"]+)/g)].map(
      ([, to = '']) => to,
    );
    const paths = links.map(
      (to) =>
        [
          to,
          /^https:\/\/(?:github|raw\.githubusercontent)\.com\/([\w.-]+\/[\w.-]+)\/(?:blob\/)?main\/([^#]+)/.exec(
            to,
          ),
        ] as const,
    );
    const wrong = paths.filter(([to, found]) => {
      if (found === null) return !to.startsWith('https:');
      const [, where, path = ''] = found;
      return where !== slug || !existsSync(new URL(`../${path}`, import.meta.url));
    });
    expect(wrong.map(([to]) => to)).toEqual([]);
    expect(paths.filter(([, found]) => found !== null).length).toBeGreaterThan(5);
  });
});

it('the package has the pages, where the README says they are, without those that are made', () => {
  expect(JSON.parse(read('package.json')).files).toEqual(
    expect.arrayContaining(['docs', '!docs/api']),
  );
  expect(readme).toContain('`node_modules/express-agent-envelope/docs`');
});

describe('the exports', () => {
  it('are these names and no other', () => {
    expect(Object.keys(lib).sort()).toEqual([
      'EnvelopeError',
      'SessionLogRecordProcessor',
      'SessionSpanProcessor',
      'agentEnvelope',
      'bind',
      'envelopeField',
      'getEnvelopeFields',
      'getSessionId',
      'problemDetails',
      'resolveRunSessionId',
      'sessionId',
      'setSessionId',
      'withSessionId',
    ]);
    expect(Object.keys(engines)).toEqual(['defineEngine', 'run']);
  });

  it('of engines each have an entry in package.json, built for both module systems', () => {
    const { exports } = JSON.parse(read('package.json'));
    const entries = [
      '.',
      './engines',
      ...['pi', 'rivet', 'remote', 'ai-sdk', 'queue', 'conformance'].map(
        (name) => `./engines/${name}`,
      ),
      ...['ui-message-stream', 'ag-ui'].map((name) => `./protocols/${name}`),
      './register',
    ];
    expect(Object.keys(exports)).toEqual([...entries, './package.json']);
    for (const entry of entries) {
      expect(Object.keys(exports[entry])).toEqual(['import', 'require']);
    }
  });
});
