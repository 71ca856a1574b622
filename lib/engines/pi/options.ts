/** The options of `pi()` go in, a complete configuration comes out; whatever is wrong throws here, at start. */
import type { ToolDefinition } from '@earendil-works/pi-coding-agent';
import { isAbsent } from '../../request/field.js';
import { configError } from '../../shared/errors.js';
import { isJsonObject } from '../../shared/json.js';
import { type Parsers, parseConfiguration } from '../../shared/option-parsing.js';
import type { FauxOptions } from './faux.js';

/** What `pi()` takes. An explicit `undefined` means the default. */
export interface PiOptions {
  /**
   * The model: `'provider/model-id'` as Pi lists it, parted at the first slash, e.g. `'anthropic/claude-sonnet-4-5'`, or
   * `'faux'` for Pi's own provider without a network, a key or a model. A request's `model` wins over it. A model that Pi
   * does not know, and one whose provider has no key in the environment, is an `ENGINE_FAILED` (502) of the run.
   * @defaultValue Pi's choice among the models whose provider's key is in the environment; `ENGINE_FAILED` without any key
   */
  readonly model?: string | undefined;
  /**
   * The system prompt, not blank: Pi would put its own in place of a blank one, with paths of this machine. Pi appends the
   * date and the name of the temporary directory; a request's messages of the role `system` are appended, too.
   * @defaultValue `'You are a helpful assistant.'`
   */
  readonly instructions?: string | undefined;
  /**
   * Tools, as Pi's `defineTool` makes them. They run in this process, in the context of the run: spans they start belong to
   * its session. A tool that throws is a `tool.result` with `is_error`, and the model goes on; there is no limit to how often
   * it may call one. One that ignores its `signal` delays the end of an aborted run by up to two seconds.
   * @defaultValue none, not even Pi's own: those read, write and run programs on this host
   */
  readonly tools?: readonly ToolDefinition[] | undefined;
  /** How the model `'faux'` behaves. @defaultValue `{}` */
  readonly faux?: FauxOptions | undefined;
}

/** The options, complete. */
export interface PiConfiguration {
  readonly model: string | undefined;
  readonly instructions: string;
  readonly tools: readonly ToolDefinition[];
  readonly faux: FauxOptions;
}

const PARSERS: Parsers<PiConfiguration> = {
  model: (value) => {
    if (value === undefined || (typeof value === 'string' && /^(?:faux|[^/]+\/.+)$/.test(value))) {
      return value;
    }
    throw configError('pi: model', "must be 'faux' or 'provider/model-id'", value);
  },
  instructions: (value = 'You are a helpful assistant.') => {
    if (typeof value === 'string' && !isAbsent(value)) return value;
    throw configError('pi: instructions', 'must be text that is not blank', value);
  },
  tools: (value = []) => {
    if (!Array.isArray(value)) throw configError('pi: tools', 'must be an array', value);
    for (const [index, tool] of value.entries()) {
      const place = `pi: tools[${index}]`;
      if (!isJsonObject(tool) || typeof tool.execute !== 'function') {
        throw configError(place, "must be a tool of Pi's, with a method execute", tool);
      }
      if (typeof tool.name !== 'string' || isAbsent(tool.name)) {
        throw configError(`${place}.name`, 'must be text that is not blank', tool.name);
      }
      if (value.findIndex(({ name }) => name === tool.name) < index) {
        throw configError('pi: tools', 'must have unique names', tool.name);
      }
    }
    return Object.freeze([...value]);
  },
  faux: (value) => parseConfiguration('pi: faux', FAUX_PARSERS, value),
};

const FAUX_PARSERS: Parsers<FauxOptions> = {
  respond: (value) => {
    if (value === undefined || typeof value === 'function') return value as FauxOptions['respond'];
    throw configError('pi: faux.respond', 'must be a function', value);
  },
  tokensPerSecond: (value) => {
    if (value === undefined || (Number.isFinite(value) && Number(value) > 0)) {
      return value as number | undefined;
    }
    throw configError('pi: faux.tokensPerSecond', 'must be a number above 0', value);
  },
};

/**
 * Parses the options of `pi()`.
 *
 * @throws TypeError naming the option, the rule and the value
 */
export function parseOptions(options?: PiOptions): PiConfiguration {
  return parseConfiguration('pi: options', PARSERS, options);
}
