// The manifest that a job runs.

import {h, fill, save} from './dom.js';
import {editor} from './editor.js';
import {copyButton} from './parts.js';
import {upgradeJob} from './actions.js';

export async function manifestPage(root, feed) {
  const text = await feed.readManifest();
  const upgrade = h('button', {type: 'button', onclick: () => upgradeJob(feed)}, 'Upgrade');
  fill(root, h('section', {class: 'panel', 'aria-labelledby': 'manifest-title'},
    h('header', {class: 'panel-head'}, h('h2', {id: 'manifest-title'}, 'Manifest'), h('span', {class: 'toolbar flush'}, copyButton('Copy the manifest', text),
      h('button', {type: 'button', onclick: () => save(`${feed.name}.yaml`, new Blob([text], {type: 'application/yaml'}))}, 'Download'),
      h('a', {class: 'button', href: `#/submit?like=${encodeURIComponent(feed.name)}`}, 'Submit a changed copy'), upgrade)),
    h('div', {class: 'panel-body'}, h('p', {class: 'muted'}, 'As the job keeps it: parameters in their places, defaults left out.'), editor({label: 'Manifest', value: text, readonly: true}))));
  const busy = () => { upgrade.disabled = feed.summary.state !== 'RUNNING'; };
  busy();
  return {tick: busy};
}
