// tracing.mjs: node --import ./tracing.mjs app.mjs, with DD_AGENT_HOST set
import 'dd-trace/register.js'; // for an app of ES modules
import { subscribe } from 'node:diagnostics_channel';
import tracer from 'dd-trace';
import { getSessionId } from 'express-agent-envelope';

tracer.init();
// The span of the request begins before its id is known: it gets it at its end. All others ask for it when they start.
const request = (span, _req, res) => span?.setTag('session.id', res.locals.session_id);
tracer.use('express', { hooks: { request } });
subscribe('dd-trace:span:start', ({ span }) => span.setTag('session.id', getSessionId()));
