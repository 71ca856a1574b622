/** A GET request for a run goes in; the events after the one that the client had last come out, then the live ones, as SSE. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { EnvelopeError } from '../../shared/errors.js';
import {
  ANSWER_MS,
  admit,
  createKeptRuns,
  eventsOf,
  openExchange,
  sendEvents,
  whileListening,
} from './kept-runs.js';
import { parseResumeRunOptions, type ResumeRunOptions } from './resume-options.js';
import { answered } from './run-reader.js';

/**
 * A handler for `GET /runs/:runId`: the events of a run after `Last-Event-ID`, or all of them, then the live ones, as SSE; from any
 * gateway, at once with others, and until the run has expired. The reply has the header `x-session-id`. A client that leaves does
 * not end the run. After the last event there is nothing to wait for: 204, on which an `EventSource` stops.
 *
 * @param options - see {@link ResumeRunOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws Error at once, with the code `PEER_MISSING`, when `bullmq` or `ioredis` is not installed
 * @throws {@link index!EnvelopeError | EnvelopeError} to `next`: `RUN_NOT_FOUND` (404) for a run that is unknown or has expired,
 * `SESSION_FORBIDDEN` (403) by `authorize`, `INVALID_INPUT` (400) for a `Last-Event-ID` that is not of the run, `ENGINE_FAILED` (502, 504)
 * where Redis cannot be reached; in band, too: what the run failed with
 * @example
 * ```ts
 * app.get('/runs/:runId', resumeRun({ connection, authorize: (id, req) => ownsSession(req.user, id) }));
 * ```
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function resumeRun(options: ResumeRunOptions): RequestHandler {
  const { authorize, ...where } = parseResumeRunOptions(options);
  const withRuns = createKeptRuns('resumeRun()', where);

  const resume = async (req: Request, res: Response) => {
    const runId = String(req.params.runId ?? '');
    if (!/^[\w-]{1,64}$/.test(runId)) throw notFound();
    await withRuns(async (runs) => {
      const found = await answered(ANSWER_MS, runs.store.describe(runId));
      if (found === undefined) throw notFound();
      await admit(authorize, found.sessionId, req);
      const last = lastEventOf(req, found.count);
      const exchange = openExchange(req, res, found.sessionId);
      if (found.ended && last === found.count && last > 0) return void res.status(204).end();
      const { silenceMs } = found;
      await whileListening(runs, { runId, silenceMs }, exchange, (reading) =>
        sendEvents(exchange, eventsOf(reading, last)),
      );
    });
  };
  return function resumeRun(req: Request, res: Response, next: NextFunction) {
    resume(req, res).catch(next);
  };
}

/** @returns the number of the event that the client had last; `undefined` for a client that had none */
function lastEventOf(req: Request, count: number): number | undefined {
  const id = req.get('last-event-id');
  if (id === undefined || id === '') return undefined;
  if (/^\d{1,15}$/.test(id) && Number(id) <= count) return Number(id);
  const rule = 'Last-Event-ID must be the id of an event of this run';
  throw new EnvelopeError('INVALID_INPUT', rule, { status: 400 });
}

const notFound = () => new EnvelopeError('RUN_NOT_FOUND', 'There is no such run, or no longer');
