/** A run's events go in, spans by the GenAI conventions come out: `invoke_agent`, under it `chat` and `execute_tool`. */
import {
  type Attributes,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  trace,
} from '@opentelemetry/api';
import { SESSION_FIELD, spanAttributes } from '../request/parsed-field.js';
import type { AgentEvent } from '../shared/run-events.js';
import type { AgentEngine, EngineRequest } from './engine.js';

/** The engine's own session id, beside the platform's. */
const ENGINE_SESSION_ID = 'engine.session.id';

/** The spans of one run. */
export interface RunSpans {
  /** The context whose active span is `invoke_agent`: what the engine does belongs under it. */
  readonly context: Context;
  /** `undefined` where nothing traces. */
  readonly traceId: string | undefined;
  /** The id is known: it goes onto `invoke_agent`, and onto every span from now on. */
  settle(ids: { readonly sessionId: string; readonly engineSessionId: string }): void;
  /** Follows the run. */
  event(event: AgentEvent): void;
  /** The model and its provider are known, or known better. */
  know(facts: { readonly model: string | undefined; readonly provider: string | undefined }): void;
  /** Ends what is open; only the first end counts. */
  end(outcome: RunOutcome): void;
}

export interface RunOutcome {
  readonly error?: unknown;
  readonly stopReason?: string;
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number } | undefined;
  readonly output?: string;
}

/**
 * Opens the spans of a run under `parent`.
 *
 * @param captureContent - whether messages, arguments and results go onto spans
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/
 */
export function openRunSpans(
  engine: AgentEngine,
  request: EngineRequest,
  parent: Context,
  captureContent: boolean,
): RunSpans {
  const tracer = trace.getTracer('express-agent-envelope');
  let model = request.model;
  let common: Attributes = {
    'gen_ai.provider.name': engine.provider ?? engine.name,
    'gen_ai.agent.name': engine.name,
  };
  const agent = tracer.startSpan(
    `invoke_agent ${engine.name}`,
    {
      attributes: { ...common, 'gen_ai.operation.name': 'invoke_agent', ...modelAttribute(model) },
    },
    parent,
  );
  if (captureContent) {
    agent.setAttribute('gen_ai.input.messages', JSON.stringify(request.messages));
  }
  const ctx = trace.setSpan(parent, agent);
  const tools = new Map<string, Span>();
  let chat: Span | undefined;
  let ended = false;
  // A call to the model shows in its first event; it began when the last thing before it was done.
  let chatStart: TimeInput = new Date();

  const child = (name: string, operation: string, attributes: Attributes, startTime?: TimeInput) =>
    tracer.startSpan(
      name,
      {
        // By the conventions: the model is elsewhere, a tool is here.
        kind: operation === 'chat' ? SpanKind.CLIENT : SpanKind.INTERNAL,
        attributes: { ...common, 'gen_ai.operation.name': operation, ...attributes },
        ...(startTime !== undefined && { startTime }),
      },
      ctx,
    );
  const openChat = () => {
    chat ??= child(model ? `chat ${model}` : 'chat', 'chat', modelAttribute(model), chatStart);
    return chat;
  };
  const endChat = () => {
    chat?.end();
    chat = undefined;
    chatStart = new Date();
  };

  return {
    context: ctx,
    traceId: trace.isSpanContextValid(agent.spanContext())
      ? agent.spanContext().traceId
      : undefined,
    settle({ sessionId, engineSessionId }) {
      const ids = {
        ...spanAttributes([SESSION_FIELD], { [SESSION_FIELD.name]: sessionId }),
        [ENGINE_SESSION_ID]: engineSessionId,
      };
      common = { ...common, ...ids };
      agent.setAttributes(ids);
    },
    know(facts) {
      model = facts.model ?? model;
      if (facts.provider !== undefined) {
        common = { ...common, 'gen_ai.provider.name': facts.provider };
      }
      agent.setAttributes({ ...common, ...modelAttribute(model) });
    },
    event(event) {
      if (event.type === 'message.delta') openChat();
      if (event.type === 'usage') {
        openChat().setAttributes(usageAttributes(event.input_tokens, event.output_tokens));
        endChat();
      }
      if (event.type === 'tool.call') {
        if (chat !== undefined) endChat();
        const { id, name } = event;
        const span = child(`execute_tool ${name}`, 'execute_tool', {
          'gen_ai.tool.name': name,
          'gen_ai.tool.call.id': id,
        });
        if (captureContent) {
          span.setAttribute('gen_ai.tool.call.arguments', toText(event.arguments));
        }
        tools.get(id)?.end();
        tools.set(id, span);
      }
      if (event.type === 'tool.result') {
        const span = tools.get(event.id);
        if (event.is_error) fail(span, 'tool_error');
        if (captureContent) span?.setAttribute('gen_ai.tool.call.result', toText(event.output));
        span?.end();
        tools.delete(event.id);
        chatStart = new Date();
      }
    },
    end({ error, stopReason, usage, output }) {
      if (ended) return;
      ended = true;
      const name = error === undefined ? undefined : errorType(error);
      for (const span of [...tools.values(), ...(chat ? [chat] : [])]) {
        if (name !== undefined) fail(span, name);
        span.end();
      }
      if (name !== undefined) fail(agent, name);
      if (stopReason !== undefined) {
        agent.setAttribute('gen_ai.response.finish_reasons', [stopReason]);
      }
      if (usage) agent.setAttributes(usageAttributes(usage.inputTokens, usage.outputTokens));
      if (captureContent && output !== undefined) {
        const message = [{ role: 'assistant', content: output }];
        agent.setAttribute('gen_ai.output.messages', JSON.stringify(message));
      }
      agent.end();
    },
  };
}

function modelAttribute(model: string | undefined): Attributes {
  return model === undefined ? {} : { 'gen_ai.request.model': model };
}

function usageAttributes(input: number, output: number): Attributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output };
}

/** The type only: a message may quote the conversation. */
function fail(span: Span | undefined, type: string): void {
  span?.setAttribute('error.type', type);
  span?.setStatus({ code: SpanStatusCode.ERROR });
}

function errorType(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return ([code, name].find((type) => typeof type === 'string') as string | undefined) ?? '_OTHER';
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
