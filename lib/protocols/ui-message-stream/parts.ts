/** Text, reasoning and the calls of tools go in; the chunks that open and close their parts and steps come out. */

/** A chunk of the AI SDK's stream. */
export type Chunk = Readonly<Record<string, unknown>>;

/** Text and reasoning come in parts that are opened and closed, and after the results of tools in a new step. */
export function createParts() {
  let open: { readonly kind: 'text' | 'reasoning'; readonly id: string } | undefined;
  let count = 0;
  /** The step is open. An approved tool answers before the first one, in the step that asked. */
  let inStep = false;
  let stepOver = false;

  function* close(): Iterable<Chunk> {
    if (open !== undefined) yield { type: `${open.kind}-end`, id: open.id };
    open = undefined;
  }
  /** What the model says next is in this step, or begins one. */
  function* begin(): Iterable<Chunk> {
    yield* close();
    if (stepOver && inStep) yield { type: 'finish-step' };
    if (stepOver || !inStep) yield { type: 'start-step' };
    inStep = true;
    stepOver = false;
  }
  return {
    close,
    begin,
    *finish(): Iterable<Chunk> {
      yield* close();
      if (inStep) yield { type: 'finish-step' };
    },
    answered() {
      stepOver = true;
    },
    *delta(kind: 'text' | 'reasoning', delta: string): Iterable<Chunk> {
      if (open?.kind !== kind) {
        yield* begin();
        count += 1;
        open = { kind, id: String(count) };
        yield { type: `${kind}-start`, id: open.id };
      }
      yield { type: `${kind}-delta`, id: open.id, delta };
    },
  };
}
