/** The public names of `express-agent-envelope/protocols/ui-message-stream`. */

export type { ClientRequestOptions } from '../client-request.js';
export { uiMessageRequest } from './request.js';
export { uiMessageStream } from './stream.js';
