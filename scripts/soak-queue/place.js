/** How many gateways and workers go in; real processes over a Redis come out, which can be killed and are started again. */
import { setTimeout } from 'node:timers/promises';
import { start } from '../../bench/child-process.js';

const NODE = new URL('node.js', import.meta.url);

/** A process of the queue, and those that stood in its place before. */
class Member {
  #options;
  #role;
  /** Undefined while it starts again. */
  process;
  /** The process ids that were killed. */
  killed = new Set();

  constructor(role, options) {
    this.#role = role;
    this.#options = JSON.stringify(options);
  }

  async start() {
    this.process = await start(NODE, this.#role, this.#options);
  }

  async kill() {
    const { process } = this;
    this.process = undefined;
    this.killed.add(process.pid);
    await process.kill();
    await this.start();
  }
}

/**
 * @param sizes - how many of each
 * @param connection - of Redis
 * @param options - more of them, for each role
 */
export async function startPlace(sizes, connection, options) {
  const members = (role, count) =>
    Array.from({ length: count }, () => new Member(role, { connection, ...options[role] }));
  const gateways = members('gateway', sizes.gateways);
  const workers = members('worker', sizes.workers);
  await Promise.all([...gateways, ...workers].map((member) => member.start()));
  const restarts = new Set();

  return {
    gateways,
    workers,
    /** One of the gateways that are there, by chance; never `other`, where there is another. */
    async gateway(random, other) {
      for (;;) {
        const there = gateways.filter(({ process }) => process !== undefined);
        const rest = there.filter(({ process }) => process.pid !== other?.pid);
        const found = pick(random, rest.length > 0 ? rest : there);
        if (found !== undefined) return found.process;
        await setTimeout(20);
      }
    },
    /** Kills one of these, by chance; it is started again at once. @returns whether there was one */
    kill(random, list) {
      const victim = pick(
        random,
        list.filter(({ process }) => process !== undefined),
      );
      if (victim === undefined) return false;
      const restart = victim.kill().finally(() => restarts.delete(restart));
      restarts.add(restart);
      return true;
    },
    isKilled: (pid) => [...gateways, ...workers].some(({ killed }) => killed.has(pid)),
    /** Waits until all are there again. */
    whole: () => Promise.all(restarts),
    /** What its processes say that must never happen. */
    async faults() {
      const told = [...gateways, ...workers].map(({ process }) => process.ask('faults'));
      return (await Promise.all(told)).flat();
    },
    stop() {
      for (const { process } of [...gateways, ...workers]) process?.stop();
    },
  };
}

const pick = (random, list) => list[Math.floor(random() * list.length)];
