/** A run goes in; its client asks for it, and reads it to the end, whatever happens to the gateways. */
import { createParser } from 'eventsource-parser';
import { Story } from './story.js';

/** Far longer than any run, with all that may befall it: what is not over by then hangs. */
const HANGS_MS = 180_000;

/**
 * @param place - of the gateways
 * @param run - `{ id, count, pauseMs, leavesAfter }`: after so many frames the client leaves by itself, and comes back
 * @returns the story of the run
 */
export async function readRun(place, random, { id, count, pauseMs, leavesAfter }) {
  const story = new Story(id, count, place.isKilled);
  const late = AbortSignal.timeout(HANGS_MS);
  let gateway;
  while (story.ended === undefined && !late.aborted) {
    gateway = await place.gateway(random, gateway);
    const leaving = new AbortController();
    const signal = AbortSignal.any([late, leaving.signal]);
    try {
      const asked = story.runId === undefined;
      const reply = asked
        ? await ask(gateway, story, { id, count, pauseMs, signal })
        : await readOn(gateway, story, signal);
      await readReply(reply, story, asked && leavesAfter, () => leaving.abort());
      if (!leaving.signal.aborted && story.ended === undefined) {
        story.fault('lost', 'the reply is over, and the run has no end');
        break;
      }
    } catch (error) {
      const expected = late.aborted || leaving.signal.aborted || place.isKilled(gateway.pid);
      if (!expected) {
        story.fault('lost', `${error.cause ?? error}, and nobody killed the gateway`);
        break;
      }
    }
  }
  if (story.ended === undefined && late.aborted) story.fault('lost', 'it has no end');
  return story;
}

function ask({ port }, story, { id, count, pauseMs, signal }) {
  if (story.tag !== undefined) story.askedAgain += 1;
  // One that was asked for again is another run in the same session, and shows nothing of the first.
  story.tag = `${id}/${story.askedAgain}`;
  const content = JSON.stringify({ tag: story.tag, count, pauseMs });
  const inputs = { messages: [{ role: 'user', content }] };
  return fetch(`http://127.0.0.1:${port}/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ session_id: id, data: { inputs } }),
    signal,
  });
}

function readOn({ port }, story, signal) {
  story.resumed += 1;
  const headers = { 'last-event-id': story.lastId };
  return fetch(`http://127.0.0.1:${port}/runs/${story.runId}`, { headers, signal });
}

async function readReply(reply, story, leavesAfter, leave) {
  story.isFrom(reply.headers.get('x-session-id'));
  if (reply.status !== 200) return story.refused(reply.status, await reply.json());
  for await (const frame of framesOf(reply)) {
    story.take(frame);
    if (story.frames.length === leavesAfter && story.ended === undefined) return leave();
  }
}

/** @returns the frames of a run that is over, read again */
export async function readAgain({ port }, { runId }) {
  const frames = [];
  for await (const frame of framesOf(await fetch(`http://127.0.0.1:${port}/runs/${runId}`))) {
    frames.push(frame);
  }
  return frames;
}

async function* framesOf(reply) {
  const frames = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => frames.push({ id, event, data: JSON.parse(data) }),
  });
  const decoder = new TextDecoder();
  for await (const bytes of reply.body) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* frames.splice(0);
  }
}
