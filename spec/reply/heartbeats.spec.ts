import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../lib/engines/index.js';
import { remote } from '../../lib/engines/remote/index.js';

it('blank lines, the heartbeats of NDJSON, are passed over by remote()', async () => {
  const events = [
    { type: 'run.start', session_id: 'conv-1', engine: 'x' },
    { type: 'message.delta', delta: 'answer' },
    { type: 'run.end', stop_reason: 'stop' },
  ];
  const server = http.createServer(async (_req, res) => {
    res.setHeader('Content-Type', 'application/x-ndjson');
    for (const event of events) {
      res.write('\n');
      await sleep(1);
      res.write(`\n${JSON.stringify(event)}\n\n`);
    }
    res.end('\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { result } = run(remote({ url }), { messages: [{ role: 'user', content: 'hi' }] });
    expect(await result).toMatchObject({ output: 'answer', stopReason: 'stop' });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
