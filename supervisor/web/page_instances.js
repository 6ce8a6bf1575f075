// Every process of every stage, with what it does.

import {h, fill} from './dom.js';
import {virtualTable} from './virtual.js';
import {loadBar} from './parts.js';
import {empty, ask, problem} from './dialog.js';
import {get, job as path} from './api.js';
import * as format from './format.js';

const number = (id, head, value, show, width = 96) => ({id, head, num: true, width, value, text: (row) => show(value(row))});

export function instancesPage(root, feed, query) {
  const stage = h('select', {'aria-label': 'Stage', onchange: draw});
  const count = h('span', {class: 'muted'});
  const table = virtualTable({
    label: `Instances of ${feed.name}`, height: Math.max(320, innerHeight - 300), sort: {id: 'name', down: false}, choose: (row) => details(feed, row),
    columns: [
      {id: 'name', head: 'Instance', width: 200, value: (row) => `${row.stage}.${row.instance}`, text: (row) => `${row.stage}.${row.instance}`, title: (row) => row.stage},
      {id: 'busy', head: 'Load', width: 120, value: (row) => row.busy + row.backpressured, make: loadBar, update: (node, row) => node.update(row)},
      {id: 'busyShare', head: 'Busy', num: true, width: 76, value: (row) => row.busy, text: (row) => format.percent(row.busy)},
      {id: 'held', head: 'Held up', num: true, width: 84, value: (row) => row.backpressured, text: (row) => format.percent(row.backpressured)},
      number('in', 'In', (row) => row.records_in_rate, format.rate),
      number('out', 'Out', (row) => row.records_out_rate, format.rate),
      number('allIn', 'Records in', (row) => row.records_in, format.count, 100),
      number('allOut', 'Records out', (row) => row.records_out, format.count, 108),
      number('lag', 'Behind', (row) => row.watermark_lag_us, format.duration_us, 110),
      number('queued', 'Queued', (row) => row.queued_bytes, format.bytes),
      number('rows', 'State rows', (row) => row.state_rows, format.count, 100),
      number('state', 'State', (row) => row.state_bytes, format.bytes),
      number('spilled', 'Spilled', (row) => row.spilled_bytes, format.bytes),
      number('memory', 'Memory', (row) => row.resident_bytes, format.bytes),
      number('bad', 'Bad', (row) => row.bad_records, format.count, 72),
      number('late', 'Late', (row) => row.late_records, format.count, 72),
      number('pid', 'Process', (row) => row.pid, String, 90),
      number('up', 'Up', (row) => row.running_us, format.duration_us, 110),
    ],
  });
  const body = h('div', {class: 'panel'});
  const nothing = empty('No instance runs.', 'They are listed here while the job does.');
  fill(body, table);
  fill(root, h('div', {class: 'toolbar'}, h('label', {}, 'Stage ', stage), count), body);
  let known = '';
  const wanted = query.get('stage') ?? '';
  function draw() {
    const names = feed.stages.map((one) => one.name);
    if (known !== names.join()) {
      const chosen = stage.value || wanted;
      known = names.join();
      fill(stage, h('option', {value: ''}, 'all'), names.map((name) => h('option', {value: name}, name)));
      stage.value = names.includes(chosen) ? chosen : '';
    }
    const all = feed.stats?.instances ?? [];
    const rows = stage.value ? all.filter((row) => row.stage === stage.value) : all;
    count.textContent = `${rows.length} of ${all.length}`;
    if (!all.length !== (body.firstChild === nothing)) fill(body, all.length ? table : nothing);
    if (all.length) table.update(rows);
  }
  draw();
  return {tick: draw};
}

// All metrics of one instance, as they are at this moment.
async function details(feed, row) {
  const list = h('div', {class: 'metric-list'});
  const at = path(feed.name, `/vertices/${encodeURIComponent(row.stage)}/subtasks/${row.instance}/metrics`);
  const read = async () => {
    try {
      const names = (await get(at)).map((one) => one.id);
      const values = await get(`${at}?get=${encodeURIComponent(names.join(','))}`);
      fill(list, h('table', {class: 'rows tight'}, h('tbody', {}, values.map((one) => h('tr', {}, h('th', {scope: 'row'}, one.id), h('td', {class: 'num'}, one.value))))));
    } catch (error) {
      fill(list, problem(error));
    }
  };
  read();  // the dialog does not wait: by then somebody else would be in its place
  await ask({title: `${row.stage}.${row.instance}`, body: [`Process ${row.pid}`, list,
    h('p', {class: 'side-actions'}, ['logs', 'flame'].map((tab) => h('a', {class: 'button', href: `#/job/${encodeURIComponent(feed.name)}/${tab}?stage=${encodeURIComponent(row.stage)}&instance=${row.instance}`,
      onclick: (event) => event.currentTarget.closest('dialog').close()}, tab === 'logs' ? 'Logs' : 'Flame graph')))], confirm: 'Close', wide: true});
}
