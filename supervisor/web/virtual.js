// Tables and lists of any length: only the rows that can be seen are in the page.

import {h, text, attribute} from './dom.js';

const SPARE = 6;  // rows above and below what is seen

// columns: [{id, head, num, width, value(row) for sorting, text(row), make(), update(node, row)}]
export function virtualTable({label, columns, rowHeight = 36, height = 560, sort, choose}) {
  let rows = [];
  let shown = [];
  let order = sort ?? {id: columns[0].id, down: false};
  const above = h('tr', {class: 'space', 'aria-hidden': 'true'}, h('td', {colspan: columns.length}));
  const below = h('tr', {class: 'space', 'aria-hidden': 'true'}, h('td', {colspan: columns.length}));
  const body = h('tbody', {}, above, below);
  const heads = columns.map((column) => h('th', {scope: 'col', class: column.num ? 'num' : null, style: {width: `${column.width ?? 100}px`}},
    column.value ? h('button', {type: 'button', class: 'sort', onclick: () => sortBy(column)}, column.head, h('span', {class: 'sort-mark', 'aria-hidden': 'true'})) : column.head));
  const table = h('table', {class: 'rows virtual', style: {'min-width': `${columns.reduce((sum, column) => sum + (column.width ?? 100), 0)}px`}},
    h('caption', {class: 'hidden-text'}, label), h('thead', {}, h('tr', {}, heads)), body);
  const node = h('div', {class: 'virtual-view', tabindex: 0, role: 'region', 'aria-label': label, style: {'max-height': `${height}px`}}, table);

  function sortBy(column) {
    order = {id: column.id, down: order.id === column.id ? !order.down : Boolean(column.num)};
    update(rows);
  }
  function update(next) {
    rows = next;
    const by = columns.find((column) => column.id === order.id);
    if (by?.value) {
      const known = rows.map((row, at) => ({row, at, value: by.value(row)}));
      known.sort((a, b) => {
        const one = typeof a.value === 'string' ? a.value.localeCompare(b.value, 'en', {numeric: true}) : (a.value ?? -Infinity) - (b.value ?? -Infinity);
        return (order.down ? -one : one) || a.at - b.at;
      });
      rows = known.map((one) => one.row);
    }
    columns.forEach((column, at) => {
      attribute(heads[at], 'aria-sort', column.id === order.id ? (order.down ? 'descending' : 'ascending') : null);
      const mark = heads[at].querySelector('.sort-mark');
      if (mark) text(mark, column.id === order.id ? (order.down ? '▾' : '▴') : '');
    });
    attribute(table, 'aria-rowcount', rows.length + 1);
    draw();
  }
  function makeRow() {
    const cells = columns.map((column, at) => h(at === 0 ? 'th' : 'td', {scope: at === 0 ? 'row' : null, class: column.num ? 'num' : null}, column.make?.()));
    const row = h('tr', {style: {height: `${rowHeight}px`}}, cells);
    if (choose) {
      const open = h('button', {type: 'button', class: 'link', onclick: () => choose(row.item)});
      cells[0].append(open);
    }
    return row;
  }
  function draw() {
    const first = Math.max(0, Math.floor(node.scrollTop / rowHeight) - SPARE);
    const count = Math.min(rows.length - first, Math.ceil((node.clientHeight || height) / rowHeight) + 2 * SPARE);
    while (shown.length > Math.max(0, count)) shown.pop().remove();
    while (shown.length < count) {
      const row = makeRow();
      shown.push(row);
      body.insertBefore(row, below);
    }
    for (let at = 0; at < count; ++at) {
      const item = rows[first + at];
      const row = shown[at];
      row.item = item;
      attribute(row, 'aria-rowindex', first + at + 2);
      columns.forEach((column, place) => {
        const cell = row.children[place];
        if (column.update) column.update(cell.firstChild, item);
        else text(place === 0 && choose ? cell.firstChild : cell, column.text(item));
        if (column.title) attribute(cell, 'title', column.title(item));
        if (column.mark) attribute(cell, 'data-mark', column.mark(item));
      });
    }
    above.firstChild.style.setProperty('height', `${first * rowHeight}px`);
    below.firstChild.style.setProperty('height', `${Math.max(0, rows.length - first - count) * rowHeight}px`);
    above.hidden = first === 0;
    below.hidden = rows.length - first - count <= 0;
  }
  node.addEventListener('scroll', () => requestAnimationFrame(draw), {passive: true});
  node.update = update;
  return node;
}

// Lines of the same height. `make(item)` -> element; kept by the item itself.
export function virtualList({label, rowHeight = 22, height = 560, least = 0, make, follow = false}) {
  let items = [];
  const made = new Map();
  const sheet = h('div', {class: 'list-sheet', role: 'list'});
  const node = h('div', {class: 'virtual-view list', tabindex: 0, role: 'region', 'aria-label': label, style: {height: `${height}px`}}, sheet);
  let atEnd = true;
  function draw() {
    const first = Math.max(0, Math.floor(node.scrollTop / rowHeight) - SPARE);
    const last = Math.min(items.length, first + Math.ceil(node.clientHeight / rowHeight) + 2 * SPARE);
    const wanted = new Set(items.slice(first, last));
    for (const [item, line] of made) {
      if (wanted.has(item)) continue;
      line.remove();
      made.delete(item);
    }
    for (let at = first; at < last; ++at) {
      let line = made.get(items[at]);
      if (!line) {
        line = make(items[at]);
        line.setAttribute('role', 'listitem');
        made.set(items[at], line);
        sheet.append(line);
      }
      line.style.setProperty('top', `${at * rowHeight}px`);
    }
  }
  node.addEventListener('scroll', () => {
    atEnd = node.scrollTop + node.clientHeight >= node.scrollHeight - 2 * rowHeight;
    requestAnimationFrame(draw);
  }, {passive: true});
  node.update = (next) => {
    items = next;
    sheet.style.setProperty('height', `${items.length * rowHeight}px`);
    node.style.setProperty('height', `${Math.max(least, Math.min(height, items.length * rowHeight + 2))}px`);
    if (node.follow && atEnd) node.scrollTop = node.scrollHeight;
    draw();
  };
  node.follow = follow;
  node.toEnd = () => { atEnd = true; node.scrollTop = node.scrollHeight; draw(); };
  return node;
}
