/** A cluster of one node, which refuses what touches two slots at once, as any cluster does. */
import { type Node, start, stop, until } from '../nodes.js';
import { freePort, type RedisServer, startRedis } from './redis.js';
import { allFrames, numbers, stream, textOf } from './sse.js';

let redis: RedisServer;
const nodes: Node[] = [];
beforeAll(async () => {
  // Its own choice, 10,000 above the other port, may be none.
  const bus = ['--cluster-port', String(await freePort())];
  redis = await startRedis(false, ['--cluster-enabled', 'yes', ...bus]);
  await redis.client.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
  await until(async () => /cluster_state:ok/.test(await redis.client.cluster('INFO')));
});
afterAll(async () => {
  await Promise.all(nodes.map(stop));
  await redis.stop();
});

it('keeps the runs of a queue whose prefix is in braces, and of a session’s run that is read on', async () => {
  const args = [String(redis.connection.port), JSON.stringify({ prefix: '{bull}' })];
  const [worker, gateway] = await Promise.all(
    ['worker', 'gateway'].map(async (role) => {
      const node = await start('queue/process.mjs', [role, ...args]);
      nodes.push(node);
      return node;
    }),
  );
  const reply = await stream(gateway as Node, 'hold 3', 'conv-1');
  const again = await fetch(`${gateway?.url}/sessions/conv-1`);
  expect(again.status).toBe(200);
  await fetch(`${worker?.url}/go`, { method: 'POST' });
  const frames = await allFrames(again);
  expect(frames).toEqual(await allFrames(reply));
  expect(textOf(frames)).toBe(`${numbers(3)}the end`);
  expect(await redis.client.keys('*:session:*')).toEqual([]);
});
