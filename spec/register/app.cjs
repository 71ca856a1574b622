/** An app that knows of no SDK: a span and a log line in a session, and one outside of it. */
const { trace } = require('@opentelemetry/api');
const { logs } = require('@opentelemetry/api-logs');
const { withSessionId } = require('express-agent-envelope');

const work = (name) => {
  trace.getTracer('app').startSpan(name).end();
  logs.getLogger('app').emit({ body: name });
};
withSessionId('conv-1', () => work('inside'));
work('outside');
