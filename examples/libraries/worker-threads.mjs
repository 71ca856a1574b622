// A worker thread: the id goes along as data, and the work runs in it.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@opentelemetry/api';
import { getSessionId, withSessionId } from 'express-agent-envelope';

if (!isMainThread) {
  parentPort.on('message', ({ sessionId, prompt }) =>
    withSessionId(sessionId, async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      trace.getTracer('worker').startSpan('work').end();
      parentPort.postMessage({ prompt, session_id: getSessionId(), text: `re: ${prompt}` });
    }),
  );
}

const worker = isMainThread ? new Worker(new URL(import.meta.url)) : undefined;
worker?.setMaxListeners(0);

export function answer(prompt) {
  worker.postMessage({ sessionId: getSessionId(), prompt });
  return new Promise((resolve) => {
    worker.on('message', function take(done) {
      if (done.prompt !== prompt) return;
      worker.off('message', take);
      console.log(JSON.stringify(done));
      resolve(done.text);
    });
  });
}

export const close = () => worker.terminate();
