/** The public names of `express-agent-envelope/protocols/ag-ui`. */

export type { ClientRequestOptions } from '../client-request.js';
export { type AgUiEventsOptions, agUiEvents } from './events.js';
export { agUiRequest } from './request.js';
