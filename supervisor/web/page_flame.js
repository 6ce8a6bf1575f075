// Where a stage spends its time: sampled stacks, one above the other.

import {h, s, fill} from './dom.js';
import {get, job as path} from './api.js';
import {segmented} from './parts.js';
import {problem, empty} from './dialog.js';
import {boxesOf, hueOf} from './flame_layout.js';
import * as format from './format.js';

const HEIGHT = 20;
const AGAIN = 1500;  // ms, while the server still samples

export async function flamePage(root, feed, query) {
  let type = 'on_cpu';
  let zoomed = null;
  let found = null;
  let over = false;
  let asked = 0;
  const stage = h('select', {'aria-label': 'Stage', onchange: () => { instances(); read(); }}, feed.stages.map((one) => h('option', {value: one.name}, one.name)));
  if (query.get('stage')) stage.value = query.get('stage');
  const instance = h('select', {'aria-label': 'Instance', onchange: () => read()});
  const search = h('input', {type: 'search', placeholder: 'Mark functions', 'aria-label': 'Mark functions by name', oninput: () => draw()});
  const says = h('div', {'aria-live': 'polite'});
  const what = h('p', {class: 'flame-what mono'}, ' ');
  const drawing = s('svg', {class: 'flame', role: 'group', 'aria-label': 'Flame graph'});
  const view = h('div', {class: 'flame-view', tabindex: 0, role: 'region', 'aria-label': 'Flame graph; boxes are functions, as wide as their share'}, drawing);
  fill(root, h('div', {class: 'toolbar'}, stage, instance, segmented('Of which time', [{text: 'On CPU', value: 'on_cpu'}, {text: 'Off CPU', value: 'off_cpu'}, {text: 'Both', value: 'full'}], type, (value) => { type = value; read(); }), search,
    h('button', {type: 'button', onclick: () => read()}, 'Sample again')), says, h('div', {class: 'panel flame-panel'}, what, view));

  function instances() {
    const number = feed.stages.find((one) => one.name === stage.value)?.parallelism ?? 1;
    fill(instance, h('option', {value: ''}, 'all instances'), Array.from({length: number}, (_, at) => h('option', {value: at}, `.${at}`)));
  }
  async function read() {
    const number = ++asked;
    zoomed = null;
    if (!feed.live) return fill(says, empty('The job does not run.', 'Stacks are sampled while it does.'));
    fill(says, h('p', {class: 'note'}, `Sampling ${stage.value} …`));
    for (let tries = 0; tries < 20 && !over && number === asked; ++tries) {
      try {
        const answer = await get(path(feed.name, `/vertices/${encodeURIComponent(stage.value)}/flamegraph?type=${type}${instance.value === '' ? '' : `&subtaskindex=${instance.value}`}`));
        if (number !== asked || over) return undefined;
        if (answer.data) {
          found = answer;
          fill(says, h('p', {class: 'muted'}, `${format.whole(answer.data.value)} samples, until ${format.moment(answer.endTimestamp)}`));
          return draw();
        }
      } catch (error) {
        if (number === asked) fill(says, problem(error, read));
        return undefined;
      }
      await new Promise((done) => setTimeout(done, AGAIN));
    }
    if (number === asked && !over) fill(says, problem({errors: ['no samples have come; is the stage idle?']}, read));
    return undefined;
  }
  function draw() {
    if (!found?.data) return fill(drawing);
    const top = zoomed ?? found.data;
    const boxes = boxesOf(top);
    const width = Math.max(320, view.clientWidth - 2);
    const depth = boxes.reduce((most, box) => Math.max(most, box.depth), 0) + 1;
    drawing.setAttribute('viewBox', `0 0 ${width} ${depth * HEIGHT}`);
    drawing.setAttribute('height', depth * HEIGHT);
    const wanted = search.value.toLowerCase();
    const visible = boxes.filter((box) => box.share * width >= 0.6);
    // What a box has room for is seen, and is not its name: it lies over the boxes.
    const names = visible.filter((box) => box.share * width > 36)
      .map((box) => s('text', {x: (box.from * width + 5).toFixed(1), y: (box.depth + 1) * HEIGHT - 6}, short(nameOf(box), box.share * width)));
    return fill(drawing, [...visible.map((box) => {
      const name = nameOf(box);
      const wide = box.share * width;
      const says = `${name}: ${format.whole(box.node.value)} samples, ${(100 * box.node.value / Math.max(1, found.data.value)).toFixed(1)} %`;
      const part = s('g', {class: `flame-box hue-${hueOf(name) % 6}${wanted ? (name.toLowerCase().includes(wanted) ? ' marked' : ' unmarked') : ''}`, transform: `translate(${(box.from * width).toFixed(1)},${box.depth * HEIGHT})`, tabindex: 0, role: 'button', 'aria-label': says},
        s('title', {}, says), s('rect', {width: Math.max(0.5, wide - 0.6).toFixed(1), height: HEIGHT - 1, rx: 2}));
      const go = () => { zoomed = box.node === zoomed || box.depth === 0 ? null : box.node; draw(); };
      part.addEventListener('click', go);
      part.addEventListener('keydown', (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); go(); } });
      part.addEventListener('pointerenter', () => { what.textContent = says; });
      part.addEventListener('focus', () => { what.textContent = says; });
      return part;
    }), s('g', {class: 'flame-names', 'aria-hidden': 'true'}, names)]);
  }
  const nameOf = (box) => box.node.stackTraceLocation ?? box.node.name ?? '?';
  const short = (name, wide) => { const room = Math.floor((wide - 8) / 6.6); return name.length <= room ? name : room > 3 ? `${name.slice(0, room - 1)}…` : ''; };
  instances();
  if (query.get('instance')) instance.value = query.get('instance');
  read();
  const watcher = new ResizeObserver(() => draw());
  watcher.observe(view);
  return {close: () => { over = true; watcher.disconnect(); }};
}
