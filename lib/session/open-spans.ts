/** A span that starts goes in; while it is open, it is known under which spans it is, and in which session. */
import type { Span } from '@opentelemetry/api';
import type { SessionSlot } from './slot.js';

/** What is known of a span from its start to its end. */
export interface OpenSpan {
  readonly span: Span;
  /** The nearest span around it that is open, among those of this process. */
  outer: OpenSpan | undefined;
  /** The session it belongs to. */
  slot: SessionSlot | undefined;
  /** Whether it is known to be a span of AI. */
  isOfAi: boolean;
  /** The session of what starts under it where no context says one. */
  handedOn: SessionSlot | undefined;
  ended: boolean;
}

/**
 * Kept on the span itself, by a symbol that two copies of the package share: a WeakMap of all open spans costs a span ten times
 * as much, and when its entries are not deleted, the garbage collector more than the span itself.
 */
const OPEN_SPAN = Symbol.for('express-agent-envelope.span');

type Tracked = Span & { [OPEN_SPAN]?: OpenSpan };

/** What is known of `span`; `undefined` for one that no processor of ours saw start. */
export function openSpan(span: Span | undefined): OpenSpan | undefined {
  try {
    return (span as Tracked | undefined)?.[OPEN_SPAN];
  } catch {
    // A Proxy of others: tracing never fails a request.
    return undefined;
  }
}

/** Notes a span that starts under `parent`. */
export function trackSpan(span: Span, parent: Span | undefined): OpenSpan {
  const outer = nearestOpen(openSpan(parent));
  const handedOn = outer?.handedOn;
  const open: OpenSpan = { span, outer, slot: undefined, isOfAi: false, handedOn, ended: false };
  try {
    (span as Tracked)[OPEN_SPAN] = open;
  } catch {
    // It takes no members: it is stamped now, and not known at its end.
  }
  return open;
}

/**
 * Notes the end. What is kept of an ended span is the way to the open ones around it, for spans that start under it later. No
 * ended span keeps another: a loop in which each round starts under the last one's span would keep them all.
 */
export function untrackSpan(open: OpenSpan): void {
  open.ended = true;
  open.outer = nearestOpen(open.outer);
}

function nearestOpen(from: OpenSpan | undefined): OpenSpan | undefined {
  let open = from;
  while (open?.ended) open = open.outer;
  return open;
}

/** The span and those around it that are open, the outermost first; none outside of `limit`, if that is among them. */
export function openSpansUpTo(limit: Span | undefined, innermost: Span | undefined): OpenSpan[] {
  const spans: OpenSpan[] = [];
  let open = nearestOpen(openSpan(innermost));
  while (open !== undefined) {
    spans.unshift(open);
    if (open.span === limit) break;
    open = nearestOpen(open.outer);
  }
  return spans;
}
