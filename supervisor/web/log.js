// The log of a job, as it is kept: a line of JSON each.

import {get, send} from './api.js';

const LINES_MAX = 20000;

function parse(line) {
  try {
    const one = JSON.parse(line);
    return one.message === undefined ? null : one;
  } catch {
    return null;
  }
}

// The newest lines, the oldest first. Older files only as far as there is room.
export async function readLog(name) {
  const {logs} = await get('/jobmanager/logs');
  const files = logs.filter((one) => one.name.startsWith(`${name}.stream.`)).sort((a, b) => b.mtime - a.mtime || a.name.localeCompare(b.name));
  let lines = [];
  for (const file of files) {
    const text = await (await send('GET', `/jobmanager/logs/${encodeURIComponent(file.name)}`)).text();
    lines = [...text.split('\n').map(parse).filter(Boolean), ...lines];
    if (lines.length >= LINES_MAX) break;
  }
  lines.sort((a, b) => a.us - b.us);
  return lines.slice(-LINES_MAX);
}

export const LEVELS = ['trace', 'debug', 'info', 'warning', 'error'];
export {LINES_MAX};
