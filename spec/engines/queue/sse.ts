/** A response in, its frames out as they come. */
import { createParser } from 'eventsource-parser';
import { ask, type Node } from '../nodes.js';

export interface Frame {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: { readonly type?: string; readonly [member: string]: unknown };
}

export async function* framesOf(response: Response): AsyncGenerator<Frame, void> {
  const frames: Frame[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => frames.push({ id, event, data: JSON.parse(data) }),
  });
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* frames.splice(0);
  }
}

export async function allFrames(response: Response): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of framesOf(response)) frames.push(frame);
  return frames;
}

/** Begins a run as a stream. */
export const stream = (node: Node, content: string, id?: string, signal?: AbortSignal) =>
  fetch(`${node.url}/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ session_id: id, data: { inputs: ask(content) } }),
    ...(signal && { signal }),
  });

/** Reads a run on. */
export const resume = (node: Node, runId: unknown, lastEventId?: string) =>
  fetch(`${node.url}/runs/${runId}`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });

/** The text of an answer, which `scripted` makes of numbers. */
export const textOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ data }) => (data.type === 'message.delta' ? [data.delta] : [])).join('');

export const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i} `).join('');
