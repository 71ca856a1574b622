/** Runs variants in turns and keeps a sample a round: what disturbs the machine falls on all alike, and ratios are taken within a round. */

/**
 * @param runners - by the variant's name, what measures it once
 * @returns the samples by name, in the order of the rounds
 */
export async function interleave(rounds, runners) {
  const names = Object.keys(runners);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let i = 0; i < rounds; i++) {
    // Every variant is first, second and last equally often.
    for (let j = 0; j < names.length; j++) {
      const name = names[(i + j) % names.length];
      samples[name].push(await runners[name]());
    }
  }
  return samples;
}

/** Combines two lists of samples round by round. */
export const pairwise = (a, b, combine) => a.map((value, i) => combine(value, b[i]));

/** The value below which the share `p` of the samples lies; between two samples, in proportion. */
export function quantile(samples, p) {
  const sorted = samples.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * p;
  const below = sorted[Math.floor(place)];
  return below + (sorted[Math.ceil(place)] - below) * (place % 1);
}
