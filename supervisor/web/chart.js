// Lines over time, as SVG. Drawn anew at most once a second.

import {h, s, fill} from './dom.js';
import * as format from './format.js';

export function sparkline(values, {label, width = 240, height = 36} = {}) {
  const known = values.filter((value) => Number.isFinite(value));
  const top = Math.max(...known, 1e-9);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(height - 2 - ((value || 0) / top) * (height - 6)).toFixed(1)}`);
  const line = points.length > 1 ? `M${points.join('L')}` : '';
  return s('svg', {class: 'spark', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label},
    line && s('path', {class: 'spark-area', d: `${line}L${width},${height}L0,${height}Z`}), line && s('path', {class: 'spark-line', d: line}));
}

function niceTop(value, unit) {
  if (!(value > 0)) return 1;
  if (unit === format.bytes) return 2 ** Math.ceil(Math.log2(value));
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((top) => top >= value) ?? value;
}

function niceTimeStep(span, most) {
  return [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800]
    .map((seconds) => seconds * 1000).find((step) => span / step <= most) ?? 2592000000;
}

// Eight colours, and then the same with gaps.
const lookOf = (index) => `series-${index % 8}${index % 16 > 7 ? ' again' : ''}`;
const JOINED = 25000;  // ms; what is further apart has nothing between it

// chart({title, unit: format.rate}); draw([{name, points: [[ms, value], …], dashed}], {from, to, marks: [{at, text, kind}]})
export function chart({title, unit, height = 170, bars = false, top: least = 0}) {
  const drawing = s('svg', {class: 'chart', role: 'img', 'aria-label': title});
  const legend = h('ul', {class: 'legend'});
  const tip = h('div', {class: 'chart-tip', hidden: true});
  const stage = h('div', {class: 'chart-stage'}, drawing, tip);
  const node = h('figure', {class: 'chart-box'}, h('figcaption', {}, title), stage, legend);
  let shown = null;

  function draw(series, {from, to, marks = []} = {}) {
    const width = Math.max(240, stage.clientWidth || 480);
    const left = 58, right = 10, top = 8, bottom = 22;
    const all = series.flatMap((one) => one.points);
    const begin = from ?? Math.min(...all.map((point) => point[0]));
    const end = to ?? Math.max(...all.map((point) => point[0]));
    const highest = niceTop(all.reduce((most, [at, value]) => (at >= begin && value > most ? value : most), least), unit);
    const x = (at) => left + ((at - begin) / Math.max(1, end - begin)) * (width - left - right);
    const y = (value) => height - bottom - (value / highest) * (height - top - bottom);
    shown = {series, begin, end, x, y, width, left, right};
    drawing.setAttribute('viewBox', `0 0 ${width} ${height}`);
    drawing.setAttribute('height', height);
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      const at = y(highest * share);
      parts.push(s('line', {class: 'grid', x1: left, x2: width - right, y1: at, y2: at}),
        s('text', {class: 'tick', x: left - 8, y: at + 4, 'text-anchor': 'end'}, unit(highest * share)));
    }
    if (all.length) {
      const step = niceTimeStep(end - begin, Math.max(2, Math.min(6, Math.floor((width - left - right) / 62))));  // a time has 50 px
      for (let at = Math.ceil(begin / step) * step; at <= end; at += step) {
        if (x(at) < left + 20 || x(at) > width - right - 24) continue;
        parts.push(s('line', {class: 'grid faint', x1: x(at), x2: x(at), y1: top, y2: height - bottom}),
          s('text', {class: 'tick', x: x(at), y: height - 6, 'text-anchor': 'middle'}, step >= 86400000 ? format.day(at).slice(5) : format.clock(at).slice(0, step < 60000 ? 8 : 5)));
      }
    }
    for (const mark of marks) {
      if (mark.at < begin || mark.at > end) continue;
      parts.push(s('line', {class: `mark ${mark.kind}`, x1: x(mark.at), x2: x(mark.at), y1: top, y2: height - bottom}, s('title', {}, mark.text)));
    }
    const gap = Math.max(JOINED, (end - begin) / 40);
    series.forEach((one, index) => {
      const inside = one.points.filter(([at, value]) => at >= begin && at <= end && Number.isFinite(value));
      if (bars) {
        const wide = Math.max(2, Math.min(14, (width - left - right) / Math.max(1, inside.length) - 2));
        for (const [at, value, kind] of inside) parts.push(s('rect', {class: `column ${kind ?? ''}`, x: x(at) - wide / 2, width: wide, y: y(value), height: Math.max(1, y(0) - y(value))}));
        return;
      }
      let d = '';
      inside.forEach(([at, value], number) => {
        const joined = number > 0 && at - inside[number - 1][0] <= gap;
        d += `${joined ? 'L' : 'M'}${x(at).toFixed(1)},${y(value).toFixed(1)}${joined ? '' : 'h.01'}`;  // alone it is a dot
      });
      if (d) parts.push(s('path', {class: `line ${lookOf(index)}`, d}));
    });
    if (!all.length) parts.push(s('text', {class: 'tick', x: width / 2, y: height / 2, 'text-anchor': 'middle'}, 'nothing measured in this time'));
    parts.push(s('line', {class: 'cursor', y1: top, y2: height - bottom, x1: -9, x2: -9}));
    fill(drawing, parts);
    const many = series.length > 8;
    legend.classList.toggle('many', many);
    if (many) legend.tabIndex = 0;
    else legend.removeAttribute('tabindex');
    fill(legend, series.length > 1 || series[0]?.name ? series.map((one, index) => h('li', {class: lookOf(index)}, h('i', {'aria-hidden': 'true'}), one.name, ' ',
      h('b', {}, one.points.length ? unit(one.points.at(-1)[1]) : '–'))) : []);
    drawing.setAttribute('aria-label', `${title}: ${series.map((one) => `${one.name ?? ''} ${one.points.length ? unit(one.points.at(-1)[1]) : 'unknown'}`).join(', ')}`);
  }

  function point(event) {
    if (!shown?.series.some((one) => one.points.length)) return;
    const box = drawing.getBoundingClientRect();
    const inner = ((event.clientX - box.left) / box.width) * shown.width;
    const at = shown.begin + ((inner - shown.left) / (shown.width - shown.left - shown.right)) * (shown.end - shown.begin);
    const nearest = (points) => points.reduce((best, one) => (!best || Math.abs(one[0] - at) < Math.abs(best[0] - at) ? one : best), null);
    const found = shown.series.map((one) => [one.name, nearest(one.points)]).filter(([, one]) => one);
    if (!found.length) return;
    const time = found[0][1][0];
    const cursor = drawing.querySelector('.cursor');
    cursor.setAttribute('x1', shown.x(time));
    cursor.setAttribute('x2', shown.x(time));
    fill(tip, h('b', {}, format.moment(time)), found.map(([name, one]) => h('span', {}, name ? `${name} ` : '', h('b', {}, unit(one[1])))));
    tip.hidden = false;
    tip.style.setProperty('left', `${Math.min(box.width - 150, Math.max(0, event.clientX - box.left + 12))}px`);
  }
  stage.addEventListener('pointermove', point);
  stage.addEventListener('pointerleave', () => { tip.hidden = true; drawing.querySelector('.cursor')?.setAttribute('x1', -9); drawing.querySelector('.cursor')?.setAttribute('x2', -9); });
  node.draw = draw;
  return node;
}
