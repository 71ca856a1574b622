/** A body of bytes goes in; its lines, or its first bytes as text, come out, within a bound on what is held of it. */
import { constants } from 'node:buffer';
import { configError } from '../shared/errors.js';
import { engineFailed } from './engine-error.js';

type Body = ReadableStream<Uint8Array> | null;

const LINE_FEED = 10;

/** The longest line that is read where no option says otherwise: 16 MiB. */
const DEFAULT_LINE_BYTES = 16 * 1024 * 1024;

/** The parser of an option `maxEventBytes`. @throws TypeError for what is no length that a string can have */
export function parseEventBytes(place: string, value: unknown = DEFAULT_LINE_BYTES): number {
  const max = constants.MAX_STRING_LENGTH;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max) return Number(value);
  throw configError(place, `must be a whole number from 1 to ${max}`, value);
}

/** Chunks go in, whole lines come out. */
export interface LineSplitter {
  /**
   * The lines that `chunk` completes, without their ends; empty ones are left out.
   *
   * @throws {@link EnvelopeError} `ENGINE_FAILED` for a line that is longer than the maximum, before it has ended
   */
  push(chunk: Uint8Array): string[];
  /** What came after the last line feed. */
  rest(): string;
}

/**
 * Splits UTF-8 at line feeds. The pieces of a line are put together once, when it ends: the work is linear in its length.
 *
 * @param sender - whose lines they are, for the error
 */
export function splitLines(maxBytes: number, sender: string): LineSplitter {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const add = (piece: Uint8Array) => {
    length += piece.length;
    if (length > maxBytes)
      throw engineFailed(`${sender} sent a line of more than ${maxBytes} bytes`);
    pieces.push(piece);
  };
  const take = () => {
    const line = Buffer.concat(pieces, length).toString();
    pieces = [];
    length = 0;
    return line;
  };
  return {
    push(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (let to = chunk.indexOf(LINE_FEED); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
        add(chunk.subarray(from, to));
        lines.push(take());
        from = to + 1;
      }
      if (from < chunk.length) add(chunk.subarray(from));
      return lines.filter((line) => line !== '');
    },
    rest: take,
  };
}

/** The lines of a body as they arrive. */
export async function* readLines(body: Body, splitter: LineSplitter): AsyncGenerator<string> {
  if (body === null) return;
  for await (const chunk of body) yield* splitter.push(chunk);
  const rest = splitter.rest();
  if (rest !== '') yield rest;
}

/** The text of a body, of its first `maxBytes` bytes at most. The connection is released. */
export async function readStart(body: Body, maxBytes: number): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString();
}
