// winston: each line of a request has its fields.
import { getEnvelopeFields } from 'express-agent-envelope';
import winston from 'winston';

const fields = winston.format((info) => Object.assign(info, getEnvelopeFields()));
const logger = winston.createLogger({
  format: winston.format.combine(fields(), winston.format.json()),
  transports: [new winston.transports.Console()],
});

export async function answer(prompt) {
  logger.info('asked', { prompt });
  await new Promise((resolve) => setTimeout(resolve, 10));
  logger.info('answered', { prompt });
  return `re: ${prompt}`;
}
