import { mkdirSync, mkdtempSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isStale } from './fresh-build.js';

describe('a spec that does not import Express, and so runs once', () => {
  const RULE = 'This spec loads Express, but runs once';

  it('fails where it loads Express by another way', async () => {
    await expect(import('express')).rejects.toThrow(RULE);
    expect(() => createRequire(import.meta.url)('express')).toThrow(RULE);
  });

  it('fails where a helper loads Express', async () => {
    await expect(import('./existing-app.js')).rejects.toThrow(RULE);
  });
});

describe('a build', () => {
  const SOURCES = ['lib/index.ts', 'lib/request/body.ts', 'tsdown.config.ts'];
  const OUTPUTS = ['dist/index.mjs', 'dist/index.cjs'];
  let folder: string;
  const at = (path: string) => join(folder, path);
  const root = () => pathToFileURL(`${folder}/`);
  const age = (seconds: number, ...paths: string[]) => {
    const then = Date.now() / 1000 - seconds;
    for (const path of paths) utimesSync(at(path), then, then);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fresh-build-spec-'));
    for (const path of ['lib/request', 'dist']) mkdirSync(at(path), { recursive: true });
    for (const path of [...SOURCES, ...OUTPUTS]) writeFileSync(at(path), '');
    age(20, ...SOURCES, 'lib/request', 'lib');
    age(10, ...OUTPUTS);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is fresh while it is newer than everything it is made of', () => {
    expect(isStale(root())).toBe(false);
  });

  it.each(SOURCES)('is stale when %s has changed', (path) => {
    age(5, path);
    expect(isStale(root())).toBe(true);
  });

  it('is stale when a file was added, with its old date, or removed', () => {
    writeFileSync(at('lib/request/new.ts'), '');
    age(20, 'lib/request/new.ts');
    expect(isStale(root())).toBe(true);
    age(20, 'lib/request');
    expect(isStale(root())).toBe(false);
    unlinkSync(at('lib/request/new.ts'));
    expect(isStale(root())).toBe(true);
  });

  it.each(OUTPUTS)('is stale without %s, and when that is older than a source', (path) => {
    age(30, path);
    expect(isStale(root())).toBe(true);
    unlinkSync(at(path));
    expect(isStale(root())).toBe(true);
  });
});
