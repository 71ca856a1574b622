/**
 * A process with a fault in its tracing, or none: sets it up as its argument says, opens sessions, and prints as JSON what came to
 * `diag`. The second argument is the folder of another copy of `@opentelemetry/api`.
 */
const [situation, otherApi] = process.argv.slice(2);
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { SessionSpanProcessor, withSessionId } = require('express-agent-envelope');
const { run } = require('express-agent-envelope/engines');

const api = require(situation === 'two copies' ? otherApi : '@opentelemetry/api');
const said = [];
const keep = (message) => said.push(message);
api.diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} });
if (situation !== 'no context manager') {
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}
if (situation !== 'no SDK') {
  const spanProcessors = situation.startsWith('no processor') ? [] : [new SessionSpanProcessor()];
  api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
}

const engine = {
  name: 'small',
  async open() {
    return { id: 'engine-1', async *prompt() {}, async close() {} };
  },
};
const messages = [{ role: 'user', content: 'hi' }];

async function main() {
  for (const id of ['one', 'two']) {
    if (situation.endsWith('run')) await run(engine, { messages, sessionId: id }).result;
    else {
      api.trace.getTracer('spec').startActiveSpan('job', (span) => {
        withSessionId(id, () => api.trace.getTracer('spec').startSpan('child').end());
        span.end();
      });
    }
  }
  process.stdout.write(JSON.stringify(said));
}
main();
