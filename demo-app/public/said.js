/** A text goes in, a bubble comes out; a long text is clamped, with a button that opens it. */
import { el } from './dom.js';

const LONG = { characters: 800, lines: 12 };

export function createSaid(who) {
  const text = el('p');
  const button = el('button', { type: 'button', className: 'link' });
  const element = el('div', { className: `said ${who}` }, text);
  function open(isOpen) {
    text.classList.toggle('clamped', !isOpen);
    button.textContent = isOpen ? 'Show less' : 'Show all';
    button.setAttribute('aria-expanded', isOpen);
  }
  button.addEventListener('click', () => open(button.getAttribute('aria-expanded') !== 'true'));
  function show(news = '') {
    if (text.textContent === news) return;
    text.textContent = news;
    const isLong = news.length > LONG.characters || news.split('\n').length > LONG.lines;
    if (isLong && !button.isConnected) {
      element.append(button);
      open(false);
    }
  }
  return { element, show };
}
