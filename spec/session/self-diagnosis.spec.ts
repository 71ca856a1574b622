/** Each situation is a process of its own: what is registered with OpenTelemetry, and what was said, is so for the whole process. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'diagnosis-spec-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The real package, as an older release of itself: releases compare the versions that they say they are. */
function olderApi(): string {
  const copy = join(folder, 'api');
  cpSync(join(root, 'node_modules/@opentelemetry/api'), copy, { recursive: true });
  const file = join(copy, 'build/src/version.js');
  const { version } = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'));
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(`'${version}'`);
  writeFileSync(file, text.replace(`'${version}'`, "'1.3.0'"));
  return copy;
}

function saidIn(situation: string, ...args: string[]): string[] {
  const script = fileURLToPath(new URL('diagnosis.cjs', import.meta.url));
  const output = execFileSync(process.execPath, [script, situation, ...args], { cwd: root });
  return JSON.parse(output.toString());
}

const codes = (said: string[]) =>
  said.map((message) => /^express-agent-envelope ([A-Z_]+): .*\.$/s.exec(message)?.[1]);

describe('what goes wrong without an error is said once, through diag, under a code', () => {
  it.each([
    ['no context manager', 'NO_CONTEXT_MANAGER'],
    ['no processor', 'NO_SESSION_SPAN_PROCESSOR'],
    ['no processor, for a run', 'NO_SESSION_SPAN_PROCESSOR'],
  ])('%s: %s', (situation, code) => {
    expect(codes(saidIn(situation))).toEqual([code]);
  });

  it('two copies of @opentelemetry/api, the older one with the SDK: TWO_API_COPIES', () => {
    expect(codes(saidIn('two copies', olderApi()))).toEqual(['TWO_API_COPIES']);
  });

  it.each(['nothing', 'nothing, in a run', 'no SDK'])(
    '%s is wrong: nothing is said',
    (situation) => {
      expect(saidIn(situation)).toEqual([]);
    },
  );
});

describe('the codes', () => {
  it('are all in docs/troubleshooting.md, each with cause and remedy, and no others', () => {
    const read = (file: string) => readFileSync(join(root, file), 'utf8');
    const source = read('lib/session/self-diagnosis.ts');
    const table = source.slice(source.indexOf('REMEDIES = {'), source.indexOf('} as const'));
    const declared = [
      ...table.matchAll(/^ {2}([A-Z_]+):/gm),
      ...read('lib/register.ts').matchAll(/express-agent-envelope ([A-Z_]+):/g),
    ].map(([, code]) => code);
    const docs = read('docs/troubleshooting.md');
    const section = docs.slice(docs.indexOf('## What it says of itself')).split('\n## ')[0] ?? '';
    const documented = [...section.matchAll(/^\| `([A-Z_]+)` +\| \S.* \| \S.* \|$/gm)];
    expect(declared).toHaveLength(4);
    expect(documented.map(([, code]) => code).sort()).toEqual(declared.sort());
  });
});
