/** What the survival process printed goes in, a list of what is wrong comes out; an empty list means all ids arrived. */

/** Every place where the process must have looked, twice where two sessions interleave. */
const PLACES = [
  'plain handler',
  'after await',
  'timer',
  'nested router',
  'bound handler',
  'bound handler after await',
  'stream start',
  'stream later',
  'readable',
  'readable end',
  'before throw',
  'error handler',
];

export function check({ observations, replies, spans }) {
  const faults = [];
  for (const place of PLACES) {
    const seen = observations.filter((observation) => observation.place === place);
    if (seen.length < 2) faults.push(`${place} was reached ${seen.length} times, not twice`);
  }
  for (const { place, expected, seen } of observations) {
    if (seen !== expected) faults.push(`${place}: getSessionId() is ${seen}, not ${expected}`);
    const span = spans.find(({ name }) => name === `work ${place} ${expected}`);
    for (const attribute of ['session.id', 'gen_ai.conversation.id']) {
      const value = span?.attributes[attribute];
      if (value !== expected) faults.push(`${place}: ${attribute} of its span is ${value}`);
    }
  }
  for (const { path, header } of replies) {
    if (header === null) faults.push(`${path}: the reply has no x-session-id`);
  }
  const servers = spans.filter((span) => span.server);
  if (servers.length !== replies.length) {
    faults.push(`${servers.length} server spans for ${replies.length} requests`);
  }
  const known = new Set(replies.map(({ header }) => header));
  for (const { name, attributes } of spans) {
    const isOfAi = 'gen_ai.operation.name' in attributes;
    if (!isOfAi && 'gen_ai.conversation.id' in attributes) {
      faults.push(`${name} has gen_ai.conversation.id, and is no span of AI`);
    }
  }
  for (const { name, attributes, trace } of servers) {
    const id = attributes['session.id'];
    if (!known.has(id)) faults.push(`server span ${name}: session.id is ${id}`);
    const strangers = spans.filter(
      (span) => span.trace === trace && ![undefined, id].includes(span.attributes['session.id']),
    );
    for (const span of strangers) faults.push(`${span.name} is in the trace of ${id}`);
  }
  return faults;
}
