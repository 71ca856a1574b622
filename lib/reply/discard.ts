/** A source that nobody reads on goes in; it is returned, so that it can clean up. */
import { Readable } from 'node:stream';

/** Returns `iterator`, or the source's own. Whoever has to answer does not wait for it: it may be stuck. */
export async function discard(
  source: AsyncIterable<unknown>,
  iterator: AsyncIterator<unknown> = source[Symbol.asyncIterator](),
): Promise<void> {
  // The iterator of a Readable that was never pulled does not close it.
  if (source instanceof Readable) source.destroy();
  await iterator.return?.();
}
