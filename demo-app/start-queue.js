/** Starts the demo on more than one machine, in small: Redis, two gateways, two workers. `npm run demo:queue` calls it. */
import { end, isEnding, start, stopAtEnd } from './processes.js';
import { startRedis } from './redis.js';

const redis = await startRedis();
if (!redis) {
  console.error(`\n  The demo of the queue needs redis-server, and there is none on the PATH.
  Debian, Ubuntu: apt-get install redis-server. macOS: brew install redis. npm run demo goes without.\n`);
  process.exit(1);
}
stopAtEnd(redis.stop);
redis.child.once('exit', () => end(1));

const workers = new Map([
  ['worker 1', undefined],
  ['worker 2', undefined],
]);
await Promise.all([...workers.keys()].map((name) => keepWorker(name)));
if (isEnding()) process.exit();
const feeds = [...workers].map(([service, { url }]) => ({ service, url: `${url}/spans` }));
const second = await startGateway('gateway 2', { feeds, page: false });
feeds.unshift({ service: 'gateway 2', url: `${second?.url}/spans` });
// What one gateway has begun is read on through the other.
const first = await startGateway('gateway 1', { feeds, page: true, runs: `${second?.url}/runs` });
if (first && !isEnding()) console.log(introduction());

function startOn(name, script, env) {
  return start(script, { PROCESS_NAME: name, REDIS_SOCKET: redis.socket, ...env });
}

async function startGateway(name, queue) {
  const env = { QUEUE: JSON.stringify(queue), ...(!queue.page && { PORT: '0' }) };
  const gateway = await startOn(name, 'server', env);
  gateway?.child.once('exit', () => end(1));
  gateway?.child.on('message', ({ kill }) => workers.get(kill)?.child.kill('SIGKILL'));
  return gateway;
}

/** One that has died is replaced, under its name and at its place. It speaks slowly: there is to be time to kill it. */
async function keepWorker(name, port = '0') {
  const worker = await startOn(name, 'worker', { PORT: port, TOKENS_PER_SECOND: '4' });
  if (!worker) return;
  workers.set(name, worker);
  worker.child.once('exit', (_code, signal) => {
    if (isEnding()) return;
    console.log(`${name}  pid ${worker.child.pid} has died (${signal}); another one is started`);
    keepWorker(name, new URL(worker.url).port);
  });
}

function introduction() {
  const all = [['gateway 1', first], ['gateway 2', second], ...workers];
  const lines = all.map(([name, { url, child }]) => `    ${name}  ${url}  pid ${child.pid}`);
  return `
  The demo is at  ${first.url}

${lines.join('\n')}
    redis      ${redis.socket}  pid ${redis.child.pid}

  Ctrl-C ends it. Each finished span is one line below.
`;
}
