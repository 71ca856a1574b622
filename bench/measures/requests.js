/** CPU of a request: bare Express, a hand-written middleware, what else there is, and ours. */
import { cpuPerRequest, startServer } from '../load.js';
import { interleave, pairwise } from '../rounds.js';

const BODY = JSON.stringify({
  session_id: 'conversation-0123456789',
  data: {
    inputs: {
      messages: Array.from({ length: 6 }, (_, i) => ({
        role: i % 2 ? 'assistant' : 'user',
        content:
          'A sentence of a conversation, as long as sentences in conversations usually are. '.repeat(
            2,
          ),
      })),
    },
    parameters: { temperature: 0.2 },
  },
});

const LABELS = {
  bare: 'bare express.json()',
  'hand-written': 'hand-written: ajv, context.with()',
  'express-openapi-validator': 'express-openapi-validator',
  langfuse: 'Langfuse propagateAttributes()',
  openinference: 'OpenInference setSession()',
};

export async function measureRequests({ builds, short }) {
  const [rounds, requests] = short ? [8, 60] : [60, 300];
  const variants = [
    ...Object.keys(LABELS).map((variant) => ({
      variant,
      label: LABELS[variant],
      build: builds[0].path,
    })),
    ...builds.map(({ label, path }) => ({ variant: 'ours', label, build: path })),
  ];
  const servers = await Promise.all(variants.map((v) => startServer(v.variant, v.build)));
  const runners = Object.fromEntries(
    variants.map(({ label }, i) => [
      label,
      () => cpuPerRequest(servers[i], '/invoke', BODY, requests),
    ]),
  );
  // Until the compiler is done with them.
  await interleave(short ? 5 : 20, runners);
  const samples = await interleave(rounds, runners);
  for (const server of servers) server.stop();
  return [...inAll(samples, builds), ...added(samples, builds)];
}

function inAll(samples, builds) {
  const hand = { name: 'hand-written', samples: samples[LABELS['hand-written']] };
  return Object.entries(samples).map(([variant, values]) => ({
    measure: 'a request, in all',
    variant,
    unit: 'µs CPU',
    samples: values,
    over: hand,
    goal: variant === builds[0].label ? { of: 'ratio', most: 1 } : undefined,
  }));
}

function added(samples, builds) {
  const beyondBare = (values) => pairwise(values, samples[LABELS.bare], (a, b) => a - b);
  const over = {
    name: 'express-openapi-validator',
    samples: beyondBare(samples['express-openapi-validator']),
  };
  return Object.entries(samples)
    .filter(([variant]) => variant !== LABELS.bare)
    .map(([variant, values]) => ({
      measure: 'a request, added to bare',
      variant,
      unit: 'µs CPU',
      samples: beyondBare(values),
      over,
      differences: true,
      goal: variant === builds[0].label ? { of: 'ratio', most: 0.2 } : undefined,
    }));
}
