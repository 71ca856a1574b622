/** A log record goes in when it is emitted; it comes out with the attributes of its session. */
import type { Attributes, Context } from '@opentelemetry/api';
import { activeSlot } from './slot.js';
import { guardTracing } from './tracing.js';

/** What is needed of a log record. Written out here, so that an app without `@opentelemetry/sdk-logs` type-checks. */
interface LogRecord {
  setAttributes(attributes: Attributes): unknown;
}

/**
 * Stamps every log record that is emitted in a session with the attributes that its spans carry: `session.id`
 * (OpenTelemetry) and the `attribute` of each envelope field. A `LogRecordProcessor` of `@opentelemetry/sdk-logs` 0.50 and
 * later. It exports nothing: register it before the processors that do.
 *
 * @example
 * ```ts
 * const provider = new LoggerProvider({
 *   processors: [new SessionLogRecordProcessor(), new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
 * });
 * ```
 */
export class SessionLogRecordProcessor {
  /** The context a record was emitted with counts first; without trace context the SDK hands an empty one. */
  onEmit(record: LogRecord, ctx?: Context): void {
    const slot = (ctx && activeSlot(ctx)) ?? activeSlot();
    if (slot === undefined) return;
    guardTracing(() => {
      record.setAttributes(slot.attributes);
    });
  }

  /** Holds nothing back. */
  async forceFlush(): Promise<void> {}

  /** Holds nothing open. */
  async shutdown(): Promise<void> {}
}
