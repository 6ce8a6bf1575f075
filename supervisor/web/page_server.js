// The server itself: hosts, settings, what was asked of it, and any verb of the command line.

import {h, fill} from './dom.js';
import {get, command, causeOf} from './api.js';
import {panel, pill} from './parts.js';
import {problem, empty} from './dialog.js';
import * as format from './format.js';

// Of a host where no server runs only its processes are.
const known = (value, show) => (value < 0 ? '–' : show(value));

export async function serverPage(root, parts, query) {
  document.title = 'Server · stream';
  const over = new AbortController();
  const hosts = h('div');
  const settings = h('div');
  const operations = h('div');
  fill(root, h('div', {class: 'page-head'}, h('div', {}, h('h1', {}, 'Server'))), verbLine(query, over.signal), panel('Operations', operations), h('div', {class: 'split'}, panel('Hosts', hosts), panel('Settings', settings)));
  const part = async (place, make) => { try { fill(place, await make()); } catch (error) { fill(place, h('div', {class: 'panel-body'}, problem(error))); } };
  await Promise.all([
    part(settings, async () => h('dl', {class: 'settings'}, (await get('/jobmanager/config')).map((one) => h('div', {}, h('dt', {}, one.key), h('dd', {}, one.value))))),
    part(hosts, async () => h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Hosts'}, h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, ['Host', 'Processes', 'Cores', 'Memory', 'Free'].map((head, at) => h('th', {scope: 'col', class: at ? 'num' : null}, head)))),
      h('tbody', {}, (await get('/taskmanagers')).taskmanagers.map((host) => h('tr', {}, h('th', {scope: 'row'}, host.path), [host.assignedTasks, known(host.hardware.cpuCores, format.whole), known(host.hardware.physicalMemory, format.bytes), known(host.hardware.freeMemory, format.bytes)].map((value) => h('td', {class: 'num'}, value)))))))),
    part(operations, async () => {
      const all = (await get('/operations')).operations;
      return all.length ? h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Operations'}, h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, ['Asked', 'What', 'Job', 'By', 'State', 'Outcome'].map((head) => h('th', {scope: 'col'}, head)))),
        h('tbody', {}, all.map((one) => h('tr', {}, h('td', {}, format.moment(one.begin)), h('td', {}, one.kind), h('td', {}, one.name ?? one.job ?? ''), h('td', {}, one.who || one.remote), h('td', {}, pill(one.status)), h('td', {class: 'why'}, outcomeOf(one))))))) : empty('Nothing was asked through this server in the last days.');
    }),
  ]);
  return {close: () => over.abort(new DOMException('over', 'AbortError'))};
}

function outcomeOf({outcome}) {
  const cause = outcome['failure-cause'];
  if (cause) return causeOf(cause);
  return outcome.location ?? (outcome.checkpointId ? `checkpoint ${outcome.checkpointId}` : '');
}

// Words as a shell would have them, without a shell: 'a b' "c d" e
export function wordsOf(line) {
  return [...line.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map((found) => found[0].replace(/"([^"]*)"|'([^']*)'/g, (_, one, two) => one ?? two));
}

function verbLine(query, signal) {
  const line = h('input', {type: 'text', class: 'grow mono', id: 'verb', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', value: query.get('verb') ?? 'ps --all', 'aria-label': 'Verb and its arguments, without stream'});
  const out = h('pre', {class: 'console-out', tabindex: 0, role: 'log', 'aria-label': 'What it prints'});
  const go = h('button', {type: 'submit', class: 'primary'}, 'Run');
  let running = null;
  const form = h('form', {class: 'console-line', onsubmit: async (event) => {
    event.preventDefault();
    if (running) return running.abort(new DOMException('over', 'AbortError'));
    running = new AbortController();
    signal.addEventListener('abort', () => running?.abort(signal.reason), {once: true});
    go.textContent = 'End';
    fill(out);
    try {
      const done = await command(wordsOf(line.value), {signal: running.signal, heard: (stream, piece) => {
        out.append(h('span', {class: stream}, piece));
        while (out.childNodes.length > 2000) out.firstChild.remove();
        out.scrollTop = out.scrollHeight;
      }});
      out.append(h('span', {class: 'console-end'}, `${out.textContent && !out.textContent.endsWith('\n') ? '\n' : ''}exit ${done.exit}`));
    } catch (error) {
      if (error.name !== 'AbortError') fill(out, problem(error));
    }
    running = null;
    go.textContent = 'Run';
    return undefined;
  }}, h('label', {class: 'mono', for: 'verb'}, 'stream'), line, go);
  return panel('Command line', h('div', {class: 'panel-body'}, form, out, h('p', {class: 'muted'}, 'A verb and its arguments, run by the server as the command line would: ps --all, show JOB, dead-letter JOB, explain FILE, gc --dry-run. stream(1) lists them.')));
}
