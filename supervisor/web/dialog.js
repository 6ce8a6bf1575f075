// Questions, notes and what went wrong.

import {h, fill, icon, iconButton} from './dom.js';

export function toast(message, kind = 'good', stays = kind === 'bad' ? 12000 : 5000) {
  const note = h('div', {class: `toast ${kind}`, role: kind === 'bad' ? 'alert' : null}, h('p', {}, message));
  const timer = setTimeout(() => note.remove(), stays);
  note.append(iconButton('close', 'Close this note', () => { clearTimeout(timer); note.remove(); }));
  document.getElementById('toasts').append(note);
  return note;
}

// A box with what the API has said, word by word.
export function problem(error, again) {
  return h('div', {class: 'problem', role: 'alert'}, icon('alert'),
    h('div', {}, (error.errors ?? [error.message]).map((line) => h('p', {}, line)), again && h('button', {type: 'button', onclick: again}, 'Try again')));
}

export function empty(title, more) {
  return h('div', {class: 'empty'}, h('p', {class: 'empty-title'}, title), more && h('p', {}, more));
}

// ask({title, body, confirm: 'Cancel the job', danger: true, type: 'live', fields: [{name, label, …}], act})
// `type`: what has to be typed. `act(values)` is awaited while the dialog shows that it works; what it throws is shown there.
export function ask({title, body, confirm, danger, type, fields = [], act, wide}) {
  return new Promise((done) => {
    const form = h('form', {method: 'dialog', class: 'dialog-form'});
    const says = h('div', {'aria-live': 'assertive'});
    const go = h('button', {type: 'submit', class: danger ? 'danger' : 'primary'}, confirm);
    const inputs = fields.map((field) => [field, makeInput(field)]);
    const typed = type && h('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', id: 'dialog-typed', 'aria-label': `Type ${type} to confirm`});
    const check = () => { go.disabled = Boolean(typed) && typed.value !== type; };
    typed?.addEventListener('input', check);
    const box = h('dialog', {class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': 'dialog-title'}, form);
    fill(form, h('h2', {id: 'dialog-title'}, title),
      (Array.isArray(body) ? body : [body]).filter(Boolean).map((part) => (typeof part === 'string' ? h('p', {}, part) : part)),
      inputs.map(([field, input]) => wrapInput(field, input)),
      typed && h('label', {class: 'field', for: 'dialog-typed'}, h('span', {}, 'Type ', h('code', {}, type), ' to confirm'), typed),
      says,
      h('div', {class: 'dialog-buttons'}, h('button', {type: 'button', onclick: () => finish(null)}, 'Back'), go));
    const finish = (value) => {
      box.close();
      box.remove();
      done(value);
    };
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (go.disabled) return;
      const values = Object.fromEntries(inputs.map(([field, input]) => [field.name, valueOf(field, input)]));
      go.disabled = true;
      go.classList.add('working');
      fill(says);
      try {
        finish({values, result: await act?.(values)});
      } catch (error) {
        fill(says, problem(error));
        check();
      }
      go.classList.remove('working');
    });
    box.addEventListener('close', () => { box.remove(); done(null); });  // by what is in it
    box.addEventListener('cancel', (event) => { event.preventDefault(); finish(null); });
    document.body.append(box);
    check();
    box.showModal();
    (typed ?? inputs[0]?.[1] ?? go).focus();
  });
}

function makeInput(field) {
  const id = `field-${field.name}`;
  const shared = {id, name: field.name, required: field.required, placeholder: field.placeholder};
  if (field.options) return h('select', {...shared}, field.options.map((option) => h('option', {value: option.value ?? option, selected: (option.value ?? option) === field.value}, option.text ?? option)));
  if (field.type === 'checkbox') return h('input', {...shared, type: 'checkbox', checked: Boolean(field.value)});
  if (field.type === 'textarea') return h('textarea', {...shared, rows: field.rows ?? 10, spellcheck: 'false', value: field.value ?? ''});
  return h('input', {...shared, type: field.type ?? 'text', min: field.min, max: field.max, value: field.value ?? '', autocomplete: 'off', spellcheck: 'false'});
}

function wrapInput(field, input) {
  const hint = field.hint && h('small', {}, field.hint);
  if (field.type === 'checkbox') return h('label', {class: 'field check', for: input.id}, input, h('span', {}, field.label, hint && h('br'), hint));
  return h('label', {class: 'field', for: input.id}, h('span', {}, field.label), input, hint);
}

const valueOf = (field, input) => (field.type === 'checkbox' ? input.checked : field.type === 'number' ? Number(input.value) : input.value);

// A menu below a button, closed by Escape or a click elsewhere, walked with the arrows.
export function menu(label, items, props = {}) {
  const button = h('button', {type: 'button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', ...props}, label, icon('down'));
  const list = h('div', {class: 'menu', role: 'menu', hidden: true});
  const box = h('div', {class: 'menu-box'}, button, list);
  const close = (back) => {
    list.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', outside, true);
    if (back) button.focus();
  };
  const outside = (event) => { if (!box.contains(event.target)) close(false); };
  button.addEventListener('click', () => {
    if (!list.hidden) return close(true);
    fill(list, items().map((item) => item === '-' ? h('hr') :
      h('button', {type: 'button', role: 'menuitem', class: item.danger ? 'menu-danger' : null, disabled: item.disabled, onclick: () => { close(true); item.act(); }},
        h('span', {}, item.text), item.hint && h('small', {}, item.hint))));
    list.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    document.addEventListener('pointerdown', outside, true);
    list.querySelector('button:not(:disabled)')?.focus();
  });
  // What can be chosen may change while it is open.
  box.update = () => {
    if (list.hidden) return;
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    items().forEach((item, at) => { if (item !== '-') list.children[at].disabled = Boolean(item.disabled); });
    if (focused?.disabled) list.querySelector('button:not(:disabled)')?.focus();
  };
  box.addEventListener('keydown', (event) => {
    if (list.hidden) return;
    const all = [...list.querySelectorAll('button:not(:disabled)')];
    const at = all.indexOf(document.activeElement);
    if (event.key === 'Escape') close(true);
    else if (event.key === 'ArrowDown') all[(at + 1) % all.length]?.focus();
    else if (event.key === 'ArrowUp') all[(at - 1 + all.length) % all.length]?.focus();
    else if (event.key === 'Tab') return close(false);
    else return;
    event.preventDefault();
  });
  return box;
}
