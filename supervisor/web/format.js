// Numbers as people read them: three digits that matter, a unit, the same width from second to second.

const GROUPED = new Intl.NumberFormat('en');
export const whole = (value) => (Number.isFinite(value) ? GROUPED.format(Math.round(value)) : '–');

function scaled(value, step, units, digits = 3) {
  let at = 0;
  let size = Math.abs(value);
  while (size >= step && at < units.length - 1) {
    size /= step;
    at += 1;
  }
  const places = at === 0 && Number.isInteger(value) ? 0 : Math.max(0, digits - Math.max(1, Math.ceil(Math.log10(size + 1e-9))));
  return `${(Math.sign(value) * size).toFixed(Math.min(places, 2))}${units[at]}`;
}

const known = (value, make) => (value === null || value === undefined || Number.isNaN(value) ? '–' : make(value));

export const count = (value) => known(value, (v) => (Math.abs(v) < 10000 ? GROUPED.format(Math.round(v)) : scaled(v, 1000, ['', ' K', ' M', ' G', ' T'])));
export const rate = (value) =>
  known(value, (v) => (v < 1000 ? (v < 10 && v > 0 ? v.toFixed(1) : String(Math.round(v))) : scaled(v, 1000, ['', ' K', ' M', ' G'])) + '/s');
export const bytes = (value) => known(value, (v) => (v < 1024 ? `${Math.round(v)} B` : scaled(v, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB'])));
export const percent = (share) => known(share, (v) => `${Math.round(v * 100)} %`);

export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms) || ms < 0) return '–';
  if (ms < 1) return ms === 0 ? '0 ms' : `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
export const duration_us = (us) => duration(us === null || us === undefined ? undefined : us / 1000);

const two = (value) => String(value).padStart(2, '0');
export function clock(ms, withMillis = false) {
  const at = new Date(ms);
  const millis = withMillis ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : '';
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}${millis}`;
}
export function day(ms) {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
// The day only where it is another one than today's.
export function moment(ms, withMillis = false) {
  if (!ms || ms < 0) return '–';
  const today = day(Date.now()) === day(ms);
  return today ? clock(ms, withMillis) : `${day(ms)} ${clock(ms, withMillis)}`;
}
export function ago(ms) {
  if (!(ms > 0)) return '–';
  const seconds = Math.floor((Date.now() - ms) / 1000);
  return seconds < 2 ? 'just now' : `${seconds < 10 ? `${seconds} s` : duration(seconds * 1000)} ago`;
}
