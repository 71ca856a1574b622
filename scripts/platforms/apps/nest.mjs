/** The app in NestJS, without a compiler for its decorators; `use` or `consumer` says how the middleware is mounted. */
import 'reflect-metadata';
import { Catch, Controller, Module, Next, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getSessionId, problemDetails } from 'express-agent-envelope';
import { envelope, listen, routes } from './app.mjs';

class Agent {
  plain() {
    return { session_id: getSessionId() };
  }
}
Controller()(Agent);
decorate('plain', Post('/plain'));
for (const [path, handler] of Object.entries(routes)) {
  const name = path.slice(1);
  Object.defineProperty(Agent.prototype, name, {
    value: (req, res, next) => handler(req, res, next),
    configurable: true,
    writable: true,
  });
  [Req, Res, Next].forEach((parameter, i) => {
    parameter()(Agent.prototype, name, i);
  });
  decorate(name, Post(path));
}

function decorate(name, decorator) {
  decorator(Agent.prototype, name, Object.getOwnPropertyDescriptor(Agent.prototype, name));
}

class Problems {
  catch(error, host) {
    const http = host.switchToHttp();
    problemDetails()(error, http.getRequest(), http.getResponse(), http.getNext());
  }
}
Catch()(Problems);

const mounting = process.argv[2];
class Root {
  configure(consumer) {
    if (mounting === 'consumer') consumer.apply(envelope()).forRoutes('*path');
  }
}
Module({ controllers: [Agent] })(Root);

// Nest's own parser would turn malformed JSON into an error of Nest's before the consumer's middleware runs.
const app = await NestFactory.create(Root, { logger: false, bodyParser: mounting === 'use' });
if (mounting === 'use') app.use(envelope());
app.useGlobalFilters(new Problems());
await app.init();
await listen(app.getHttpServer());
