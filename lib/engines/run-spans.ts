/** A run's events go in, spans by the GenAI conventions come out: `invoke_agent`, under it `chat` and `execute_tool`. */
import { type Attributes, type Context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { diagnoseSpan } from '../session/self-diagnosis.js';
import { idAttributes, type SessionSlot } from '../session/slot.js';
import { guardTracing, idsOf, startSpan } from '../session/tracing.js';
import type { AgentRunResult } from '../shared/agent-run.js';
import type { AgentEvent, ToolCall } from '../shared/run-events.js';
import { ChatSpans } from './chat-spans.js';
import { decisionsOf } from './decisions.js';
import type { AgentEngine, EngineRequest } from './engine.js';
import { errorType, modelAttribute, toText, usageAttributes } from './genai-attributes.js';
import { toGenAiInput, toGenAiOutput } from './genai-messages.js';
import { endSpan, failSpan, setAttributes } from './guarded-span.js';

/** How a run ended. */
export type RunOutcome = { readonly error?: unknown } & Partial<
  Pick<AgentRunResult, 'messages' | 'usage' | 'stopReason'>
>;

/**
 * The spans of one run. None of its methods throws: see {@link guardTracing}.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/
 */
export class RunSpans {
  /** The context whose active span is `invoke_agent`: what the engine does belongs under it. */
  readonly context: Context;
  /** `undefined` where nothing traces. */
  readonly traceId: string | undefined;
  readonly #captureContent: boolean;
  readonly #agent: Span;
  readonly #tools = new Map<string, Span>();
  /** A call of an earlier run that the user has approved runs in this one. */
  readonly #approved: ReadonlyMap<string, ToolCall>;
  readonly #begin = new Date();
  readonly #chats = new ChatSpans((startTime) => this.#startChat(startTime));
  #model: string | undefined;
  #reasoning = '';
  /** What each span of the run carries. */
  #common: Attributes;
  #ended = false;

  /**
   * Opens the span of the run under `parent`.
   *
   * @param captureContent - whether messages, arguments and results go onto spans
   */
  constructor(
    engine: AgentEngine,
    request: EngineRequest,
    parent: Context,
    captureContent: boolean,
  ) {
    this.#captureContent = captureContent;
    this.#model = request.model;
    const approved = decisionsOf(request.messages).filter((decision) => decision.approved);
    this.#approved = new Map(approved.map(({ call }) => [call.id, call]));
    this.#common = {
      'gen_ai.provider.name': engine.provider ?? engine.name,
      'gen_ai.agent.name': engine.name,
    };
    const operation = { 'gen_ai.operation.name': 'invoke_agent' };
    const attributes = { ...this.#common, ...operation, ...modelAttribute(request.model) };
    const agent = startSpan(`invoke_agent ${engine.name}`, { attributes }, parent);
    this.#agent = agent;
    diagnoseSpan(agent);
    this.#capture(agent, 'gen_ai.input.messages', () => toGenAiInput(request.messages));
    this.context = guardTracing(() => trace.setSpan(parent, agent), parent);
    this.traceId = idsOf(agent)?.traceId;
  }

  /**
   * The ids are known: they go onto `invoke_agent`, and onto every span from now on. The engine's own is beside the session's, and
   * never replaces it.
   */
  setIds(slot: SessionSlot, engineSessionId: string): void {
    const ids = { ...idAttributes(slot), 'engine.session.id': engineSessionId };
    this.#common = { ...this.#common, ...ids };
    setAttributes(this.#agent, ids);
  }

  /** The model and its provider are known, or known better. */
  setModel(model: string | undefined, provider: string | undefined): void {
    this.#model = model ?? this.#model;
    if (provider !== undefined) {
      this.#common = { ...this.#common, 'gen_ai.provider.name': provider };
    }
    setAttributes(this.#agent, { ...this.#common, ...modelAttribute(this.#model) });
  }

  /** Follows the run. */
  onEvent(event: AgentEvent): void {
    if (event.type === 'message.delta' || event.type === 'reasoning.delta') this.#chats.onDelta();
    if (event.type === 'reasoning.delta' && this.#captureContent) this.#reasoning += event.delta;
    if (event.type === 'usage') {
      this.#chats.onUsage(usageAttributes(event.input_tokens, event.output_tokens));
    }
    if (event.type === 'tool.call') {
      this.#chats.onToolCall();
      const { id } = event;
      const span = this.#startTool(event.name, id);
      this.#capture(span, 'gen_ai.tool.call.arguments', () => event.arguments);
      endSpan(this.#tools.get(id));
      this.#tools.set(id, span);
    }
    // The call waits for the user: it does not run.
    if (event.type === 'tool.approval') {
      endSpan(this.#tools.get(event.id));
      this.#tools.delete(event.id);
    }
    if (event.type === 'tool.result') {
      const span = this.#tools.get(event.id) ?? this.#startApproved(event.id);
      if (event.is_error) failSpan(span, 'tool_error');
      this.#capture(span, 'gen_ai.tool.call.result', () => event.output);
      endSpan(span);
      this.#tools.delete(event.id);
      this.#chats.onToolResult();
    }
  }

  /** Ends what is open; only the first end counts. */
  end({ error, stopReason, usage, messages }: RunOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    const failure = error === undefined ? undefined : errorType(error);
    this.#chats.end(failure);
    for (const span of this.#tools.values()) {
      if (failure !== undefined) failSpan(span, failure);
      endSpan(span);
    }
    if (failure !== undefined) failSpan(this.#agent, failure);
    if (stopReason !== undefined) {
      setAttributes(this.#agent, { 'gen_ai.response.finish_reasons': [stopReason] });
    }
    if (usage) setAttributes(this.#agent, usageAttributes(usage.inputTokens, usage.outputTokens));
    const answer = messages?.at(-1);
    if (answer !== undefined) {
      const output = () => toGenAiOutput(answer.content, this.#reasoning, stopReason);
      this.#capture(this.#agent, 'gen_ai.output.messages', output);
    }
    endSpan(this.#agent);
  }

  /** By the conventions a tool runs here (INTERNAL), and a model elsewhere (CLIENT). */
  #startTool(name: string, id: string, startTime?: Date): Span {
    const own = { 'gen_ai.tool.name': name, 'gen_ai.tool.call.id': id };
    const attributes = { ...this.#common, 'gen_ai.operation.name': 'execute_tool', ...own };
    const options = { kind: SpanKind.INTERNAL, attributes, ...(startTime && { startTime }) };
    return startSpan(name ? `execute_tool ${name}` : 'execute_tool', options, this.context);
  }

  /** An approved call has no `tool.call` in this run, which begins with it. */
  #startApproved(id: string): Span | undefined {
    const call = this.#approved.get(id);
    return call && this.#startTool(call.name, id, this.#begin);
  }

  #startChat(startTime: Date): Span {
    const model = this.#model;
    const operation = { 'gen_ai.operation.name': 'chat' };
    const attributes = { ...this.#common, ...operation, ...modelAttribute(model) };
    const options = { kind: SpanKind.CLIENT, attributes, startTime };
    return startSpan(model ? `chat ${model}` : 'chat', options, this.context);
  }

  /** Puts content on a span if `captureContent` is set. Content that JSON cannot express is left out. */
  #capture(span: Span | undefined, attribute: string, content: () => unknown): void {
    if (!this.#captureContent) return;
    guardTracing(() => span?.setAttribute(attribute, toText(content())));
  }
}
