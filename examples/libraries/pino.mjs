// pino: each line of a request has its fields.
import { getEnvelopeFields } from 'express-agent-envelope';
import pino from 'pino';

const logger = pino({ mixin: () => getEnvelopeFields() });

export async function answer(prompt) {
  logger.info({ prompt }, 'asked');
  await new Promise((resolve) => setTimeout(resolve, 10));
  logger.info({ prompt }, 'answered');
  return `re: ${prompt}`;
}
