/** The options of `resumeRun()` and `resumeSession()` go in, complete configurations come out; whatever is wrong throws. */
import type { Request } from 'express';
import type { AgentRun } from '../../shared/agent-run.js';
import { configError } from '../../shared/errors.js';
import { type Parsers, parseConfiguration } from '../../shared/option-parsing.js';
import type { MaybePromise } from '../../shared/standard-schema.js';
import { type QueuePlace, type Where, whereIs } from './options.js';

/** Whether the caller may read the runs of a session. */
export type Authorize = (sessionId: string, req: Request) => MaybePromise<boolean>;

/** What `resumeRun()` takes. */
export interface ResumeRunOptions extends QueuePlace {
  /**
   * Whether the caller may read the run of this session. Anything but `true`, and a throw, is a 403 `SESSION_FORBIDDEN`.
   * @defaultValue everyone who has the run's id, which cannot be guessed
   */
  readonly authorize?: Authorize | undefined;
}

/** What `resumeSession()` takes. */
export interface ResumeSessionOptions extends QueuePlace {
  /**
   * Whether the caller may read the runs of this session. Anything but `true`, and a throw, is a 403 `SESSION_FORBIDDEN`. There is no
   * default: a session's id can be guessed, or seen in a log.
   */
  readonly authorize: Authorize;
  /**
   * Tells the run as the client reads it: `uiMessageStream` for `useChat`, say. The run is read from its first event on, and is not
   * run again; the `messages` of its result are the answer alone.
   * @defaultValue our own events as SSE
   */
  readonly reply?: ((run: AgentRun) => MaybePromise<Response>) | undefined;
}

interface ResumeRunConfiguration extends Where {
  readonly authorize: Authorize | undefined;
}
interface ResumeSessionConfiguration extends Where {
  readonly authorize: Authorize;
  readonly reply: ResumeSessionOptions['reply'];
}

const isFunction = (value: unknown) => typeof value === 'function';

const RUN: Parsers<ResumeRunConfiguration> = {
  ...whereIs('resumeRun'),
  authorize: (value) => {
    if (value === undefined || isFunction(value)) return value as Authorize | undefined;
    throw configError('resumeRun: authorize', 'must be a function', value);
  },
};

export const parseResumeRunOptions = (options: unknown) =>
  parseConfiguration('resumeRun: options', RUN, options);

const SESSION: Parsers<ResumeSessionConfiguration> = {
  ...whereIs('resumeSession'),
  authorize: (value) => {
    if (isFunction(value)) return value as Authorize;
    throw configError('resumeSession: authorize', 'must be a function', value);
  },
  reply: (value) => {
    if (value === undefined || isFunction(value)) return value as ResumeSessionOptions['reply'];
    throw configError('resumeSession: reply', 'must be a function, uiMessageStream say', value);
  },
};

export const parseResumeSessionOptions = (options: unknown) =>
  parseConfiguration('resumeSession: options', SESSION, options);
