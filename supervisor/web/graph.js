// The stages of a job as a graph, with what goes through it at this moment.

import {h, s, fill, text, iconButton, attribute} from './dom.js';
import {layout, curve} from './layout.js';
import {loadOf, LOAD_TEXT} from './stats.js';
import {loadBar} from './parts.js';
import * as format from './format.js';

const NODE = {width: 216, height: 124};
const NARROW = 640;  // of the page: below, the graph goes down
const HOW = {FORWARD: 'forward', HASH: 'by key', REBALANCE: 'in turn', BROADCAST: 'to all', GLOBAL: 'to one'};

export function graph(choose) {
  const lines = s('svg', {class: 'graph-lines', 'aria-hidden': 'true'});
  const labels = h('div', {class: 'graph-labels', 'aria-hidden': 'true'});
  const cards = h('ul', {class: 'graph-nodes'});
  const inner = h('div', {class: 'graph-inner'}, lines, labels, cards);
  const view = h('div', {class: 'graph-view', tabindex: 0, role: 'region', 'aria-label': 'Graph of the stages; scroll to see all of it'}, inner);
  const tools = h('div', {class: 'graph-tools'}, iconButton('minus', 'Smaller', () => zoom(0.8)), iconButton('plus', 'Larger', () => zoom(1.25)), iconButton('fit', 'Fit into the page', () => fit()));
  const node = h('div', {class: 'graph'}, view, tools);
  let nodes = new Map();
  let edges = [];
  let placed = null;
  let made = '';
  let scale = 1;
  let fitted = true;

  function build(plan) {
    const down = innerWidth < NARROW;
    const named = new Map(plan.nodes.map((one) => [one.id, nameOf(one)]));
    const links = plan.nodes.flatMap((one) => (one.inputs ?? []).map((input) => ({from: named.get(input.id), to: named.get(one.id), how: input.ship_strategy})));
    placed = layout([...named.values()], links, {...NODE, down, layerGap: down ? 54 : 88, gap: down ? 14 : 28});
    placed.down = down;
    nodes = new Map(plan.nodes.map((one) => [nameOf(one), makeNode(one, choose)]));
    for (const [name, card] of nodes) {
      const at = placed.nodes.get(name);
      card.style.setProperty('left', `${at.x}px`);
      card.style.setProperty('top', `${at.y}px`);
    }
    edges = placed.edges.map(({edge, points}) => {
      const path = s('path', {class: 'edge', d: curve(points, down)});
      const flow = s('path', {class: 'edge-flow', d: curve(points, down)});
      const label = h('span', {class: 'edge-label'}, h('b', {}, '–'), h('small', {}, HOW[edge.how] ?? edge.how.toLowerCase()));
      const first = points[0];
      const second = points[1];
      label.style.setProperty('left', `${down ? second.x : (first.x + second.x) / 2}px`);
      label.style.setProperty('top', `${down ? (first.y + second.y) / 2 : (first.y + second.y) / 2}px`);
      return {...edge, path, flow, label};
    });
    lines.setAttribute('width', placed.width);
    lines.setAttribute('height', placed.height);
    fill(lines, edges.flatMap((edge) => [edge.path, edge.flow]));
    fill(labels, edges.map((edge) => edge.label));
    fill(cards, [...nodes.values()]);
    inner.style.setProperty('width', `${placed.width}px`);
    inner.style.setProperty('height', `${placed.height}px`);
    fit();
  }

  function apply() {
    inner.style.setProperty('transform', `scale(${scale})`);
    inner.style.setProperty('margin-right', `${placed.width * (scale - 1)}px`);
    inner.style.setProperty('margin-bottom', `${placed.height * (scale - 1)}px`);
  }
  function fit() {
    if (!placed) return;
    fitted = true;
    const room = view.clientWidth - 40;
    scale = Math.min(1, Math.max(placed.down ? 0.7 : 0.68, room / placed.width));
    apply();
  }
  function zoom(factor) {
    fitted = false;
    scale = Math.min(2, Math.max(0.25, scale * factor));
    apply();
  }
  const watcher = new ResizeObserver(() => {
    if (!placed || !fitted) return;
    if (placed.down !== innerWidth < NARROW) made = '';
    fit();
  });
  watcher.observe(view);

  node.update = (feed, chosen) => {
    if (!feed.plan) return;
    const shape = JSON.stringify([feed.plan.nodes.map((one) => [one.id, one.parallelism, one.inputs]), innerWidth < NARROW]);
    if (shape !== made) {
      made = shape;
      build(feed.plan);
    }
    const stages = new Map(feed.stages.map((stage) => [stage.name, stage]));
    for (const [name, card] of nodes) {
      const stage = stages.get(name);
      if (stage) card.update(stage, feed.live);
      attribute(card.firstChild, 'aria-pressed', String(name === chosen));
    }
    const top = Math.max(1, ...feed.stages.map((stage) => Math.max(stage.inRate, stage.outRate)));
    for (const edge of edges) updateEdge(edge, edges, stages, top, feed.live);
  };
  node.close = () => watcher.disconnect();
  return node;
}

const nameOf = (node) => node.description.split(': ')[0];

function makeNode(one, choose) {
  const name = nameOf(one);
  const state = h('span', {class: 'node-state'});
  const bar = loadBar();
  const inRate = h('b', {}, '–');
  const outRate = h('b', {}, '–');
  const chips = h('span', {class: 'node-chips'});
  const card = h('li', {class: 'node'}, h('button', {type: 'button', 'data-stage': name, 'aria-pressed': 'false', onclick: () => choose(name)},
    h('span', {class: 'node-head'}, h('span', {class: 'node-name', title: name}, name), h('span', {class: 'node-count', title: `${one.parallelism} instances`}, `×${one.parallelism}`)),
    h('span', {class: 'node-run'}, h('code', {title: one.description}, one.operator), state),
    bar,
    h('span', {class: 'node-rates'}, h('span', {}, 'in ', inRate), h('span', {}, 'out ', outRate)),
    chips));
  card.update = (stage, live) => {
    const load = live ? loadOf(stage) : 'gone';
    attribute(card, 'data-load', load);
    text(state, live ? LOAD_TEXT[load] : '');
    bar.update(stage);
    text(inRate, stage.role === 'source' || !live ? '–' : format.rate(stage.inRate));
    text(outRate, stage.role === 'sink' || !live ? '–' : format.rate(stage.outRate));
    const says = [];
    if (stage.lag !== null) says.push(['watermark', `${format.duration(stage.lag)} behind`, stage.heldBy ? `held back by ${stage.heldBy}` : 'event time behind the clock']);
    if (stage.skew !== null && stage.skew > 0.1) says.push(['skew', `skew ${format.percent(stage.skew)}`, 'how unlike the instances are in records: deviation by mean']);
    if (stage.stateRows) says.push(['state', `${format.count(stage.stateRows)} rows`, `${format.bytes(stage.stateBytes)} of state`]);
    if (stage.bad) says.push(['bad', `${format.count(stage.bad)} bad`, 'records that could not be processed']);
    if (stage.late) says.push(['bad', `${format.count(stage.late)} late`, 'records that came after their window']);
    const shape = JSON.stringify(says.map((chip) => chip[0]));
    if (chips.dataset.shape !== shape) {
      chips.dataset.shape = shape;
      fill(chips, says.map(([kind]) => h('span', {class: `chip ${kind}`})));
    }
    says.forEach(([, value, title], at) => { text(chips.children[at], value); attribute(chips.children[at], 'title', title); });
  };
  return card;
}

// What an edge carries is known where it is all that one of its ends has.
function updateEdge(edge, edges, stages, top, live) {
  const from = stages.get(edge.from);
  const to = stages.get(edge.to);
  const alone = (end, value) => edges.filter((one) => one[end] === value).length === 1;
  let carried = null;
  if (live && to && alone('to', edge.to)) carried = to.inRate;
  else if (live && from && alone('from', edge.from)) carried = from.outRate;
  text(edge.label.firstChild, carried === null ? '' : format.rate(carried));
  const width = carried ? 1.5 + 3.5 * (Math.log1p(carried) / Math.log1p(top)) : 1.5;
  attribute(edge.path, 'stroke-width', width.toFixed(1));
  attribute(edge.flow, 'class', carried ? `edge-flow moving${from && from.backpressured > 0.5 ? ' held' : ''}` : 'edge-flow');
}
