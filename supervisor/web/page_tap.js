// Rows of a stage as they pass.

import {h, fill} from './dom.js';
import {send, lines, job as path} from './api.js';
import {problem, empty} from './dialog.js';
import {virtualTable} from './virtual.js';
import * as format from './format.js';

const ROWS_MAX = 5000;

export function tapPage(root, feed, query) {
  let over = null;
  let rows = [];
  let columns = [];
  let left = 0;  // out, as they came too fast
  let table = null;
  const stage = h('select', {'aria-label': 'Stage'}, feed.stages.map((one) => h('option', {value: one.name}, one.name)));
  stage.value = query.get('stage') ?? feed.stages[0]?.name ?? '';
  const output = h('input', {type: 'text', placeholder: 'output', 'aria-label': 'Output, where the stage has several', size: 10});
  const where = h('input', {type: 'text', placeholder: 'where: a SQL condition', 'aria-label': 'Only rows for which this SQL condition is true', class: 'grow mono', spellcheck: 'false'});
  const limit = h('input', {type: 'number', min: 1, max: ROWS_MAX, value: 500, 'aria-label': 'End after so many rows'});
  const go = h('button', {type: 'submit', class: 'primary'}, 'Watch');
  const count = h('span', {class: 'muted', role: 'status'});
  const body = h('div', {class: 'panel'}, empty('Nothing is watched.', 'Choose a stage: its rows are copied here as they pass. The job is not slowed; where rows come faster than they can be told, some are left out.'));
  const says = h('div');
  const form = h('form', {class: 'toolbar', onsubmit: (event) => { event.preventDefault(); if (over) stop(); else start(); }}, stage, output, where, h('label', {}, 'at most ', limit), go, count);
  fill(root, form, says, body);

  function stop() {
    over?.abort(new DOMException('over', 'AbortError'));
    over = null;
    go.textContent = 'Watch';
  }
  async function start() {
    over = new AbortController();
    const mine = over;
    go.textContent = 'Stop';
    rows = [];
    left = 0;
    columns = [];
    table = null;
    fill(says);
    fill(body, h('p', {class: 'panel-body muted'}, 'Waiting for rows …'));
    const wanted = new URLSearchParams({stage: stage.value, limit: limit.value});
    if (output.value.trim()) wanted.set('output', output.value.trim());
    if (where.value.trim()) wanted.set('where', where.value.trim());
    try {
      const response = await send('GET', path(feed.name, `/taps?${wanted}`), {signal: mine.signal, accept: 'text/event-stream'});
      let topic = '';
      for await (const line of lines(response)) {
        if (line.startsWith('event:')) topic = line.slice(6).trim();
        else if (line.startsWith('data:')) heard(JSON.parse(line.slice(5)), topic);
        else if (line === '') topic = '';
      }
    } catch (error) {
      if (!mine.signal.aborted) fill(says, problem(error));
    }
    if (over === mine) stop();
    if (!rows.length && !says.firstChild) fill(body, empty('No row has passed.'));
  }
  function heard(data, topic) {
    if (topic === 'skipped') left += data.rows;
    if (topic === 'end') fill(says, h('p', {class: 'note'}, data.reason));
    if (topic !== 'row') return;
    rows.push({at: Date.now(), instance: data.instance, row: data.row});
    const names = Object.keys(data.row);
    if (names.some((name) => !columns.includes(name))) {
      columns = [...new Set([...columns, ...names])];
      table = null;
    }
    if (rows.length > ROWS_MAX) rows = rows.slice(-ROWS_MAX);
    later();
  }
  let scheduled = false;
  function later() {
    if (scheduled) return;
    scheduled = true;
    setTimeout(() => requestAnimationFrame(draw), 200);
  }
  function draw() {
    scheduled = false;
    if (!rows.length) return;
    if (!table) {
      const cell = (value) => (value === null || value === undefined ? '∅' : typeof value === 'object' ? JSON.stringify(value) : String(value));
      table = virtualTable({label: 'Rows, the newest first', rowHeight: 30, height: Math.max(280, innerHeight - 360), sort: {id: ''}, columns: [
        {id: 'at', head: 'At', width: 120, text: (one) => format.clock(one.at, true)}, {id: 'instance', head: '#', width: 50, num: true, text: (one) => String(one.instance)},
        ...columns.map((name) => ({id: `c:${name}`, head: name, width: Math.max(120, name.length * 9 + 30), text: (one) => cell(one.row[name]), title: (one) => cell(one.row[name])}))]});
      fill(body, table);
    }
    count.textContent = `${format.whole(rows.length)} rows${left ? `, ${format.count(left)} left out` : ''}`;
    table.update([...rows].reverse());
  }
  return {close: stop};
}
