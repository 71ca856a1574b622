/** Spans go in as they start and end; they come out of `GET /spans` as server-sent events, the ones from before first. */
import { allowLoopback } from './loopback.js';

const KEEP = 2000;
const finished = [];
const open = new Map();
const readers = new Set();

/** An exporter like any other: it gets what has finished. */
export class FeedExporter {
  export(spans, done) {
    for (const span of spans) {
      const row = toRow(span, 'ended');
      open.delete(row.span_id);
      finished.push(row);
      tell(row);
    }
    finished.splice(0, finished.length - KEEP);
    done({ code: 0 });
  }

  async shutdown() {
    for (const res of readers) res.end();
  }
}

/** Exporters learn of a span when it is over. To draw it while it lasts, its start is told, too. */
export class FeedAnnouncer {
  onStart(span) {
    const row = toRow(span, 'open');
    open.set(row.span_id, row);
    tell(row);
  }

  onEnd() {}
  async forceFlush() {}
  async shutdown() {}
}

/** The route. The feeds of all processes are read by the gateway's page. */
export const serveSpans = [allowLoopback, feed];

function feed(_req, res) {
  res.set({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
  res.flushHeaders();
  for (const row of [...finished, ...open.values()]) res.write(frame(row));
  readers.add(res);
  res.once('close', () => readers.delete(res));
}

function tell(row) {
  for (const res of readers) res.write(frame(row));
}

const frame = (row) => `data: ${JSON.stringify(row)}\n\n`;

function toRow(span, state) {
  const { traceId, spanId } = span.spanContext();
  return {
    state,
    service: span.resource.attributes['service.instance.id'],
    trace_id: traceId,
    span_id: spanId,
    parent_id: span.parentSpanContext?.spanId,
    name: span.name,
    start: toMs(span.startTime),
    // Some spans are told of later than they began.
    ms: state === 'open' ? Date.now() - toMs(span.startTime) : toMs(span.duration),
    failed: span.status.code === 2,
    session_id: span.attributes['session.id'],
    engine_session_id: span.attributes['engine.session.id'],
    attributes: { ...span.attributes },
  };
}

const toMs = ([seconds, nanoseconds]) => seconds * 1e3 + nanoseconds / 1e6;
