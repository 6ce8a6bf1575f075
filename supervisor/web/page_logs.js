// The log as it is written: filtered by stage, level and words, followed or held.

import {h, fill, save} from './dom.js';
import {listen, run} from './api.js';
import {virtualList} from './virtual.js';
import {problem, ask, toast} from './dialog.js';
import {copyButton} from './parts.js';
import {readLog, LEVELS, LINES_MAX} from './log.js';
import * as format from './format.js';

const whoOf = (one) => (one.stage ? `${one.stage}.${one.instance ?? ''}` : 'supervisor');
const plain = (one) => `${one.ts} ${one.level} ${whoOf(one)} ${one.message}\n`;

export async function logsPage(root, feed, query) {
  const over = new AbortController();
  let lines = [];
  let held = false;
  const stage = h('select', {'aria-label': 'Stage', onchange: draw}, h('option', {value: ''}, 'all stages'), feed.stages.map((one) => h('option', {value: one.name}, one.name)));
  stage.value = query.get('stage') ?? '';
  const level = h('select', {'aria-label': 'Least level', onchange: draw}, LEVELS.map((one) => h('option', {value: one}, one)));
  level.value = query.get('level') ?? 'info';
  const grep = h('input', {type: 'search', placeholder: 'Regular expression', 'aria-label': 'Only lines that match this regular expression', value: query.get('grep') ?? '', oninput: draw, spellcheck: 'false'});
  const follow = h('input', {type: 'checkbox', checked: true, onchange: () => { held = !follow.checked; list.follow = !held; if (!held) { draw(); list.toEnd(); } }});
  const count = h('span', {class: 'muted'});
  const says = h('div');
  const whole = h('pre', {class: 'excerpt log-whole', hidden: true});
  const list = virtualList({label: `Log of ${feed.name}`, rowHeight: 22, height: Math.max(300, innerHeight - 330), least: 240, make: line, follow: true});
  fill(root, h('div', {class: 'toolbar'}, stage, level, grep, h('label', {}, follow, 'Follow'), count, h('span', {class: 'spacer'}),
    h('button', {type: 'button', onclick: setLevel}, 'Set what is logged'), copyButton('Copy the lines that are shown', () => found().map(plain).join('')), h('button', {type: 'button', onclick: download}, 'Download')), says, h('div', {class: 'panel log-panel'}, list, whole));

  function line(one) {
    const who = whoOf(one);
    return h('div', {class: `log-line ${one.level}`}, h('time', {}, format.clock(one.us / 1000, true)), h('span', {class: 'log-level'}, one.level), h('span', {class: 'log-who', title: who}, who),
      h('button', {type: 'button', class: 'log-text', onclick: () => { whole.hidden = false; whole.textContent = `${one.ts} ${one.level} ${who} · attempt ${one.attempt}, checkpoint ${one.checkpoint}\n${one.message}`; }}, one.message.split('\n')[0]));
  }
  function pattern() {
    try {
      grep.setCustomValidity('');
      return grep.value ? new RegExp(grep.value, 'i') : null;
    } catch (error) {
      grep.setCustomValidity(error.message);
      return null;
    }
  }
  function found() {
    const least = LEVELS.indexOf(level.value);
    const matches = pattern();
    return lines.filter((one) => LEVELS.indexOf(one.level) >= least && (!stage.value || one.stage === stage.value) && (!matches || matches.test(one.message)));
  }
  function draw() {
    const some = found();
    count.textContent = `${format.whole(some.length)} of ${format.whole(lines.length)} lines`;
    list.update(some);
  }
  let scheduled = false;
  function later() {
    if (scheduled || held) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; draw(); });
  }
  async function readAll() {
    try {
      lines = await readLog(feed.name);
      fill(says);
    } catch (error) {
      fill(says, problem(error, readAll));
    }
    draw();
    list.toEnd();
  }
  function setLevel() { return ask({title: 'What is logged from now on', body: 'Until the supervisor ends. Lines that are already there stay.', confirm: 'Set', fields: [{name: 'stage', label: 'Of', options: [{value: '', text: 'the whole job'}, ...feed.stages.map((one) => ({value: one.name, text: one.name}))], value: stage.value},
    {name: 'level', label: 'At least', options: LEVELS, value: 'info'}],
    act: async (values) => { await run(['logs', feed.name, '--set-level', values.level, ...(values.stage ? ['--stage', values.stage] : [])]); toast(`Logged is what is at least ${values.level}.`); }}); }
  function download() { save(`${feed.name}.log.ndjson`, new Blob(found().map((one) => `${JSON.stringify(one)}\n`), {type: 'application/x-ndjson'})); }
  await readAll();
  let poll = null;
  listen(`/stream?jobs=${encodeURIComponent(feed.name)}&topics=logs&level=trace`, over.signal, (topic, {value: data, skipped_bytes: skipped}) => {
    if (topic !== 'logs') return;
    if (skipped) toast(`${format.bytes(skipped)} of the log came too fast and are not shown; Download has the file's.`);
    if (!data) return;
    if (lines.length && data.us <= lines.at(-1).us && lines.slice(-50).some((one) => one.us === data.us && one.message === data.message)) return;
    lines.push(data);
    if (lines.length > LINES_MAX * 1.1) lines = lines.slice(-LINES_MAX);
    later();
  }).catch(() => { if (!over.signal.aborted) poll = setInterval(() => { if (!document.hidden && !held && feed.live) readAll(); }, 2000); });
  return {close: () => { clearInterval(poll); over.abort(new DOMException('over', 'AbortError')); }};
}
