// tracing.mjs: node --import ./tracing.mjs app.mjs, with NEW_RELIC_APP_NAME and NEW_RELIC_LICENSE_KEY set. In the app, after
// app.use(agentEnvelope()): app.use(middleware).
import 'newrelic/esm-loader.mjs'; // for an app of ES modules
import { getSessionId } from 'express-agent-envelope';
import newrelic from 'newrelic';

export function middleware(_req, _res, next) {
  const id = getSessionId();
  if (id) newrelic.addCustomAttributes({ 'session.id': id, 'llm.conversation_id': id });
  next();
}
