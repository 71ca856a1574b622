/** Bodies of Sentry's envelope requests, of 10 and of 11, go in; the spans in them come out, as of the OTLP receiver. */
export function sentrySpans(bodies) {
  return bodies.flatMap((body) => body.split('\n').flatMap(parsed)).flatMap(spansOf);
}

function parsed(line) {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}

/** A transaction of Sentry 10 with its spans, or the spans that Sentry 11 sends by themselves. */
function spansOf({ type, transaction, contexts, spans = [], items = [] }) {
  if (type === 'transaction' && contexts !== undefined) {
    const root = { ...contexts.trace, description: transaction };
    return [root, ...spans].map(({ description, origin, trace_id, data = {} }) => ({
      span: description,
      scope: origin,
      traceId: trace_id,
      attributes: data,
    }));
  }
  return items
    .filter(({ span_id }) => span_id !== undefined)
    .map(({ name, trace_id, attributes }) => ({
      span: name,
      scope: attributes['sentry.origin']?.value,
      traceId: trace_id,
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([k, { value }]) => [k, value]),
      ),
    }));
}
