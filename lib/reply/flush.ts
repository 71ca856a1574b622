/** A response goes in; a function that lets nothing of it wait in a compressor comes out. */
import type { Response } from 'express';
import { orUndefined, readMember } from '../shared/thrown.js';

/**
 * `compression()` gathers what it compresses, to the end of the reply if need be, and gives the response a `flush()`. The
 * returned function calls it at the end of the turn of the event loop: pieces that are there at once are compressed as one.
 */
export function flusherOf(res: Response): () => void {
  const flush = readMember(res, 'flush');
  if (typeof flush !== 'function') return () => {};
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setImmediate(() => {
      waiting = false;
      orUndefined(() => flush.call(res));
    });
  };
}
