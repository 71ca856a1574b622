import { conformance } from '../../../lib/engines/conformance/index.js';
import { queue, runWorker } from '../../../lib/engines/queue/index.js';
import { fail, smallEngine } from '../small-engine.js';
import { startTracing } from '../tracing.js';
import { type RedisServer, startRedis } from './redis.js';

let redis: RedisServer;
let tracing: ReturnType<typeof startTracing>;
const workers: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  tracing = startTracing();
  redis = await startRedis();
  const { connection } = redis;
  workers.push(runWorker(smallEngine(), { connection }));
  workers.push(runWorker(smallEngine(fail), { connection, name: 'failing' }));
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await redis.stop();
  await tracing.stop();
});

describe('queue() conforms: it', () => {
  const cases = conformance({
    engine: () => queue({ connection: redis.connection }),
    failingEngine: () => queue({ connection: redis.connection, name: 'failing' }),
    finishedSpans: () => tracing.finishedSpans(),
    quotes: true,
  });
  it.each([...cases])('$name', ({ test }) => test());
});
