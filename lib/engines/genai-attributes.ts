/** What a run knows goes in, span attributes by the GenAI conventions come out. */
import type { Attributes } from '@opentelemetry/api';
import { readText } from '../shared/thrown.js';

export function modelAttribute(model: string | undefined): Attributes {
  return model === undefined ? {} : { 'gen_ai.request.model': model };
}

export function usageAttributes(input: number, output: number): Attributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output };
}

/** `error.type`: a code or a name, which quote nothing. */
export function errorType(error: unknown): string {
  return readText(error, 'code') ?? readText(error, 'name') ?? '_OTHER';
}

/** Content as text. @throws for what JSON cannot express: too deep, or a BigInt, say */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
