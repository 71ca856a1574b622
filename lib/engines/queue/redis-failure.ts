/** What a client of Redis rejects with goes in; what is told of it comes out. */
import { setTimeout } from 'node:timers/promises';
import { diag } from '@opentelemetry/api';
import { guardTracing } from '../../session/tracing.js';
import { EnvelopeError } from '../../shared/errors.js';
import { engineFailed } from '../engine-error.js';

/** Whether Redis is there, and has said no: it is full, say, or has no master at the moment. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** An `ENGINE_FAILED` (502) for what a client of Redis rejects with. */
export function redisFailed(cause: unknown): EnvelopeError {
  const message = isRefusal(cause) ? 'Redis has refused a command' : 'Redis cannot be reached';
  return engineFailed(message, { cause });
}

/** @throws {@link EnvelopeError} `ENGINE_FAILED` (502) for what the client of Redis rejects with */
export async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof EnvelopeError ? error : redisFailed(error);
  }
}

/** How often and how long Redis is asked again: as long as it has no master, or somebody makes room. */
const AGAIN_MS = 500;
const INSIST_MS = 60_000;

/** Takes a small step of a run again and again where Redis refuses it: without it, nobody would hear of the run's end. */
export async function insist<T>(step: () => Promise<T>): Promise<T> {
  const end = Date.now() + INSIST_MS;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!isRefusal(error) || Date.now() > end) throw error;
      await setTimeout(AGAIN_MS, undefined, { ref: false });
    }
  }
}

/** What a client says of its connection. Who waits for an answer gets an error of its own. */
export function report(error: unknown): void {
  const code = isRefusal(error) ? 'REDIS_REFUSED' : 'REDIS_UNREACHABLE';
  guardTracing(() => diag.error(`express-agent-envelope ${code}`, error));
}
