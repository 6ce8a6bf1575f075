// Making and changing elements. Text is always set as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

function put(node, props) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'style') Object.entries(value).forEach(([key, v]) => node.style.setProperty(key, v));
    else if (name === 'value') node.value = value;
    else if (value === true) node.setAttribute(name, '');
    else node.setAttribute(name, value);
  }
  return node;
}

// h('a', {href: '#/', class: 'x', onclick: f}, 'text', otherNode, [more])
export function h(tag, props, ...children) {
  const node = put(document.createElement(tag), props);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function s(tag, props, ...children) {
  const node = put(document.createElementNS(SVG, tag), props);
  node.append(...children.flat(Infinity).filter(Boolean));
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Touches the page only where something differs, so that a second without change costs nothing.
export function text(node, value) {
  const wanted = String(value);
  if (node.textContent !== wanted) node.textContent = wanted;
}
export function attribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

// Children of `parent`, one an item: kept, moved, made and removed by key.
export function keyed(parent, items, keyOf, make, update) {
  const there = (parent.keyed ??= new Map());
  const wanted = new Set();
  let before = null;
  items.forEach((item, index) => {
    const key = keyOf(item, index);
    wanted.add(key);
    let node = there.get(key);
    if (!node) {
      node = make(item, index);
      there.set(key, node);
    }
    update?.(node, item, index);
    const place = before ? before.nextSibling : parent.firstChild;
    if (node !== place) parent.insertBefore(node, place);
    before = node;
  });
  for (const [key, node] of there) {
    if (wanted.has(key)) continue;
    node.remove();
    there.delete(key);
  }
}

// Has the browser keep a file: what is at an address, or a Blob.
export function save(name, what) {
  const href = typeof what === 'string' ? what : URL.createObjectURL(what);
  h('a', {href, download: name}).click();
  if (href !== what) setTimeout(() => URL.revokeObjectURL(href), 60000);
}

const SHAPES = {
  sun: 'M12 4V2m0 20v-2m8-8h2M2 12h2m13.7-5.7 1.4-1.4M4.9 19.1l1.4-1.4m0-11.4L4.9 4.9m14.2 14.2-1.4-1.4M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  close: 'M6 6l12 12M18 6 6 18',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  down: 'm6 9 6 6 6-6',
  right: 'm9 6 6 6-6 6',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  alert: 'M12 8v5m0 3h.01M12 3 2 20h20L12 3Z',
  pause: 'M9 6v12M15 6v12',
  play: 'M8 5v14l11-7-11-7Z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm9 2-4-4',
};
export function icon(name) {
  return s('svg', {viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true'}, s('path', {d: SHAPES[name]}));
}

// A button with a picture and a name for who does not see it.
export function iconButton(name, label, onclick, props = {}) {
  return h('button', {type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...props}, icon(name));
}
