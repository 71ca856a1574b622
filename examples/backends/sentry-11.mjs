// tracing.mjs: node --import ./tracing.mjs app.mjs, with SENTRY_DSN set. Sentry 11 takes no span processors; in the app, after
// app.use(agentEnvelope()): app.use(middleware).
import * as Sentry from '@sentry/node';
import { getSessionId } from 'express-agent-envelope';

Sentry.init({ tracesSampleRate: 1 });

export function middleware(_req, _res, next) {
  Sentry.setConversationId(getSessionId() ?? null);
  next();
}
