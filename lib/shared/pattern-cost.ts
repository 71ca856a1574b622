/** A regular expression's source goes in; whether some text can make it backtrack without end comes out. */

/**
 * The expression as an automaton (Glushkov's): a position for each character or class in it, and an edge from each to what may
 * follow. If a loop can match the same text in two ways, n iterations give 2^n paths.
 */
interface Automaton {
  /** For each position, which of the sample characters it reads. */
  readonly reads: Set<string>[];
  /** For each position, what may follow: twice where there are two ways. */
  readonly follow: number[][];
}

/** A part of the expression: where it begins and ends, and whether it may be empty. */
interface Part {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly empty: boolean;
}

const NOTHING: Part = { first: [], last: [], empty: true };
/** More than any pattern of a sane schema, and a bound on the work. */
const MAX_POSITIONS = 64;
/** A repetition that may come this many times more or fewer is as bad as one without a bound. */
const MANY = 10;
const LATIN = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const SAMPLES = [...LATIN, 'Я', 'ß', '中', '😀', '\u2028'];

/** One character, class or escape; an assertion, which reads nothing; the beginning and end of a group; a repetition. */
const TOKEN =
  /(?<assertion>\^|\$|\\[bB]|\\[1-9]\d*|\\k<[^>]*>)|(?<open>\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?)|(?<close>\))|(?<or>\|)|(?<repeat>(?:[*+?]|\{(?<min>\d+)(?<range>,(?<max>\d*))?\})\??)|(?<atom>\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\.|.)/suy;

/**
 * Finds exponential backtracking: `(a+)+`, `(a|a)*`, `(\w+\s?)*`. It errs on the side of a warning where what follows can never
 * fail. Not found: what is only quadratic or cubic (`\s+$`, `a*a*b`), repetitions of a fixed number (`(a+){20}`), patterns
 * inside a lookaround or with a back-reference, and expressions of more than 64 characters and classes.
 *
 * @param source - of a `RegExp`, already known to be valid with the flag `u`
 */
export function backtracksWithoutEnd(source: string): boolean {
  const { reads, follow } = new Reader(source).read();
  const size = reads.length;
  if (size > MAX_POSITIONS) return false;
  const alike = reads.map((a) => reads.map((b) => [...a].some((sample) => b.has(sample))));
  const after = follow.map((nexts) => [...new Set(nexts)]);
  const before = reads.map((_, q) => [...reads.keys()].filter((p) => after[p]?.includes(q)));
  const doubled = follow.flatMap((nexts, p) =>
    nexts.filter((q, i) => nexts.indexOf(q) !== i).map((q) => [p, q] as const),
  );
  return reads.some((_, start) => {
    const there = reachable(start, after, alike);
    const back = reachable(start, before, alike);
    const onLoop = (p: number, q: number) => {
      const pair = p * size + q;
      return there.has(pair) && back.has(pair);
    };
    return (
      doubled.some(([p, q]) => onLoop(p, p) && onLoop(q, q)) ||
      [...there].some((pair) => pair % (size + 1) !== 0 && back.has(pair))
    );
  });
}

/** The pairs of positions that two readers of one text can be at, both having begun at `start`. */
function reachable(start: number, edges: number[][], alike: boolean[][]): Set<number> {
  const size = edges.length;
  const seen = new Set([start * (size + 1)]);
  for (const pair of seen) {
    for (const p of edges[Math.floor(pair / size)] ?? []) {
      for (const q of edges[pair % size] ?? []) if (alike[p]?.[q]) seen.add(p * size + q);
    }
  }
  return seen;
}

/** Reads the source from left to right. */
class Reader implements Automaton {
  readonly reads: Set<string>[] = [];
  readonly follow: number[][] = [];
  readonly #tokens: IterableIterator<RegExpMatchArray>;
  #token: Partial<Record<string, string>> = {};

  constructor(source: string) {
    this.#tokens = source.matchAll(new RegExp(TOKEN, 'gsuy'));
    this.#next();
  }

  read(): Automaton {
    this.#alternatives();
    return this;
  }

  #next(): void {
    this.#token = this.#tokens.next().value?.groups ?? {};
  }

  #alternatives(): Part {
    let part = this.#sequence();
    while (this.#token.or !== undefined) {
      this.#next();
      const other = this.#sequence();
      part = {
        first: [...part.first, ...other.first],
        last: [...part.last, ...other.last],
        empty: part.empty || other.empty,
      };
    }
    return part;
  }

  #sequence(): Part {
    let part = NOTHING;
    for (;;) {
      const { assertion, open, atom } = this.#token;
      if (assertion === undefined && open === undefined && atom === undefined) return part;
      const next = this.#repeated(this.#single());
      this.#connect(part.last, next.first);
      part = {
        first: part.empty ? [...part.first, ...next.first] : part.first,
        last: next.empty ? [...part.last, ...next.last] : next.last,
        empty: part.empty && next.empty,
      };
    }
  }

  #single(): Part {
    const { open, atom } = this.#token;
    this.#next();
    if (open !== undefined) {
      const inner = this.#alternatives();
      this.#next();
      return /[=!]$/.test(open) ? NOTHING : inner;
    }
    if (atom === undefined) return NOTHING;
    const reader = new RegExp(`^(?:${atom})$`, 'su');
    this.reads.push(new Set([...SAMPLES, atom].filter((sample) => reader.test(sample))));
    const position = this.follow.push([]) - 1;
    return { first: [position], last: [position], empty: false };
  }

  #repeated(part: Part): Part {
    const { repeat, min, range, max } = this.#token;
    if (repeat === undefined) return part;
    this.#next();
    const least = min === undefined ? Number(repeat.startsWith('+')) : Number(min);
    const endless = min === undefined ? !repeat.startsWith('?') : range !== undefined && max === '';
    if (endless || (max !== undefined && Number(max) - least >= MANY))
      this.#connect(part.last, part.first);
    return { ...part, empty: part.empty || least === 0 };
  }

  #connect(last: readonly number[], first: readonly number[]): void {
    for (const position of last) this.follow[position]?.push(...first);
  }
}
