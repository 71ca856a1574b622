/** What a gateway has where workers do its runs: the engine, the route on which a run is read on, and one that kills a worker. */
import { queue, resumeRun, resumeSession } from 'express-agent-envelope/engines/queue';
import { uiMessageStream } from 'express-agent-envelope/protocols/ui-message-stream';
import { allowLoopback } from './loopback.js';

const connection = { path: process.env.REDIS_SOCKET };

/** A page that is loaded again has left, and comes back. */
export const queueEngine = queue({ connection, onClientLeft: 'continue' });

export function addQueueRoutes(app) {
  // The page of one gateway reads runs on through the other.
  app.get('/runs/:runId', allowLoopback, resumeRun({ connection }));
  // The chat reads on by its own id. The one person who can reach this demo may read all of it.
  const sessions = { connection, authorize: () => true, reply: uiMessageStream };
  app.get('/chat/:sessionId/stream', resumeSession(sessions));
  // No site of another origin can send a DELETE.
  app.delete('/workers/:name', (req, res) => {
    process.send({ kill: req.params.name });
    res.status(202).end();
  });
}
