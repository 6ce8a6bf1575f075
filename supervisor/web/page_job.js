// One job: what is the same on all of its pages, and the pages as tabs.

import {h, fill, text} from './dom.js';
import {Feed} from './feed.js';
import {pill, figures} from './parts.js';
import {empty, problem} from './dialog.js';
import {actionBar} from './actions.js';
import {overviewPage} from './page_overview.js';
import * as format from './format.js';

const TABS = [
  ['overview', 'Overview', async () => overviewPage],
  ['instances', 'Instances', () => import('./page_instances.js').then((page) => page.instancesPage)],
  ['charts', 'Charts', () => import('./page_charts.js').then((page) => page.chartsPage)],
  ['checkpoints', 'Checkpoints', () => import('./page_checkpoints.js').then((page) => page.checkpointsPage)],
  ['savepoints', 'Savepoints', () => import('./page_savepoints.js').then((page) => page.savepointsPage)],
  ['events', 'Events', () => import('./page_events.js').then((page) => page.eventsPage)],
  ['logs', 'Logs', () => import('./page_logs.js').then((page) => page.logsPage)],
  ['flame', 'Flame graph', () => import('./page_flame.js').then((page) => page.flamePage)],
  ['state', 'State', () => import('./page_state.js').then((page) => page.statePage)],
  ['tap', 'Tap', () => import('./page_tap.js').then((page) => page.tapPage)],
  ['manifest', 'Manifest', () => import('./page_manifest.js').then((page) => page.manifestPage)],
];

export async function jobPage(root, parts, query) {
  const name = parts[1];
  const feed = await new Feed(name).open();
  const state = h('span');
  const reason = h('p', {class: 'reason', hidden: true});
  const facts = figures([['in', 'From sources'], ['out', 'Into sinks'], ['lag', 'Behind'], ['checkpoint', 'Checkpoint'], ['state', 'State'], ['memory', 'Memory'], ['restarts', 'Restarts'], ['up', 'Up']], {class: 'figures job-figures'});
  const actions = actionBar(feed);
  const tabs = h('nav', {class: 'tabs', 'aria-label': `Pages of ${name}`});
  const body = h('div', {class: 'tab-body'});
  fill(root, h('div', {class: 'job-head'},
    h('div', {class: 'job-title'}, h('h1', {title: name}, name), state, h('span', {class: 'spacer'}), actions), reason, facts), tabs, body);
  fill(tabs, TABS.map(([id, label]) => h('a', {href: `#/job/${encodeURIComponent(name)}/${id}`, 'data-tab': id}, label)));

  let tab = null;
  let number = 0;
  let here = [];
  async function open(id, asked) {
    const now = ++number;
    here = [id, asked];
    tab?.close?.();
    tab = null;
    const [, label, load] = TABS.find((one) => one[0] === id) ?? [];
    for (const link of tabs.children) {
      const shown = link.dataset.tab === id;
      if (shown) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
      if (shown) link.scrollIntoView({block: 'nearest', inline: 'nearest'});
    }
    document.title = `${name} · ${label ?? '?'} · stream`;
    body.className = `tab-body tab-${id}`;
    if (!load) return fill(body, problem({errors: [`a job has no page '${id}'`]}));
    if (feed.summary.state === 'STANDBY') return fill(body, ledElsewhere(name, id, feed.summary.leader));
    fill(body);
    try {
      const page = await load();
      if (now !== number) return undefined;
      tab = await page(body, feed, asked);
      if (now !== number) tab?.close?.();
    } catch (error) {
      if (now === number) fill(body, problem(error, () => open(id, asked)));
    }
    return undefined;
  }

  const leave = feed.subscribe(() => {
    const {summary, totals} = feed;
    if (state.dataset.state !== summary.state) {
      if ([state.dataset.state, summary.state].includes('STANDBY') && here.length) open(...here);
      state.dataset.state = summary.state;
      fill(state, pill(summary.state));
    }
    reason.hidden = !summary.reason || (summary.state === 'RUNNING' && !summary.restarts);
    reason.classList.toggle('bad', summary.state === 'FAILED');
    text(reason, summary.reason ?? '');
    const off = !feed.live || !feed.stats;
    const checkpoint = feed.stats?.checkpoint ?? null;
    facts.set('in', off ? '–' : format.rate(totals.inRate));
    facts.set('out', off ? '–' : format.rate(totals.outRate));
    facts.set('lag', off || totals.lag === null ? '–' : format.duration(totals.lag));
    facts.set('checkpoint', summary.checkpoint ? `#${format.whole(summary.checkpoint)}` : 'none', checkpoint?.ended_us ? `took ${format.duration_us(checkpoint.duration_us)}` : '');
    facts.set('state', off ? '–' : format.bytes(totals.state), off ? '' : `${format.count(totals.stateRows)} rows`);
    facts.set('memory', off ? '–' : format.bytes(totals.memory));
    facts.set('restarts', format.whole(summary.restarts ?? 0), '', summary.restarts ? 'warn' : '');
    facts.set('up', feed.live ? format.duration(Date.now() - summary.started_us / 1000) : '–', feed.live ? '' : `began ${format.moment(summary.started_us / 1000)}`);
    actions.update();
    tab?.tick?.(feed);
  });

  await open(parts[2] ?? 'overview', query);
  return {
    // Another tab of the same job keeps the feed.
    stays: (next, asked) => {
      if (next[0] !== 'job' || next[1] !== name) return false;
      open(next[2] ?? 'overview', asked);
      return true;
    },
    close: () => { leave(); tab?.close?.(); feed.close(); },
  };
}

// What this server stands by for is shown by that of its leader.
function ledElsewhere(name, tab, leader) {
  if (!leader.http) return empty('Another supervisor leads this job.', 'It does not say where its pages are.');
  const there = `${leader.http}/#/job/${encodeURIComponent(name)}/${tab}`;
  return empty('Another supervisor leads this job.', h('a', {href: there}, `Its pages are at ${leader.host}`));
}
