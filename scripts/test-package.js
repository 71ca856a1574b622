/** Installs the packed tarball in small projects, as a user would, and runs them: CJS, ESM, and TypeScript against both. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { locked, output, pack, project, report, workspace } from './consumer.js';
import { typeMatrix } from './type-matrix.js';

const SERVE = `
const app = express();
app.use(agentEnvelope());
app.post('/invoke', bind(['session_id', 'inputs'], async ({ session_id, inputs }) => ({ session_id, inputs })));
app.use(problemDetails());
const server = app.listen(0, '127.0.0.1', async () => {
  const reply = await fetch('http://127.0.0.1:' + server.address().port + '/invoke', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ session_id: 'conv-1', data: { inputs: { q: 1 } } }),
  });
  console.log(JSON.stringify({ status: reply.status, id: reply.headers.get('x-session-id'), body: await reply.json() }));
  server.close();
  server.closeAllConnections();
});
`;
const EXPECTED = JSON.stringify({
  status: 200,
  id: 'conv-1',
  body: { session_id: 'conv-1', data: { outputs: { session_id: 'conv-1', inputs: { q: 1 } } } },
});

const TYPED = `
import express from 'express';
import { Type } from 'typebox';
import { agentEnvelope, bind, EnvelopeError, problemDetails, sessionId } from 'express-agent-envelope';

const app: express.Express = express();
app.use(agentEnvelope({ fields: [sessionId, 'tenant'], limit: '2mb' }));
const inputs = { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] } as const;
app.post('/a', bind({ session_id: true, inputs }, ({ session_id, inputs: { q } }) => {
  const id: string | undefined = session_id;
  const text: string = q;
  // @ts-expect-error the schema says string
  const wrong: number = q;
  return { id, text, wrong };
}));
app.post('/b', bind({ inputs: Type.Object({ n: Type.Number() }) }, ({ inputs: { n } }) => n.toFixed()));
app.post('/c', agentEnvelope(), (_req, res) => {
  const id: string | undefined = res.locals.session_id;
  res.json({ id });
});
app.use(problemDetails());
export const isOurs = (error: unknown): boolean => error instanceof EnvelopeError;
`;

/** Prints what an adapter says where its package is not installed, and that an engine of one's own works all the same. */
const WITHOUT_PEERS = `
const failure = (make) => { try { make(); } catch ({ code, message }) { return code + ' ' + message; } };
const mine = {
  name: 'mine',
  open: async () => ({
    id: 'own-id',
    async *prompt() { yield { type: 'message.delta', delta: 'fine' }; },
    close: async () => {},
  }),
};
run(mine, { messages: [{ role: 'user', content: 'Hello' }] }).result.then(({ sessionId, output }) =>
  console.log(JSON.stringify([failure(pi), failure(rivet), failure(() => queue({ connection: {} })), typeof remote({ url: 'http://localhost/' }).open, sessionId, output])));
`;
const WITHOUT_PEERS_EXPECTED = JSON.stringify([
  'PEER_MISSING pi() needs @earendil-works/pi-coding-agent: npm install @earendil-works/pi-coding-agent@0.74 @earendil-works/pi-ai@0.74',
  'PEER_MISSING rivet() needs sandbox-agent: npm install sandbox-agent',
  'PEER_MISSING queue() needs bullmq: npm install bullmq ioredis',
  'function',
  'own-id',
  'fine',
]);
const ENGINES = [
  ['run', 'engines'],
  ['pi', 'engines/pi'],
  ['rivet', 'engines/rivet'],
  ['remote', 'engines/remote'],
  ['queue', 'engines/queue'],
];

/** Each TypeScript block of the README is a module of its own. */
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const snippets = Object.fromEntries(
  [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code], i) => [`snippet-${i + 1}.ts`, code]),
);

const root = workspace();
const tarball = `file:${pack(root)}`;
const api = { '@opentelemetry/api': '^1.9.0' };

function runs(name, { express, module, code, expected }) {
  return async () => {
    const folder = await project(join(root, name), {
      manifest: { type: module },
      dependencies: { ...api, express, 'express-agent-envelope': tarball },
      files: { 'main.js': code },
    });
    const printed = (await output(process.execPath, ['main.js'], folder)).trim();
    if (printed !== expected) throw new Error(`printed ${printed}`);
  };
}

function compiles(
  name,
  { express, types, module, dependencies, files = { 'main.ts': TYPED }, skipLibCheck = false },
) {
  return async () => {
    const folder = await project(join(root, name), {
      manifest: { type: module },
      dependencies: {
        ...api,
        express,
        '@types/express': types,
        '@types/node': locked('@types/node'),
        'express-agent-envelope': tarball,
        typebox: locked('typebox'),
        ...dependencies,
        typescript: locked('typescript'),
      },
      files: {
        ...files,
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            module: 'nodenext',
            target: 'es2022',
            types: ['node'],
            esModuleInterop: true,
            skipLibCheck,
          },
          include: Object.keys(files),
        }),
      },
    });
    await output(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], folder).catch(
      (error) => {
        throw new Error(error.stdout || error.message);
      },
    );
  };
}

/**
 * What tools that read packages find wrong is a failure. `publint` reads the tarball's `package.json` and files, `attw` what TypeScript
 * resolves to under each module resolution.
 */
function lints(name, bin, args) {
  return async () => {
    const folder = await project(join(root, name), { dependencies: { [name]: LINTERS[name] } });
    const file = join(folder, 'node_modules', '.bin', bin);
    await output(file, [...args, tarball.slice('file:'.length)], folder).catch((error) => {
      throw new Error(error.stdout || error.message);
    });
  };
}
const LINTERS = { publint: '0.3.25', '@arethetypeswrong/cli': '0.18.5' };

const NAMES = '{ agentEnvelope, bind, problemDetails }';
const PACKAGE = 'express-agent-envelope';
const CJS = `const express = require('express');\nconst ${NAMES} = require('${PACKAGE}');\n`;
const ESM = `import express from 'express';\nimport ${NAMES} from '${PACKAGE}';\n`;
const ENGINES_CJS = ENGINES.map(
  ([n, path]) => `const { ${n} } = require('${PACKAGE}/${path}');`,
).join('\n');
const ENGINES_ESM = ENGINES.map(([n, path]) => `import { ${n} } from '${PACKAGE}/${path}';`).join(
  '\n',
);

await report('test:package', [
  [
    'CommonJS, Express 4.18',
    runs('cjs', { express: '4.18.0', module: 'commonjs', code: CJS + SERVE, expected: EXPECTED }),
  ],
  [
    'ES modules, Express 5',
    runs('esm', { express: '^5.0.0', module: 'module', code: ESM + SERVE, expected: EXPECTED }),
  ],
  [
    'CommonJS engines without their packages',
    runs('engines-cjs', {
      express: '^5.0.0',
      module: 'commonjs',
      code: ENGINES_CJS + WITHOUT_PEERS,
      expected: WITHOUT_PEERS_EXPECTED,
    }),
  ],
  [
    'ES module engines without their packages',
    runs('engines-esm', {
      express: '^5.0.0',
      module: 'module',
      code: ENGINES_ESM + WITHOUT_PEERS,
      expected: WITHOUT_PEERS_EXPECTED,
    }),
  ],
  [
    'TypeScript as ES modules, types of Express 5, library checked',
    compiles('ts-esm', { express: '^5.0.0', types: '^5.0.0', module: 'module' }),
  ],
  [
    'TypeScript as CommonJS, types of Express 4, library checked',
    compiles('ts-cjs', { express: '^4.18.0', types: '^4.17.21', module: 'commonjs' }),
  ],
  [
    `the ${Object.keys(snippets).length} TypeScript snippets of the README`,
    compiles('readme', {
      express: '^5.0.0',
      types: '^5.0.0',
      module: 'module',
      files: snippets,
      skipLibCheck: true,
      dependencies: { zod: locked('zod') },
    }),
  ],
  ['publint', lints('publint', 'publint', ['--strict'])],
  ['attw', lints('@arethetypeswrong/cli', 'attw', ['--no-emoji'])],
  ...typeMatrix(root, tarball),
]);
