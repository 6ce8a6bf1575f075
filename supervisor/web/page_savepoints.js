// Savepoints of a job: make, mark, compare, download, go on from, delete.

import {h, fill} from './dom.js';
import {get, job as path, run, command, operate, download, ApiError} from './api.js';
import {problem, empty, ask, toast} from './dialog.js';
import {takeSavepoint} from './actions.js';
import {panel} from './parts.js';
import * as format from './format.js';

const ANSWERS_LAST = 700;  // ms

export async function savepointsPage(root, feed) {
  const list = h('div');
  const other = h('div');
  const make = h('button', {type: 'button', class: 'primary', onclick: () => takeSavepoint(feed)}, 'Make a savepoint');
  const by = h('button', {type: 'button', onclick: () => schedule(feed, read)}, 'By themselves');
  const compare = h('button', {type: 'button', disabled: true, onclick: () => diff()}, 'Compare the two chosen');
  fill(root, h('div', {class: 'toolbar'}, make, by, compare), panel('Savepoints', list), other);
  const chosen = new Set();
  let shown = '';

  async function read() {
    try {
      const all = (await get(path(feed.name, '/savepoints'))).sort((a, b) => b.created_us - a.created_us);
      const now = JSON.stringify(all);
      if (now === shown) return;  // who reads or clicks there is not disturbed
      shown = now;
      for (const one of chosen) if (!all.some((savepoint) => savepoint.path === one)) chosen.delete(one);
      fill(list, all.length ? table(all) : empty('There is no savepoint of this job.', 'It is the state of the job at one moment, kept until you delete it: to go back to, to start another version from, to look into.'));
      choose();
    } catch (error) {
      shown = '';
      fill(list, problem(error, read));
    }
  }
  // The server may answer what it has known for a moment.
  let again = null;
  feed.readSavepoints = async () => {
    clearTimeout(again);
    await read();
    again = setTimeout(read, ANSWERS_LAST);
  };
  const choose = () => { compare.disabled = chosen.size !== 2; };
  const ref = (one) => (one.label ? `${feed.name}@${one.label}` : `${feed.name}@${one.epoch}`);

  function table(all) {
    return h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Savepoints'}, h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, ['', 'Savepoint', 'Made', 'Note', 'Size', 'Where', 'Actions'].map((head, at) => (head ? h('th', {scope: 'col', class: at === 4 ? 'num' : null}, head) : h('td'))))),
      h('tbody', {}, all.map((one) => h('tr', {}, h('td', {}, h('input', {type: 'checkbox', 'aria-label': `Compare ${ref(one)}`, checked: chosen.has(one.path), onchange: (event) => { if (event.target.checked) chosen.add(one.path); else chosen.delete(one.path); choose(); }})),
        h('th', {scope: 'row'}, `#${one.epoch}`, one.label ? h('span', {class: 'chip'}, one.label) : null, one.drained ? h('span', {class: 'chip skew', title: 'its windows have fired'}, 'drained') : null),
        h('td', {}, format.moment(one.created_us / 1000)), h('td', {class: 'why'}, one.note), h('td', {class: 'num'}, one.bytes ? format.bytes(one.bytes) : '–'),
        h('td', {class: 'path', title: one.path}, h('bdi', {dir: 'ltr'}, one.there ? one.path : `gone from ${one.path}`)),
        h('td', {class: 'row-actions'}, h('a', {class: 'button', href: `#/job/${encodeURIComponent(feed.name)}/state?ref=${encodeURIComponent(ref(one))}`}, 'Look into'),
          h('button', {type: 'button', onclick: () => markIt(one)}, 'Mark'), h('button', {type: 'button', onclick: () => restore(one)}, 'Restore'), h('button', {type: 'button', onclick: () => pack(one)}, 'Pack'), h('button', {type: 'button', disabled: !one.there, onclick: () => fetchIt(one)}, 'Download'), h('button', {type: 'button', onclick: () => remove(one)}, 'Delete')))))));
  }

  const markIt = (one) => ask({title: `Mark savepoint #${one.epoch}`, confirm: 'Mark', fields: [{name: 'label', label: 'Label', value: one.label}, {name: 'note', label: 'Note', value: one.note}],
    act: async ({label, note}) => { await run(['savepoint', feed.name, '--mark', one.path, '--label', label, '--note', note]); await feed.readSavepoints(); }});

  const remove = (one) => ask({title: `Delete savepoint #${one.epoch} of ${feed.name}`, body: [`${one.path}`, one.note ? `Its note: ${one.note}` : null, 'It cannot be brought back.'], confirm: 'Delete it', danger: true, type: feed.name,
    act: async () => {
      await operate('/savepoint-disposal', {'savepoint-path': one.path});
      toast(`Savepoint #${one.epoch} is deleted.`);
      await feed.readSavepoints();
    }});

  const pack = (one) => ask({title: `Pack savepoint #${one.epoch}`, body: 'Makes one compressed file of it, beside it, which every verb and tar --zstd can open.', confirm: 'Pack',
    act: async () => { const done = await run(['savepoint', feed.name, '--pack', one.path]); toast(`Packed.\n${done.stdout.trim()}`); await feed.readSavepoints(); }});

  const fetchIt = (one) => download(path(feed.name, `/savepoints/${one.label || one.epoch}/download`), `${feed.name}-${one.epoch}.tar.zst`)
    .catch((error) => toast(error.message, 'bad'));

  const restore = async (one) => ask({title: `Go on from savepoint #${one.epoch}`, body: feed.live
    ? [`${feed.name} is stopped first, and goes on from the state of ${format.moment(one.created_us / 1000)}.`, 'What it has done since then is done again; sinks take back what they can.']
    : `A new run of ${feed.name} begins with that state.`, confirm: 'Go on from it', danger: true, type: feed.name,
    fields: [{name: 'manifest', label: 'Manifest', type: 'textarea', rows: 10, value: await feed.readManifest().catch(() => ''), required: true, hint: 'What goes on; as it runs now unless you change it.'}], wide: true,
    act: async ({manifest}) => {
      if (feed.live) await operate(path(feed.name, '/stop'), {drain: false}, {poll: path(feed.name, '/savepoints')});
      await run(['run', 'manifest.yaml', '-d', '--from', one.path], {files: {'manifest.yaml': manifest}});
      toast(`${feed.name} goes on from savepoint #${one.epoch}.`);
      await feed.refresh();
    }});

  function diff() {
    const [a, b] = [...chosen];
    showDiff(other, a, b);
  }

  await feed.readSavepoints();
  let state = feed.summary.state;
  const newest = () => feed.events.findLast((one) => one.kind === 'savepoint')?.at_us;
  let made = newest();
  const busy = () => { make.disabled = feed.summary.state !== 'RUNNING'; by.disabled = !feed.live; };
  busy();
  const tick = () => {
    busy();
    if (state === feed.summary.state && made === newest()) return;
    state = feed.summary.state;
    made = newest();
    feed.readSavepoints();
  };
  return {tick, close: () => { feed.readSavepoints = null; clearTimeout(again); }};
}


function schedule(feed, read) {
  return ask({title: 'Savepoints by themselves', body: 'The job makes one every so often, and deletes old ones that have no label and no note.', confirm: 'Set',
    fields: [{name: 'every', label: 'Every', value: '1h', hint: "Such as 10m, 6h or 1d; 'off' for none.", required: true}, {name: 'keep', label: 'Keep the newest', type: 'number', min: 0, value: 24, hint: '0 keeps all.'}],
    act: async ({every, keep}) => { await run(['savepoint', feed.name, '--every', every, ...(every !== 'off' && keep ? ['--keep', String(keep)] : [])]); toast(every === 'off' ? 'No savepoint is made by itself any more.' : `One every ${every}.`); await feed.readSavepoints(); }});
}

// The verb ends with 1 where something differs.
async function differences(args) {
  const done = await command(['state', 'diff', ...args, '--json']);
  if (done.exit > 1 || (done.exit === 1 && done.stderr)) throw new ApiError(409, [done.stderr.trim() || `stream state diff has ended with ${done.exit}`]);
  return jsonLines(done.stdout);
}

// Tables first, then the rows that differ.
async function showDiff(place, a, b) {
  fill(place, panel('Differences', h('div', {class: 'panel-body'}, 'Comparing …')));
  try {
    const counted = await differences([a, b, '--count']);
    const rows = h('div');
    fill(place, panel('Differences', h('p', {class: 'panel-body muted'}, `${a} → ${b}`), counted.length ? h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, ['Table', 'Added', 'Removed', 'Changed'].map((head, at) => h('th', {scope: 'col', class: at ? 'num' : null}, head)))),
      h('tbody', {}, counted.map((one) => h('tr', {}, h('th', {scope: 'row'}, h('button', {type: 'button', class: 'link', onclick: () => table(one.table)}, one.table)), [one.added, one.removed, one.changed].map((value) => h('td', {class: 'num'}, format.count(value ?? 0))))))) : empty('They hold the same state.'), rows));
    const table = async (name) => {
      try {
        const found = (await differences([a, b, '--table', name])).slice(0, 500);
        fill(rows, h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': `Rows of ${name} that differ`}, h('table', {class: 'rows tight'}, h('thead', {}, h('tr', {}, ['', 'Key', 'Before', 'After'].map((head) => (head ? h('th', {scope: 'col'}, head) : h('td'))))),
          h('tbody', {}, found.map((one) => h('tr', {}, h('td', {}, one.difference), [one.key ?? one.what, one.before, one.after].map((value) => h('td', {}, h('code', {}, value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value))))))))));
      } catch (error) { fill(rows, problem(error)); }
    };
  } catch (error) {
    fill(place, problem(error));
  }
}
export const jsonLines = (output) => output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
