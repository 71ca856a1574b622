/** A Redis in which every client has its answer goes in; what is left there of jobs and open runs comes out. */
import { setTimeout } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

/** A run whose gateway and worker were both killed is taken up, and ends, some 15 s later. */
const WAIT_MS = 40_000;

export async function leftIn(connection) {
  const redis = new Redis({ ...connection, maxRetriesPerRequest: null });
  const jobs = new Queue('agent-runs', { connection: redis });
  const end = Date.now() + WAIT_MS;
  let left;
  do {
    await setTimeout(200);
    left = [...(await openJobs(jobs)), ...(await runningRuns(redis))];
  } while (left.length > 0 && Date.now() < end);
  await jobs.close();
  redis.disconnect();
  return left;
}

async function openJobs(jobs) {
  const counts = await jobs.getJobCounts();
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} jobs ${state}`);
}

/** A gateway that is killed between a run and its job leaves one that is queued, and expires: nobody has heard of it. */
async function runningRuns(redis) {
  const keys = (await redis.keys('bull:agent-runs:run:*')).filter((key) => !/:events$/.test(key));
  const asked = keys.reduce((all, key) => all.hget(key, 'state'), redis.pipeline());
  const states = await asked.exec();
  return keys.filter((_, i) => states[i][1] === 'running');
}
