// How it went: throughput, time behind, load, memory and checkpoints, over minutes or months.

import {h, fill} from './dom.js';
import {get, job as path} from './api.js';
import {chart} from './chart.js';
import {segmented} from './parts.js';
import {problem} from './dialog.js';
import {weightOf} from './events.js';
import * as format from './format.js';

const SPANS = [['15 min', 900], ['1 h', 3600], ['6 h', 21600], ['1 day', 86400], ['7 days', 604800], ['90 days', 7776000]];
const perMille = (value) => format.percent(value / 1000);
const STAGE_CHARTS = [
  ['Records into stages', 'numRecordsInPerSecond', format.rate],
  ['Records out of stages', 'numRecordsOutPerSecond', format.rate],
  ['Event time behind', 'watermarkLag', format.duration],
  ['Busy', 'busyTimeMsPerSecond', perMille, 1000],
  ['Backpressured', 'backPressuredTimeMsPerSecond', perMille, 1000],
  ['Memory', 'residentMemory', format.bytes],
  ['State', 'stateSize', format.bytes],
  ['CPU, cores', 'cpuLoad', (value) => value.toFixed(2)],
];
const JOB_CHARTS = [
  ['Time of a checkpoint', 'lastCheckpointDuration', format.duration],
  ['Size of a checkpoint', 'lastCheckpointSize', format.bytes],
  ['Restarts', 'numRestarts', format.count],
];

export async function chartsPage(root, feed, query) {
  let span = 900;
  let vertex = query.get('stage') ?? '';
  const says = h('div');
  const picker = h('select', {'aria-label': 'Stage', onchange: () => { vertex = picker.value; read(); }});
  const latency = chart({title: 'Latency since the source, slowest instance', unit: format.duration});
  const made = [...STAGE_CHARTS, ...JOB_CHARTS].map(([title, metric, unit, top]) => ({metric, node: chart({title, unit, top}), job: JOB_CHARTS.some((one) => one[1] === metric)}));
  latency.hidden = true;
  fill(root, h('div', {class: 'toolbar'}, segmented('Time', SPANS.map(([label, seconds]) => ({text: label, value: seconds})), span, (value) => { span = value; begun = 0; read(); }),
    h('label', {}, 'Stage ', picker)), says, h('div', {class: 'chart-grid'}, made.slice(0, 2).map((one) => one.node), latency, made.slice(2).map((one) => one.node)));

  let known = null;   // metrics that are kept, once asked
  let series = new Map();
  let asked = 0;
  let begun = 0;      // of a job that is younger than what is looked at: points are asked for from there, and lie closer
  async function read() {
    const number = ++asked;
    const to = Date.now();
    const from = Math.max(to - span * 1000, begun);
    try {
      known ??= new Set((await get(path(feed.name, '/history'))).series.map((one) => one.metric));
      const wanted = [...made.map((one) => one.metric), ...[...known].filter((name) => /latency/i.test(name))].filter((metric) => known.has(metric));
      const found = wanted.length ? (await get(path(feed.name, `/history?metric=${encodeURIComponent(wanted.join(','))}&from=${Math.round(from)}&to=${to}&points=240`))).series : [];
      if (number !== asked) return;
      const first = found.reduce((least, one) => Math.min(least, one.points?.[0]?.[0] ?? Infinity), Infinity);
      if (!begun && Number.isFinite(first) && first - from > span * 500) {
        begun = first - 1000;
        return read();
      }
      fill(says);
      series = new Map();
      for (const one of found) (series.get(one.metric) ?? series.set(one.metric, []).get(one.metric)).push({name: one.vertex ?? '', subtask: one.subtask, points: one.points ?? []});
      addNewest();
    } catch (error) {
      if (number !== asked) return;
      series = fromMemory(feed.past);
      if (error.status && error.status !== 404) fill(says, problem(error, read));
    }
    return draw(to);
  }
  // What is kept comes some seconds late: what was seen meanwhile goes behind it.
  function addNewest() {
    for (const [metric, parts] of fromMemory(feed.past)) {
      const kept = series.get(metric) ?? series.set(metric, []).get(metric);
      for (const {name, points} of parts) {
        const there = kept.find((one) => one.name === name && (one.subtask ?? null) === null);
        const newest = there?.points.at(-1)?.[0] ?? 0;
        if (there) there.points.push(...points.filter(([at]) => at > newest + 1000));
        else kept.push({name, points});
      }
    }
  }
  function draw(to = Date.now()) {
    const names = feed.stages.map((stage) => stage.name);
    if (picker.options.length !== names.length + 1) {
      fill(picker, h('option', {value: ''}, 'all'), names.map((name) => h('option', {value: name}, name)));
      picker.value = names.includes(vertex) ? vertex : '';
    }
    // Of a job that has just begun its whole life is seen, not a corner full of it.
    const first = [...series.values()].flat().reduce((least, one) => Math.min(least, one.points[0]?.[0] ?? Infinity), Infinity);
    const from = Math.max(to - span * 1000, Math.min(first, to - 60000));
    const marks = feed.events.filter((event) => event.at_us / 1000 >= from && (weightOf(event) !== 'plain' || event.kind.startsWith('rescal'))).slice(-30)
      .map((event) => ({at: event.at_us / 1000, text: `${event.kind}: ${event.text.slice(0, 200)}`, kind: weightOf(event)}));
    for (const one of made) {
      const all = (series.get(one.metric) ?? []).filter((part) => part.subtask === null || part.subtask === undefined);
      const wanted = one.job ? all.filter((part) => !part.name) : all.filter((part) => part.name && (!vertex || part.name === vertex));
      one.node.draw(wanted.filter((part) => part.points.length), {from, to, marks});
    }
    const delays = [...series].filter(([metric]) => /latency/i.test(metric)).flatMap(([metric, parts]) => parts.filter((part) => part.points.length && (!vertex || part.name === vertex)).map((part) => ({...part, name: `${part.name} ${metric.replace('latency_', '')}`.trim()})));
    latency.hidden = delays.length === 0;
    if (delays.length) latency.draw(delays.slice(0, 8), {from, to, marks});
  }
  await read();
  const timer = setInterval(() => { if (!document.hidden && span <= 3600) read(); }, 5000);
  const slow = setInterval(() => { if (!document.hidden && span > 3600) read(); }, 60000);
  let sized;
  const watcher = new ResizeObserver(() => { clearTimeout(sized); sized = setTimeout(() => draw(), 120); });
  watcher.observe(root);
  return {close: () => { clearInterval(timer); clearInterval(slow); clearTimeout(sized); watcher.disconnect(); }};
}

// What was seen while these pages were open.
function fromMemory(past) {
  const out = new Map(STAGE_CHARTS.map(([, metric]) => [metric, new Map()]));
  const put = (metric, name, at, value) => {
    const parts = out.get(metric);
    if (!parts.has(name)) parts.set(name, {name, points: []});
    parts.get(name).points.push([at, value]);
  };
  for (const moment of past) {
    for (const [name, stage] of Object.entries(moment.stages)) {
      put('numRecordsInPerSecond', name, moment.at, stage.inRate);
      put('numRecordsOutPerSecond', name, moment.at, stage.outRate);
      put('busyTimeMsPerSecond', name, moment.at, stage.busy * 1000);
      put('backPressuredTimeMsPerSecond', name, moment.at, stage.backpressured * 1000);
      put('residentMemory', name, moment.at, stage.memory);
    }
  }
  return new Map([...out].map(([metric, parts]) => [metric, [...parts.values()]]));
}
