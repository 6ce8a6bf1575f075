// A manifest is written, checked as one writes, and started.

import {h, fill} from './dom.js';
import {get, send, job as path} from './api.js';
import {editor} from './editor.js';
import {problem, toast} from './dialog.js';

const SAMPLE = `pipeline: sample
stages:
  numbers: {run: generate, columns: "n, n % 10 as k", rate: 1000}
  totals: {run: aggregate, by: k, compute: count(*) as rows}
  out: {run: write-null}
`;
const KEY = 'draft';

// "day=monday" a line.
function parametersOf(text) {
  const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
  const wrong = lines.find((line) => !/^[^=\s]+=/.test(line));
  if (wrong) throw new Error(`'${wrong}' is no parameter; one is NAME=VALUE, a line each`);
  return lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
}

// Savepoints of all jobs, as they are named to the server.
async function savepointsOf() {
  const {jobs} = await get('/jobs/overview');
  const lists = await Promise.all(jobs.map((one) => get(path(one.name, '/savepoints')).catch(() => [])));
  return lists.flat().filter((one) => one.there).map((one) => `${one.job}@${one.label || one.epoch}`).reverse();
}

export async function submitPage(root, parts, query) {
  document.title = 'Submit · stream';
  let start = sessionStorage.getItem(KEY) ?? SAMPLE;
  if (query.get('like')) start = await (await send('GET', path(query.get('like'), '/manifest'))).text();
  const says = h('div', {'aria-live': 'polite'});
  const text = editor({label: 'Manifest', value: start, changed: (value) => { sessionStorage.setItem(KEY, value); clearTimeout(timer); timer = setTimeout(check, 500); }});
  const go = h('button', {type: 'button', class: 'primary', onclick: submit}, 'Start');
  const file = h('input', {type: 'file', accept: '.yaml,.yml,.json', id: 'manifest-file', class: 'hidden-text', onchange: async () => { text.set(await file.files[0].text()); check(); }});
  const later = () => { clearTimeout(timer); timer = setTimeout(check, 500); };
  const name = h('input', {type: 'text', id: 'submit-name', autocomplete: 'off', spellcheck: 'false', oninput: later});
  const given = h('textarea', {id: 'submit-parameters', rows: 2, spellcheck: 'false', placeholder: 'day=monday', oninput: later});
  const from = h('input', {type: 'text', id: 'submit-from', list: 'submit-savepoints', autocomplete: 'off', spellcheck: 'false', placeholder: 'JOB@latest', onfocus: () => offer(), oninput: () => { drop.disabled = !from.value.trim(); }});
  const known = h('datalist', {id: 'submit-savepoints'});
  const offer = () => savepointsOf().then((all) => fill(known, all.map((one) => h('option', {value: one})))).catch(() => {});
  const drop = h('input', {type: 'checkbox', id: 'submit-drop', disabled: true});
  const field = (label, input, hint) => h('label', {class: 'field', for: input.id}, h('span', {}, label), input, h('small', {}, hint));
  const options = h('details', {class: 'panel panel-body', open: Boolean(query.get('from'))}, h('summary', {}, 'Name, parameters, savepoint'),
    field('Name', name, 'In place of the one in the manifest.'), field('Parameters', given, 'NAME=VALUE, a line each.'),
    field('Begin with the savepoint', from, 'JOB@NUMBER, JOB@LABEL, JOB@latest or an absolute path. Left empty, the job goes on from what it has.'), known,
    h('label', {class: 'field check', for: 'submit-drop'}, drop, h('span', {}, 'Drop the state of stages that are gone')));
  from.value = query.get('from') ?? '';
  drop.disabled = !from.value;
  let timer = null;
  let number = 0;
  fill(root, h('div', {class: 'page-head'}, h('div', {}, h('h1', {}, 'Submit a manifest'), h('p', {}, 'It is checked while you write. Relative paths start at the first folder of --root.')),
    h('div', {class: 'toolbar flush'}, file, h('label', {class: 'button', for: 'manifest-file'}, 'Open a file'), h('button', {type: 'button', onclick: check}, 'Check'), go)), says, options, h('div', {class: 'panel panel-body'}, text));

  function asked(starts) {
    const query = new URLSearchParams(parametersOf(given.value).map(([key, value]) => [`p.${key}`, value]));
    if (name.value.trim()) query.set('name', name.value.trim());
    if (starts && from.value.trim()) query.set('savepointPath', from.value.trim());
    if (starts && from.value.trim() && drop.checked) query.set('allowNonRestoredState', 'true');
    return [...query].length ? `?${query.toString().replaceAll('+', '%20')}` : '';
  }

  async function check() {
    const mine = ++number;
    try {
      const answer = await (await send('POST', `/pipelines/validate${asked(false)}`, {body: text.text(), type: 'application/yaml'})).json();
      if (mine !== number) return;
      text.problems(answer.problems);
      fill(says, answer.valid ? h('p', {class: 'note'}, 'Nothing is wrong with it.') : h('p', {class: 'note bad'}, answer.problems.length === 1 ? 'One thing is wrong with it.' : `${answer.problems.length} things are wrong with it.`));
      go.disabled = !answer.valid;
    } catch (error) {
      if (mine === number) fill(says, problem(error));
    }
  }
  async function submit() {
    go.disabled = true;
    try {
      const {jobs} = await (await send('POST', `/pipelines${asked(true)}`, {body: text.text(), type: 'application/yaml'})).json();
      sessionStorage.removeItem(KEY);
      toast(`${jobs.map((one) => one.name).join(', ')}: running.`);
      location.hash = `#/job/${encodeURIComponent(jobs[0].name)}`;
    } catch (error) {
      text.problems((error.errors ?? []).filter((line) => /^(?:[^\s:]+:)?\d+:\d+: /.test(line)));
      fill(says, problem(error));
    }
    go.disabled = false;
  }
  await check();
  return {close: () => clearTimeout(timer)};
}
