/** One variant, behind HTTP, in a process of its own: `node server.js VARIANT BUILD [timed]`. */
import { answer, cpu, memory } from './child-process.js';
import { mountFields } from './fields.js';
import { createSources } from './sources.js';
import { register } from './tracing.js';
import { VARIANTS } from './variants.js';

const [variant, build, timed] = process.argv.slice(2);
const tracing = await register(variant, build);
const express = tracing.require('express');
const { sources, release } = createSources();

const app = express();
const timings = timed ? mountFields(variant, app, express, tracing) : [];
VARIANTS[variant]({ app, express, sources, ...tracing });
// A connection waits here while the other variants have their turns.
const KEEP_ALIVE_MS = 600_000;
const server = app.listen(0, '127.0.0.1', () => {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const takeTimings = () => timings.splice(0);
  answer({ port: server.address().port }, { cpu, memory, release, timings: takeTimings });
});
