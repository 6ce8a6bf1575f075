// Where the server lets in only who has a token.

import {h, fill} from './dom.js';
import {get, setToken, session} from './api.js';
import {problem} from './dialog.js';

export function loginPage(root) {
  document.title = 'Token · stream';
  const why = sessionStorage.getItem('why');
  const input = h('input', {type: 'password', id: 'token', autocomplete: 'off', required: true, spellcheck: 'false'});
  const says = h('div', {'aria-live': 'assertive'}, why ? problem({errors: [why]}) : null);
  const form = h('form', {class: 'panel login'},
    h('h1', {}, 'This server asks for a token'),
    h('p', {}, 'It is made with ', h('code', {}, 'stream serve --new-token NAME=ROLE --tokens FILE'), ' and kept in this tab until it is closed.'),
    h('label', {class: 'field', for: 'token'}, h('span', {}, 'Token'), input),
    says,
    h('button', {type: 'submit', class: 'primary'}, 'Go on'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    setToken(input.value.trim());
    try {
      await get('/config');
    } catch (error) {
      setToken(null);
      fill(says, problem(error));
      input.select();
      return;
    }
    session.dispatchEvent(new Event('token'));
    const back = sessionStorage.getItem('back');
    sessionStorage.removeItem('why');
    location.hash = back && !back.startsWith('#/login') ? back : '#/';
  });
  root.append(form);
  input.focus();
  return {};
}
