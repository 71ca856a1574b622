/** Where runs are kept goes in; what `resumeRun()` and `resumeSession()` share comes out: the way to a run, and its events as SSE. */
import type { Request, Response } from 'express';
import { jsonWriterOf, setStreamHeaders } from '../../reply/framing.js';
import { toProblem } from '../../reply/problem.js';
import { HEARTBEAT_MS, sendStream } from '../../reply/stream.js';
import { Client } from '../../request/client.js';
import { recordFailure, stampOpenSpans } from '../../session/request-span.js';
import { type SessionState, setSessionHeader } from '../../session/request-state.js';
import { deriveSlot, runInSlot } from '../../session/slot.js';
import { activeContext } from '../../session/tracing.js';
import { EnvelopeError } from '../../shared/errors.js';
import { type AgentEvent, eventIdOf } from '../../shared/run-events.js';
import { Connections } from './connection.js';
import type { Where } from './options.js';
import { loadPeers } from './peers.js';
import type { Authorize } from './resume-options.js';
import { answered, type ReadOptions, readEvents, readStart } from './run-reader.js';
import { RunStore } from './run-store.js';
import { START_ID, toClientStart, unstarted } from './stored-event.js';
import { WakeUps } from './wake-ups.js';

const SSE = 'text/event-stream';
/** How long Redis may take to answer. */
export const ANSWER_MS = 10_000;

/** Runs that are kept, and what is heard of them. */
export interface KeptRuns {
  readonly store: RunStore;
  readonly wakeUps: WakeUps;
}

/** How a run is read whose session is known. */
export interface KeptReading extends ReadOptions {
  readonly sessionId: string;
}

/** A client that is told of a session. */
export interface Exchange extends SessionState {
  readonly req: Request;
  readonly res: Response;
  readonly sessionId: string;
}

/** @returns a function that does `work` with a connection, which is let go of at the end */
export function createKeptRuns(caller: string, { connection, name, prefix }: Where) {
  const connections = new Connections(connection, loadPeers(caller));
  let wakeUps: WakeUps | undefined;
  return async (work: (runs: KeptRuns) => Promise<void>): Promise<void> => {
    const { commands, subscriber } = await connections.acquire();
    try {
      wakeUps ??= new WakeUps(subscriber);
      await work({ store: new RunStore(commands, { name, prefix }), wakeUps });
    } finally {
      connections.release();
    }
  };
}

/** The reply has the session's id from now on. */
export function openExchange(req: Request, res: Response, sessionId: string): Exchange {
  const slot = deriveSlot(sessionId, undefined);
  const session = { client: new Client(req, res), slot, responseHeader: 'x-session-id' } as const;
  setSessionHeader(res, session);
  return { req, res, sessionId, ...session };
}

/** Listens to the run as long as `tell` tells it, in the session. */
export async function whileListening(
  { store, wakeUps }: KeptRuns,
  { runId, silenceMs }: Pick<ReadOptions, 'runId' | 'silenceMs'>,
  { client, slot, sessionId }: Exchange,
  tell: (reading: KeptReading) => Promise<void>,
): Promise<void> {
  const news = wakeUps.listen(store.key(runId));
  // A generator that waits does not hear its own `return()`.
  const stopWatching = client.onClose(news.stop);
  try {
    await answered(ANSWER_MS, news.ready);
    const reading = { store, runId, news, sessionId, silenceMs };
    await runInSlot(slot, activeContext(), () => {
      stampOpenSpans(slot);
      return tell(reading);
    });
  } finally {
    stopWatching();
    news.stop();
  }
}

/** The events after the one with this number; before the first of them stands `run.start`. */
export async function* eventsOf(
  reading: KeptReading,
  last: number | undefined,
): AsyncGenerator<AgentEvent, void> {
  if (last === undefined) {
    const start = (await readStart(reading)) ?? unstarted(reading.sessionId);
    yield toClientStart(start, reading.runId);
  }
  yield* readEvents(reading, last ?? Number(START_ID));
}

/** Sends events as SSE; what the run failed with is the last one. */
export async function sendEvents(
  { req, res, client, slot }: Exchange,
  source: AsyncGenerator<AgentEvent>,
): Promise<void> {
  setStreamHeaders(res, SSE);
  if (req.method === 'HEAD') return void res.end();
  // At once: the client learns that it is connected, and a failure of the run is one of its events.
  res.flushHeaders();
  await sendStream(res, source, {
    type: SSE,
    client,
    heartbeatMs: HEARTBEAT_MS,
    encode: jsonWriterOf(res),
    idOf: eventIdOf,
    beforeHeaders: () => {},
    headersReady: () => true,
    encodeFailure: (error) => {
      recordFailure(error);
      return JSON.stringify(toProblem(error, slot));
    },
  });
}

/** It fails closed: a run that has no session yet is nobody's. */
export async function admit(
  authorize: Authorize | undefined,
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
