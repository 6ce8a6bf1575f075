// How the pages ask the server. A token is kept for this tab only.

import {save} from './dom.js';

const KEY = 'token';
export const session = new EventTarget();
export const token = () => sessionStorage.getItem(KEY);
export function setToken(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

// What the server says is wrong, as it says it.
export class ApiError extends Error {
  constructor(status, errors) {
    super(errors.join('\n'));
    this.status = status;
    this.errors = errors;
  }
}

async function errorsOf(response) {
  const body = await response.text();
  try {
    const said = JSON.parse(body).errors;
    if (Array.isArray(said)) return said.map(String);
  } catch { /* no JSON: said as it is */ }
  return [body.trim() || `the server has answered ${response.status} ${response.statusText}`];
}

export async function send(method, path, {body, type, signal, accept, last} = {}) {
  const headers = {};
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (accept) headers.Accept = accept;
  if (last) headers['Last-Event-ID'] = last;
  if (body !== undefined) headers['Content-Type'] = type ?? 'application/json';
  let response;
  try {
    response = await fetch(path, {method, headers, signal, cache: 'no-store',
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body)});
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    session.dispatchEvent(new CustomEvent('contact', {detail: false}));
    throw new ApiError(0, ['the server does not answer']);
  }
  session.dispatchEvent(new CustomEvent('contact', {detail: true}));
  if (response.ok) return response;
  const failure = new ApiError(response.status, await errorsOf(response));
  if (response.status === 401) session.dispatchEvent(new CustomEvent('login', {detail: failure.message}));
  throw failure;
}

async function json(method, path, options) {
  const response = await send(method, path, options);
  const body = await response.text();
  return body ? JSON.parse(body) : {};
}
export const get = (path, options) => json('GET', path, options);
export const post = (path, body, options = {}) => json('POST', path, {...options, body: body ?? {}});
export const put = (path, body) => json('PUT', path, {body});
export const job = (name, rest = '') => `/jobs/${encodeURIComponent(name)}${rest}`;

// Keeps an answer as a file. Without a token the browser asks for it itself, and puts it on disk as it comes; first it
// is seen whether there is one.
export async function download(path, name) {
  if (token()) return save(name, await (await send('GET', path)).blob());
  await send('HEAD', path).catch(() => send('GET', path));  // which says why not
  return save(name, path);
}

const pause = (ms, signal) => new Promise((done, fail) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener('abort', () => { clearTimeout(timer); fail(signal.reason); }, {once: true});
});

// Begins an operation and waits for what comes of it.
export async function operate(path, body, {poll = path, type} = {}) {
  const begun = await post(path, body, {type});
  for (let wait = 150; ; wait = Math.min(wait * 1.5, 2000)) {
    await pause(wait);
    const now = await get(`${poll}/${begun['request-id']}`);
    if (now.status.id !== 'COMPLETED') continue;
    const cause = now.operation?.['failure-cause'];
    if (cause) throw new ApiError(409, [causeOf(cause)]);
    return now.operation ?? {};
  }
}
export const causeOf = (cause) => (typeof cause === 'string' ? cause : cause['stack-trace'] ?? cause.class);

// The lines of an answer as they arrive.
export async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const {value, done} = await reader.read();
      if (done) break;
      const parts = (rest + value).split('\n');
      rest = parts.pop();
      yield* parts;
    }
    if (rest) yield rest;
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Server-sent events over fetch, as an EventSource cannot send the token. Goes on where it was when the connection
// breaks; ends with the signal, or throws what the server refuses.
export async function listen(path, signal, handle) {
  let last = '';
  for (let wait = 500; ;) {
    try {
      const response = await send('GET', path, {signal, accept: 'text/event-stream', last});
      wait = 500;
      let topic = 'message';
      let data = [];
      for await (const line of lines(response)) {
        if (line === '') {
          if (data.length) handle(topic, JSON.parse(data.join('\n')));
          topic = 'message';
          data = [];
        } else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
        else if (line.startsWith('event:')) topic = line.slice(6).trim();
        else if (line.startsWith('id:')) last = line.slice(3).trim();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) throw error;
    }
    if (signal.aborted) return;
    await pause(wait, signal).catch(() => {});
    wait = Math.min(wait * 2, 10000);
  }
}

// A verb of the command line, run by the server; `heard(stream, text)` as it prints. Returns how it ended.
export async function command(args, {files, signal, heard} = {}) {
  const body = {arguments: args, terminal: {columns: 100, color: false}};
  if (files) body.files = files;
  const response = await send('POST', '/commands', {body, signal});
  let end = {exit: 111};
  const all = {stdout: '', stderr: ''};
  for await (const line of lines(response)) {
    if (!line.trim()) continue;
    const said = JSON.parse(line);
    for (const stream of ['stdout', 'stderr']) {
      const piece = said[stream] ?? (said[`${stream}64`] ? atob(said[`${stream}64`]) : '');
      if (!piece) continue;
      all[stream] += piece;
      heard?.(stream, piece);
    }
    if ('exit' in said) end = said;
    if ('signal' in said) end = {exit: 128 + said.signal};
  }
  return {...all, exit: end.exit};
}
// The same where only success will do.
export async function run(args, options) {
  const done = await command(args, options);
  if (done.exit !== 0) throw new ApiError(409, [done.stderr.trim() || `stream ${args[0]} has ended with ${done.exit}`]);
  return done;
}
