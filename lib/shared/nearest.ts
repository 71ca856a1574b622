/** A word that may be misspelt and the words that exist go in; the one that was probably meant comes out. */

/** The known word that `word` is a slip of: other case, other separators, or up to two letters; `undefined` for another word. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = word.toLowerCase().replace(/[^a-z]/g, '');
  // Two letters of a short word are another word.
  return known.find((name) => distance(plain, name) <= (name.length < 7 ? 1 : 2));
}

/** Levenshtein's distance: letters to put in, leave out or exchange. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = Number(row[j - 1]) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(exchanged, Number(row[j]) + 1, Number(next[j - 1]) + 1));
    }
    row = next;
  }
  return Number(row[b.length]);
}
