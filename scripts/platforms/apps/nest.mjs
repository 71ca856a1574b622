/** The app in NestJS, without a compiler for its decorators; `use` or `consumer` says how the middleware is mounted. */
import 'reflect-metadata';
import { Catch, Controller, HttpCode, Module, Next, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getSessionId, problemDetails } from 'express-agent-envelope';
import { envelope, listen, routes } from './app.mjs';

const problems = problemDetails();
const orProblem = (req, res, next) => (error) => (error ? problems(error, req, res, next) : next());

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
    // Nest would make an exception of its own of what goes to `next`, and lose the pointers.
    value: (req, res, next) => handler(req, res, orProblem(req, res, next)),
    configurable: true,
    writable: true,
  });
  [Req, Res, Next].forEach((parameter, i) => {
    parameter()(Agent.prototype, name, i);
  });
  decorate(name, Post(path));
  // Nest's own status for a POST is 201.
  decorate(name, HttpCode(200));
}

function decorate(name, decorator) {
  decorator(Agent.prototype, name, Object.getOwnPropertyDescriptor(Agent.prototype, name));
}

class Problems {
  catch(error, host) {
    const http = host.switchToHttp();
    problems(error, http.getRequest(), http.getResponse(), http.getNext());
  }
}
Catch()(Problems);

/** Nest makes an exception of its own of a parser's error, and the code is lost: it is answered before. */
const middleware = envelope();
const answering = (req, res, next) => middleware(req, res, orProblem(req, res, next));

const mounting = process.argv[2];
class Root {
  configure(consumer) {
    if (mounting === 'consumer') consumer.apply(answering).forRoutes('*path');
  }
}
Module({ controllers: [Agent] })(Root);

// Nest's own parser runs before a consumer's middleware, and would refuse malformed JSON first.
const app = await NestFactory.create(Root, { logger: false, bodyParser: mounting === 'use' });
if (mounting === 'use') app.use(answering);
app.useGlobalFilters(new Problems());
await app.init();
await listen(app.getHttpServer());
