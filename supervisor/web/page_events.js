// What has happened to a job, what has failed, and what was logged around it.

import {h, fill} from './dom.js';
import {get, job as path} from './api.js';
import {virtualList} from './virtual.js';
import {weightOf} from './events.js';
import {panel, segmented} from './parts.js';
import {problem} from './dialog.js';
import {readLog} from './log.js';
import * as format from './format.js';

export async function eventsPage(root, feed) {
  let only = 'all';
  const search = h('input', {type: 'search', placeholder: 'Filter', 'aria-label': 'Filter events', oninput: draw});
  const failed = h('div');
  const list = virtualList({label: 'Events, the newest first', rowHeight: 30, least: 62, height: Math.max(300, Math.min(620, innerHeight - 280)), make: line});
  const count = h('span', {class: 'muted'});
  const around = h('div');
  fill(root, failed, around,
    h('div', {class: 'toolbar'}, segmented('Which', [{text: 'All', value: 'all'}, {text: 'Failures', value: 'bad'}], only, (value) => { only = value; draw(); }), search, count),
    h('div', {class: 'panel'}, list));

  function line(event) {
    const [first, ...more] = event.text.split('\n');
    return h('div', {class: `event-line ${weightOf(event)}`}, h('time', {}, format.moment(event.at_us / 1000, true)), h('span', {class: 'event-kind'}, event.kind),
      h('button', {type: 'button', class: 'event-open', title: event.text, 'aria-label': `${event.kind}: ${first}. Show what was logged around it.`, onclick: () => showAround(event)}, first, more.length ? ' …' : ''));
  }
  function draw() {
    const wanted = search.value.toLowerCase();
    const found = feed.events.filter((event) => (only === 'all' || weightOf(event) === 'bad') && (!wanted || `${event.kind} ${event.text}`.toLowerCase().includes(wanted))).reverse();
    count.textContent = `${format.whole(found.length)} of ${format.whole(feed.events.length)}`;
    list.update(found);
  }
  async function showAround(event) {
    fill(around, panel('Around this event', h('div', {class: 'panel-body'}, h('p', {}, h('b', {}, event.kind), ' ', format.moment(event.at_us / 1000, true)), h('pre', {class: 'excerpt'}, event.text), h('p', {class: 'muted'}, 'Reading the log …'))));
    around.scrollIntoView({block: 'nearest'});
    try {
      const lines = (await readLog(feed.name)).filter((one) => Math.abs(one.us - event.at_us) < 5_000_000).slice(-60);
      const body = around.querySelector('.panel-body');
      body.lastChild.remove();
      body.append(lines.length ? h('pre', {class: 'excerpt'}, lines.map((one) => `${format.clock(one.us / 1000, true)} ${one.level.padEnd(7)} ${one.stage ? `${one.stage}.${one.instance}: ` : ''}${one.message}\n`)) : h('p', {class: 'muted'}, 'Nothing was logged within five seconds of it.'));
    } catch (error) {
      around.querySelector('.panel-body').append(problem(error));
    }
  }
  async function readFailures() {
    try {
      const {entries} = (await get(path(feed.name, '/exceptions?maxExceptions=10'))).exceptionHistory;
      fill(failed, entries.length ? panel('Failures', h('ul', {class: 'failure-list'}, entries.map((one) => h('li', {}, h('div', {class: 'failure-head'}, h('time', {}, format.moment(one.timestamp)), one.taskName ? h('a', {href: `#/job/${encodeURIComponent(feed.name)}/logs?stage=${encodeURIComponent(one.taskName.replace(/\.\d+$/, ''))}`}, one.taskName) : null, h('span', {class: 'chip bad'}, one.failureLabels?.kind ?? 'failed')),
        h('pre', {class: 'excerpt'}, one.stacktrace))))) : h('p', {class: 'note'}, 'Nothing has failed.'));
    } catch (error) {
      fill(failed, problem(error, readFailures));
    }
  }
  draw();
  await readFailures();
  let known = feed.events.length;
  return {tick: () => { if (known === feed.events.length) return; known = feed.events.length; draw(); readFailures(); }};
}
