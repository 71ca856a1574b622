import { conformance } from '../../../lib/engines/conformance/index.js';
import { defineEngine, run } from '../../../lib/engines/index.js';
import { queue, runWorker } from '../../../lib/engines/queue/index.js';
import { gate } from '../../helpers.js';
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

it.each<[item: string]>([['x'], ['']])(
  'a worker whose engine yields %j without a pause hears that nobody wants the run any more',
  async (item) => {
    const endless = 100_000;
    const over = gate();
    let steps = 0;
    const engine = defineEngine('endless', async function* (_request, signal) {
      try {
        while (!signal.aborted && steps++ < endless) yield item;
      } finally {
        over.open();
      }
    });
    const { connection } = redis;
    const name = `endless-${item}`;
    workers.push(runWorker(engine, { connection, name }));
    const gateway = queue({ connection, name });
    for await (const _ of run(gateway, { messages: [{ role: 'user', content: 'Hello' }] })) break;
    await over.opened;
    expect(steps).toBeLessThan(endless);
  },
);
