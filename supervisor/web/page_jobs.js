// All jobs: what runs first, then what has ended.

import {h, fill, keyed, text, attribute} from './dom.js';
import {get, job as path, listen} from './api.js';
import {empty} from './dialog.js';
import {stagesOf, totalsOf, isLive, loadOf} from './stats.js';
import {pill, loadBar} from './parts.js';
import {sparkline} from './chart.js';
import * as format from './format.js';

const ASKED_AT_ONCE = 40;  // jobs whose rates are asked for one by one, where the server sends no events

export async function jobsPage(root) {
  document.title = 'Jobs · stream';
  const over = new AbortController();
  const jobs = new Map();  // by name
  const tallies = h('p', {class: 'tallies'});
  const search = h('input', {type: 'search', placeholder: 'Filter by name or state', 'aria-label': 'Filter jobs by name or state', oninput: () => changed()});
  const running = h('div', {class: 'job-cards'});
  const ended = h('tbody');
  const endedTable = h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Jobs that have ended'},
    h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, ['Job', 'State', 'Started', 'Ran for', 'Why'].map((head) => h('th', {scope: 'col'}, head)))), ended));
  const says = h('div');
  const endedPart = h('section', {}, h('h2', {}, 'Ended'), endedTable);
  fill(root, h('div', {class: 'page-head'}, h('div', {}, h('h1', {}, 'Jobs'), tallies), search), says, running, endedPart);

  async function readAll() {
    const overview = (await get('/jobs/overview')).jobs;
    const names = new Set(overview.map((one) => one.name));
    for (const name of jobs.keys()) if (!names.has(name)) jobs.delete(name);
    for (const one of overview) jobs.set(one.name, {...(jobs.get(one.name) ?? {past: []}), overview: one});
    await Promise.allSettled([...jobs.values()].filter((one) => !one.summary || one.summary.state !== stateOf(one)).slice(0, 200).map(readSummary));
    changed();
  }
  async function readSummary(one) {
    one.summary = await get(path(one.overview.name, '/summary'));
  }
  async function readStats() {
    const live = [...jobs.values()].filter((one) => one.summary && isLive(one.summary.state)).slice(0, ASKED_AT_ONCE);
    await Promise.allSettled(live.map(async (one) => heardStats(one, await get(path(one.overview.name, '/stats')))));
    changed();
  }
  function heardStats(one, stats) {
    one.stages = stagesOf(one.summary, stats);
    one.totals = totalsOf(one.stages);
    one.past.push(one.totals.inRate);
    if (one.past.length > 90) one.past.shift();
  }
  const stateOf = (one) => one.summary?.state ?? one.overview.state;

  let scheduled = false;
  function changed() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; draw(); });
  }
  function draw() {
    const wanted = search.value.trim().toLowerCase();
    const all = [...jobs.values()].filter((one) => !wanted || `${one.overview.name} ${stateOf(one)}`.toLowerCase().includes(wanted));
    const live = all.filter((one) => isShown(stateOf(one))).sort((a, b) => a.overview.name.localeCompare(b.overview.name));
    const over = all.filter((one) => !isShown(stateOf(one))).sort((a, b) => b.overview['start-time'] - a.overview['start-time']);
    const counts = new Map();
    for (const one of jobs.values()) counts.set(stateOf(one), (counts.get(stateOf(one)) ?? 0) + 1);
    text(tallies, [...counts].map(([state, number]) => `${number} ${state.toLowerCase()}`).join(' · ') || 'none yet');
    keyed(running, live, (one) => one.overview.name, makeCard, updateCard);
    keyed(ended, over, (one) => one.overview.name, makeRow, updateRow);
    endedPart.hidden = over.length === 0;
    if (!jobs.size) fill(says, empty('No job is here yet.', h('span', {}, 'Start one with ', h('code', {}, 'stream run FILE'), ', or ', h('a', {href: '#/submit'}, 'submit a manifest'), '.')));
    else if (!all.length) fill(says, empty('No job has that in its name or state.'));
    else if (!live.length && !wanted) fill(says, h('p', {class: 'muted'}, 'Nothing runs.'));
    else fill(says);
  }

  await readAll();
  readStats();
  const slow = setInterval(() => { if (!document.hidden) readAll().catch(() => {}); }, 3000);
  let fast = null;
  listen('/stream?topics=jobs,stats', over.signal, (topic, data) => {
    const one = jobs.get(data.name);
    if (!one || !data.value) return;
    if (topic === 'jobs') one.summary = data.value;
    if (topic === 'stats' && one.summary) heardStats(one, data.value);
    changed();
  }).catch(() => { if (!over.signal.aborted) fast = setInterval(() => { if (!document.hidden) readStats(); }, 1000); });
  return {close: () => { clearInterval(slow); clearInterval(fast); over.abort(new DOMException('over', 'AbortError')); }};
}

const isShown = (state) => isLive(state) || state === 'STANDBY';
const href = (name) => `#/job/${encodeURIComponent(name)}`;

function makeCard(one) {
  const value = (name, label) => h('div', {}, h('dt', {}, label), h('dd', {'data-value': name}, '–'));
  return h('article', {class: 'job-card'},
    h('header', {}, h('h2', {}, h('a', {href: href(one.overview.name), class: 'whole'}, one.overview.name)), h('span', {'data-pill': ''})),
    h('p', {class: 'job-reason', 'data-value': 'reason'}),
    h('div', {'data-spark': '', class: 'card-spark'}),
    h('dl', {class: 'figures'}, value('in', 'From sources'), value('out', 'Into sinks'), value('checkpoint', 'Checkpoint'), value('up', 'Up')),
    h('div', {class: 'stage-strip', 'data-stages': ''}));
}

function updateCard(node, one) {
  const summary = one.summary ?? {};
  const set = (name, value) => text(node.querySelector(`[data-value="${name}"]`), value);
  const state = summary.state ?? one.overview.state;
  fillPill(node, state);
  set('in', format.rate(one.totals?.inRate));
  set('out', format.rate(one.totals?.outRate));
  set('checkpoint', summary.checkpoint ? `#${format.whole(summary.checkpoint)}` : 'none yet');
  set('up', format.duration(Date.now() - (summary.started_us ?? 0) / 1000));
  const restarts = summary.restarts ? `${summary.restarts} ${summary.restarts === 1 ? 'restart' : 'restarts'}` : '';
  set('reason', state === 'RUNNING' ? restarts : summary.reason || '');
  const spark = node.querySelector('[data-spark]');
  fill(spark, sparkline(one.past, {label: 'Records a second from sources, the last minutes'}));
  keyed(node.querySelector('[data-stages]'), one.stages ?? [], (stage) => stage.name,
    (stage) => h('span', {class: 'strip-stage'}, h('span', {class: 'strip-name'}, stage.name), loadBar()),
    (part, stage) => { part.dataset.load = loadOf(stage); part.lastChild.update(stage); });
}

function fillPill(node, state) {
  const place = node.querySelector('[data-pill]');
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  fill(place, pill(state));
}

function makeRow(one) {
  return h('tr', {}, h('th', {scope: 'row'}, h('a', {href: href(one.overview.name)}, one.overview.name)), h('td', {'data-pill': ''}),
    h('td', {class: 'num'}), h('td', {class: 'num'}), h('td', {class: 'why'}));
}

function updateRow(row, one) {
  fillPill(row, one.summary?.state ?? one.overview.state);
  text(row.children[2], format.moment(one.overview['start-time']));
  text(row.children[3], format.duration(one.overview.duration));
  text(row.children[4], one.summary?.reason ?? '');
  attribute(row.children[4], 'title', one.summary?.reason);
}

