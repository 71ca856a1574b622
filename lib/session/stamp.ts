/** An open span and a session go in; the span comes out with the attributes of the session. */
import type { Attributes, AttributeValue, Span } from '@opentelemetry/api';
import type { OpenSpan } from './open-spans.js';
import type { SessionSlot } from './slot.js';
import { guardTracing } from './tracing.js';

/** Where the id stays that a library gave the conversation by itself. `run()` puts the engine's own id there. */
const ENGINE_ID = 'engine.session.id';

/** Takes a span into a session and stamps it. A span that is in another conversation stays there. */
export function joinSession(open: OpenSpan, slot: SessionSlot): void {
  const id = open.slot?.fields.session_id;
  if (id !== undefined && id !== slot.fields.session_id) return;
  open.slot = slot;
  slot.outermost ??= open;
  guardTracing(() => stamp(open, slot, 'start'));
}

/** Adds what could not be known before the end: the id that an engine gave, and whether the span is of AI. Puts the id back. */
export function completeSpan(open: OpenSpan): void {
  const { slot } = open;
  if (slot?.fields.session_id === undefined) return;
  guardTracing(() => stamp(open, slot, 'end'));
}

type Phase = 'start' | 'end';

function stamp(open: OpenSpan, slot: SessionSlot, phase: Phase): void {
  const { span } = open;
  const there = attributesOf(span);
  const { ids, turns } = slot.sessionAttributes;
  const id = slot.fields.session_id;
  let isBare = true;
  let hasOtherId = false;
  // One pass over what is there: to ask an object for a name that it does not have costs more than all the rest.
  for (const name in there) {
    isBare = false;
    if (name.startsWith('gen_ai.')) open.isOfAi = true;
    if (there[name] !== id && ids.includes(name)) hasOtherId = true;
  }
  const theirs = hasOtherId ? otherId(there, slot) : undefined;
  const before = isBare ? undefined : there;
  put(span, before, slot.attributes, phase, ids);
  if (open.isOfAi) put(span, before, slot.aiAttributes, phase, ids);
  if (theirs !== undefined && there[ENGINE_ID] === undefined) write(span, ENGINE_ID, theirs);
  if (slot.outermost !== open || id === undefined) return;
  for (const turn of turns) write(span, turn, true);
}

/** At the end an attribute of a field may be what the app has made of it: only an id is put back. */
function put(
  span: Span,
  there: Attributes | undefined,
  attributes: Attributes,
  phase: Phase,
  ids: readonly string[],
): void {
  for (const name in attributes) {
    const found = there?.[name];
    if (found === attributes[name]) continue;
    if (found === undefined || phase === 'start' || ids.includes(name)) {
      write(span, name, attributes[name] as AttributeValue);
    }
  }
}

/** The span's attributes as they are now. The API's type hides them; each SDK's span has them. */
function attributesOf(span: Span): Attributes {
  return (span as { attributes?: Attributes }).attributes ?? {};
}

/** What a library wrote under a name of ours, if it is another id. */
function otherId(there: Attributes, { fields, sessionAttributes }: SessionSlot) {
  const id = fields.session_id;
  if (id === undefined) return undefined;
  for (const name of sessionAttributes.ids) {
    const found = there[name];
    if (found !== undefined && found !== id) return found;
  }
  return undefined;
}

/** An ended span refuses `setAttribute()`, but what exports it reads the same object. */
function write(span: Span, name: string, value: AttributeValue): void {
  if (span.isRecording()) span.setAttribute(name, value);
  else attributesOf(span)[name] = value;
}
