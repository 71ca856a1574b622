/** A GET request for a run goes in; the events after the one that the client had last come out, then the live ones, as SSE. */
import { context } from '@opentelemetry/api';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { escapeLineEnds, setStreamHeaders } from '../../reply/framing.js';
import { toProblem } from '../../reply/problem.js';
import { HEARTBEAT_MS, sendStream } from '../../reply/stream.js';
import { Client } from '../../request/client.js';
import { recordFailure, stampOpenSpans } from '../../session/request-span.js';
import { setSessionHeader } from '../../session/request-state.js';
import { deriveSlot, runInSlot, type SessionSlot } from '../../session/slot.js';
import { EnvelopeError } from '../../shared/errors.js';
import { type AgentEvent, eventIdOf } from '../../shared/run-events.js';
import { Connections } from './connection.js';
import { parseResumeOptions, type ResumeRunOptions } from './options.js';
import { loadPeers } from './peers.js';
import { answered, type ReadOptions, readEvents, readStart } from './run-reader.js';
import { RunStore } from './run-store.js';
import { START_ID, toClientStart } from './stored-event.js';
import { WakeUps } from './wake-ups.js';

const SSE = 'text/event-stream';
/** How long Redis may take to answer. */
const ANSWER_MS = 10_000;
/** Heartbeats tell whether the client is there; how long the run may be silent is its gateway's matter. */
const SILENCE_MS = 2 ** 31 - 1;

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
  const { connection, name, prefix, authorize } = parseResumeOptions(options);
  const connections = new Connections(connection, loadPeers('resumeRun()'));
  let wakeUps: WakeUps | undefined;

  const resume = async (req: Request, res: Response) => {
    const runId = String(req.params.runId ?? '');
    if (!/^[\w-]{1,64}$/.test(runId)) throw notFound();
    const { commands, subscriber } = await connections.acquire();
    try {
      wakeUps ??= new WakeUps(subscriber);
      const store = new RunStore(commands, { name, prefix });
      const found = await answered(ANSWER_MS, store.describe(runId));
      if (found === undefined) throw notFound();
      await admit(authorize, found.sessionId, req);
      const last = lastEventOf(req, found.count);
      const slot = deriveSlot(found.sessionId, undefined);
      const client = new Client(req, res);
      setSessionHeader(res, { client, slot, responseHeader: 'x-session-id' });
      if (found.ended && last === found.count && last > 0) return void res.status(204).end();
      const news = await answered(ANSWER_MS, wakeUps.listen(store.key(runId)));
      // A generator that waits does not hear its own `return()`.
      const stopWatching = client.onClose(news.stop);
      try {
        const source = eventsOf({ store, runId, news, silenceMs: SILENCE_MS }, last);
        await runInSlot(slot, context.active(), () => send({ req, res, client, slot }, source));
      } finally {
        stopWatching();
        news.stop();
      }
    } finally {
      connections.release();
    }
  };
  return function resumeRun(req: Request, res: Response, next: NextFunction) {
    resume(req, res).catch(next);
  };
}

/** The events after the one with this number; before the first of them stands `run.start`. */
async function* eventsOf(
  reading: ReadOptions,
  last: number | undefined,
): AsyncGenerator<AgentEvent, void> {
  if (last === undefined) yield toClientStart(await readStart(reading), reading.runId);
  yield* readEvents(reading, last ?? Number(START_ID));
}

interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly client: Client;
  readonly slot: SessionSlot;
}

async function send({ req, res, client, slot }: Exchange, source: AsyncGenerator): Promise<void> {
  stampOpenSpans(slot);
  setStreamHeaders(res, SSE);
  if (req.method === 'HEAD') return void res.end();
  // At once: the client learns that it is connected, and a failure of the run is one of its events.
  res.flushHeaders();
  await sendStream(res, source, {
    type: SSE,
    client,
    heartbeatMs: HEARTBEAT_MS,
    encode: (event) => escapeLineEnds(JSON.stringify(event)),
    idOf: eventIdOf,
    beforeHeaders: () => {},
    headersReady: () => true,
    encodeFailure: (error) => {
      recordFailure(error);
      return escapeLineEnds(JSON.stringify(toProblem(error, slot)));
    },
  });
}

/** It fails closed: a run that has no session yet is nobody's. */
async function admit(
  authorize: ResumeRunOptions['authorize'],
  sessionId: string,
  req: Request,
): Promise<void> {
  if (authorize === undefined) return;
  const refusal = (cause?: unknown) =>
    new EnvelopeError('SESSION_FORBIDDEN', 'The caller may not use this session', { cause });
  if (sessionId === '') throw refusal();
  let admitted: boolean;
  try {
    admitted = await authorize(sessionId, req);
  } catch (error) {
    throw refusal(error);
  }
  if (admitted !== true) throw refusal();
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
