/** The package's public names. */

// The middlewares
export { agentEnvelope } from './agent-envelope.js';
export { bind } from './bind.js';
// Types
export type { Bound, Envelope } from './binding.js';

// The session
export { getEnvelopeFields, getSessionId, setSessionId, withSessionId } from './context.js';
export type { Declaration, DeclaredBound, DeclaredOutput } from './declaration.js';
export type { EnvelopeData } from './envelope.js';
export type { EnvelopeErrorOptions, ErrorCode, ErrorDetail } from './errors.js';

// Errors
export { EnvelopeError } from './errors.js';
export type { EnvelopeField } from './field.js';
export { sessionId } from './field.js';
export type { HandlerIo } from './handler-io.js';
export type { JsonObject } from './json.js';
export type { EnvelopeLocals } from './locals.js';
export type { AgentEnvelopeOptions } from './options.js';
export type { Problem } from './problem.js';
export { problemDetails } from './problem-details.js';
export { resolveRunSessionId } from './resolve.js';
export type { JsonSchema } from './schema.js';
export { SessionSpanProcessor } from './span.js';
