// Everything that the command line does to a job, as buttons and a menu. What destroys asks for the job's name.

import {h} from './dom.js';
import {ask, menu, toast} from './dialog.js';
import {operate, put, get, send, run, job as path} from './api.js';

async function begin(label, work) {
  toast(`${label} …`, 'good', 2500);
  try {
    toast(await work());
  } catch (error) {
    toast(error.message, 'bad');
  }
}

export const takeCheckpoint = (feed) => begin('Checkpoint', async () => {
  const done = await operate(path(feed.name, '/checkpoints'), {});
  feed.readCheckpointsSoon();
  return `Checkpoint ${done.checkpointId ?? ''} is complete.`;
});

export const takeSavepoint = (feed) => ask({
  title: `Savepoint of ${feed.name}`,
  body: 'The job goes on while its state is written to a savepoint, which is kept until you delete it.',
  confirm: 'Make a savepoint',
  fields: [{name: 'note', label: 'Note', placeholder: 'before the schema change', hint: 'Why you make it; shown in the list of savepoints.'},
    {name: 'label', label: 'Label', hint: 'A short name to find it by; may be left empty.'}],
  act: async ({note, label}) => {
    const done = await run(['savepoint', feed.name, ...(note ? ['--note', note] : []), ...(label ? ['--label', label] : [])]);
    toast(`Savepoint made.\n${done.stdout.trim()}`);
    await feed.readSavepoints?.();
  },
});

export const stopJob = (feed) => ask({
  title: `Stop ${feed.name}`,
  body: 'It ends with a savepoint, and can be resumed from there.',
  confirm: 'Stop the job',
  fields: [{name: 'drain', type: 'checkbox', label: 'Drain', hint: 'Give out everything that windows still hold, as if the input had ended. For good: resuming afterwards would give it out again.'}],
  act: async ({drain}) => {
    const done = await operate(path(feed.name, '/stop'), {drain}, {poll: path(feed.name, '/savepoints')});
    toast(`${feed.name} is stopped.${done.location ? `\nSavepoint ${done.location}` : ''}`);
    await feed.refresh();
  },
});

export const cancelJob = (feed) => ask({
  title: `Cancel ${feed.name}`,
  body: 'It ends at once, without a savepoint, and cannot be resumed: what no checkpoint has committed is dropped, and the next run starts anew or from a savepoint you have made. Stop it if it is to go on.',
  confirm: 'Cancel the job',
  danger: true,
  type: feed.name,
  act: async () => {
    await send('PATCH', `${path(feed.name)}?mode=cancel`);
    toast(`${feed.name} is being cancelled.`);
  },
});

export const resumeJob = (feed) => begin('Resuming', async () => {
  await operate(path(feed.name, '/resume'), {});
  await feed.refresh();
  return `${feed.name} runs again.`;
});

export const restartJob = (feed) => ask({
  title: `Restart ${feed.name}`,
  body: 'It is stopped with a savepoint and resumed from it: new processes, the same state.',
  confirm: 'Stop and resume',
  act: async () => {
    await operate(path(feed.name, '/stop'), {drain: false}, {poll: path(feed.name, '/savepoints')});
    await operate(path(feed.name, '/resume'), {});
    toast(`${feed.name} has been restarted.`);
    await feed.refresh();
  },
});

export function rescaleDialog(feed, only) {
  const stages = feed.stages.filter((stage) => !only || stage.name === only);
  return ask({
    title: only ? `Rescale ${only}` : `Rescale ${feed.name}`,
    body: 'How many instances each stage has. State is divided anew at a checkpoint; stages that keep theirs run on.',
    confirm: 'Rescale',
    fields: stages.map((stage) => ({name: stage.name, label: stage.name, type: 'number', min: 1, max: 1024, value: stage.parallelism, required: true})),
    act: async (values) => {
      const wanted = {};
      const ids = new Map(feed.plan.nodes.map((node) => [node.description.split(': ')[0], node.id]));
      for (const [name, number] of Object.entries(values)) wanted[ids.get(name)] = {parallelism: {upperBound: number}};
      await put(path(feed.name, '/resource-requirements'), wanted);
      toast(`Rescaling begins; the events tell what comes of it.`);
    },
  });
}

export const upgradeJob = async (feed) => ask({
  title: `Upgrade ${feed.name}`,
  body: 'The new version is checked against the state first. If it does not run well, the job goes back to the old one.',
  confirm: 'Upgrade',
  wide: true,
  fields: [{name: 'manifest', label: 'Manifest of the new version', type: 'textarea', rows: 18, required: true, value: await feed.readManifest().catch(() => '')}],
  act: async ({manifest}) => {
    await operate(path(feed.name, '/upgrade'), manifest, {type: 'application/yaml'});
    toast(`${feed.name} has been upgraded.`);
    await feed.refresh();
  },
});

// A verb whose answer is text, which is told when it has ended.
export function verbDialog({title, body, args, confirm, fields, danger, type, after}) {
  return ask({title, body, confirm, danger, type, fields, wide: true, act: async (values) => {
    const done = await run(args(values));
    await after?.(done);
    toast((done.stdout || done.stderr).trim() || `${title}: done.`, 'good', 10000);
  }});
}

// What is offered follows the state of the job, in an open menu too.
export function actionBar(feed) {
  const name = feed.name;
  const go = (tab, query = '') => { location.hash = `#/job/${encodeURIComponent(name)}/${tab}${query}`; };
  const runs = () => feed.summary.state === 'RUNNING';
  const items = (running = runs()) => [
    {text: 'Take a checkpoint', hint: 'now, besides those that are taken anyway', disabled: !running, act: () => takeCheckpoint(feed)},
    {text: 'Make a savepoint', hint: 'kept until you delete it', disabled: !running, act: () => takeSavepoint(feed)},
    {text: 'Rescale', hint: 'more or fewer instances', disabled: !running, act: () => rescaleDialog(feed)},
    {text: 'Upgrade', hint: 'another version of the manifest', disabled: !running, act: () => upgradeJob(feed)},
    {text: 'Restart', hint: 'stop with a savepoint, resume from it', disabled: !running, act: () => restartJob(feed)},
    '-',
    {text: 'Watch the rows of a stage', disabled: !running, act: () => go('tap')},
    {text: 'Ask its state in SQL', act: () => go('state')},
    {text: 'Dead letters', hint: 'records it could not process', act: () => { location.hash = `#/server?verb=${encodeURIComponent(`dead-letter ${name}`)}`; }},
    {text: 'Collect garbage', hint: 'delete what crashes have left of snapshots', act: () => verbDialog({title: 'Collect garbage', body: 'Deletes what crashes have left of checkpoints and savepoints of all jobs: files that no snapshot names.', confirm: 'Delete leftovers', danger: true,
      fields: [{name: 'ended', label: 'Forget jobs that ended', placeholder: '30d', hint: 'At least so long ago, with their log and history; those with savepoints stay. Left empty, none are forgotten.'}],
      args: ({ended}) => ['gc', ...(ended ? ['--ended-for', ended] : [])]})},
    '-',
    {text: 'Stop', hint: 'end with a savepoint', disabled: !feed.live, act: () => stopJob(feed)},
    {text: 'Cancel', hint: 'end without a savepoint', danger: true, disabled: !feed.live, act: () => cancelJob(feed)},
  ];
  const button = (label, act, props = {}) => h('button', {type: 'button', onclick: act, ...props}, label);
  const save = button('Savepoint', () => takeSavepoint(feed));
  const stop = button('Stop', () => stopJob(feed));
  const resume = button('Resume', () => resumeJob(feed), {class: 'primary'});
  const more = menu('Actions', items);
  const bar = h('div', {class: 'actions'}, save, stop, resume, more);
  bar.update = () => {
    save.hidden = stop.hidden = !feed.live;
    resume.hidden = feed.live || ['FINISHED', 'CANCELLED'].includes(feed.summary.state);
    save.disabled = !runs();
    more.update();
  };
  return bar;
}
