// BullMQ: the id is in the job, since a queue runs its jobs outside of the request.
import { Queue, QueueEvents, Worker } from 'bullmq';
import { getSessionId, withSessionId } from 'express-agent-envelope';

const connection = { path: process.env.REDIS_SOCKET };
const queue = new Queue('runs', { connection });
const events = new QueueEvents('runs', { connection });
const worker = new Worker(
  'runs',
  ({ data: { sessionId, prompt } }) =>
    withSessionId(sessionId, async () => {
      console.log(JSON.stringify({ prompt, session_id: getSessionId() }));
      return `re: ${prompt}`;
    }),
  { connection },
);

export async function answer(prompt) {
  const job = await queue.add('run', { sessionId: getSessionId(), prompt });
  return job.waitUntilFinished(events);
}

export const close = () => Promise.all([worker.close(), events.close(), queue.close()]);
