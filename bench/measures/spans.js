/** What a span processor adds to a span that starts and ends in a session. */
import { start } from '../child-process.js';
import { interleave, pairwise } from '../rounds.js';

export async function measureSpans({ builds, short }) {
  const [rounds, spans] = short ? [16, 10_000] : [60, 50_000];
  const [{ path }] = builds;
  const variants = [
    { variant: 'none', label: 'none' },
    ...builds.map(({ label, path }) => ({
      variant: 'ours',
      label: `SessionSpanProcessor, ${label}`,
      path,
    })),
    { variant: 'baggage', label: 'BaggageSpanProcessor' },
    { variant: 'langfuse', label: 'LangfuseSpanProcessor, which exports too' },
  ];
  const makers = await Promise.all(
    variants.map((v) =>
      start(new URL('../span-maker.js', import.meta.url), v.variant, v.path ?? path),
    ),
  );
  const runners = Object.fromEntries(
    variants.map(({ label }, i) => [label, () => makers[i].ask('spans', spans)]),
  );
  await interleave(10, runners);
  const { none, ...samples } = await interleave(rounds, runners);
  for (const maker of makers) maker.stop();
  const added = (values) => pairwise(values, none, (a, b) => a - b);
  const row = { unit: 'µs CPU' };
  return [
    { ...row, measure: 'a span, in all', variant: 'no processor', samples: none },
    ...Object.entries(samples).map(([variant, values]) => ({
      ...row,
      measure: 'a span, added',
      variant,
      samples: added(values),
      differences: true,
      over: { name: 'BaggageSpanProcessor', samples: added(samples.BaggageSpanProcessor) },
      goal: variant === variants[1].label ? { of: 'figure', most: 0.3 } : undefined,
    })),
  ];
}
