/** A session id goes in, a chip in the colour of its session comes out. */
import { el } from './dom.js';

/** Hues from green to magenta: red is for what is missing. A golden angle keeps neighbours apart. */
const FIRST = 255;
const STEP = 137.5;
const seen = new Map();

export function hueOf(id) {
  if (!seen.has(id)) seen.set(id, 95 + ((FIRST - 95 + seen.size * STEP) % 245));
  return seen.get(id);
}

export function chip(id, { engine = false, waiting = false } = {}) {
  if (id === undefined) {
    return waiting
      ? el('i', { className: 'chip waiting', title: 'The id is not known yet' }, 'id …')
      : el(
          'i',
          { className: 'chip missing', title: 'This span has no session.id' },
          'no session.id',
        );
  }
  const what = engine ? 'The engine’s own id' : 'session.id';
  return el(
    'i',
    {
      className: engine ? 'chip engine' : 'chip',
      style: `--hue: ${hueOf(id)}`,
      title: `${what}: ${id}`,
      [engine ? 'data-engine-session' : 'data-session']: id,
    },
    shorten(id),
  );
}

/** The end tells ids apart: the front of many is the time they were made. */
export function shorten(id) {
  return id.length > 16 ? `${id.slice(0, 4)}…${id.slice(-6)}` : id;
}
