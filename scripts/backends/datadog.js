/** Bodies of requests of LLM Observability to Datadog's agent go in; the spans in them come out, as of the OTLP receiver. */
export function datadogSpans(bodies) {
  return bodies
    .filter((body) => body.startsWith('[{"_dd.stage"'))
    .flatMap((body) => JSON.parse(body))
    .flatMap(({ spans }) => spans)
    .map(({ name, meta, session_id, _dd }) => ({
      span: name,
      scope: `llmobs ${meta['span.kind']}`,
      traceId: _dd.apm_trace_id,
      attributes: { 'session.id': session_id },
    }));
}
