/** Ids of calls go in as an engine gives them; ids come out that no other call of the conversation has. */
import { activeSlot } from '../session/slot.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';

/** The parts of the request's messages, which the middleware of its protocol put into `inputs.messages`. */
export function partsOfRequest(): readonly JsonObject[] {
  const messages = activeSlot()?.data?.inputs.messages;
  const conversation: readonly unknown[] = Array.isArray(messages) ? messages : [];
  return conversation.flatMap((message) => Object(message).content).filter(isJsonObject);
}

/** Clients know a call by its id alone, and add the arguments of two into one; agents count their calls anew in each turn. */
export function createCallIds() {
  const calls = partsOfRequest().filter(({ type }) => type === 'tool.call');
  const taken = new Set(calls.map(({ id }) => id));
  const counts = new Map<string, number>();
  /** The calls of this run without a result, by the engine's id. */
  const waiting = new Map<string, Set<string>>();
  const newest = new Map<string, string>();
  return {
    ofCall(id: string): string {
      let count = counts.get(id) ?? 1;
      let own = id;
      for (; taken.has(own); own = `${id}-${count}`) count += 1;
      counts.set(id, count);
      taken.add(own);
      newest.set(id, own);
      waiting.set(id, (waiting.get(id) ?? new Set()).add(own));
      return own;
    },
    /** A call of an earlier run, which the user has approved, has its id already. */
    ofApproval: (id: string): string => [...(waiting.get(id) ?? [])].at(-1) ?? id,
    /** The oldest that waits; a second result, where none does, is of the newest. */
    ofResult(id: string): string {
      const [own = newest.get(id) ?? id] = waiting.get(id) ?? [];
      waiting.get(id)?.delete(own);
      return own;
    },
  };
}
