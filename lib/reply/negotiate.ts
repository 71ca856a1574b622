/** The `Accept` header goes in, the representation to send comes out, or the 406. */
import type { Request } from 'express';
import Negotiator from 'negotiator';
import { EnvelopeError } from '../shared/errors.js';
import { isBlank } from '../shared/json.js';

/** Media types of a stream. */
const STREAM_TYPES = ['application/x-ndjson', 'application/jsonl', 'text/event-stream'] as const;
export type StreamType = (typeof STREAM_TYPES)[number];

const VALUE_TYPE = 'application/json';
export type ReplyType = StreamType | typeof VALUE_TYPE;

/** The media types offered for each kind of output; the first is used when the client has no preference. */
export interface Offers {
  readonly value: readonly (typeof VALUE_TYPE)[];
  readonly stream: readonly StreamType[];
  /** A run can be either, and is a value unless the client prefers a stream. */
  readonly run: readonly ReplyType[];
}

/** The offers of a route whose streams are `preferred` when the client has no preference. */
export function offersOf(preferred: StreamType): Offers {
  const stream = [preferred, ...STREAM_TYPES.filter((type) => type !== preferred)];
  return { value: [VALUE_TYPE], stream, run: [VALUE_TYPE, ...stream] };
}

/** A parameter of a media range, but for `q`: `;charset=utf-8` says nothing about what can be sent here. */
const PARAMETER = /;[\t ]*(?!q=)[^\s;,=]+(?:[\t ]*=[\t ]*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?/gi;

/**
 * Picks among `offers` by the client's preference; without one, the first.
 *
 * @throws {@link EnvelopeError} `NOT_ACCEPTABLE` (406) when the client takes none of them
 * @see RFC 9110 section 12.5.1
 */
export function negotiate<T extends ReplyType>(req: Request, offers: readonly T[]): T {
  // An empty list says as little as no list.
  const { accept = '' } = req.headers;
  const picked = accept === '*/*' || isBlank(accept) ? offers[0] : prefer(accept, offers);
  if (picked) return picked as T;
  throw new EnvelopeError('NOT_ACCEPTABLE', `This reply can be ${listOf(offers)}`);
}

/** Before the handler runs, nobody knows which of the two its reply is going to be. */
function listOf(offers: readonly string[]): string {
  const streams = offers.filter((type) => type !== VALUE_TYPE).join(', ');
  const value = offers.length > 1 ? `${VALUE_TYPE} or, as a stream, ` : VALUE_TYPE;
  return `${offers.some((type) => type === VALUE_TYPE) ? value : ''}${streams}`;
}

function prefer(accept: string, offers: readonly string[]): string | undefined {
  const headers = { accept: accept.replace(PARAMETER, '') };
  return new Negotiator({ headers }).mediaType([...offers]);
}
