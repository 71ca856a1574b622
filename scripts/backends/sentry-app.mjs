/** The spans of an app on Sentry 11, which does not make OpenTelemetry's. */
import * as Sentry from '@sentry/node';

export { middleware } from './sentry-11.mjs';

export const traceId = () => Sentry.getActiveSpan()?.spanContext().traceId;

export function answer(prompt) {
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'small' };
  return Sentry.startSpan({ name: 'chat small', op: 'gen_ai.chat', attributes }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return `re: ${prompt}`;
  });
}

export const close = () => Sentry.flush();
