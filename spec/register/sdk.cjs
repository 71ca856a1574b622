/** What a zero-code set-up does: the SDK, started by a flag, out of the app's reach. It prints what it exports, and its processors. */
const { context, DiagConsoleLogger, DiagLogLevel, diag, trace } = require('@opentelemetry/api');
const { logs } = require('@opentelemetry/api-logs');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { LoggerProvider, SimpleLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const spans = {
  export: (ended, done) => {
    for (const { name, attributes } of ended) print({ span: name, id: attributes['session.id'] });
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
const records = {
  export: (emitted, done) => {
    for (const { body, attributes } of emitted) print({ log: body, id: attributes['session.id'] });
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};

diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
if (process.env.SDK === 'of another kind') {
  class ForeignProvider {
    getTracer = (...args) => new BasicTracerProvider().getTracer(...args);
    getLogger = (...args) => new LoggerProvider().getLogger(...args);
  }
  trace.setGlobalTracerProvider(new ForeignProvider());
  logs.setGlobalLoggerProvider(new ForeignProvider());
} else {
  const own = process.env.SDK === 'with ours' ? [new (sessionSpanProcessor())()] : [];
  const spanProcessors = [...own, new SimpleSpanProcessor(spans)];
  const processors = [new SimpleLogRecordProcessor({ exporter: records })];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors }));
  const { _spanProcessors } = trace.getTracerProvider().getDelegate()._activeSpanProcessor;
  process.once('exit', () => print(_spanProcessors.map((one) => one.constructor.name)));
}

function sessionSpanProcessor() {
  return require('express-agent-envelope').SessionSpanProcessor;
}
