/** The spans of an app on Datadog's tracer, which does not make OpenTelemetry's. */
import tracer from 'dd-trace';
import { answer } from './datadog-llm.mjs';

export { answer };

export const traceId = () => tracer.scope().active()?.context().toTraceId(true);

/** It has no flush that can be awaited: what it has begun to send keeps the process alive, which then ends by itself. */
export const close = () => new Promise(() => {});
