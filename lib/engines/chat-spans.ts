/** What a run says, calls and counts goes in; a `chat` span for each call to the model comes out. */
import type { Attributes, Span } from '@opentelemetry/api';
import { endSpan, failSpan, setAttributes } from './guarded-span.js';

/**
 * The calls to the model in one run. Engines do not tell when they call it: a call is noticed by its first event, and began
 * when the step before it had ended. Its tokens come with its end, before its tools run or, with the AI SDK, after them.
 */
export class ChatSpans {
  readonly #start: (startTime: Date) => Span;
  #from = new Date();
  #open: Span | undefined;
  /** A call that has ended by calling tools, whose tokens may be told yet. */
  #called: { readonly span: Span | undefined; readonly from: Date; readonly to: Date } | undefined;
  /** The tokens of the last call have been told. */
  #counted = false;

  /** @param start - starts a span */
  constructor(start: (startTime: Date) => Span) {
    this.#start = start;
  }

  /** The model says something. */
  onDelta(): void {
    this.#forgetCalled();
    this.#counted = false;
    this.#open ??= this.#start(this.#from);
  }

  /** The model has called a tool. */
  onToolCall(): void {
    if (this.#counted || this.#called !== undefined) return;
    this.#called = { span: this.#open, from: this.#from, to: new Date() };
    this.#open = undefined;
  }

  /** A tool has answered: the model may be called again. */
  onToolResult(): void {
    this.#from = new Date();
    this.#counted = false;
  }

  /** The tokens of one call are told. */
  onUsage(attributes: Attributes): void {
    const { span = this.#open, from = this.#from, to } = this.#called ?? {};
    const counted = span ?? this.#start(from);
    setAttributes(counted, attributes);
    endSpan(counted, to);
    if (to === undefined) this.#from = new Date();
    this.#open = undefined;
    this.#called = undefined;
    this.#counted = true;
  }

  /** Ends what is open. */
  end(failure: string | undefined): void {
    this.#forgetCalled();
    if (failure !== undefined) failSpan(this.#open, failure);
    endSpan(this.#open);
  }

  #forgetCalled(): void {
    endSpan(this.#called?.span, this.#called?.to);
    this.#called = undefined;
  }
}
