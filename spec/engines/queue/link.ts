/** A network that drops: a link to Redis, which a spec cuts or silences, and mends. Who starts it stops it. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Link {
  readonly port: number;
  /** Ends all connections, and refuses new ones. */
  cut(): void;
  /** Lets no byte through, and tells nobody: new connections are taken, and are as silent. */
  silence(): void;
  /** Lets bytes through again: what was held back, too. */
  mend(): Promise<void>;
  /** The same for new connections. Those that were silenced stay so, as behind a router that has forgotten them. */
  mendForNew(): void;
  stop(): Promise<void>;
}

export async function startLink(target: { host: string; port: number }): Promise<Link> {
  const sockets = new Set<Socket>();
  let silent = false;
  let server: Server;

  const forward = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on('data', (bytes) => to.write(bytes));
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (silent) from.pause();
  };
  const listen = async (port: number) => {
    server = createServer((client) => {
      const redis = connect(target);
      forward(client, redis);
      forward(redis, client);
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  };
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const port = await listen(0);
  return {
    port,
    cut() {
      server.close();
      destroyAll();
    },
    silence() {
      silent = true;
      for (const socket of sockets) socket.pause();
    },
    async mend() {
      silent = false;
      if (!server.listening) await listen(port);
      for (const socket of sockets) socket.resume();
    },
    mendForNew() {
      silent = false;
    },
    async stop() {
      destroyAll();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
