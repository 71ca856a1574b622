/**
 * Makes the checks that the packed package's types are right for every TypeScript from 5.0 on, under every module resolution and with
 * the types of both majors of Express, the library checked, too.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { locked, output, project } from './consumer.js';

const VERSIONS = ['5.0', '5.4', '5.9', '6.0', '7.0'];
const EXPRESS_TYPES = { 4: '^4.17.21', 5: '^5.0.0' };

/** Each compiles the program as the kinds of module it knows. */
const SETTINGS = {
  // Gone in TypeScript 7, announced in 6.
  node10: {
    module: 'commonjs',
    moduleResolution: 'node10',
    files: ['app.ts'],
    until: '6.0',
    only: { '6.0': { ignoreDeprecations: '6.0' } },
  },
  node16: { module: 'node16', moduleResolution: 'node16', files: ['app.mts', 'app.cts'] },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext', files: ['app.mts', 'app.cts'] },
  bundler: { module: 'esnext', moduleResolution: 'bundler', files: ['app.ts'] },
};

/** Wrong types are errors here, and an expected error that does not come is one, too. */
const PROGRAM = `
import express = require('express');
import { agentEnvelope, bind, envelopeField, EnvelopeError, problemDetails, sessionId } from 'express-agent-envelope';
import { run, type AgentEngine } from 'express-agent-envelope/engines';
import { remote } from 'express-agent-envelope/engines/remote';
import { conformance } from 'express-agent-envelope/engines/conformance';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function typed<Expected>() {
  return function <Actual>(value: Actual, ..._proof: Equal<Actual, Expected> extends true ? [] : ['they differ', Actual]) {
    return value;
  };
}
interface Schema<In, Out> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => { readonly value: Out };
    readonly types?: { readonly input: In; readonly output: Out };
  };
}
declare const standard: Schema<{ n: string }, { n: number }>;
declare const maybe: string | undefined;

const tenant = envelopeField({ name: 'tenant', schema: { enum: ['a', 'b'] } });
const app: express.Express = express();
app.use(agentEnvelope({ fields: [sessionId, tenant, 'tier'], limit: '2mb' }));
app.post('/names', bind([sessionId, tenant, 'inputs', 'tier'], (bound) => {
  typed<string | undefined>()(bound.session_id);
  typed<'a' | 'b' | undefined>()(bound.tenant);
  typed<Record<string, unknown>>()(bound.inputs);
  return typed<unknown>()(bound.tier);
}));
app.post('/literal', bind({
  session_id: true,
  inputs: {
    type: 'object',
    properties: {
      q: { type: 'string' },
      top: { type: ['integer', 'null'] },
      pair: { type: 'array', items: [{ type: 'string' }, { const: 1 }], minItems: 1, additionalItems: false },
      more: { anyOf: [{ type: 'array', items: { enum: ['x', 'y'] } }, { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] }] },
    },
    required: ['q', 'more'],
  },
  outputs: { type: 'object', properties: { answer: { type: 'string' }, note: { type: 'string' } }, required: ['answer'] },
}, ({ session_id, inputs }, { req, signal }) => {
  typed<string | undefined>()(session_id);
  typed<{ q: string; more: ('x' | 'y')[] | { a: boolean }; top?: number | null; pair?: [string, (1)?] }>()(inputs);
  typed<AbortSignal>()(signal);
  typed<express.Request>()(req);
  return { answer: inputs.q, note: maybe };
}));
// @ts-expect-error a number is no answer
app.post('/wrong', bind({ outputs: { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] } }, () => ({ answer: 7 })));
// @ts-expect-error only the data has schemas
app.post('/misspelt', bind({ inputz: { type: 'object' } }, () => null));
app.post('/standard', bind({ inputs: standard, outputs: standard }, ({ inputs }) => ({ n: typed<number>()(inputs.n).toFixed() })));
const engine: AgentEngine = remote({ url: 'http://localhost/' });
app.post('/run', bind({ outputs: true }, () => run(engine, { messages: [] })));
typed<Promise<void>>()(conformance({ engine: () => engine, failingEngine: () => engine, finishedSpans: () => [] })[0]!.test());
app.use(problemDetails());
export const isOurs = (error: unknown): boolean => error instanceof EnvelopeError;
`;
/** What an ES module may not write. */
const ESM = PROGRAM.replace(
  "import express = require('express');",
  "import express from 'express';",
);

/** The checks, as `report()` takes them. Two installations serve them all. */
export function typeMatrix(root, tarball) {
  const folders = new Map();
  const folderWith = (major) => {
    if (!folders.has(major))
      folders.set(major, install(join(root, `types-${major}`), major, tarball));
    return folders.get(major);
  };
  return Object.entries(SETTINGS).flatMap(([name, { files, until, only, ...options }], i) =>
    VERSIONS.filter((version) => until === undefined || version <= until).map((version, j) => {
      // They take turns: every version and every setting meets both.
      const major = (i + j) % 2 === 0 ? 5 : 4;
      return [
        `TypeScript ${version}, ${name}, types of Express ${major}`,
        async () => {
          const folder = await folderWith(major);
          const compilerOptions = { ...COMMON, ...options, ...only?.[version] };
          const config = `tsconfig.${version}-${name}.json`;
          writeFileSync(join(folder, config), JSON.stringify({ compilerOptions, files }));
          const tsc = join('node_modules', `typescript-${version}`, 'bin', 'tsc');
          await output(process.execPath, [tsc, '-p', config], folder).catch((error) => {
            throw new Error(error.stdout || error.message);
          });
        },
      ];
    }),
  );
}

const COMMON = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  esModuleInterop: true,
  noEmit: true,
  target: 'es2022',
  types: ['node'],
};

function install(folder, major, tarball) {
  return project(folder, {
    dependencies: {
      '@opentelemetry/api': '^1.9.0',
      '@types/express': EXPRESS_TYPES[major],
      '@types/node': locked('@types/node'),
      express: major === 4 ? '^4.18.0' : '^5.0.0',
      'express-agent-envelope': tarball,
      ...Object.fromEntries(
        VERSIONS.map((version) => [`typescript-${version}`, `npm:typescript@~${version}.0`]),
      ),
    },
    files: { 'app.ts': ESM, 'app.mts': ESM, 'app.cts': PROGRAM },
  });
}
