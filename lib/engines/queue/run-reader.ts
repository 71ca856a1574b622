/** A run's place in Redis goes in; its start and its events come out, those that are there and then the live ones. */
import { type AgentEvent, withEventId } from '../../shared/run-events.js';
import { engineLate } from '../engine-error.js';
import { atMost, orAborted, within } from '../waiting.js';
import { reached } from './redis-failure.js';
import { type Page, type RunStore, runGone } from './run-store.js';
import { isLast, parseEvent, parseStart, type StoredStart, storedFailure } from './stored-event.js';
import type { News } from './wake-ups.js';

/** Events that are fetched at once: a client that does not read has as many in this process at the most. */
const PAGE = 64;

/** How long Redis may take to answer. */
const ANSWER_MS = 10_000;

/** How a run is read. */
export interface ReadOptions {
  readonly store: RunStore;
  readonly runId: string;
  readonly news: News;
  /** How long the run may be silent, in milliseconds. */
  readonly silenceMs: number;
}

/**
 * Waits for the start.
 *
 * @returns `undefined` for a run that has ended without one, and once the reader has stopped
 * @throws {@link EnvelopeError} what the run failed with before it started; 504 `ENGINE_FAILED` for one that nobody starts
 */
export async function readStart(options: ReadOptions): Promise<StoredStart | undefined> {
  const wait = patience(options);
  while (await wait()) {
    const page = await fetchPage(options, 1);
    if (page.start !== undefined) return parseStart(page.start);
    const [event] = page.events;
    if (event !== undefined) parseEvent(event.text, event.number);
    if (page.ended) return undefined;
  }
  return undefined;
}

/**
 * The events after number `after`, until the run is over. They are fetched as they are asked for.
 *
 * @throws {@link EnvelopeError} what the run failed with; 504 `ENGINE_FAILED` when it is silent for too long
 */
export async function* readEvents(
  options: ReadOptions,
  after: number,
): AsyncGenerator<AgentEvent, void> {
  let last = after;
  let wait = patience(options);
  do {
    let fetched: number;
    do {
      const { events, ended, count } = await fetchPage(options, last + 1);
      fetched = events.length;
      if (ended && fetched === 0) {
        if (count > last) yield droppedUpTo(count, last);
        throw runGone();
      }
      for (const { number, text } of events) {
        if (number > last + 1) yield droppedUpTo(number - 1, last);
        last = number;
        const event = parseEvent(text, number);
        yield event;
        if (isLast(event)) return;
      }
      if (fetched > 0) wait = patience(options);
    } while (fetched === PAGE);
  } while (await wait());
}

/** In the place of the events after `last` that are no longer kept. */
function droppedUpTo(number: number, last: number): AgentEvent {
  return withEventId({ type: 'events.dropped', count: number - last }, String(number));
}

/** Waits for news, again and again, until that takes too long in all. */
function patience({ store, runId, news, silenceMs }: ReadOptions): () => Promise<boolean> {
  const end = Date.now() + silenceMs;
  let isGivenUp = false;
  return async () => {
    const left = end - Date.now();
    if (left > 0) return news.wait(left);
    const late = engineLate(`The run was silent for more than ${silenceMs} ms`);
    if (isGivenUp) throw late;
    // Whoever gives a run up ends it: its gateway may be gone. Then it reads that end as all others do.
    isGivenUp = true;
    await atMost(ANSWER_MS, store.end(runId, storedFailure(late)));
    return true;
  };
}

async function fetchPage({ store, runId, silenceMs }: ReadOptions, from: number): Promise<Page> {
  const page = await answered(Math.min(silenceMs, ANSWER_MS), store.read(runId, from, PAGE));
  // Fewer events than were read: Redis has come back with what it had some time ago.
  if (page === undefined || page.count < from - 1) throw runGone();
  return page;
}

/** @throws {@link EnvelopeError} `ENGINE_FAILED` (504) when Redis does not answer within `ms` milliseconds */
export function answered<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = () => engineLate(`Redis did not answer within ${ms} ms`);
  return within(ms, (signal) => orAborted(reached(answer), signal), { late });
}
