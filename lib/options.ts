/** The public options go in, a complete and frozen configuration comes out; whatever is wrong throws here, at start. */
import type { Request } from 'express';
import { type EnvelopeField, sessionId } from './request/field.js';
import { parseFieldList } from './request/field-list.js';
import type { ParsedField } from './request/parsed-field.js';
import {
  DEFAULT_SESSION_ATTRIBUTES,
  parseSessionAttributes,
  type SessionAttributePreset,
  type SessionAttributes,
} from './session/session-attributes.js';
import { configError } from './shared/errors.js';
import { type Parsers, parseBodyLimit, parseConfiguration } from './shared/option-parsing.js';
import { refuseMisuse } from './shared/uncalled.js';

/** What `agentEnvelope()` takes. An explicit `undefined` means the default. */
export interface AgentEnvelopeOptions {
  /**
   * The allowlist: the only names read from the envelope's top level besides the data. The first entry is
   * {@link sessionId}; further entries are a name or an {@link EnvelopeField}.
   * @defaultValue `[sessionId]`
   */
  readonly fields?: readonly (string | EnvelopeField)[] | undefined;
  /**
   * Largest body it parses itself: bytes as a positive number, or a string such as `'100kb'` or `'1mb'` (powers of 1024).
   * A larger one is a 413 `BODY_TOO_LARGE`. A body parser mounted before has its own limit.
   * @defaultValue `'1mb'`
   */
  readonly limit?: number | string | undefined;
  /**
   * What a request without a session id gets. `'anonymous'`: none, an engine's own id is used. `'mint'`: a random UUID.
   * `'require'`: a 400 `SESSION_REQUIRED`. An id that breaks the rule is a 400 in all three, never replaced.
   * @defaultValue `'anonymous'`
   */
  readonly absentSession?: 'anonymous' | 'mint' | 'require' | undefined;
  /**
   * May this caller speak in this session? An id on a request proves nothing: any client that knows the id can send it.
   * The function is called once per request that brings an id. Anything but `true`, and a throw, is a 403 `SESSION_FORBIDDEN`;
   * `problemDetails()` prints what was thrown.
   * @defaultValue none: ids are for correlation only
   */
  readonly authorize?:
    | ((sessionId: string, req: Request) => boolean | Promise<boolean>)
    | undefined;
  /**
   * Response header that repeats the session id, or `false` for none.
   * @defaultValue `'x-session-id'`
   */
  readonly responseHeader?: string | false | undefined;
  /**
   * Also put the id into W3C baggage, as `session.id`. Baggage travels to every host the app calls: leave it off unless all
   * of them may know the id.
   * @defaultValue `false`
   */
  readonly baggage?: boolean | undefined;
  /**
   * The span attributes that carry the session id: names of a {@link SessionAttributePreset} and of attributes of your own, 1 to 256
   * visible ASCII characters. An attribute that begins with `gen_ai.`, `llm.`, `ai.`, `traceloop.` or `braintrust.` goes onto
   * spans of AI only: those that have an attribute `gen_ai.*` from elsewhere. `[]`: the id is on no span.
   * @defaultValue `['otel', 'genai']`: `session.id` on every span, `gen_ai.conversation.id` on spans of AI
   */
  readonly sessionAttributes?: readonly (SessionAttributePreset | (string & {}))[] | undefined;
}

/** The options, complete. */
export interface Configuration {
  readonly fields: readonly ParsedField[];
  readonly limit: number | string;
  readonly absentSession: 'anonymous' | 'mint' | 'require';
  readonly authorize: AgentEnvelopeOptions['authorize'];
  readonly responseHeader: string | false;
  readonly baggage: boolean;
  readonly sessionAttributes: SessionAttributes;
}

const WHERE = 'agentEnvelope:';
const ABSENT_SESSION = ['anonymous', 'mint', 'require'] as const;
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

const FRAMING = /^(?:content-.*|transfer-encoding|connection|set-cookie)$/i;

const PARSERS: Parsers<Configuration> = {
  fields: (value = [sessionId]) => parseFieldList(value as [], `${WHERE} fields`),
  limit: (value) => parseBodyLimit(`${WHERE} limit`, value),
  absentSession: (value = 'anonymous') => {
    const known = ABSENT_SESSION.find((name) => name === value);
    if (known !== undefined) return known;
    throw configError(
      `${WHERE} absentSession`,
      `must be one of ${ABSENT_SESSION.join(', ')}`,
      value,
    );
  },
  authorize: (value) => {
    if (value === undefined || typeof value === 'function')
      return value as Configuration['authorize'];
    throw configError(`${WHERE} authorize`, 'must be a function', value);
  },
  responseHeader: (value = 'x-session-id') => {
    if (value === false) return value;
    if (typeof value === 'string' && TOKEN.test(value) && !FRAMING.test(value)) return value;
    throw configError(
      `${WHERE} responseHeader`,
      'must be a header name (not one that frames the response) or false',
      value,
    );
  },
  baggage: (value = false) => {
    if (typeof value === 'boolean') return value;
    throw configError(`${WHERE} baggage`, 'must be true or false', value);
  },
  sessionAttributes: (value) =>
    value === undefined
      ? DEFAULT_SESSION_ATTRIBUTES
      : parseSessionAttributes(value, `${WHERE} sessionAttributes`),
};

/**
 * Parses the options of `agentEnvelope()`.
 *
 * @throws TypeError naming the option, the rule and the value
 */
export function parseOptions(options?: AgentEnvelopeOptions): Configuration {
  refuseMisuse('agentEnvelope', options);
  if (Array.isArray(options)) {
    throw new TypeError(
      `${WHERE} options must be an object, got an array. Did you mean agentEnvelope({ fields: […] })?`,
    );
  }
  const configuration = parseConfiguration(`${WHERE} options`, PARSERS, options);
  refuseAttributesOfTheId(configuration);
  return configuration;
}

/** A field under an attribute of the session id would replace it. */
function refuseAttributesOfTheId({ fields, sessionAttributes }: Configuration): void {
  const taken: readonly (string | undefined)[] = Object.values(sessionAttributes).flat();
  const field = fields.find(({ attribute }) => taken.includes(attribute));
  if (field === undefined) return;
  throw configError(
    `${WHERE} fields`,
    'must not have an attribute of the session id',
    field.attribute,
  );
}
