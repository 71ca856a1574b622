/** Finished spans go in; each is printed as one line: its session id, its trace, its duration and its name. */
export class LineSpanExporter {
  export(spans, done) {
    for (const span of spans) {
      const id = span.attributes['session.id'] ?? '(none)';
      const trace = span.spanContext().traceId.slice(0, 8);
      const service = String(span.resource.attributes['service.instance.id']).padEnd(7);
      const [seconds, nanoseconds] = span.duration;
      const ms = (seconds * 1e3 + nanoseconds / 1e6).toFixed(1).padStart(7);
      console.log(`span  ${service}  session.id=${id}  trace=${trace}  ${ms} ms  ${span.name}`);
    }
    done({ code: 0 });
  }

  async shutdown() {}
}
