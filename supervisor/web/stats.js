// What is made of the numbers of instances: sums and shares of stages and of jobs.

const sum = (list, field) => list.reduce((total, one) => total + (one[field] ?? 0), 0);
const mean = (list, field) => (list.length ? sum(list, field) / list.length : 0);
const most = (list, field) => list.reduce((max, one) => Math.max(max, one[field] ?? 0), 0);

// Coefficient of variation: 0 where all have the same.
function skewOf(list, field) {
  if (list.length < 2) return null;
  const average = mean(list, field);
  if (average <= 0) return 0;
  return Math.sqrt(list.reduce((total, one) => total + ((one[field] ?? 0) - average) ** 2, 0) / list.length) / average;
}

export function stageOf(name, instances) {
  const watermarks = instances.filter((one) => one.watermark_us !== undefined);
  return {
    name,
    instances,
    busy: mean(instances, 'busy'),
    idle: mean(instances, 'idle'),
    backpressured: mean(instances, 'backpressured'),
    busyMost: most(instances, 'busy'),
    backpressuredMost: most(instances, 'backpressured'),
    recordsIn: sum(instances, 'records_in'),
    recordsOut: sum(instances, 'records_out'),
    inRate: sum(instances, 'records_in_rate'),
    outRate: sum(instances, 'records_out_rate'),
    bytesInRate: sum(instances, 'bytes_in_rate'),
    bytesOutRate: sum(instances, 'bytes_out_rate'),
    queued: sum(instances, 'queued_bytes'),
    stateRows: sum(instances, 'state_rows'),
    stateBytes: sum(instances, 'state_bytes'),
    spilled: sum(instances, 'spilled_bytes'),
    memory: sum(instances, 'resident_bytes'),
    bad: sum(instances, 'bad_records'),
    late: sum(instances, 'late_records'),
    watermark: watermarks.length ? Math.min(...watermarks.map((one) => one.watermark_us)) : null,
    lag: watermarks.length ? Math.max(...watermarks.map((one) => one.watermark_lag_us ?? 0)) / 1000 : null,
    heldBy: watermarks.find((one) => one.watermark_held_by)?.watermark_held_by ?? null,
    ahead: instances.some((one) => one.ahead),
    skew: skewOf(instances, 'records_in'),
    ended: instances.length > 0 && instances.every((one) => one.ended),
  };
}

export function stagesOf(summary, stats) {
  const byStage = new Map((summary?.stages ?? []).map((stage) => [stage.stage, []]));
  for (const one of stats?.instances ?? []) {
    if (!byStage.has(one.stage)) byStage.set(one.stage, []);
    byStage.get(one.stage).push(one);
  }
  return [...byStage].map(([name, instances]) => ({
    ...stageOf(name, instances),
    ...(summary?.stages ?? []).find((stage) => stage.stage === name),
  }));
}

export function totalsOf(stages) {
  const sources = stages.filter((stage) => stage.role === 'source');
  const sinks = stages.filter((stage) => stage.role === 'sink');
  const lags = sinks.map((stage) => stage.lag).filter((lag) => lag !== null);
  return {
    inRate: sources.reduce((total, stage) => total + stage.outRate, 0),
    outRate: sinks.reduce((total, stage) => total + stage.inRate, 0),
    memory: stages.reduce((total, stage) => total + stage.memory, 0),
    state: stages.reduce((total, stage) => total + stage.stateBytes, 0),
    stateRows: stages.reduce((total, stage) => total + stage.stateRows, 0),
    bad: stages.reduce((total, stage) => total + stage.bad, 0),
    late: stages.reduce((total, stage) => total + stage.late, 0),
    lag: lags.length ? Math.max(...lags) : null,
    busiest: stages.reduce((most, stage) => (most && most.busyMost >= stage.busyMost ? most : stage), null),
  };
}

// One word for what a stage does most, which also names its colour.
export function loadOf(stage) {
  if (!stage.instances.length) return 'gone';
  if (stage.ended) return 'ended';
  if (stage.backpressuredMost > 0.5) return 'held';
  if (stage.busyMost > 0.8) return 'busy';
  if (stage.busyMost > 0.35) return 'working';
  return 'idle';
}
export const LOAD_TEXT = {gone: 'not running', ended: 'ended', held: 'backpressured', busy: 'busy', working: 'working', idle: 'idle'};

export const isLive = (state) => ['STARTING', 'RUNNING', 'RESTARTING', 'RESCALING', 'STOPPING'].includes(state);
