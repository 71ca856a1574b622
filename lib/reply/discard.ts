/** Calls `return()` on a source that is no longer read, so that it can clean up. */
import { Readable } from 'node:stream';

/** Calls `return()` on `iterator`, or on the source's own iterator. Answer the client without awaiting this: it may hang. */
export async function discard(
  source: AsyncIterable<unknown>,
  iterator: AsyncIterator<unknown> = source[Symbol.asyncIterator](),
): Promise<void> {
  // The iterator of a Readable that was never pulled neither closes it nor listens for its failure, which would end the process.
  if (source instanceof Readable) source.on('error', () => {}).destroy();
  await iterator.return?.();
}
