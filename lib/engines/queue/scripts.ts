/**
 * The state of a run goes in and out, by Lua scripts: each is one step that happens whole or not at all, and may be sent twice.
 *
 * KEYS[1] is the run, a hash; KEYS[2] its events, a stream whose ids are 1-0, 2-0, 3-0 and so on; KEYS[3] a list of its session's
 * runs that are not over, the newest last. The name of the run's key is also the channel on which its readers are woken.
 *
 * | field of the run   | what it holds                                                            |
 * | ------------------ | ------------------------------------------------------------------------ |
 * | `session_id`       | the conversation's id; empty until an engine gives its own               |
 * | `state`            | `queued`, `running` or `ended`                                           |
 * | `owner`, `claims`  | the token of the worker that may write, and how often one took the job   |
 * | `start`            | `run.start`, and what the gateway must know of the engine's session      |
 * | `n`                | how many events were written                                             |
 * | `max`, `keep`      | how many of them are kept, and for how long (milliseconds) after the end |
 * | `silence`          | milliseconds that it may be silent before whoever reads it gives it up   |
 * | `list`             | KEYS[3], as soon as the run stands in it                                 |
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A script on the keys of one run. */
export type Script = (
  redis: Redis,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

function script(lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, args) => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error;
      return redis.eval(lua, keys.length, ...keys, ...args);
    }
  };
}

/** Puts the run into its session's list. Part of the scripts below. */
const ENLIST = `
local function enlist(life)
  redis.call('LREM', KEYS[3], 0, KEYS[1])
  redis.call('RPUSH', KEYS[3], KEYS[1])
  redis.call('PEXPIRE', KEYS[3], life)
  redis.call('HSET', KEYS[1], 'list', KEYS[3])
end
`;

/**
 * Ends the run: what is kept of it goes after `keep` milliseconds. Part of the scripts below. Who ends a run need not know its
 * session: a cluster has the list in the run's slot, since what is in the braces of `prefix` is the same.
 */
const END = `
local function finish(keep)
  local list = redis.call('HGET', KEYS[1], 'list')
  if list then redis.call('LREM', list, 0, KEYS[1]) end
  redis.call('HSET', KEYS[1], 'state', 'ended')
  redis.call('PEXPIRE', KEYS[1], keep)
  redis.call('PEXPIRE', KEYS[2], keep)
end
`;

/** Makes a run that waits. Part of the scripts below. */
const CREATE = `${ENLIST}
local function create(session, life, max, keep, silence)
  redis.call('HSET', KEYS[1], 'session_id', session, 'state', 'queued', 'n', 0, 'claims', 0, 'max', max, 'keep', keep, 'silence', silence)
  redis.call('PEXPIRE', KEYS[1], life)
  if session ~= '' then enlist(life) end
end
`;

/** ARGV: session id, milliseconds that a run may last, `max`, `keep`, `silence`. Its worker may have been faster. */
export const create = script(`${CREATE}
if redis.call('EXISTS', KEYS[1]) == 0 then create(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]) end
`);

/**
 * A worker has taken the job: from now on only its token may write. ARGV: the token, milliseconds that a run may last, the most
 * often that the job may be taken, and the worker's ceilings of `max` and `keep`; session id, `max`, `keep` and `silence` of a run
 * that its gateway may not have made yet. Returns a verdict, `session_id`, `start`, `n`.
 */
export const claim = script(`${CREATE}
if ARGV[6] and redis.call('EXISTS', KEYS[1]) == 0 then create(ARGV[6], ARGV[2], ARGV[7], ARGV[8], ARGV[9]) end
local run = redis.call('HMGET', KEYS[1], 'state', 'session_id', 'start', 'n', 'max', 'keep')
if not run[1] then return { 'gone' } end
if run[1] == 'ended' then return { 'over' } end
local claims = redis.call('HINCRBY', KEYS[1], 'claims', 1)
local max = math.min(tonumber(run[5]), tonumber(ARGV[4]))
local keep = math.min(tonumber(run[6]), tonumber(ARGV[5]))
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'state', 'running', 'max', max, 'keep', keep)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local verdict = 'run'
if claims > tonumber(ARGV[3]) then verdict = 'given-up' end
if tonumber(run[4]) > 0 then verdict = 'broken-off' end
return { verdict, run[2], run[3], tonumber(run[4]) }
`);

/**
 * ARGV: the token, the start, the session id, milliseconds that a run may last. Returns `ok`, or `lost` to a worker that may not
 * write any more.
 */
export const start = script(`${ENLIST}
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 'lost' end
redis.call('HSET', KEYS[1], 'start', ARGV[2], 'session_id', ARGV[3])
if redis.call('HEXISTS', KEYS[1], 'list') == 0 then enlist(ARGV[4]) end
redis.call('PUBLISH', KEYS[1], 0)
return 'ok'
`);

/**
 * ARGV: the token, how many events come before these, `1` when the run ends with them, milliseconds that a run may last, the
 * events. Returns as `start` does.
 */
export const append = script(`${END}
local run = redis.call('HMGET', KEYS[1], 'owner', 'n', 'max', 'keep')
local n = tonumber(run[2])
local before = tonumber(ARGV[2])
if run[1] ~= ARGV[1] or n < before then return 'lost' end
for i = 5, #ARGV do
  local id = before + i - 4
  if id > n then redis.call('XADD', KEYS[2], 'MAXLEN', run[3], id .. '-0', 'e', ARGV[i]) end
  n = math.max(n, id)
end
redis.call('HSET', KEYS[1], 'n', n)
if before == 0 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
if ARGV[3] == '1' then finish(run[4]) end
redis.call('PUBLISH', KEYS[1], n)
return 'ok'
`);

/**
 * Ends a run that is not over, whatever has become of its worker, which may not write any more. ARGV: the event that it ends with;
 * the token of the worker that ends its own run, or an empty text.
 */
export const end = script(`${END}
local run = redis.call('HMGET', KEYS[1], 'state', 'owner', 'n', 'max', 'keep')
if not run[1] or run[1] == 'ended' then return end
if ARGV[2] ~= '' and run[2] ~= ARGV[2] then return end
-- First of all: Redis takes what frees memory although it is full, and then the rest of the script.
redis.call('HDEL', KEYS[1], 'owner')
local n = tonumber(run[3]) + 1
redis.call('XADD', KEYS[2], 'MAXLEN', run[4], n .. '-0', 'e', ARGV[1])
redis.call('HSET', KEYS[1], 'n', n)
finish(run[5])
redis.call('PUBLISH', KEYS[1], n)
`);

/** ARGV: the number of the first event, how many at the most. Returns `start`, `n`, the events and `state`; nothing for no run. */
export const read = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return end
local run = redis.call('HMGET', KEYS[1], 'start', 'n', 'state')
return { run[1], tonumber(run[2]), redis.call('XRANGE', KEYS[2], ARGV[1] .. '-0', '+', 'COUNT', ARGV[2]), run[3] }
`);
