/** An app and a port go in, a URL comes out; the process ends in order, with everything it serves. */
import { once } from 'node:events';
import { createServer } from 'node:http';

const HOST = '127.0.0.1';
const PATIENCE_MS = 5_000;

/** Listens on `port`, or on a free one when that is taken. */
export async function serve(app, port) {
  const server = createServer(app);
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    server.listen(0, HOST);
    await once(server, 'listening');
  }
  const stop = () => {
    server.close();
    // Each run sees its client leave, and lets go of what it holds. Then nothing keeps the process alive.
    server.closeAllConnections();
    if (process.connected) process.disconnect();
    setTimeout(() => process.exit(1), PATIENCE_MS).unref();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  // Whoever started this process is gone, however it went.
  process.once('disconnect', stop);
  process.channel?.unref();
  const url = `http://${HOST}:${server.address().port}`;
  process.send?.({ url });
  return url;
}
