// A text area for a manifest, with line numbers and marks where something is wrong.

import {h, fill} from './dom.js';

// "shop.yaml:3:12: why" -> {line, column, message}
export function placeOf(problem) {
  const found = /^(?:[^\s:]+:)?(\d+):(\d+): (.*)$/s.exec(problem);
  return found ? {line: Number(found[1]), column: Number(found[2]), message: found[3]} : {line: 0, column: 0, message: problem};
}

export function editor({label, value = '', readonly = false, changed}) {
  const numbers = h('pre', {class: 'editor-numbers', 'aria-hidden': 'true'});
  const area = h('textarea', {class: 'editor', spellcheck: 'false', autocapitalize: 'off', wrap: 'off', 'aria-label': label, readonly, value});
  const list = h('ol', {class: 'editor-problems', 'aria-label': 'What is wrong'});
  const node = h('div', {class: 'editor-box'}, h('div', {class: 'editor-frame'}, numbers, area), list);
  let marked = new Map();
  function count() {
    const lines = area.value.split('\n').length;
    fill(numbers, Array.from({length: lines}, (_, at) => h('span', {class: marked.has(at + 1) ? 'wrong' : null, title: marked.get(at + 1)}, `${at + 1}\n`)));
    area.rows = Math.min(40, Math.max(14, lines + 1));
  }
  area.addEventListener('input', () => { count(); changed?.(area.value); });
  area.addEventListener('scroll', () => { numbers.scrollTop = area.scrollTop; });
  node.set = (text) => { area.value = text; count(); };
  node.text = () => area.value;
  node.problems = (problems) => {
    const all = problems.map(placeOf);
    marked = new Map(all.filter((one) => one.line).map((one) => [one.line, one.message]));
    fill(list, all.map((one) => h('li', {}, h('button', {type: 'button', onclick: () => goTo(one)}, one.line ? h('b', {}, `${one.line}:${one.column}`) : null, h('span', {}, one.message)))));
    count();
  };
  function goTo({line, column}) {
    if (!line) return;
    const before = area.value.split('\n').slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const start = before + column - 1;
    const rest = /^[^\s:,{}[\]]+/.exec(area.value.slice(start))?.[0].length ?? 1;
    area.focus();
    area.setSelectionRange(start, start + rest);
    area.scrollTop = Math.max(0, (line - 8) * 19.5);
  }
  count();
  return node;
}
