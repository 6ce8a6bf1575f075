// Checkpoints: how they go, the newest ones, each by stage and by instance, and how they are taken.

import {h, fill, keyed, text} from './dom.js';
import {get, job as path} from './api.js';
import {figures, panel, pill} from './parts.js';
import {problem, empty} from './dialog.js';
import {takeCheckpoint} from './actions.js';
import {chart} from './chart.js';
import * as format from './format.js';

export async function checkpointsPage(root, feed) {
  const counts = figures([['completed', 'Completed'], ['failed', 'Failed'], ['progress', 'In progress'], ['newest', 'Newest'], ['time', 'Time, median'], ['worst', 'Time, 99 %'], ['size', 'Size, median']]);
  const now = h('button', {type: 'button', onclick: () => takeCheckpoint(feed)}, 'Take one now');
  const times = chart({title: 'Time of the newest', unit: format.duration, bars: true, height: 130});
  const sizes = chart({title: 'Size of the newest', unit: format.bytes, bars: true, height: 130});
  const rows = h('tbody');
  const details = h('div', {class: 'checkpoint-details'});
  const history = h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Checkpoints'},
    h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, ['Checkpoint', 'State', 'Began', 'Took', 'Size', 'Acknowledged', 'What failed'].map((head, at) => h('th', {scope: 'col', class: at > 1 && at < 6 ? 'num' : null}, head)))), rows));
  const summary = h('div');
  const config = h('div');
  fill(root,
    h('section', {class: 'panel', 'aria-labelledby': 'cp-over'}, h('header', {class: 'panel-head'}, h('h2', {id: 'cp-over'}, 'Overview'), now), h('div', {class: 'panel-body'}, counts)),
    h('div', {class: 'chart-grid two'}, times, sizes),
    h('div', {class: 'split'}, panel('Newest checkpoints', history), h('section', {class: 'panel', 'aria-label': 'The chosen checkpoint'}, details)),
    h('div', {class: 'split'}, panel('Summary', summary), panel('How they are taken', config)));

  let chosen = null;
  let shownFor = null;
  async function show({id, status}) {
    chosen = id;
    for (const row of rows.children) row.toggleAttribute('aria-selected', false);
    mark();
    if (shownFor === id + status) return;
    shownFor = id + status;  // what is in progress is shown once more when it is over
    try {
      const whole = await get(path(feed.name, `/checkpoints/details/${id}`));
      const byVertex = await Promise.all((feed.plan?.nodes ?? []).filter((node) => whole.tasks[node.id]).map(async (node) => ({
        name: node.description.split(': ')[0], task: whole.tasks[node.id], parts: await get(path(feed.name, `/checkpoints/details/${id}/subtasks/${node.id}`))})));
      if (chosen === id) fill(details, phases(whole, byVertex));
    } catch (error) {
      if (chosen === id) fill(details, problem(error, () => { shownFor = null; show({id, status}); }));
    }
  }
  const mark = () => { for (const row of rows.children) row.setAttribute('aria-selected', String(Number(row.dataset.id) === chosen)); };

  function draw() {
    const all = feed.checkpoints;
    now.disabled = feed.summary.state !== 'RUNNING';
    if (!all) return;
    const {counts: numbers, summary: sums, latest} = all;
    counts.set('completed', format.count(numbers.completed));
    counts.set('failed', format.count(numbers.failed), '', numbers.failed ? 'bad' : '');
    counts.set('progress', format.whole(numbers.in_progress));
    counts.set('newest', latest?.completed ? `#${format.whole(latest.completed.id)}` : 'none', latest?.completed ? format.ago(latest.completed.latest_ack_timestamp) : '');
    counts.set('time', format.duration(sums?.end_to_end_duration?.p50));
    counts.set('worst', format.duration(sums?.end_to_end_duration?.p99));
    counts.set('size', format.bytes(sums?.checkpointed_size?.p50));
    const points = (field) => all.history.filter((one) => one.status !== 'IN_PROGRESS').map((one) => [one.trigger_timestamp, one[field] ?? 0, one.status === 'FAILED' ? 'bad' : '']).reverse();
    times.draw([{name: '', points: points('end_to_end_duration')}]);
    sizes.draw([{name: '', points: points('checkpointed_size')}]);
    keyed(rows, all.history, (one) => one.id, makeRow, (row, one) => {
      const state = row.children[1];
      if (state.dataset.state !== one.status) { state.dataset.state = one.status; fill(state, pill(one.status)); }
      text(row.children[2], format.moment(one.trigger_timestamp));
      text(row.children[3], one.status === 'IN_PROGRESS' ? '–' : format.duration(one.end_to_end_duration));
      text(row.children[4], format.bytes(one.checkpointed_size));
      text(row.children[5], `${one.num_acknowledged_subtasks} of ${one.num_subtasks}`);
      text(row.children[6], one.failure_message ?? '');
    });
    const shown = all.history.find((one) => one.id === chosen);
    if (shown) show(shown);
    if (chosen === null) {
      const first = all.history.find((one) => one.status !== 'IN_PROGRESS');
      if (first) show(first);
      else fill(details, empty('No checkpoint yet.'));
    }
    mark();
    drawSummary(sums);
  }
  const makeRow = (one) => h('tr', {'data-id': one.id}, h('th', {scope: 'row'}, h('button', {type: 'button', class: 'link', onclick: () => show(feed.checkpoints.history.find((other) => other.id === one.id) ?? one)}, `#${one.id}`)),
    h('td'), ['', '', '', ''].map(() => h('td', {class: 'num'})), h('td', {class: 'why'}));

  let lines = null;
  function drawSummary(sums) {
    if (!sums) return;
    const kinds = [['Time', 'end_to_end_duration', format.duration], ['Written', 'checkpointed_size', format.bytes], ['Whole state', 'state_size', format.bytes]];
    const fields = ['min', 'avg', 'p50', 'p90', 'p99', 'max'];
    lines ??= fill(summary, h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Summary of checkpoints'}, h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, h('td'), ['Least', 'Mean', 'Median', '90 %', '99 %', 'Most'].map((head) => h('th', {scope: 'col', class: 'num'}, head)))),
      h('tbody', {}, kinds.map(([label]) => h('tr', {}, h('th', {scope: 'row'}, label), fields.map(() => h('td', {class: 'num'}))))))));
    kinds.forEach(([, kind, show], at) => fields.forEach((field, place) => text(summary.querySelectorAll('tbody tr')[at].children[place + 1], show(sums[kind]?.[field]))));
  }

  draw();
  get(path(feed.name, '/checkpoints/config')).then((settings) => fill(config, h('dl', {class: 'settings'}, [
    ['Every', settings.interval > 1e12 || settings.interval < 0 ? 'not by themselves' : format.duration(settings.interval)], ['Given up after', format.duration(settings.timeout)], ['Least pause between', format.duration(settings.min_pause)],
    ['Guarantee', settings.mode === 'EXACTLY_ONCE' ? 'exactly once' : 'at least once'], ['At once', settings.max_concurrent], ['Kept in', settings.checkpoint_storage], ['State is', settings.state_backend],
    ['Kept when cancelled', settings.externalization?.delete_on_cancellation ? 'no' : 'yes']].map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))))), (error) => fill(config, problem(error)));
  return {tick: draw};
}

const PHASES = [['start', 'waiting for the barrier', (part) => part.start_delay], ['align', 'aligning', (part) => part.alignment.duration], ['sync', 'standing still', (part) => part.checkpoint.sync], ['async', 'writing beside the work', (part) => part.checkpoint.async]];

// Of each instance when it did what, on one scale, so that the one that held up the others stands out.
function phases(whole, stages) {
  const all = stages.flatMap((stage) => stage.parts.subtasks);
  const longest = Math.max(1, ...all.map((part) => PHASES.reduce((sum, [, , value]) => sum + Math.max(0, value(part) ?? 0), 0)));
  return h('div', {}, h('header', {class: 'panel-head'}, h('h2', {}, `Checkpoint #${whole.id} by instance`), h('ul', {class: 'phase-legend'}, PHASES.map(([id, label]) => h('li', {class: `phase-${id}`}, h('i', {'aria-hidden': 'true'}), label)))),
    whole.failure_message && problem({errors: [whole.failure_message]}),
    h('div', {class: 'phase-list', tabindex: 0, role: 'region', 'aria-label': 'Phases by instance'}, stages.map((stage) => h('section', {}, h('h3', {}, stage.name, h('small', {}, ` ${format.bytes(stage.task.checkpointed_size)}`)),
      stage.parts.subtasks.map((part) => h('div', {class: 'phase-row'}, h('span', {class: 'phase-name'}, `.${part.index}`),
        h('span', {class: 'phase-bar', role: 'img', 'aria-label': PHASES.map(([, label, value]) => `${label} ${format.duration(value(part))}`).join(', '), title: PHASES.map(([, label, value]) => `${label} ${format.duration(value(part))}`).join('\n')},
          PHASES.map(([id, , value]) => h('i', {class: `phase-${id}`, style: {width: `${(Math.max(0, value(part) ?? 0) / longest) * 100}%`}}))),
        h('span', {class: 'num'}, format.duration(part.end_to_end_duration)), h('span', {class: 'num muted'}, format.bytes(part.checkpointed_size))))))));
}
