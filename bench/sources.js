/** What the streamed routes yield; a stream says its first item at once, then waits for the start that all have together. */
import { setImmediate, setTimeout } from 'node:timers/promises';

/** Items of a stream after the first; singly each is a write of its own, and costs as many times more. */
export const EVENTS = { '/bursts': 400, '/singly': 60 };
const BURST = 10;
const event = { type: 'message.delta', delta: 'a word or two' };

export function createSources() {
  let go;
  let gate = new Promise((resolve) => {
    go = resolve;
  });
  const sources = {
    '/bursts': async function* () {
      yield event;
      await gate;
      for (let i = 0; i < EVENTS['/bursts']; i++) {
        if (i % BURST === 0) await setImmediate();
        yield event;
      }
    },
    '/singly': async function* () {
      yield event;
      await gate;
      for (let i = 0; i < EVENTS['/singly']; i++) {
        await setImmediate();
        yield event;
      }
    },
    '/first': async function* () {
      yield event;
      await setTimeout(2);
      yield event;
    },
    // For the reader that stalls: items of 1 kB, as fast as they are taken.
    '/endless': async function* () {
      const item = 'x'.repeat(1024);
      for (;;) yield item;
    },
  };
  const release = () => {
    go();
    gate = new Promise((resolve) => {
      go = resolve;
    });
  };
  return { sources, release };
}
