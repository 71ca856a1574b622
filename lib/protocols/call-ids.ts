/** Ids of calls go in as an engine gives them; ids come out that no other call of the conversation has. */
import { activeSlot } from '../session/slot.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';

/** The request's messages, which the middleware of its protocol put into `inputs.messages`; `undefined` outside of a request. */
export function messagesOfRequest(): readonly JsonObject[] | undefined {
  const data = activeSlot()?.data;
  if (data === undefined) return undefined;
  const { messages } = data.inputs;
  return Array.isArray(messages) ? messages.filter(isJsonObject) : [];
}

/** The parts of a message's content; none where it is text. */
export const partsOf = (content: unknown): readonly JsonObject[] =>
  Array.isArray(content) ? content.filter(isJsonObject) : [];

/** The parts of all of them. */
export const partsOfRequest = (): readonly JsonObject[] =>
  (messagesOfRequest() ?? []).flatMap(({ content }) => partsOf(content));

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
