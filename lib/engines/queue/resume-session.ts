/** A GET request for a session goes in; the run that is under way in it comes out, from its start, as the client reads runs. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { isWebResponse, sendResponse } from '../../reply/response.js';
import { SESSION_FIELD } from '../../request/parsed-field.js';
import { keepProtocol } from '../../session/request-state.js';
import { configError, EnvelopeError } from '../../shared/errors.js';
import {
  ANSWER_MS,
  admit,
  createKeptRuns,
  eventsOf,
  openExchange,
  sendEvents,
  whileListening,
} from './kept-runs.js';
import { parseResumeSessionOptions, type ResumeSessionOptions } from './resume-options.js';
import { readRun } from './resumed-run.js';
import { answered } from './run-reader.js';

/**
 * A handler for `GET /api/chat/:sessionId/stream`, where `useChat({ resume: true })` of the AI SDK asks: the newest run of the session
 * that is not over, from its start, then live; from any gateway, at once with others. 204 where no run is under way. The reply has
 * the header `x-session-id`. A client that leaves does not end the run.
 *
 * @param options - see {@link ResumeSessionOptions}
 * @throws TypeError at once, when an option is wrong, `authorize` is missing say; to `next`, on a route without `:sessionId`
 * @throws Error at once, with the code `PEER_MISSING`, when `bullmq` or `ioredis` is not installed
 * @throws {@link index!EnvelopeError | EnvelopeError} to `next`: `INVALID_FIELD` (400) for what is no session id, `SESSION_FORBIDDEN` (403)
 * by `authorize`, `ENGINE_FAILED` (502, 504) where Redis cannot be reached, `INVALID_OUTPUT` (500) where `reply` returns no
 * `Response`, what it throws or rejects with; in band, too: what the run failed with
 * @example
 * ```ts
 * app.get('/api/chat/:sessionId/stream', resumeSession({
 *   connection,
 *   authorize: (id, req) => ownsSession(req.user, id),
 *   reply: uiMessageStream,
 * }));
 * ```
 * @see https://ai-sdk.dev/docs/ai-sdk-ui/chatbot-resume-streams
 */
export function resumeSession(options: ResumeSessionOptions): RequestHandler {
  const { authorize, reply, ...where } = parseResumeSessionOptions(options);
  const withRuns = createKeptRuns('resumeSession()', where);

  const resume = async (req: Request, res: Response) => {
    // The client of a protocol shows people what a refusal says.
    if (reply !== undefined) keepProtocol(res, { fault: undefined });
    const sessionId = sessionIdOf(req);
    await admit(authorize, sessionId, req);
    await withRuns(async (runs) => {
      const exchange = openExchange(req, res, sessionId);
      const runId = await answered(ANSWER_MS, runs.store.newestOf(sessionId));
      // Redis may have lost the run, and not its place in the session.
      const found = runId && (await answered(ANSWER_MS, runs.store.describe(runId)));
      if (!runId || !found) return void res.status(204).end();
      const { silenceMs } = found;
      await whileListening(runs, { runId, silenceMs }, exchange, async (reading) => {
        if (reply === undefined) return sendEvents(exchange, eventsOf(reading, undefined));
        const response = await reply(readRun(reading));
        if (!isWebResponse(response)) throw NO_RESPONSE();
        try {
          await sendResponse(res, { state: exchange }, response);
        } catch (error) {
          // What its body has told is the run's failure, which its own request reports.
          if (!res.writableEnded) throw error;
        }
      });
    });
  };
  return function resumeSession(req: Request, res: Response, next: NextFunction) {
    resume(req, res).catch(next);
  };
}

const NO_RESPONSE = () =>
  new EnvelopeError('INVALID_OUTPUT', 'resumeSession: reply must return a Response');

function sessionIdOf({ params, route }: Request): string {
  const { sessionId } = params;
  if (sessionId === undefined) {
    throw configError('resumeSession: path', 'must have :sessionId', route?.path);
  }
  const [broken] = SESSION_FIELD.check(sessionId) ?? [];
  if (broken === undefined) return String(sessionId);
  throw new EnvelopeError('INVALID_FIELD', `The session id ${broken.detail}`);
}
