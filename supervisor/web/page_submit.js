// A manifest is written, checked as one writes, and started.

import {h, fill} from './dom.js';
import {send, job as path} from './api.js';
import {editor} from './editor.js';
import {problem, toast} from './dialog.js';

const SAMPLE = `pipeline: sample
stages:
  numbers: {run: generate, columns: "n, n % 10 as k", rate: 1000}
  totals: {run: aggregate, by: k, compute: count(*) as rows}
  out: {run: write-null}
`;
const KEY = 'draft';

export async function submitPage(root, parts, query) {
  document.title = 'Submit · stream';
  let start = sessionStorage.getItem(KEY) ?? SAMPLE;
  if (query.get('like')) start = await (await send('GET', path(query.get('like'), '/manifest'))).text();
  const says = h('div', {'aria-live': 'polite'});
  const text = editor({label: 'Manifest', value: start, changed: (value) => { sessionStorage.setItem(KEY, value); clearTimeout(timer); timer = setTimeout(check, 500); }});
  const go = h('button', {type: 'button', class: 'primary', onclick: submit}, 'Start');
  const file = h('input', {type: 'file', accept: '.yaml,.yml,.json', id: 'manifest-file', class: 'hidden-text', onchange: async () => { text.set(await file.files[0].text()); check(); }});
  let timer = null;
  let number = 0;
  fill(root, h('div', {class: 'page-head'}, h('div', {}, h('h1', {}, 'Submit a manifest'), h('p', {}, 'It is checked while you write. Relative paths start at the first folder of --root.')),
    h('div', {class: 'toolbar flush'}, file, h('label', {class: 'button', for: 'manifest-file'}, 'Open a file'), h('button', {type: 'button', onclick: check}, 'Check'), go)), says, h('div', {class: 'panel panel-body'}, text));

  async function check() {
    const mine = ++number;
    try {
      const answer = await (await send('POST', '/pipelines/validate', {body: text.text(), type: 'application/yaml'})).json();
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
      const {jobs} = await (await send('POST', '/pipelines', {body: text.text(), type: 'application/yaml'})).json();
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
