/** The public names of `express-agent-envelope/engines/queue`. */
export type { QueueConnection } from './connection.js';
export type {
  QueueOptions,
  QueuePlace,
  RetentionCeiling,
  RetentionOptions,
  RunWorkerOptions,
} from './options.js';
export { queue } from './queue.js';
export { resumeRun } from './resume.js';
export type { ResumeRunOptions, ResumeSessionOptions } from './resume-options.js';
export { resumeSession } from './resume-session.js';
export { type RunWorker, runWorker } from './worker.js';
