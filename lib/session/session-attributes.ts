/** The `sessionAttributes` option goes in; under which attributes the id goes onto spans comes out. */
import { configError } from '../shared/errors.js';
import { nearest } from '../shared/nearest.js';

/** Under which attributes an id goes onto spans. */
export interface SessionAttributes {
  /** Their value is the id. */
  readonly ids: readonly string[];
  /** Their value is `true`, on the outermost span of the session in this process only. */
  readonly turns: readonly string[];
}

/**
 * What a backend groups a conversation by.
 *
 * `otel`: `session.id`, read by Langfuse, Phoenix, Arize AX, MLflow and Agenta.
 * Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/session/
 *
 * `genai`: `gen_ai.conversation.id`, on spans of AI, read by Sentry, Traceloop, Opik, Honeycomb, Observe and Dynatrace.
 * Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
 *
 * `langsmith`: `langsmith.metadata.thread_id`; LangSmith reads neither of the two, and wants its own on every run of a thread.
 * Source: https://docs.langchain.com/langsmith/trace-with-opentelemetry
 *
 * `posthog`: `$ai_session_id`. PostHog takes no span for one of AI by this name, so it is on all of them.
 * Source: https://posthog.com/docs/ai-observability/sessions
 *
 * `weave`: `wandb.thread_id`, and `wandb.is_turn` on the outermost span: each span that has it is a row of the thread.
 * Source: https://docs.wandb.ai/weave/guides/tracking/otel
 */
export type SessionAttributePreset = 'otel' | 'genai' | 'langsmith' | 'posthog' | 'weave';

const PRESETS: Readonly<Record<SessionAttributePreset, Partial<SessionAttributes>>> = {
  otel: { ids: ['session.id'] },
  genai: { ids: ['gen_ai.conversation.id'] },
  langsmith: { ids: ['langsmith.metadata.thread_id'] },
  posthog: { ids: ['$ai_session_id'] },
  weave: { ids: ['wandb.thread_id'], turns: ['wandb.is_turn'] },
};
const NAMES = Object.keys(PRESETS);

/** Visible characters without blanks, as the names of the semantic conventions are. */
const ATTRIBUTE = /^[!-~]{1,256}$/;

/**
 * Parses the option.
 *
 * @throws TypeError naming the entry and the rule
 */
export function parseSessionAttributes(value: unknown, place: string): SessionAttributes {
  if (!Array.isArray(value)) {
    throw configError(place, `must be an array of ${NAMES.join(', ')} and attribute names`, value);
  }
  const entries = Array.from(value, (entry, i) => parseEntry(entry, `${place}[${i}]`));
  const ids = entries.flatMap((entry) => entry.ids ?? []);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw configError(place, 'must name each attribute once', twice);
  return Object.freeze({
    ids: Object.freeze(ids),
    turns: Object.freeze(entries.flatMap((entry) => entry.turns ?? [])),
  });
}

function parseEntry(entry: unknown, place: string): Partial<SessionAttributes> {
  if (typeof entry !== 'string' || !ATTRIBUTE.test(entry)) {
    throw configError(place, `must be ${NAMES.join(', ')} or the name of a span attribute`, entry);
  }
  if (Object.hasOwn(PRESETS, entry)) return PRESETS[entry as SessionAttributePreset];
  // A name with a namespace is an attribute, however much its namespace looks like a preset.
  const meant = /[.$]/.test(entry) ? undefined : nearest(entry, NAMES);
  if (meant === undefined) return { ids: [entry] };
  throw configError(place, `is no attribute and no preset: did you mean '${meant}'?`, entry);
}

/** What the spans of a session carry unless `agentEnvelope()` says otherwise. */
export const DEFAULT_SESSION_ATTRIBUTES = parseSessionAttributes(['otel', 'genai'], 'default');

/**
 * Langfuse, Braintrust and PostHog export spans of AI, and tell them by a name of an attribute that begins like this, whichever it
 * is. Such an attribute on every span would send them each layer of Express and each SQL statement.
 */
const SIGN_OF_AI = /^(?:gen_ai|llm|ai|traceloop|braintrust)\./;

/** Whether an attribute of this name makes a backend take its span for one of AI. */
export const isSignOfAi = (attribute: string): boolean => SIGN_OF_AI.test(attribute);
