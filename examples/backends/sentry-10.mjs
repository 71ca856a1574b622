// tracing.mjs: node --import ./tracing.mjs app.mjs, with SENTRY_DSN set
import * as Sentry from '@sentry/node';
import { SessionSpanProcessor } from 'express-agent-envelope';

Sentry.init({
  tracesSampleRate: 1,
  openTelemetrySpanProcessors: [new SessionSpanProcessor()],
});
