/** NestJS, with the middleware mounted by `app.use` and by a `MiddlewareConsumer`. */
import { connected, inController } from './checks.js';
import { overHttp } from './clients.js';
import { start } from './process.js';

export const nest = [
  ['app.use', 'use'],
  ['MiddlewareConsumer', 'consumer'],
].map(([name, mounting]) => ({
  title: `NestJS, ${name}`,
  checks: [...connected, inController],
  async start(folder) {
    const { port, stop } = await start(process.execPath, ['nest.mjs', mounting], folder);
    return { send: overHttp(`http://127.0.0.1:${port}`), stop };
  },
}));
