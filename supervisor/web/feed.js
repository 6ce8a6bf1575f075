// What is known of one job, kept up to date while a page shows it. Followers are told once a frame at most.

import {get, send, job as path, listen} from './api.js';
import {stagesOf, totalsOf, isLive} from './stats.js';

const REMEMBERED = 900;  // seconds of rates that charts begin with
const EVENTS_MAX = 20000;

export class Feed {
  constructor(name) {
    this.name = name;
    this.summary = null;
    this.stats = null;
    this.plan = null;
    this.events = [];
    this.checkpoints = null;
    this.stages = [];
    this.totals = null;
    this.past = [];  // {at, inRate, outRate, …}, the oldest first
    this.error = null;
    this.followers = new Set();
    this.over = new AbortController();
    this.scheduled = false;
  }

  async open() {
    await this.refresh();
    this.follow();
    return this;
  }

  async refresh() {
    this.summary = await get(path(this.name, '/summary'));
    const asked = await Promise.allSettled([get(path(this.name, '/plan')), this.readStats(), get(path(this.name, '/events')), this.readCheckpoints()]);
    if (asked[0].status === 'fulfilled') this.plan = asked[0].value.plan;
    if (asked[2].status === 'fulfilled') this.events = asked[2].value;
    this.reckon();
    this.changed();
  }

  reckon() {
    this.stages = stagesOf(this.summary, this.stats);
    this.totals = totalsOf(this.stages);
  }

  async readStats() {
    this.stats = isLive(this.summary.state) ? await get(path(this.name, '/stats')) : null;
    if (this.stats) this.remember();
  }

  async readCheckpoints() {
    this.checkpoints = await get(path(this.name, '/checkpoints'));
  }

  // As it runs now: another may have upgraded it.
  async readManifest() {
    return (await send('GET', path(this.name, '/manifest'))).text();
  }

  follow() {
    const topics = 'jobs,stats,events,checkpoints';
    listen(`/stream?jobs=${encodeURIComponent(this.name)}&topics=${topics}`, this.over.signal, (topic, data) => this.heard(topic, data))
      .catch(() => this.poll());
    this.timer = setInterval(() => this.changed(), 1000);
  }

  // Of a server that sends no events.
  async poll() {
    while (!this.over.signal.aborted) {
      await new Promise((done) => setTimeout(done, 1000));
      if (document.hidden || this.over.signal.aborted) continue;
      try {
        const state = this.summary.state;
        this.summary = await get(path(this.name, '/summary'));
        await this.readStats();
        if (state !== this.summary.state) this.planAgain();
        this.events = await get(path(this.name, '/events'));
        await this.readCheckpoints();
        this.error = null;
      } catch (error) {
        this.error = error;
      }
      this.changed();
    }
  }

  heard(topic, {value: data}) {
    this.error = null;
    if (topic === 'jobs') {
      const was = this.summary;
      if (!data) return;
      this.summary = data;
      if (!isLive(this.summary.state)) this.stats = null;
      if (JSON.stringify(was?.stages) !== JSON.stringify(this.summary.stages) || was?.run !== this.summary.run) this.planAgain();
    } else if (topic === 'stats') {
      this.stats = data;
      if (data.checkpoint && this.summary && data.checkpoint.status === 'committed') this.summary.checkpoint = Math.max(this.summary.checkpoint ?? 0, data.checkpoint.epoch);
      this.remember();
    } else if (topic === 'events') {
      const newest = this.events.at(-1);
      if (newest && data.at_us <= newest.at_us && this.events.some((one) => one.at_us === data.at_us && one.text === data.text)) return;
      this.events.push(data);
      if (this.events.length > EVENTS_MAX) this.events.splice(0, this.events.length - EVENTS_MAX);
    } else if (topic === 'checkpoints') {
      this.readCheckpointsSoon();
    }
    this.changed();
  }

  // Several may come together.
  readCheckpointsSoon() {
    this.soon ??= setTimeout(() => {
      this.soon = null;
      this.readCheckpoints().then(() => this.changed(), () => {});
    }, 400);
  }

  planAgain() {
    get(path(this.name, '/plan')).then((body) => { this.plan = body.plan; this.changed(); }, () => {});
  }

  remember() {
    const stages = stagesOf(this.summary, this.stats);
    const totals = totalsOf(stages);
    this.past.push({at: Date.now(), inRate: totals.inRate, outRate: totals.outRate, memory: totals.memory, state: totals.state, lag: totals.lag,
      stages: Object.fromEntries(stages.map((stage) => [stage.name, {inRate: stage.inRate, outRate: stage.outRate, busy: stage.busy, backpressured: stage.backpressured, memory: stage.memory}]))});
    if (this.past.length > REMEMBERED) this.past.splice(0, this.past.length - REMEMBERED);
  }

  changed() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      if (this.over.signal.aborted) return;
      this.reckon();
      for (const follower of this.followers) follower(this);
    });
  }

  subscribe(follower) {
    this.followers.add(follower);
    this.changed();
    return () => this.followers.delete(follower);
  }

  get live() {
    return isLive(this.summary?.state);
  }

  close() {
    clearInterval(this.timer);
    clearTimeout(this.soon);
    this.over.abort(new DOMException('over', 'AbortError'));
  }
}
