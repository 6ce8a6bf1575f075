// Finds the page that the address names, and keeps the bar on top.

import {h, fill, iconButton, text} from './dom.js';
import {session, setToken, token} from './api.js';
import {problem} from './dialog.js';
import {jobsPage} from './page_jobs.js';
import {jobPage} from './page_job.js';
import {loginPage} from './page_login.js';

const main = document.getElementById('main');
let shown = null;   // {close()}
let showing = 0;    // of what was asked for last

// '#/job/NAME/logs?level=warn' -> {parts: ['job', 'NAME', 'logs'], query}
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return {parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query ?? '')};
}

const later = {
  submit: () => import('./page_submit.js').then((page) => page.submitPage),
  server: () => import('./page_server.js').then((page) => page.serverPage),
};

async function show() {
  const {parts, query} = place();
  const number = ++showing;
  if (shown?.stays?.(parts, query)) return;
  shown?.close?.();
  shown = null;
  const [kind = 'jobs'] = parts;
  const page = kind === 'jobs' ? jobsPage : kind === 'job' ? jobPage : kind === 'login' ? loginPage : later[kind] ? await later[kind]() : null;
  if (number !== showing) return;
  marks(kind);
  main.className = `page-${kind}`;
  if (!page) {
    fill(main, problem({errors: [`there is no page '${location.hash}'`]}), h('p', {}, h('a', {href: '#/'}, 'All jobs')));
    return;
  }
  document.title = 'stream';
  try {
    const made = await page(fill(main), parts, query);
    if (number !== showing) made?.close?.();
    else shown = made;
  } catch (error) {
    if (number === showing) fill(main, problem(error, show));
  }
  window.scrollTo(0, 0);
}

function marks(kind) {
  for (const link of bar.querySelectorAll('nav a')) {
    const here = link.dataset.kind === kind || (link.dataset.kind === 'jobs' && kind === 'job');
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function darkNow() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}
function otherTheme() {
  const theme = darkNow() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  localStorage.setItem('theme', theme);
}

const bar = document.getElementById('bar');
const contact = h('span', {class: 'contact', role: 'status'});
const leave = h('button', {type: 'button', class: 'quiet', hidden: !token(), onclick: () => { setToken(null); location.hash = '#/login'; }}, 'Forget token');
function makeBar() {
  const link = (kind, href, label) => h('a', {href, 'data-kind': kind}, label);
  fill(bar,
    h('a', {class: 'brand', href: '#/', 'aria-label': 'stream, all jobs'},
      h('img', {src: new URL('icon.svg', import.meta.url).pathname, alt: '', width: 22, height: 22}), h('span', {}, 'stream')),
    h('nav', {'aria-label': 'Main'}, link('jobs', '#/', 'Jobs'), link('submit', '#/submit', 'Submit'), link('server', '#/server', 'Server')),
    h('span', {class: 'spacer'}), contact, leave,
    iconButton('sun', 'Switch between light and dark', otherTheme));
}

session.addEventListener('contact', (event) => {
  text(contact, event.detail ? '' : 'No answer from the server');
  contact.classList.toggle('lost', !event.detail);
});
session.addEventListener('login', (event) => {
  if (place().parts[0] === 'login') return;
  sessionStorage.setItem('back', location.hash);
  sessionStorage.setItem('why', token() ? event.detail : '');
  location.hash = '#/login';
});
session.addEventListener('token', () => { leave.hidden = !token(); });

document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });
makeBar();
addEventListener('hashchange', show);
show();
