/** What goes wrong without an error goes in; one line through OpenTelemetry's `diag` comes out, with a code and a remedy. */
import { type Context, type DiagLogger, diag, type Span } from '@opentelemetry/api';
import { openSpan } from './open-spans.js';
import { activeSlot, type SessionSlot } from './slot.js';
import { activeContext, guardTracing, isRecording } from './tracing.js';

/** Each code is explained in docs/troubleshooting.md. */
const REMEDIES = {
  NO_CONTEXT_MANAGER:
    'no OpenTelemetry context manager is registered. getSessionId() works; spans have no parents until a context manager is ' +
    'registered before the first request, by sdk.start() or provider.register().',
  TWO_API_COPIES:
    'two copies of @opentelemetry/api are installed, and the tracing SDK is registered with the older one: this package sees no ' +
    'tracing. Install one version for all: npm ls @opentelemetry/api, then npm dedupe.',
  NO_SESSION_SPAN_PROCESSOR:
    'spans of a session are made, but the tracing SDK that makes them has no SessionSpanProcessor: they do not carry the id. Add ' +
    'new SessionSpanProcessor() to its spanProcessors, before the one that exports.',
} as const;

const said = new Set<keyof typeof REMEDIES>();

/** Looks once whether contexts are kept. Call it where `slot` was just entered. */
export function diagnoseContext(slot: SessionSlot): void {
  if (looked) return;
  looked = true;
  // Without a context manager the active context carries no session.
  if (activeSlot(activeContext()) === slot) return;
  say(registeredElsewhere() ? 'TWO_API_COPIES' : 'NO_CONTEXT_MANAGER');
}

let looked = false;

/** Reports a span of a session that no processor of ours saw start. */
export function diagnoseSpan(span: Span | undefined): void {
  if (span === undefined || said.has('NO_SESSION_SPAN_PROCESSOR')) return;
  const unseen = isRecording(span) && guardTracing(() => openSpan(span) === undefined, false);
  if (unseen) say('NO_SESSION_SPAN_PROCESSOR');
}

/** Where every copy of `@opentelemetry/api` 1.x registers what it is given; a newer copy does not use what an older one registered. */
interface Registry {
  readonly context?: { active(): Context };
  readonly diag?: DiagLogger;
}
const registry = () =>
  (globalThis as { [key: symbol]: unknown })[Symbol.for('opentelemetry.js.api.1')] as
    | Registry
    | undefined;

const registeredElsewhere = () => registry()?.context !== undefined;

function say(code: keyof typeof REMEDIES): void {
  if (said.has(code)) return;
  said.add(code);
  const message = `express-agent-envelope ${code}: ${REMEDIES[code]}`;
  // With two copies of the API our own `diag` may be the one that nobody listens to.
  guardTracing(() => (registry()?.diag ?? diag).warn(message));
}
