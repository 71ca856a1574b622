/** What a run exported goes in; what is wrong with its ids comes out, as sentences. */

const IDS = ['session.id', 'gen_ai.conversation.id'];
const whose = (prompt) => /^(conv-\w+)/.exec(prompt)?.[1];

/** Every span of a conversation has its id, none has another's; the GenAI attribute is on spans of AI, and on no other. */
export function spanFaults({ requests, spans }, { only, foreign, root, ids = IDS }) {
  const owners = new Map(requests.map(({ request, traceId }) => [traceId, whose(request)]));
  const faults = [];
  if (requests.length !== 6) faults.push(`${requests.length} requests of 6`);
  const own = spans.filter(({ traceId }) => owners.has(traceId));
  if (only !== undefined && own.length !== only)
    faults.push(`${own.length} spans exported, not ${only}`);
  for (const request of requests) {
    if (!own.some(({ traceId }) => traceId === request.traceId))
      faults.push(`${request.request}: no span`);
  }
  for (const { span, traceId, scope, attributes } of spans) {
    const owner = owners.get(traceId);
    const what = `${span} (${scope}) of ${owner ?? 'nobody'}`;
    const isOfAi = Object.keys(attributes).some(
      (name) => name.startsWith('gen_ai.') && !ids.includes(name),
    );
    for (const id of ids) {
      const value = attributes[id];
      const expected = id === 'gen_ai.conversation.id' && !isOfAi ? undefined : owner;
      if (value === expected) continue;
      // A library that writes it itself has declared the span one of AI.
      if (foreign && value === owner) continue;
      // Nobody's request has the id that a library gave it, or none.
      if (owner === undefined && !/^conv-|thread-conv/.test(value)) continue;
      if (isEarly(span, scope) && value === undefined) continue;
      faults.push(`${what}: ${id} is ${value ?? 'absent'}`);
    }
  }
  const roots = own.filter(({ attributes }) => attributes['langfuse.internal.is_app_root']);
  if (root && !(roots.length === 6 && roots.every(({ span }) => span === root)))
    faults.push(`the roots are ${roots.map(({ span }) => span).join() || 'absent'}, not ${root}`);
  if (foreign && !spans.some((span) => /^thread-conv/.test(span.attributes['engine.session.id'])))
    faults.push('no span keeps the id of the library');
  return faults;
}

/** Layers of Express before agentEnvelope() have ended when the body is read. */
const isEarly = (span, scope) =>
  (/instrumentation-(express|router|net|dns|fs)$/.test(scope) &&
    /^(middleware|tcp|tls|dns|fs)/.test(span)) ||
  (scope === 'dd-trace-js' && span === 'agentEnvelope');

/** The same for lines that say `prompt` and `session_id`: each is its own conversation's. */
export function lineFaults({ lines }, { lines: expected }) {
  const told = lines.filter(({ prompt }) => prompt !== undefined);
  const faults = told
    .filter(({ prompt, session_id }) => session_id !== whose(prompt))
    .map(({ prompt, session_id }) => `line of ${prompt}: session_id is ${session_id ?? 'absent'}`);
  return told.length === expected ? faults : [...faults, `${told.length} lines, not ${expected}`];
}

/** Nothing is exported that would not be without us. */
export function moreThan(without, run) {
  const [before, after] = [counts(without), counts(run)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map(
      (name) => `${name}: ${after.get(name) ?? 0} exported, ${before.get(name) ?? 0} without us`,
    );
}

function counts({ spans }) {
  const byName = new Map();
  for (const { span, scope } of spans) {
    const name = `${span} (${scope})`;
    byName.set(name, (byName.get(name) ?? 0) + 1);
  }
  return byName;
}
