// What a job remembers: its tables, the keys that hold most, and questions in SQL.

import {h, fill} from './dom.js';
import {get, post, run, job as path} from './api.js';
import {problem, empty} from './dialog.js';
import {panel} from './parts.js';
import {virtualTable} from './virtual.js';
import {jsonLines} from './page_savepoints.js';
import * as format from './format.js';

export async function statePage(root, feed, query) {
  const ref = query.get('ref');
  const tables = h('div');
  const chosen = h('div', {class: 'panel-body'}, h('p', {class: 'muted'}, 'Choose a table.'));
  const sql = h('textarea', {id: 'sql', rows: 4, spellcheck: 'false', 'aria-describedby': 'sql-hint', placeholder: 'select …'});
  const live = h('input', {type: 'checkbox'});
  const result = h('div');
  const form = h('form', {class: 'panel-body', onsubmit: (event) => { event.preventDefault(); question(); }},
    h('label', {class: 'field', for: 'sql'}, h('span', {}, 'SQL, as SQLite takes it'), sql), h('p', {class: 'toolbar', id: 'sql-hint'}, h('button', {type: 'submit', class: 'primary'}, 'Ask'),
      ref ? null : h('label', {}, live, 'Ask the instances as they are now (single rows: every key column given with =)'), h('span', {class: 'muted'}, ref ? `of ${ref}` : 'of the newest checkpoint; Ctrl+Enter asks')));
  sql.addEventListener('keydown', (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); question(); } });
  fill(root, ref ? h('p', {class: 'note'}, `The state of ${ref}. `, h('a', {href: `#/job/${encodeURIComponent(feed.name)}/state`}, 'Back to the newest checkpoint')) : null,
    h('div', {class: 'split'}, panel('Tables', tables), panel('Columns and largest keys', chosen)), panel('Question', form, result));

  async function read() {
    try {
      const all = await listTables();
      const name = (table) => `${table.stage}.${table.table}`;
      fill(tables, all.length ? h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Tables of state'}, h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, ['Table', 'Rows', 'Size'].map((head, at) => h('th', {scope: 'col', class: at ? 'num' : null}, head)))),
        h('tbody', {}, all.map((table) => h('tr', {}, h('th', {scope: 'row'}, h('button', {type: 'button', class: 'link', onclick: () => show(table)}, name(table))), h('td', {class: 'num'}, format.count(table.rows)), h('td', {class: 'num'}, format.bytes(table.bytes))))))) :
        empty('There is no state.', 'Either nothing is remembered by its stages, or there is no checkpoint yet.'));
      if (all.length) {
        const first = all.find((table) => table.distribution === 'keyed') ?? all[0];
        show(first);
      }
    } catch (error) {
      fill(tables, problem(error, read));
    }
  }
  async function listTables() {
    if (ref) return jsonLines((await run(['state', 'ls', ref, '--json'])).stdout);
    return (await get(path(feed.name, '/state'))).tables;
  }
  async function show(table) {
    const name = table.table;
    if (!sql.value || sql.dataset.own) {
      sql.value = `select * from ${name} limit 100`;
      sql.dataset.own = '1';
    }
    for (const row of tables.querySelectorAll('tbody tr')) row.setAttribute('aria-selected', String(row.querySelector('button').textContent === `${table.stage}.${name}`));
    const columns = (list) => h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': `Columns of ${table.stage}.${name}`}, h('table', {class: 'rows tight'}, h('thead', {}, h('tr', {}, ['Column', 'Type', 'Means'].map((head) => h('th', {scope: 'col'}, head)))),
      h('tbody', {}, list.map((column) => h('tr', {}, h('th', {scope: 'row'}, column.name, column.key ? h('span', {class: 'chip'}, 'key') : null), h('td', {}, column.type), h('td', {class: 'why short'}, column.means ?? ''))))));
    fill(chosen, h('h3', {}, `${table.stage}.${name}`), table.columns && columns(table.columns), h('p', {class: 'muted'}, 'Looking for the largest keys …'));
    try {
      const whole = table.largest ? table : jsonLines((await run(['state', 'show', ref ?? feed.name, `${table.stage}.${name}`, '--largest', '10', '--json'])).stdout)[0];
      if (!whole) return;
      const most = Math.max(1, ...(whole.largest ?? []).map((key) => key.bytes));
      fill(chosen, h('h3', {}, `${table.stage}.${name}`), h('p', {class: 'muted'}, [whole.distribution, whole.holds, whole.skew && whole.skew > 1 ? `fullest key group ${whole.skew.toFixed(1)} × the mean` : ''].filter(Boolean).join(' · ')), columns(whole.columns ?? []),
        h('h3', {class: 'above'}, 'Largest keys'), h('ul', {class: 'key-bars'}, (whole.largest ?? []).map((key) => h('li', {}, h('code', {title: key.key}, key.key), h('span', {class: 'key-bar', 'aria-hidden': 'true'}, h('i', {style: {width: `${(key.bytes / most) * 100}%`}})), h('span', {class: 'num'}, `${format.count(key.rows)} ${key.rows === 1 ? 'row' : 'rows'}, ${format.bytes(key.bytes)}`)))));
    } catch (error) {
      chosen.lastChild.remove();
      chosen.append(problem(error));
    }
  }
  sql.addEventListener('input', () => { delete sql.dataset.own; });
  async function question() {
    fill(result, h('p', {class: 'panel-body muted'}, 'Asking …'));
    try {
      const answer = ref ? fromLines(jsonLines((await run(['state', 'query', ref, sql.value, '--json'])).stdout)) : await post(path(feed.name, '/state/query'), {sql: sql.value, live: live.checked, limit: 1000});
      const columns = answer.columns.map((column, at) => ({id: String(at), head: column.name, width: Math.max(110, column.name.length * 9 + 40), num: /INT|DOUBLE|DECIMAL|REAL/i.test(column.type ?? ''), value: (row) => row[at], text: (row) => (row[at] === null || row[at] === undefined ? '∅' : typeof row[at] === 'object' ? JSON.stringify(row[at]) : String(row[at]))}));
      if (!columns.length) return fill(result, empty('No rows.'));
      const table = virtualTable({label: 'Rows of the answer', columns, height: 420, rowHeight: 32, sort: {id: ''}});
      fill(result, h('p', {class: 'panel-body muted'}, `${format.whole(answer.rows.length)} ${answer.rows.length === 1 ? 'row' : 'rows'}${answer.checkpoint ? ` of checkpoint #${answer.checkpoint}` : ''}${answer.age >= 0 ? `, ${format.duration(answer.age)} old` : ''}${answer.more ? '; there are more' : ''}`), table);
      table.update(answer.rows);
    } catch (error) {
      fill(result, h('div', {class: 'panel-body'}, problem(error)));
    }
    return undefined;
  }
  await read();
  return {};
}

const fromLines = (rows) => {
  const names = [...new Set(rows.flatMap(Object.keys))];
  return {columns: names.map((name) => ({name})), more: rows.length > 1000, rows: rows.slice(0, 1000).map((row) => names.map((name) => row[name]))};
};
