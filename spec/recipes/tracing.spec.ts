/** The recipes of docs/tracing.md that run on what is installed here; `npm run test:docs` runs all, each as it is installed. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryRecipe } from './recipe.js';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const read = (name: string) => readFileSync(join(examples, 'tracing', name), 'utf8');

/** Beside the examples, so that a file finds the packages and the built library where they do. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(examples, 'tracing-spec-'));
  cpSync(join(examples, 'tracing'), folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, change: (text: string) => string) => {
  const text = change(read(name));
  expect(text).not.toBe(read(name));
  writeFileSync(join(folder, name), text);
};
const attempt = (kind: 'mjs' | 'cjs', type: string) =>
  tryRecipe({
    node: process.execPath,
    args: [
      kind === 'mjs' ? '--import' : '--require',
      `./node-tracer-provider.${kind}`,
      `app.${kind}`,
    ],
    cwd: folder,
    type,
  });

describe('the NodeTracerProvider recipe exports every span of every request, the one at SIGTERM included,', () => {
  it.each(['mjs', 'cjs'] as const)('as protobuf from %s', async (kind) => {
    expect(await attempt(kind, PROTOBUF)).toEqual([]);
  });

  it.each(['mjs', 'cjs'] as const)(
    'as JSON from %s, with the exporter of that name',
    async (kind) => {
      write(`node-tracer-provider.${kind}`, (text) => text.replace('otlp-proto', 'otlp-http'));
      expect(await attempt(kind, JSON_TYPE)).toEqual([]);
    },
  );
});

describe('the check of a recipe sees', () => {
  it('spans that a hasty end loses', async () => {
    write('app.cjs', (text) => text.replace('server.close();', 'server.close(process.exit);'));
    expect(await attempt('cjs', PROTOBUF)).toContain(
      'conv-running: no span "POST" of @opentelemetry/instrumentation-http',
    );
  });

  it('that the session processor is missing', async () => {
    write('node-tracer-provider.cjs', (text) => text.replace('new SessionSpanProcessor(), ', ''));
    const fault = 'no span "request handler" of @opentelemetry/instrumentation-express';
    expect(await attempt('cjs', PROTOBUF)).toEqual([
      `conv-done: ${fault}`,
      `conv-running: ${fault}`,
    ]);
  });

  it('that nothing exports', async () => {
    write('node-tracer-provider.cjs', (text) => text.replace(/, new BatchSpan.*\]/, ']'));
    expect(await attempt('cjs', PROTOBUF)).toContain('exported as nothing');
  });
});

it('the two apps and the recipes of both module systems say the same', () => {
  const names = readdirSync(join(examples, 'tracing'));
  const pairs = names.filter((name) => names.includes(name.replace('.mjs', '.cjs')));
  expect(pairs.filter((name) => name.endsWith('.mjs'))).toEqual([
    'app.mjs',
    'node-sdk.mjs',
    'node-tracer-provider.mjs',
  ]);
  for (const name of pairs.filter((pair) => pair.endsWith('.mjs'))) {
    const asCommonJs = read(name)
      .replace("import { register } from 'node:module';\n", '')
      .replace(/\/\/ ES modules are patched[\s\S]*?\}\);\n\n/, '')
      .replace(/import (.+) from ('.+');/g, (_all, what, from) => {
        return `const ${what.replace(' as ', ': ')} = require(${from});`;
      })
      .replace('as ES modules', 'as CommonJS')
      .replace(/^(\/\/ tracing)\.mjs: .*$/m, '$1.cjs: node --require ./tracing.cjs app.cjs');
    expect(asCommonJs).toBe(read(name.replace('.mjs', '.cjs')));
  }
});
