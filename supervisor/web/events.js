// A line of what has happened to a job.

import {h} from './dom.js';
import * as format from './format.js';

const BAD = ['failed', 'failure', 'crashed', 'aborted', 'error', 'killed', 'lost', 'exception'];
const WARN = ['restarting', 'restart', 'warning', 'stalled', 'late', 'rescale-failed', 'hung'];
export function weightOf(event) {
  if (BAD.some((word) => event.kind.includes(word))) return 'bad';
  if (WARN.some((word) => event.kind.includes(word))) return 'warn';
  return 'plain';
}

export function eventLine(event) {
  const [first, ...more] = event.text.split('\n');
  return h('li', {class: `event ${weightOf(event)}`}, h('time', {datetime: new Date(event.at_us / 1000).toISOString()}, format.moment(event.at_us / 1000)),
    h('span', {class: 'event-kind'}, event.kind), h('span', {class: 'event-text'}, first, more.length ? h('details', {}, h('summary', {}, 'More'), h('pre', {}, more.join('\n'))) : null));
}
