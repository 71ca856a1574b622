/** A turn goes in, the waterfall of its spans comes out: a row each, with its session id. It grows as they come. */
import { chip } from './chip.js';
import { arrange, el, toDuration } from './dom.js';
import { isStopped, ownIdOf, standing } from './verdict.js';

const MIN_SCALE_MS = 40;

/** @returns `{ element, update }`; call `update` when the turn has changed */
export function createWaterfall(turn) {
  const element = el('ol', { className: 'waterfall' });
  const rows = new Map();
  let frame;

  function update() {
    const spans = inTreeOrder([...turn.spans.values()]);
    const start = Math.min(...spans.map(({ span }) => span.start));
    const length = Math.max(MIN_SCALE_MS, ...spans.map(({ span }) => endOf(span) - start));
    for (const { span, depth } of spans) {
      if (!rows.has(span.span_id)) rows.set(span.span_id, createRow());
      rows.get(span.span_id).update(span, standing(turn, span), depth, { start, length });
    }
    arrange(
      element,
      spans.map(({ span }) => rows.get(span.span_id).element),
    );
    // An open span grows by itself.
    cancelAnimationFrame(frame);
    if (spans.some(({ span }) => span.state === 'open')) frame = requestAnimationFrame(update);
  }
  return { element, update };
}

/** Not by the clock: a service need not have this machine's. */
function endOf({ state, start, ms, seenAt }) {
  return start + ms + (state === 'open' ? performance.now() - seenAt : 0);
}

function createRow() {
  const name = el('span', { className: 'name' });
  const service = el('span', { className: 'service' });
  const bar = el('i', { className: 'bar' });
  const ms = el('span', { className: 'ms' });
  const ids = el('span', { className: 'ids' });
  const attributes = el('dl', { className: 'attributes' });
  const summary = el(
    'summary',
    { className: 'span-row' },
    el('span', { className: 'label' }, name, service),
    el('span', { className: 'track' }, bar),
    ms,
    ids,
  );
  const element = el('li', { className: 'span' }, el('details', {}, summary, attributes));
  let shown;
  let shownStanding;
  return {
    element,
    update(span, idStanding, depth, { start, length }) {
      const percent = (value) => `${((100 * value) / length).toFixed(2)}%`;
      bar.style.left = percent(span.start - start);
      bar.style.width = percent(endOf(span) - span.start);
      if (span.state !== 'open')
        ms.textContent = span.state === 'unfinished' ? 'unfinished' : toDuration(span.ms);
      element.style.setProperty('--depth', depth);
      if (span === shown && idStanding === shownStanding) return;
      shown = span;
      shownStanding = idStanding;
      const { state, session_id } = span;
      const own = ownIdOf(span);
      Object.assign(element.dataset, {
        span: span.span_id,
        state,
        service: span.service,
        standing: idStanding,
      });
      element.classList.toggle('failed', span.failed && !isStopped(span));
      element.classList.toggle('stopped', isStopped(span));
      element.classList.toggle('without', idStanding === 'missing');
      name.textContent = span.name;
      service.textContent = span.service;
      ids.replaceChildren(
        chip(session_id, { standing: idStanding }),
        ...(own ? [chip(own, { engine: true })] : []),
      );
      bar.style.setProperty('--hue', ids.firstChild.style.getPropertyValue('--hue'));
      attributes.replaceChildren(
        ...Object.entries(span.attributes)
          .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
          .flatMap(([key, value]) => [el('dt', {}, key), el('dd', {}, String(value))]),
      );
    },
  };
}

/** The ids first. */
const FIRST = ['session.id', 'gen_ai.conversation.id', 'engine.session.id'];
const rank = (name) => FIRST.indexOf(name) + 1 || FIRST.length + 1;

/** Parents before children, siblings by time. The parent of a root is in the browser, or in nobody's feed. */
function inTreeOrder(spans) {
  const known = new Set(spans.map(({ span_id }) => span_id));
  const children = new Map();
  for (const span of spans) {
    const parent = known.has(span.parent_id) ? span.parent_id : undefined;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const walk = (parent, depth) =>
    (children.get(parent) ?? [])
      .sort((a, b) => a.start - b.start)
      .flatMap((span) => [{ span, depth }, ...walk(span.span_id, depth + 1)]);
  return walk(undefined, 0);
}
