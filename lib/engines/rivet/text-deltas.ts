/** Chunks of text go in as an agent sends them, what is new in each comes out. */

/** From this length on, the same text again is taken for the whole of it, not for a word that was said twice. */
const WHOLE = 16;

/**
 * Some agents send deltas, some the whole text so far with each chunk, and some the whole text once more at the end. ACP has no
 * mark for it: a chunk that begins with all that was said is the whole text.
 */
export function createTextDeltas() {
  let said = '';
  let areSnapshots = false;
  return {
    /** The new text of a chunk; empty when there is none. */
    next(chunk: string): string {
      const grows = chunk.length > said.length && /\p{L}/u.test(said);
      const repeats = chunk.length === said.length && (areSnapshots || said.length >= WHOLE);
      const isSnapshot = chunk.startsWith(said) && (grows || repeats);
      const delta = isSnapshot ? chunk.slice(said.length) : chunk;
      areSnapshots ||= isSnapshot;
      said += delta;
      return delta;
    },
    /** Another message begins. */
    reset(): void {
      said = '';
    },
  };
}
