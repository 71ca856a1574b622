// Sentry 11 takes no processors: after app.use(agentEnvelope()), app.use(middleware).
import * as Sentry from '@sentry/node';
import { getSessionId } from 'express-agent-envelope';

export function middleware(_req, _res, next) {
  Sentry.setConversationId(getSessionId() ?? null);
  next();
}
