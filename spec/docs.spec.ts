import { readFileSync } from 'node:fs';
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

it.each(['README.md', 'docs/errors.md'])(
  '%s has every error code with its status, and no other',
  (page) => {
    const documented = rows('code', read(page)).map(([code, status]) => [code, Number(status)]);
    const known = Object.entries(ERROR_CATALOGUE).map(([code, { status }]) => [code, status]);
    expect(documented.sort()).toEqual(known.sort());
  },
);

describe('the README', () => {
  it('has every option with its default, and no other', () => {
    const { fields, ...defaults } = parseOptions();
    expect(fields).toHaveLength(1);
    const documented = rows('option').map(([name, value]) => [name, value]);
    const known = Object.entries(defaults).map(([name, value]) => [
      name,
      typeof value === 'string' ? `'${value}'` : String(value ?? 'none'),
    ]);
    expect(documented.sort()).toEqual([['fields', '[sessionId]'], ...known].sort());
  });

  it('names every export', () => {
    for (const name of [...Object.keys(lib), ...Object.keys(engines)])
      expect(readme).toContain(name);
  });
});

describe('the exports', () => {
  it('are these names and no other', () => {
    expect(Object.keys(lib).sort()).toEqual([
      'EnvelopeError',
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
    expect(Object.keys(engines)).toEqual(['run']);
  });

  it('of engines each have an entry in package.json, built for both module systems', () => {
    const { exports } = JSON.parse(read('package.json'));
    const entries = [
      '.',
      './engines',
      ...['pi', 'rivet', 'remote', 'conformance'].map((name) => `./engines/${name}`),
    ];
    expect(Object.keys(exports)).toEqual([...entries, './package.json']);
    for (const entry of entries) {
      expect(Object.keys(exports[entry])).toEqual(['import', 'require']);
    }
  });
});
