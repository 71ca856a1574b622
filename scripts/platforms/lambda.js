/** The adapters of AWS Lambda, with bodies as text and as base64, on both majors of Express. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buffered } from './checks.js';
import { overLambda } from './clients.js';
import { onBothMajors } from './install.js';

const ADAPTERS = [
  'serverless-http 3',
  'serverless-http 4',
  '@vendia/serverless-express',
  '@codegenie/serverless-express',
];

export const lambda = ADAPTERS.flatMap((adapter) =>
  [false, true].flatMap((base64) =>
    onBothMajors((express) => ({
      title: `AWS Lambda, ${adapter}, ${base64 ? 'base64' : 'text'}`,
      checks: buffered,
      async start(folder) {
        const { handlersOn } = await import(pathToFileURL(join(folder, 'lambda.mjs')));
        const handlers = await handlersOn(express);
        return { send: overLambda(handlers[adapter], { base64 }) };
      },
    })),
  ),
);
