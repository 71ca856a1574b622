// queue() with BullMQ's own spans: they stand in the run's trace, between the gateway's span and the worker's.
import { BullMQOtel } from 'bullmq-otel';
import { run } from 'express-agent-envelope/engines';
import { queue, runWorker } from 'express-agent-envelope/engines/queue';

const connection = { path: process.env.REDIS_SOCKET };
const telemetry = new BullMQOtel({ tracerName: 'bullmq' });
const engine = queue({ connection, telemetry });

const echo = {
  name: 'echo',
  async open() {
    return { id: crypto.randomUUID(), prompt: answerTo, async close() {} };
  },
};
async function* answerTo({ messages }) {
  yield { type: 'message.delta', delta: `re: ${messages.at(-1).content}` };
  yield { type: 'run.end', stop_reason: 'stop' };
}
const worker = runWorker(echo, { connection, telemetry });

export async function answer(prompt) {
  const { output } = await run(engine, { messages: [{ role: 'user', content: prompt }] }).result;
  return output;
}

export const close = () => worker.close();
