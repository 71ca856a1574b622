/** The options of `rivet()` go in, a complete configuration comes out; whatever is wrong throws here, at start. */
import { configError } from '../../shared/errors.js';
import { isJsonObject } from '../../shared/json.js';
import {
  type Parsers,
  parseConfiguration,
  parseHttpUrl,
  parseTimeout,
} from '../../shared/option-parsing.js';
import { parseEventBytes } from '../response-body.js';

/** An answer that agents know. */
export type RivetReply = 'once' | 'always' | 'reject';

/** How an agent's question for permission is answered: at once, or by the user. */
export type RivetPermission = RivetReply | 'ask';

/** What an agent asks permission for. */
export interface RivetPermissionRequest {
  /** The tool call, by the `id` that its `tool.call` event has. */
  readonly id: string;
  /** Name of the tool, as in the `tool.call` event. */
  readonly name: string;
  /** What the agent shows to people, e.g. the command it wants to run. */
  readonly title: string | undefined;
  readonly arguments: unknown;
  /** The answers that the agent knows what to do with. */
  readonly replies: readonly RivetReply[];
}

/** What `rivet()` takes. An explicit `undefined` means the default. */
export interface RivetOptions {
  /**
   * URL of a running daemon, `http:` or `https:`. One that is down or refuses the token is an `ENGINE_FAILED` (502) of the
   * run. The agent works in a new directory under the daemon's `/tmp`, removed afterwards.
   * @defaultValue none: each run starts a daemon of its own, on a free port of 127.0.0.1, with a random token, without
   * telemetry, and ends it with all its children. That needs Linux or macOS.
   */
  readonly url?: string | URL | undefined;
  /** Token of the daemon at `url`. @defaultValue none */
  readonly token?: string | undefined;
  /**
   * The agent, by the daemon's name: `claude`, `codex`, `opencode`, `amp`, `pi`, `cursor`, `mock`. Another one, and one that
   * is not installed, is an `ENGINE_FAILED` (502) of the run: a daemon of its own installs nothing while a client waits,
   * unless `env` sets `SANDBOX_AGENT_REQUIRE_PREINSTALL` to `'0'`.
   * @defaultValue `'claude'`
   */
  readonly agent?: string | undefined;
  /**
   * Directory under which an own daemon finds its agents, in `sandbox-agent/bin`, and writes its logs: its `XDG_DATA_HOME`.
   * @defaultValue the user's
   */
  readonly dataHome?: string | undefined;
  /**
   * Environment of an own daemon and its agents, on top of this process's: keys of providers, say. `undefined` takes a
   * variable away.
   * @defaultValue `{}`
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Answer to an agent that asks permission to use a tool: `'once'` or `'always'` allow it, or a function decides. Agents
   * read and write files and run programs, here on behalf of any client that can send a request. A function that throws, or says
   * anything else, refuses and fails the run.
   *
   * `'ask'` leaves it to the user: the run ends with the event `tool.approval` and the stop reason `approval`. The next turn is a new
   * session of the agent. A call of the same tool with the same arguments is then what the user has decided about; once.
   * @defaultValue `'reject'`
   */
  readonly permissions?:
    | RivetPermission
    | ((request: RivetPermissionRequest) => RivetPermission | Promise<RivetPermission>)
    | undefined;
  /**
   * How long a session may take to open, its daemon included, in milliseconds; 1 to 2,147,483,647. Longer is an
   * `ENGINE_FAILED` with status 504.
   * @defaultValue 10,000
   */
  readonly startTimeoutMs?: number | undefined;
  /**
   * The longest message of the agent that is read, in bytes of its line; 1 to 536,870,888. A longer one is an `ENGINE_FAILED`
   * (502).
   * @defaultValue 16,777,216
   */
  readonly maxEventBytes?: number | undefined;
}

/** The options, complete. */
export interface RivetConfiguration {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly agent: string;
  readonly dataHome: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly permissions: NonNullable<RivetOptions['permissions']>;
  readonly startTimeoutMs: number;
  readonly maxEventBytes: number;
}

const PERMISSIONS: readonly unknown[] = [
  'once',
  'always',
  'reject',
  'ask',
] satisfies RivetPermission[];

export function isPermission(value: unknown): value is RivetPermission {
  return PERMISSIONS.includes(value);
}

const PARSERS: Parsers<RivetConfiguration> = {
  url: (value) => {
    if (value === undefined) return undefined;
    const url = parseHttpUrl('rivet: url', value);
    if (!url.search && !url.hash) return url.href.replace(/\/+$/, '');
    throw configError('rivet: url', 'must have no query', value);
  },
  token: (value) => {
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    throw configError('rivet: token', 'must be a string that is not empty', value);
  },
  agent: (value = 'claude') => {
    if (typeof value === 'string' && /^[\w.-]+$/.test(value)) return value;
    throw configError('rivet: agent', 'must be the name of an agent', value);
  },
  dataHome: (value) => {
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    throw configError('rivet: dataHome', 'must be the path of a directory', value);
  },
  env: (value = {}) => {
    const isText = (member: unknown) => member === undefined || typeof member === 'string';
    if (isJsonObject(value) && Object.values(value).every(isText)) {
      return Object.freeze({ ...value }) as RivetConfiguration['env'];
    }
    throw configError('rivet: env', 'must be an object of strings', value);
  },
  permissions: (value = 'reject') => {
    if (isPermission(value) || typeof value === 'function') {
      return value as RivetConfiguration['permissions'];
    }
    const rule = `must be one of ${PERMISSIONS.join(', ')}, or a function`;
    throw configError('rivet: permissions', rule, value);
  },
  startTimeoutMs: (value = 10_000) => parseTimeout('rivet: startTimeoutMs', value),
  maxEventBytes: (value) => parseEventBytes('rivet: maxEventBytes', value),
};

/**
 * Parses the options of `rivet()`.
 *
 * @throws TypeError naming the option, the rule and the value
 */
export function parseOptions(options?: RivetOptions): RivetConfiguration {
  const configuration = parseConfiguration('rivet: options', PARSERS, options);
  // An option without an effect is a mistake: a token that protects nothing, agents that are looked for elsewhere.
  const useless =
    configuration.url === undefined ? (['token'] as const) : (['dataHome', 'env'] as const);
  const misplaced = useless.find((name) => options?.[name] !== undefined);
  if (misplaced === undefined) return configuration;
  const why =
    configuration.url === undefined ? 'goes with url only' : 'is for an own daemon, not url';
  throw new TypeError(`rivet: ${misplaced} ${why}`);
}
