/** The app as functions of AWS Lambda: `handlersOn(express)[adapter](event, context)` resolves with the reply. */
import codegenie from '@codegenie/serverless-express';
import vendia from '@vendia/serverless-express';
import serverlessHttp4 from 'serverless-http';
import serverlessHttp3 from 'serverless-http3';
import { mount } from './app.mjs';

/** Some are CommonJS compiled from ES modules, whose default export is a member of the default. */
const callable = (module) => (typeof module === 'function' ? module : module.default);

/** @param name - `express` or `express4` */
export async function handlersOn(name) {
  const { default: express } = await import(name);
  const app = mount(express());
  return {
    'serverless-http 3': callable(serverlessHttp3)(app),
    'serverless-http 4': callable(serverlessHttp4)(app),
    '@vendia/serverless-express': callable(vendia)({ app }),
    '@codegenie/serverless-express': callable(codegenie)({ app }),
  };
}
