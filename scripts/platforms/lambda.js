/** The adapters of AWS Lambda, with bodies as text and as base64. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buffered } from './checks.js';
import { overLambda } from './clients.js';

const ADAPTERS = [
  'serverless-http 3',
  'serverless-http 4',
  '@vendia/serverless-express',
  '@codegenie/serverless-express',
];

export const lambda = ADAPTERS.flatMap((adapter) =>
  [false, true].map((base64) => ({
    title: `AWS Lambda, ${adapter}, ${base64 ? 'base64' : 'text'}`,
    checks: buffered,
    async start(folder) {
      const { handlers } = await import(pathToFileURL(join(folder, 'lambda.mjs')));
      return { send: overLambda(handlers[adapter], { base64 }) };
    },
  })),
);
