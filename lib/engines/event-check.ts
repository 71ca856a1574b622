/** Whatever an engine or a runner sent as an event goes in; an event of the vocabulary comes out, or an `ENGINE_FAILED`. */
import { isJsonObject, type JsonObject } from '../shared/json.js';
import type { AgentEvent, UsageEvent } from '../shared/run-events.js';
import { disown, isThenable } from '../shared/thrown.js';
import { engineFailed } from './engine-error.js';

/** What a member must be. */
export interface Rule {
  readonly text: string;
  readonly holds: (value: unknown) => boolean;
}
/** Members by name. */
export type Rules = Readonly<Record<string, Rule>>;

export const TEXT: Rule = { text: 'a string', holds: (value) => typeof value === 'string' };
export const FLAG: Rule = { text: 'true or false', holds: (value) => typeof value === 'boolean' };
const COUNT: Rule = {
  text: 'a number of 0 or more',
  holds: (value) => Number.isFinite(value) && Number(value) >= 0,
};

/** `arguments` and `output` may be anything that is there already. */
const VALUE: Rule = { text: 'a value, not a promise', holds: (value) => !isThenable(value) };

export const EVENT_RULES: Readonly<Record<AgentEvent['type'], Rules>> = {
  'run.start': { session_id: TEXT },
  'message.delta': { delta: TEXT },
  'reasoning.delta': { delta: TEXT },
  'tool.call': { id: TEXT, name: TEXT, arguments: VALUE },
  'tool.result': { id: TEXT, is_error: FLAG, output: VALUE },
  'tool.approval': { id: TEXT, name: TEXT, arguments: VALUE },
  'session.replaced': { from: TEXT, to: TEXT },
  'events.dropped': { count: COUNT },
  usage: { input_tokens: COUNT, output_tokens: COUNT },
  'run.end': { stop_reason: TEXT },
};

/** Every type of event that there is. */
export const EVENT_TYPES = Object.keys(EVENT_RULES) as readonly AgentEvent['type'][];

/**
 * Checks an event. Engines are code of others and runners are other machines: without this, what they leave out would reach
 * the client as the text `undefined`, or the spans as `NaN`.
 *
 * @param value - what was sent
 * @param sender - who sent it, for the error
 * @throws {@link EnvelopeError} `ENGINE_FAILED`, naming the type of the event, the member and its rule, not the value
 */
export function checkEvent(value: unknown, sender: string): AgentEvent {
  const fault = faultOf(value);
  if (fault !== undefined) {
    disown(value, ...Object.values(Object(value)));
    throw engineFailed(`${sender} sent ${fault}`);
  }
  return value as AgentEvent;
}

function faultOf(value: unknown): string | undefined {
  if (!isJsonObject(value)) return 'an event that is not an object';
  const { type } = value;
  if (typeof type !== 'string') return 'an event without a type';
  if (!Object.hasOwn(EVENT_RULES, type)) return `an event of the unknown type ${quoted(type)}`;
  const broken = brokenMember(value, EVENT_RULES[type as AgentEvent['type']]);
  if (broken === undefined) return undefined;
  const { member, rule } = broken;
  return `an event of the type "${type}" that is not valid: ${member} ${rule}`;
}

/** The tokens that a provider has counted. It may count nothing, or give what is no count: an answer does not fail of it. */
export function usageOf(input: unknown, output: unknown): UsageEvent[] {
  const [input_tokens, output_tokens] = [input, output].map((count) =>
    COUNT.holds(count) ? Number(count) : undefined,
  );
  if (input_tokens === undefined && output_tokens === undefined) return [];
  return [{ type: 'usage', input_tokens: input_tokens ?? 0, output_tokens: output_tokens ?? 0 }];
}

/** The first member that breaks its rule. */
export function brokenMember(
  object: JsonObject,
  rules: Rules,
): { readonly member: string; readonly rule: string } | undefined {
  for (const [member, rule] of Object.entries(rules)) {
    if (!rule.holds(object[member])) return { member, rule: `must be ${rule.text}` };
  }
  return undefined;
}

/** As JSON, so that it stays on its line of the log; short, since it is the sender's. */
function quoted(type: string): string {
  return JSON.stringify(type.slice(0, 64));
}
