// A job at a glance: the graph, the chosen stage, all stages as a table, the newest events.

import {h, fill, text, keyed, attribute, iconButton} from './dom.js';
import {graph} from './graph.js';
import {loadOf, LOAD_TEXT} from './stats.js';
import {loadBar, figures, panel} from './parts.js';
import {eventLine} from './events.js';
import {rescaleDialog} from './actions.js';
import * as format from './format.js';

export function overviewPage(root, feed, query) {
  let chosen = query.get('stage');
  const choose = (name) => {
    chosen = chosen === name ? null : name;
    history.replaceState(null, '', `#/job/${encodeURIComponent(feed.name)}/overview${chosen ? `?stage=${encodeURIComponent(chosen)}` : ''}`);
    draw(feed);
    if (chosen && innerWidth < 900) side.scrollIntoView({behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth', block: 'nearest'});
  };
  const drawing = graph(choose);
  const side = h('aside', {class: 'stage-side', 'aria-label': 'The chosen stage', hidden: true});
  const legend = h('ul', {class: 'load-legend', 'aria-label': 'Colours'}, ['idle', 'working', 'busy', 'held'].map((load) => h('li', {'data-load': load}, h('i', {'aria-hidden': 'true'}), LOAD_TEXT[load])));
  const table = stagesTable(choose);
  const newest = h('ul', {class: 'event-list'});
  fill(root,
    h('section', {class: 'panel graph-panel', 'aria-labelledby': 'graph-title'}, h('header', {class: 'panel-head'}, h('h2', {id: 'graph-title'}, 'Graph'), legend),
      h('div', {class: 'graph-and-side'}, drawing, side)),
    panel('Stages', table),
    panel('Newest events', newest, h('p', {class: 'panel-more'}, h('a', {href: `#/job/${encodeURIComponent(feed.name)}/events`}, 'All events and exceptions'))));

  let made = null;
  function draw() {
    drawing.update(feed, chosen);
    table.update(feed, chosen);
    keyed(newest, feed.events.slice(-6).reverse(), (event) => `${event.at_us}${event.text}`, (event) => eventLine(event));
    const stage = feed.stages.find((one) => one.name === chosen);
    side.hidden = !stage;
    if (!stage) { made = null; return; }
    if (made?.name !== stage.name) {
      made = stageSide(feed, stage, () => choose(stage.name));
      fill(side, made.node);
    }
    made.update(stage);
  }
  draw();
  return {tick: draw, close: () => drawing.close()};
}

function stageSide(feed, stage, close) {
  const link = (tab, label, query = `stage=${encodeURIComponent(stage.name)}`) => h('a', {class: 'button', href: `#/job/${encodeURIComponent(feed.name)}/${tab}?${query}`}, label);
  const load = loadBar();
  const says = h('p', {class: 'muted'});
  const numbers = figures([['in', 'In'], ['out', 'Out'], ['bytesIn', 'Bytes in'], ['bytesOut', 'Bytes out'], ['lag', 'Behind'], ['skew', 'Skew'], ['state', 'State'], ['memory', 'Memory'], ['queued', 'Queued'], ['bad', 'Bad, late']]);
  const rows = h('tbody');
  const node = h('div', {},
    h('header', {class: 'side-head'}, h('h3', {}, stage.name), iconButton('close', 'Close', close)),
    h('p', {class: 'side-run'}, h('code', {}, feed.plan?.nodes.find((one) => one.description.startsWith(`${stage.name}: `))?.description.slice(stage.name.length + 2) ?? '')),
    load, says, numbers,
    h('div', {class: 'side-scroll', tabindex: 0, role: 'region', 'aria-label': `Instances of ${stage.name}`}, h('table', {class: 'rows tight'}, h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, '#'), h('th', {scope: 'col'}, 'Load'), h('th', {scope: 'col', class: 'num'}, 'In'), h('th', {scope: 'col', class: 'num'}, 'Out'))), rows)),
    h('div', {class: 'side-actions'}, h('button', {type: 'button', disabled: !feed.live, onclick: () => rescaleDialog(feed, stage.name)}, 'Rescale'),
      link('instances', 'Instances'), link('logs', 'Logs'), link('flame', 'Flame graph'), link('tap', 'Tap'), link('state', 'State')));
  const update = (now) => {
    load.update(now);
    text(says, `busy ${format.percent(now.busy)} · backpressured ${format.percent(now.backpressured)} · idle ${format.percent(now.idle)}`);
    numbers.set('in', now.role === 'source' ? '–' : format.rate(now.inRate), now.role === 'source' ? '' : `${format.count(now.recordsIn)} in all`);
    numbers.set('out', now.role === 'sink' ? '–' : format.rate(now.outRate), now.role === 'sink' ? '' : `${format.count(now.recordsOut)} in all`);
    numbers.set('bytesIn', `${format.bytes(now.bytesInRate)}/s`);
    numbers.set('bytesOut', `${format.bytes(now.bytesOutRate)}/s`);
    numbers.set('lag', now.lag === null ? '–' : format.duration(now.lag), now.heldBy ? `by ${now.heldBy}` : '');
    numbers.set('skew', now.skew === null ? '–' : format.percent(now.skew));
    numbers.set('state', format.bytes(now.stateBytes), `${format.count(now.stateRows)} rows`);
    numbers.set('memory', format.bytes(now.memory));
    numbers.set('queued', format.bytes(now.queued));
    numbers.set('bad', `${format.count(now.bad)}, ${format.count(now.late)}`);
    keyed(rows, now.instances.slice(0, 50), (one) => one.instance,
      (one) => h('tr', {}, h('th', {scope: 'row'}, one.instance), h('td', {}, loadBar()), h('td', {class: 'num'}), h('td', {class: 'num'})),
      (row, one) => {
        row.children[1].firstChild.update(one);
        text(row.children[2], format.rate(one.records_in_rate));
        text(row.children[3], format.rate(one.records_out_rate));
      });
  };
  return {name: stage.name, node, update};
}

function stagesTable(choose) {
  const heads = ['Stage', 'Role', 'Instances', 'Load', 'In', 'Out', 'Behind', 'Skew', 'State', 'Memory'];
  const rows = h('tbody');
  const node = h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Stages'},
    h('table', {class: 'rows'}, h('thead', {}, h('tr', {}, heads.map((head, at) => h('th', {scope: 'col', class: at > 3 || at === 2 ? 'num' : null}, head)))), rows));
  node.update = (feed, chosen) => keyed(rows, feed.stages, (stage) => stage.name,
    (stage) => h('tr', {}, h('th', {scope: 'row'}, h('button', {type: 'button', class: 'link', onclick: () => choose(stage.name)}, stage.name)),
      h('td', {}, stage.role), h('td', {class: 'num'}), h('td', {class: 'load-cell'}, loadBar()), ['', '', '', '', '', ''].map(() => h('td', {class: 'num'}))),
    (row, stage) => {
      attribute(row, 'data-load', feed.live ? loadOf(stage) : 'gone');
      attribute(row, 'aria-selected', stage.name === chosen ? 'true' : null);
      row.querySelector('.load-bar').update(stage);
      const off = !feed.live || !stage.instances.length;
      [[2, format.whole(stage.parallelism)], [4, off || stage.role === 'source' ? '–' : format.rate(stage.inRate)], [5, off || stage.role === 'sink' ? '–' : format.rate(stage.outRate)],
        [6, off || stage.lag === null ? '–' : format.duration(stage.lag)], [7, off || stage.skew === null ? '–' : format.percent(stage.skew)],
        [8, off ? '–' : format.bytes(stage.stateBytes)], [9, off ? '–' : format.bytes(stage.memory)]].forEach(([at, value]) => text(row.children[at], value));
    });
  return node;
}
