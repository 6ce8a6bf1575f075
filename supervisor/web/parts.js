// Small things that many pages show.

import {h, fill, text, icon} from './dom.js';
import {toast} from './dialog.js';
import {LOAD_TEXT, loadOf} from './stats.js';
import * as format from './format.js';

const MARKS = {RUNNING: 'live', STARTING: 'live', RESTARTING: 'warn', RESCALING: 'live', STOPPING: 'live', STOPPED: 'rest', FINISHED: 'done',
  CANCELLED: 'rest', CANCELED: 'rest', FAILED: 'bad', DEAD: 'bad', STANDBY: 'rest', SUSPENDED: 'bad', COMPLETED: 'done', IN_PROGRESS: 'live'};

export function pill(state) {
  return h('span', {class: `pill ${MARKS[state] ?? 'rest'}`}, h('i', {'aria-hidden': 'true'}), state.toLowerCase().replaceAll('_', ' '));
}

// Shares of time: busy, backpressured, the rest idle. Told in words as well.
export function loadBar() {
  const busy = h('i', {class: 'busy'});
  const held = h('i', {class: 'held'});
  const bar = h('span', {class: 'load-bar', role: 'img', 'aria-label': 'no load known'}, busy, held);
  bar.update = (stage) => {
    busy.style.setProperty('width', `${(stage.busy * 100).toFixed(1)}%`);
    held.style.setProperty('width', `${(stage.backpressured * 100).toFixed(1)}%`);
    const says = `${stage.instances ? LOAD_TEXT[loadOf(stage)] + ': ' : ''}busy ${format.percent(stage.busy)}, backpressured ${format.percent(stage.backpressured)}, idle ${format.percent(stage.idle)}`;
    if (bar.title !== says) {
      bar.title = says;
      bar.setAttribute('aria-label', says);
    }
  };
  return bar;
}

// A row of figures with names: figures([['in', 'From sources'], …]) -> node with set(name, value, note)
export function figures(list, props = {}) {
  const box = h('dl', {class: 'figures', ...props});
  const cells = new Map(list.map(([name, label]) => {
    const value = h('dd', {}, '–');
    const note = h('dd', {class: 'under'});
    box.append(h('div', {}, h('dt', {}, label), value, note));
    return [name, {value, note}];
  }));
  box.set = (name, value, note = '', mark = '') => {
    const cell = cells.get(name);
    text(cell.value, value);
    text(cell.note, note);
    cell.value.className = mark;
  };
  return box;
}

export function panel(title, ...content) {
  return h('section', {class: 'panel'}, h('header', {class: 'panel-head'}, h('h2', {}, title)), content);
}

export function segmented(label, options, chosen, act) {
  const group = h('div', {class: 'segmented', role: 'group', 'aria-label': label});
  const draw = (value) => fill(group, options.map((option) => h('button', {type: 'button', 'aria-pressed': String(option.value === value),
    onclick: () => { draw(option.value); group.children[options.indexOf(option)].focus(); act(option.value); }}, option.text)));
  draw(chosen);
  return group;
}

// Browsers give the clipboard itself to pages of this machine, and to others by TLS alone.
async function copy(words) {
  if (navigator.clipboard) return navigator.clipboard.writeText(words);
  const area = h('textarea', {class: 'hidden-text', value: words});
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('the browser does not let this page copy; mark the text, and copy it by hand');
  return undefined;
}

export function copyButton(label, value) {
  const button = h('button', {type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick: async () => {
    try {
      await copy(typeof value === 'function' ? value() : value);
      button.classList.add('copied');
      setTimeout(() => button.classList.remove('copied'), 2000);
    } catch (error) {
      toast(error.message, 'bad');
    }
  }}, icon('copy'));
  return button;
}
