/** The options of `aiSdk()` go in, a complete configuration comes out; whatever is wrong throws here, at start. */
import type { LanguageModel, ToolSet } from 'ai';
import { configError } from '../../shared/errors.js';
import { isJsonObject } from '../../shared/json.js';
import { type Parsers, parseConfiguration } from '../../shared/option-parsing.js';

/** What `aiSdk()` takes. An explicit `undefined` means the default. */
export interface AiSdkOptions {
  /**
   * A model of a provider's package, e.g. `anthropic('claude-sonnet-4-5')`, or the name of one for the SDK's global provider,
   * e.g. `'anthropic/claude-sonnet-4.5'`. A request's `model` wins over a name; beside a model it is an `ENGINE_FAILED` (502) of the
   * run, unless it is the same.
   */
  readonly model: LanguageModel;
  /** The system prompt; a request's messages of the role `system` are appended. @defaultValue none */
  readonly instructions?: string | undefined;
  /**
   * Tools, as the SDK's `tool()` makes them. They run in this process, in the context of the run. A tool that throws is a
   * `tool.result` with `is_error`, and the model goes on.
   * @defaultValue none
   */
  readonly tools?: ToolSet | undefined;
  /**
   * What becomes of a tool with `needsApproval` (`ai` 6 and 7; `ai` 5 runs it). `'reject'`: it is denied. `'ask'`: the run ends with an
   * event `tool.approval` for each, and the stop reason `approval`; the tool runs in the next turn, if the user approves it. The
   * conversation is the client's word, so is its approval: what a user may do is for the tool to check.
   * @defaultValue `'reject'`
   */
  readonly approvals?: 'ask' | 'reject' | undefined;
  /**
   * How often the model is called in one run, at most; 1 or more. Where the last call asks for tools, the run ends after them with
   * the reason `tool-calls`.
   * @defaultValue 20
   */
  readonly maxSteps?: number | undefined;
}

/** The options, complete. */
export interface AiSdkConfiguration {
  readonly model: LanguageModel;
  readonly instructions: string | undefined;
  readonly tools: ToolSet;
  readonly approvals: 'ask' | 'reject';
  readonly maxSteps: number;
}

const PARSERS: Parsers<AiSdkConfiguration> = {
  model: (value) => {
    const isName = typeof value === 'string' && value !== '';
    if (isName || (isJsonObject(value) && typeof value.doStream === 'function')) {
      return value as LanguageModel;
    }
    throw configError('aiSdk: model', 'must be a language model of the AI SDK, or a name', value);
  },
  instructions: (value) => {
    if (value === undefined || typeof value === 'string') return value;
    throw configError('aiSdk: instructions', 'must be a string', value);
  },
  tools: (value = {}) => {
    if (isJsonObject(value) && Object.values(value).every(isJsonObject)) return value as ToolSet;
    throw configError('aiSdk: tools', 'must be an object of tools by their names', value);
  },
  approvals: (value = 'reject') => {
    if (value === 'ask' || value === 'reject') return value;
    throw configError('aiSdk: approvals', 'must be ask or reject', value);
  },
  maxSteps: (value = 20) => {
    if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value);
    throw configError('aiSdk: maxSteps', 'must be a whole number of 1 or more', value);
  },
};

/**
 * Parses the options of `aiSdk()`.
 *
 * @throws TypeError naming the option, the rule and the value
 */
export function parseOptions(options: AiSdkOptions): AiSdkConfiguration {
  return parseConfiguration('aiSdk: options', PARSERS, options);
}
