/** The package's public names. */

// The middlewares
export { agentEnvelope } from './agent-envelope.js';
export { bind } from './bind.js';
export type { BindOptions } from './bind-options.js';
export type { AgentEnvelopeOptions } from './options.js';
export { type ProblemDetailsOptions, problemDetails } from './problem-details.js';
export type { HandlerIo } from './reply/handler-io.js';
export type { Problem } from './reply/problem.js';
// Types
export type { Asked, Bound, Envelope } from './request/binding.js';
export type {
  DataSchema,
  Declaration,
  DeclaredBound,
  DeclaredOutput,
} from './request/declaration.js';
export type { EnvelopeData } from './request/envelope.js';
export type { EnvelopeField, FieldSchema } from './request/field.js';
export { sessionId } from './request/field.js';
export { envelopeField } from './request/field-list.js';
export { SessionLogRecordProcessor } from './session/log-record-processor.js';
export type { EnvelopeLocals } from './session/request-state.js';
export { resolveRunSessionId } from './session/run-session-id.js';
export { getEnvelopeFields, getSessionId, setSessionId, withSessionId } from './session/session.js';
// The session
export type { SessionAttributePreset } from './session/session-attributes.js';
export { SessionSpanProcessor } from './session/span-processor.js';
export type { EnvelopeErrorOptions, ErrorCode, ErrorDetail } from './shared/errors.js';
// Errors
export { EnvelopeError } from './shared/errors.js';
export type { JsonObject } from './shared/json.js';
export type { JsonSchema } from './shared/schema.js';
