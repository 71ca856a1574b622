import { getMaxListeners } from 'node:events';
import { getHeapSpaceStatistics } from 'node:v8';
import type { Request, Response } from 'express';
import { createHandlerIo } from '../../lib/reply/handler-io.js';
import { Client } from '../../lib/request/client.js';
import { deriveSlot } from '../../lib/session/slot.js';

const create = () => {
  const exchange = { on: () => {}, socket: undefined };
  const [req, res] = [{}, exchange] as unknown as [Request, Response];
  return {
    req,
    res,
    ...createHandlerIo(req, res, new Client(req, res), deriveSlot('s', undefined)),
  };
};

describe('the second argument of a bound handler', () => {
  it('has its own members, whichever way they are taken', () => {
    const { io, req, res } = create();
    const { signal, ...others } = { ...io };
    expect(Object.keys(io)).toEqual(['req', 'res', 'signal']);
    expect(others).toEqual({ req, res });
    expect(others.req).toBe(req);
    expect(signal).toBe(io.signal);
  });

  it.each(['req', 'res'] as const)('knows that %s was taken, and nothing before', (name) => {
    const { io, taken } = create();
    void io.signal;
    expect(taken.isTaken).toBe(false);
    void io[name];
    expect(taken.isTaken).toBe(true);
  });

  it('has them all when somebody freezes it', () => {
    const { io, req, res } = create();
    Object.freeze(io);
    expect([io.req, io.res, io.signal.aborted]).toEqual([req, res, false]);
    expect(io.signal).toBe(io.signal);
  });

  it('makes no signal that nobody reads', () => {
    const { io, taken } = create();
    expect(taken.signal).toBeUndefined();
    expect(io.signal).toBe(taken.signal);
  });

  // Node warns of a leak at the eleventh listener otherwise.
  it('has a signal that takes any number of listeners', () => {
    expect(getMaxListeners(create().io.signal)).toBe(Number.POSITIVE_INFINITY);
  });

  // What is there, only a full collection frees: until then each request would be kept.
  it('does not get into the old space', () => {
    const oldSpace = () =>
      getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')
        ?.space_used_size ?? 0;
    const grown = Array.from({ length: 21 }, () => {
      const before = oldSpace();
      for (let i = 0; i < 1000; i++) create();
      return (oldSpace() - before) / 1000;
    });
    // The middle one: a collection of the young generation moves what just then is alive, and a full one makes the space smaller.
    expect(grown.sort((a, b) => a - b)[10]).toBeLessThan(20);
  });
});
