/** A session id goes in, a chip in the colour of its session comes out. */
import { el } from './dom.js';

/** Hues from green to magenta: red is for what is missing. A golden angle keeps neighbours apart. */
const FIRST = 255;
const STEP = 137.5;
const SAVED = 'colours';
const seen = new Map(JSON.parse(sessionStorage.getItem(SAVED) ?? '[]'));
// After a reload the ids come in another order: each keeps its colour.
addEventListener('pagehide', () => sessionStorage.setItem(SAVED, JSON.stringify([...seen])));

export function hueOf(id) {
  if (!seen.has(id)) seen.set(id, 95 + ((FIRST - 95 + seen.size * STEP) % 245));
  return seen.get(id);
}

/** Without an id: what the chip says instead, and why, by the span's standing. */
const WITHOUT = {
  open: ['id …', 'waiting', 'The id is not known yet'],
  unfinished: ['unfinished', 'waiting', 'Its process is gone: how the span ended is not known'],
  none: ['no id', 'waiting', 'There was no id to carry'],
  missing: ['no session.id', 'missing', 'This span has no session.id'],
};

/** `standing` is what `standing()` says of a span; a turn's own chip is `open` until its id is known. */
export function chip(id, { engine = false, standing = 'none' } = {}) {
  if (id === undefined) {
    const [text, className, title] = WITHOUT[standing];
    return el('i', { className: `chip ${className}`, title }, text);
  }
  const isOther = standing === 'other';
  const what = engine ? 'The engine’s own id' : 'session.id';
  return el(
    'i',
    {
      className: `chip${engine ? ' engine' : ''}${isOther ? ' other' : ''}`,
      style: `--hue: ${hueOf(id)}`,
      title: `${what}: ${id}${isOther ? ', not the one that was sent' : ''}`,
      [engine ? 'data-engine-session' : 'data-session']: id,
    },
    shorten(id),
  );
}

/** The end tells ids apart: the front of many is the time they were made. */
export function shorten(id) {
  return id.length > 16 ? `${id.slice(0, 4)}…${id.slice(-6)}` : id;
}
