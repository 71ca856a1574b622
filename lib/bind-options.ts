/** The public options of `bind()` go in, a complete and frozen configuration comes out; whatever is wrong throws here, at start. */
import type { StreamType } from './reply/negotiate.js';
import { configError } from './shared/errors.js';
import { type Parsers, parseConfiguration } from './shared/option-parsing.js';

/** How a bound route replies. An explicit `undefined` means the default. */
export interface BindOptions {
  /**
   * The media type of a stream when the client has no preference: an `Accept` of any type, or none. A client that names a media
   * type gets that.
   * @defaultValue `'application/x-ndjson'`
   */
  readonly stream?: 'text/event-stream' | 'application/x-ndjson' | undefined;
}

const STREAMS: readonly StreamType[] = ['text/event-stream', 'application/x-ndjson'];

/** The options, complete. */
interface BindConfiguration {
  readonly stream: StreamType;
}

const PARSERS: Parsers<BindConfiguration> = {
  stream: (value = 'application/x-ndjson') => {
    const known = STREAMS.find((type) => type === value);
    if (known !== undefined) return known;
    throw configError('bind: stream', `must be one of ${STREAMS.join(', ')}`, value);
  },
};

/**
 * Parses the options of `bind()`.
 *
 * @throws TypeError naming the option, the rule and the value
 */
export function parseBindOptions(options?: BindOptions): BindConfiguration {
  return parseConfiguration('bind: options', PARSERS, options);
}
