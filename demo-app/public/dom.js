/** A tag, its properties and its children go in, an element comes out: all the page needs of a framework. */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in element && name !== 'style') element[name] = value;
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Puts `children` into `list` in this order and moves nothing that stands right: focus and open details stay. */
export function arrange(list, children) {
  for (const [i, child] of children.entries()) {
    if (list.children[i] !== child) list.insertBefore(child, list.children[i] ?? null);
  }
  while (list.children.length > children.length) list.lastElementChild.remove();
}

export const toText = (value) =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2);

export const toDuration = (ms) =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
