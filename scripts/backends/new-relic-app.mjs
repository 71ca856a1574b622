/** The calls of an app on New Relic's agent, which does not make OpenTelemetry's spans. */
import { createRequire } from 'node:module';
import newrelic from 'newrelic';

export { middleware } from './new-relic.mjs';

// The agent sees openai's CommonJS build only.
const { OpenAI } = createRequire(import.meta.url)('openai');
const openai = new OpenAI();

export async function answer(prompt) {
  const messages = [{ role: 'user', content: prompt }];
  const { choices } = await openai.chat.completions.create({ model: 'small', messages });
  return choices[0].message.content;
}

export const traceId = () => newrelic.getTraceMetadata().traceId;

export const close = () =>
  new Promise((resolve) => {
    newrelic.shutdown({ collectPendingData: true }, resolve);
  });
