/** Calls `return()` on a source that is no longer read, so that it can clean up. */
import { Readable } from 'node:stream';

/** Calls `return()` on `iterator`, or on the source's own iterator. Answer the client without awaiting this: it may hang. */
export async function discard(
  source: AsyncIterable<unknown>,
  iterator: AsyncIterator<unknown> = source[Symbol.asyncIterator](),
): Promise<void> {
  // The iterator of a Readable that was never pulled does not close it.
  if (source instanceof Readable) source.destroy();
  await iterator.return?.();
}
