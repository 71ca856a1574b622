/** Installs the packed tarball in small projects, as a user would, and runs them: CJS, ESM, and TypeScript against both. */
import { join } from 'node:path';
import { locked, output, pack, project, report, workspace } from './consumer.js';

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

const root = workspace();
const tarball = `file:${pack(root)}`;
const api = { '@opentelemetry/api': '^1.9.0' };

function runs(name, { express, module, head }) {
  return async () => {
    const folder = await project(join(root, name), {
      manifest: { type: module },
      dependencies: { ...api, express, 'express-agent-envelope': tarball },
      files: { 'main.js': head + SERVE },
    });
    const printed = (await output(process.execPath, ['main.js'], folder)).trim();
    if (printed !== EXPECTED) throw new Error(`printed ${printed}`);
  };
}

function compiles(name, { express, types, module }) {
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
        typescript: locked('typescript'),
      },
      files: {
        'main.ts': TYPED,
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            module: 'nodenext',
            target: 'es2022',
            types: ['node'],
            esModuleInterop: true,
            skipLibCheck: false,
          },
          include: ['main.ts'],
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

const NAMES = '{ agentEnvelope, bind, problemDetails }';
const CJS = `const express = require('express');\nconst ${NAMES} = require('express-agent-envelope');\n`;
const ESM = `import express from 'express';\nimport ${NAMES} from 'express-agent-envelope';\n`;

await report('test:package', [
  ['CommonJS, Express 4.18', runs('cjs', { express: '4.18.0', module: 'commonjs', head: CJS })],
  ['ES modules, Express 5', runs('esm', { express: '^5.0.0', module: 'module', head: ESM })],
  [
    'TypeScript as ES modules, types of Express 5, library checked',
    compiles('ts-esm', {
      express: '^5.0.0',
      types: '^5.0.0',
      module: 'module',
    }),
  ],
  [
    'TypeScript as CommonJS, types of Express 4, library checked',
    compiles('ts-cjs', {
      express: '^4.18.0',
      types: '^4.17.21',
      module: 'commonjs',
    }),
  ],
]);
