/** What a run knows goes in, span attributes by the GenAI conventions come out. */
import type { Attributes } from '@opentelemetry/api';
import { SESSION_FIELD, spanAttributes } from '../request/parsed-field.js';

/** The engine's own session id is added to the platform's, and never replaces it. */
export function idAttributes(sessionId: string, engineSessionId: string): Attributes {
  const attributes = spanAttributes([SESSION_FIELD], { [SESSION_FIELD.name]: sessionId });
  return { ...attributes, 'engine.session.id': engineSessionId };
}

export function modelAttribute(model: string | undefined): Attributes {
  return model === undefined ? {} : { 'gen_ai.request.model': model };
}

export function usageAttributes(input: number, output: number): Attributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output };
}

/** `error.type`: a code or a name, which quote nothing. */
export function errorType(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return ([code, name].find((type) => typeof type === 'string') as string | undefined) ?? '_OTHER';
}

/** Content as text. @throws for what JSON cannot express: too deep, or a BigInt, say */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
