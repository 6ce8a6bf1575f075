"""Several supervisors of one job that runs on several hosts, each a network of its own: whatever happens to hosts, networks, leaders,
to what decides who leads, and to shared storage, the results are those of a run left alone, and there is one committer at a time.

usage: ha_hosts.py PROGRAMS [TEST]...
STREAM_LONG=1: a hundred rounds. STREAM_SEED=N: the rounds of that seed. STREAM_TROUBLE="cut_off lossy": those alone happen.
"""

import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import zookeeper_server  # noqa: E402
from harness import Stream, check, main, query_so_far, wait_until  # noqa: E402
from ssh_hosts import agents_of, kill_group, missing  # noqa: E402
from whole_hosts import WholeHosts, leader_of, wait_leader  # noqa: E402

JOB = "far"
LONG = bool(os.environ.get("STREAM_LONG"))
ROUNDS = int(os.environ.get("STREAM_ROUNDS", "5" if LONG else "2"))  # of a job
ENDLESS = 10_000_000  # more rows than come in any test
STAGES = """
  numbers: {{run: generate, columns: "n, n % 7 as k, to_timestamp(n / 100.0) as ts", rows: {rows}, rate: {rate}, time: ts}}
  same: {{run: filter, where: "n >= 0", parallelism: 3}}
  table: {{run: write-sqlite, path: {out}/out.db, table: t, parallelism: 3}}
  file: {{run: write-file, from: same, path: {out}/out.ndjson}}
  parts: {{run: write-file, from: same, path: {out}/parts/, roll-size: 4KiB, parallelism: 2}}
  totals: {{run: aggregate, from: same, by: k, window: tumble 2s, compute: "count(*) as c, sum(n) as s", parallelism: 2}}
  windows: {{run: write-sqlite, path: {out}/out.db, table: w}}
"""


def stages(out, rows=ENDLESS, rate=1500):
    return STAGES.format(out=out, rows=rows, rate=rate)


def job_text(hosts, heartbeat="1s", **more):
    return (f"pipeline: {JOB}\ncheckpoint: {{interval: 50ms, path: {hosts.shared}/checkpoints}}\n"
            f"restart: {{heartbeat: {heartbeat}, strategy: fixed-delay, delay: 50ms, attempts: 10000}}\n"
            f"{hosts.manifest()}stages:{stages(hosts.shared, **more)}")


def in_namespaces(test):
    def run(stream):
        why = WholeHosts.missing()
        if why:
            print(f"skipped: {why}", flush=True)
            return
        test(stream)
    run.__name__ = test.__name__
    return run


def begin(hosts, place, names, **more):
    """The job, with supervisors on some of the hosts."""
    for folder in ("ha", "checkpoints"):
        (hosts.shared / folder).mkdir(exist_ok=True)
    manifest = hosts.stream.write("far.yaml", job_text(hosts, **more))
    for name in names:
        hosts.supervise(name, manifest, place)
    return wait_leader(hosts, JOB)


def file_place(hosts, lease="500ms"):
    return f"file://{hosts.shared}/ha?lease={lease}"


def committed(hosts):
    return sum(number for (number,) in query_so_far(hosts.shared / "out.db", "select count(*) from t"))


def more_rows(hosts, what="more rows", timeout=60):
    before = committed(hosts)
    wait_until(what, lambda: committed(hosts) > before, timeout)


TRACE = """
create table commits (seq integer primary key autoincrement, stage text, instance integer, epoch integer, attempt integer);
create trigger traced after insert on _stream_commits begin
  insert into commits select null, new.stage, new.instance, new.epoch, attempt from _stream_attempts where run = new.run and stage = new.stage;
end;
"""


def trace_commits(hosts):
    """From here on the target tells of every commit: the epoch, and the attempt that had it."""
    wait_until("rows", lambda: committed(hosts) > 0)
    with sqlite3.connect(hosts.shared / "out.db", timeout=60) as database:
        database.executescript(TRACE)


def check_one_committer(hosts):
    """Attempts and epochs of what was committed only rise, each attempt was begun by one supervisor and each epoch completed by one."""
    with sqlite3.connect(hosts.shared / "out.db") as database:
        commits = database.execute("select stage, instance, epoch, attempt from commits order by seq").fetchall()
    last, newest = {}, {}
    for stage, instance, epoch, attempt in commits:
        check(attempt >= newest.get(stage, 0), f"{stage}: attempt {attempt} commits epoch {epoch} after attempt {newest.get(stage)}")
        check(epoch > last.get((stage, instance), 0), f"{stage}.{instance} commits epoch {epoch} after {last.get((stage, instance))}")
        newest[stage], last[stage, instance] = attempt, epoch
    begun, completed = {}, {}
    for name, supervisor in hosts.supervisors.items():
        store = supervisor.own.home(JOB) / "job.sqlite"
        if not store.exists():
            continue
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
            for (attempt,) in database.execute("select attempt from attempts"):
                check(attempt not in begun, f"attempt {attempt} was begun on {begun.get(attempt)} and on {name}")
                begun[attempt] = name
            damaged = [text for (text,) in database.execute("select text from events where kind = 'checkpoint-damaged'")]
            check(not damaged, f"storage was away, or all of it there: {damaged}")
            # What another had published before, and this one went on from, has no times.
            for (epoch,) in database.execute("select epoch from checkpoints where status in ('complete', 'committed') and triggered_us > 0"):
                check(epoch not in completed, f"checkpoint {epoch} was completed on {completed.get(epoch)} and on {name}")
                completed[epoch] = name
    for _, _, epoch, attempt in commits:
        check(attempt in begun, f"nobody has begun attempt {attempt}, which commits epoch {epoch}")
    return len(commits), len(set(begun.values()))


def results(out):
    def numbers(text):
        return sorted(json.loads(line)["n"] for line in text.splitlines())
    with sqlite3.connect(out / "out.db") as database:
        return {"table": sorted(n for (n,) in database.execute("select n from t")),
                "windows": sorted(database.execute("select * from w").fetchall()),
                "file": numbers((out / "out.ndjson").read_text()),
                "parts": numbers("".join(part.read_text() for part in (out / "parts").glob("part-*")))}


def finish(hosts, what=""):
    """Ends the input of the job, and compares with a run of as many rows that nothing happened to, on this host alone."""
    def drained():
        if not any(one.alive() for one in hosts.supervisors.values()):  # it was stopped while it was starting: it goes on
            for one in hosts.supervisors.values():
                one.start()
        leader = leader_of(hosts, JOB)
        return leader and leader.state(JOB) == "RUNNING" and leader.own.succeeds("stream", "stop", "--drain", "--no-savepoint", JOB)
    wait_until("the job to be drained", drained)
    wait_until("all to end", lambda: not any(one.alive() for one in hosts.supervisors.values()), 90)
    wait_until("no agent left", lambda: not agents_of(hosts.folder / "agents"))
    compare(hosts, what)


def compare(hosts, what=""):
    found = results(hosts.shared)
    alone = hosts.folder / f"alone-{len(found['table'])}"
    alone.mkdir(exist_ok=True)
    hosts.stream.write("alone.yaml", f"pipeline: alone\nstages:{stages(alone, rows=len(found['table']), rate=1_000_000)}")
    hosts.stream.run("stream", "run", "--fresh", "alone.yaml")
    wanted = results(alone)
    for name, rows in wanted.items():
        few, many = sorted(set(rows) - set(found[name]))[:3], sorted(set(found[name]) - set(rows))[:3]
        check(found[name] == rows, f"{what}: {name}: {len(found[name])} rows, not {len(rows)}; missing {few}, too many {many}")
    return len(found["table"])


def takes_over(hosts, place):
    begin(hosts, place, ["a", "b"])
    trace_commits(hosts)
    more_rows(hosts)
    wait_until("the other to stand by", lambda: {one.state(JOB) for one in hosts.supervisors.values()} == {"RUNNING", "STANDBY"})
    first = wait_leader(hosts, JOB)
    began = time.monotonic()
    hosts.die(first.name)
    second = wait_leader(hosts, JOB, but=first)
    wait_until("it to run", lambda: second.state(JOB) == "RUNNING", interval=0.02)
    took = time.monotonic() - began
    print(f"        {first.name} dies, {second.name} runs after {took * 1000:.0f} ms", flush=True)
    more_rows(hosts)
    hosts.boot(first.name)
    first.start()
    wait_until("it to stand by", lambda: first.state(JOB) == "STANDBY")
    finish(hosts)
    print("        %d commits, %d leaders" % check_one_committer(hosts), flush=True)


@in_namespaces
def another_host_takes_over_with_a_folder(stream):
    with WholeHosts(stream, ["a", "b", "c"]) as hosts:
        takes_over(hosts, file_place(hosts))


@in_namespaces
def the_host_that_is_local_is_reached_from_the_others_as_well(stream):
    with WholeHosts(stream, ["a", "b", "c"]) as hosts:
        text = hosts.manifest()
        hosts.manifest = lambda: text.replace("  a:\n", "  a:\n    via: local\n")
        takes_over(hosts, file_place(hosts))


Happening = collections.namedtuple("Happening", "kind text mend")


class Trouble:
    """What may happen while a job runs, by name: each begins something and returns what ends it."""

    def __init__(self, hosts, pick, ensemble):
        self.hosts, self.pick, self.busy = hosts, pick, set()
        self.members = dict(zip(hosts.addresses, ensemble.members)) if ensemble else {}
        self.kinds = {name.removeprefix("on_"): getattr(self, name) for name in dir(self) if name.startswith("on_")}
        if not ensemble:
            del self.kinds["member_killed"], self.kinds["member_stands_still"]
        if not hosts.can(hosts.lose_packets, hosts.lose_no_packets, 0.1):
            del self.kinds["lossy"]
        if not hosts.can(hosts.slow_down, hosts.speed_up, 1000):
            del self.kinds["slow_link"]
        if not hosts.disk.freezes:
            del self.kinds["storage_stands_still"]
        wanted = os.environ.get("STREAM_TROUBLE", "").split()
        self.kinds = {name: kind for name, kind in self.kinds.items() if not wanted or name in wanted}

    def any_host(self, of=None):
        """One that nothing is happening to."""
        name = self.pick.choice(sorted(set(of or self.hosts.addresses) - self.busy))
        self.busy.add(name)
        return name

    def leaders_host(self):
        """Rather that of the leader."""
        leader = leader_of(self.hosts, JOB)
        return self.any_host([leader.name] if leader and leader.name not in self.busy and self.pick.random() < 0.6 else None)

    def begin(self, among=()):
        """What happens, in words, and what ends it; `among` what has begun and is not over."""
        if not among:
            self.busy = set()
        kind = self.pick.choice(sorted(set(self.kinds) - {what.kind for what in among}))
        what, mend = self.kinds[kind]()
        return Happening(kind, f"{kind.replace('_', ' ')} {what}", mend)

    def on_cut_off(self):
        name = self.leaders_host()
        self.hosts.network.cut(name)
        return name, lambda: self.hosts.network.mend(name)

    def on_one_way(self):
        name, to = self.leaders_host(), self.pick.choice(sorted(self.hosts.addresses))
        silenced = [address for other, address in self.hosts.addresses.items() if other != name and (to in (name, other))]
        for address in silenced:
            self.hosts.network.silence(name, address)
        return f"{name} to {'all' if to == name else to}", lambda: [self.hosts.network.unsilence(name, address) for address in silenced]

    def on_flapping(self):
        name = self.leaders_host()
        for _ in range(self.pick.randrange(2, 6)):
            self.hosts.network.cut(name)
            time.sleep(self.pick.uniform(0.05, 0.4))  # that is what flapping is
            self.hosts.network.mend(name)
            time.sleep(self.pick.uniform(0.05, 0.3))
        return name, lambda: None

    def on_lossy(self):
        name, share = self.leaders_host(), self.pick.uniform(0.05, 0.3)
        self.hosts.lose_packets(name, share)
        return f"{name} {share:.0%}", lambda: self.hosts.lose_no_packets(name)

    def on_slow_link(self):
        name, rate = self.leaders_host(), self.pick.choice((200, 500, 1000))
        self.hosts.slow_down(name, rate)
        return f"{name} {rate} kbit/s", lambda: self.hosts.speed_up(name)

    def on_host_dies(self):
        name = self.leaders_host()
        self.hosts.die(name)

        def boot():
            self.hosts.boot(name)
            if name in self.members:
                self.members[name].start()
            if name in self.hosts.supervisors:
                self.hosts.supervisors[name].start()
        return name, boot

    def on_host_stands_still(self):
        name = self.leaders_host()
        pids = self.hosts.freeze(name)
        return name, lambda: kill_group(pids, signal.SIGCONT)

    def on_supervisor_killed(self):
        name = self.leaders_host()
        supervisor = self.hosts.supervisors.get(name)
        if not supervisor:
            return f"{name}, where none is", lambda: None
        supervisor.kill()
        return name, supervisor.start

    def on_supervisor_stands_still(self):
        name = self.leaders_host()
        supervisor = self.hosts.supervisors.get(name)
        if not supervisor:
            return f"{name}, where none is", lambda: None
        supervisor.kill(signal.SIGSTOP)
        return name, lambda: supervisor.kill(signal.SIGCONT)

    def on_instances_stand_still(self):
        name = self.any_host()
        spared = [self.hosts.servers[name].process.pid, *([self.hosts.supervisors[name].process.pid] if name in self.hosts.supervisors else []),
                  *([self.members[name].process.pid] if name in self.members else [])]
        pids = [pid for pid in self.hosts.processes(name) if pid not in spared]
        kill_group(pids, signal.SIGSTOP)
        return name, lambda: kill_group(pids, signal.SIGCONT)

    def on_member_killed(self):
        name = self.any_host(self.members)
        self.members[name].kill()
        return name, self.members[name].start

    def on_member_stands_still(self):
        name = self.any_host(self.members)
        self.members[name].send(signal.SIGSTOP)
        return name, lambda: self.members[name].send(signal.SIGCONT)

    def on_storage_read_only(self):
        view = self.hosts.views[self.leaders_host()]
        view.read_only()
        return view.name, view.come_back

    def on_storage_vanishes(self):
        view = self.hosts.views[self.leaders_host()]
        return view.name, view.vanish()

    def on_checkpoints_vanish(self):
        view = self.hosts.views[self.leaders_host()]
        return view.name, view.vanish("checkpoints")

    def on_storage_stands_still(self):
        seconds = self.pick.uniform(0.2, 4)
        self.hosts.disk.stand_still(seconds)
        return f"for all, {seconds:.1f} s", lambda: None

    def on_storage_full(self):
        self.hosts.disk.fill(0)
        return "for all", self.hosts.disk.make_room


def disturbed(hosts, pick, rounds, done, ensemble=None):
    """So many things happen, at times two at once, of which `done` tells; behind each the job goes on."""
    trouble = Trouble(hosts, pick, ensemble)
    for _ in range(rounds):
        more_rows(hosts, f"rows behind {done}", 90)
        begun = [trouble.begin()]
        if pick.random() < 0.3:
            begun.append(trouble.begin(among=begun))
        done.append(" + ".join(happening.text for happening in begun))
        print(f"        {time.strftime('%T')} {done[-1]}", file=sys.stderr, flush=True)
        time.sleep(pick.uniform(0.1, 2.5))  # for how long it lasts
        for happening in reversed(begun):
            happening.mend()
        for name, one in hosts.supervisors.items():
            check(one.alive(), f"{done}: the supervisor on {name} has ended")
    more_rows(hosts, f"rows behind {done}", 90)


def whatever_happens(stream, seed, rounds, place):
    """place: "file" or "zookeeper"."""
    names = ["a", "b", "c", "d"]
    with WholeHosts(stream, names) as hosts:
        ensemble = zookeeper_server.ZooKeeper(stream.folder, [(hosts.addresses[name], hosts.views[name].enter) for name in names[:3]]) if place == "zookeeper" else None
        with ensemble or contextlib.nullcontext():
            begin(hosts, ensemble.url("/tests/far", "1s") if ensemble else file_place(hosts), names[:3])
            trace_commits(hosts)
            done = []
            try:
                disturbed(hosts, random.Random(seed), rounds, done, ensemble)
                finish(hosts, f"{place}, seed {seed}: {done}")
                commits, leaders = check_one_committer(hosts)
            except Exception:
                print(f"--- {place}, seed {seed}: {done}", flush=True)
                raise
            print(f"        {place}, seed {seed}: {len(done)} rounds, {commits} commits, {leaders} leaders", flush=True)


def in_rounds(stream, place):
    given = os.environ.get("STREAM_SEED")
    for seed in [int(given)] if given else range(10 if LONG else 1):
        with Stream(stream.programs) as own:
            whatever_happens(own, seed, ROUNDS, place)


@in_namespaces
def whatever_happens_the_results_are_the_same_with_a_folder(stream):
    in_rounds(stream, "file")


@in_namespaces
def whatever_happens_the_results_are_the_same_with_zookeeper(stream):
    why = zookeeper_server.absent()
    if why:
        print(f"skipped: {why}", flush=True)
        return
    in_rounds(stream, "zookeeper")


def sizes(hosts, leader):
    """Of the stages that run, as the leader tells; nothing while it does not."""
    done = leader.own.run("stream", "stats", "--json", JOB, expect=None)
    return dict(collections.Counter(i["stage"] for i in json.loads(done)["instances"])) if done else {}


def settled(hosts):
    """The leader, once its job runs; and how many instances of each stage."""
    def found():
        leader = leader_of(hosts, JOB)
        return (leader, sizes(hosts, leader)) if leader and leader.state(JOB) == "RUNNING" and sizes(hosts, leader) else None
    return wait_until("a job that runs", found)


def others(hosts, supervisor):
    return [one for one in hosts.supervisors.values() if one is not supervisor]


def killed_while(hosts, pick, *verb):
    """A verb at the leader, which is killed in the middle of it, or behind it; whether it had been done."""
    more_rows(hosts)
    leader, _ = settled(hosts)
    wait_until("others to stand by", lambda: any(one.state(JOB) == "STANDBY" for one in others(hosts, leader)))
    talk = leader.own.start("stream", *verb, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        talk.wait(timeout=pick.choice((0.02, 0.1, 0.2, 0.4, 0.8, 30)))
    except subprocess.TimeoutExpired:
        pass
    leader.kill()
    said = talk.communicate(timeout=60)[1]
    leader.start()
    print(f"        {' '.join(verb[:1])} {'done' if talk.returncode == 0 else 'cut short'}, {leader.name} killed", file=sys.stderr, flush=True)
    return talk.returncode == 0, said


@in_namespaces
def what_was_rescaled_or_upgraded_is_so_for_whoever_takes_over(stream):
    pick = random.Random(int(os.environ.get("STREAM_SEED", "1")))
    with WholeHosts(stream, ["a", "b", "c"]) as hosts:
        begin(hosts, file_place(hosts), ["a", "b", "c"])
        trace_commits(hosts)
        for _ in range(10 if LONG else 2):
            before = settled(hosts)[1]["totals"]
            wanted = pick.choice([number for number in (1, 2, 3, 4) if number != before])
            done, said = killed_while(hosts, pick, "rescale", JOB, f"totals={wanted}")
            now = settled(hosts)[1]["totals"]
            check(now == wanted or (not done and now == before), f"{now} instances, {wanted} were wanted of {before}, {done}: {said}")
        for number in range(10 if LONG else 2):
            name = f"extra{number}"
            before = settled(hosts)[1]
            text = job_text(hosts).replace("  totals: {run: aggregate, from: same,", f"  {name}: {{run: filter, from: same, where: n >= -1}}\n  totals: {{run: aggregate, from: {name},")
            done, said = killed_while(hosts, pick, "upgrade", JOB, hosts.stream.write(f"far-{number}.yaml", text))
            now = settled(hosts)[1]
            check(name in now or (not done and set(now) == set(before)), f"{now} runs, {name} was wanted behind {before}, {done}: {said}")
        finish(hosts, "rescaled and upgraded")
        check_one_committer(hosts)


@in_namespaces
def stages_with_bounds_follow_the_room_whoever_leads(stream):
    """The other stages take ten slots; three hosts have eighteen, two have twelve."""
    with WholeHosts(stream, ["a", "b", "c"]) as hosts:
        manifest = hosts.manifest()
        for name in hosts.addresses:
            manifest = manifest.replace(f"  {name}:\n", f"  {name}:\n    slots: 6\n")
        hosts.manifest = lambda: manifest
        text = job_text(hosts).replace('where: "n >= 0", parallelism: 3', 'where: "n >= 0", parallelism: {min: 1, max: 6}')
        for folder in ("ha", "checkpoints"):
            (hosts.shared / folder).mkdir()
        path = hosts.stream.write("far.yaml", text + "autoscale: {interval: 500ms}\n")
        for name in hosts.addresses:
            hosts.supervise(name, path, file_place(hosts))
        trace_commits(hosts)
        wait_until("all the room to be used", lambda: settled(hosts)[1]["same"] == 6)
        # A leader's host is lost: the next has room for two fewer than there were hosts for.
        first, _ = settled(hosts)
        hosts.die(first.name)
        second = wait_leader(hosts, JOB, but=first)
        wait_until("as many as there is room for", lambda: settled(hosts)[1]["same"] == 2)
        more_rows(hosts)
        hosts.boot(first.name)
        first.start()
        wait_until("all the room to be used again", lambda: settled(hosts)[1]["same"] == 6)
        # What a user has chosen within the bounds is known to whoever leads next.
        second.own.run("stream", "rescale", JOB, "same=4")
        wait_until("four", lambda: settled(hosts)[1]["same"] == 4)
        second.kill()
        wait_leader(hosts, JOB, but=second)
        check(settled(hosts)[1]["same"] == 4, settled(hosts)[1])
        more_rows(hosts)
        second.start()
        finish(hosts, "stages with bounds")
        check_one_committer(hosts)


@in_namespaces
def what_begins_from_a_savepoint_does_so_for_whoever_takes_over(stream):
    pick = random.Random(int(os.environ.get("STREAM_SEED", "1")))
    with WholeHosts(stream, ["a", "b", "c"]) as hosts:
        leader = begin(hosts, file_place(hosts), ["a", "b"])
        more_rows(hosts)
        leader, _ = settled(hosts)
        savepoint = leader.run("stream", "savepoint", JOB).split()[-1]
        for _ in range(5 if LONG else 1):
            more_rows(hosts)
            leader, _ = settled(hosts)
            wait_until("the job to stop", lambda: leader_of(hosts, JOB).own.succeeds("stream", "stop", JOB))
            wait_until("all to end", lambda: not any(one.alive() for one in hosts.supervisors.values()))
            rows = committed(hosts)
            first = hosts.supervise("c", hosts.folder / "far.yaml", hosts.supervisors["a"].place, "--from", savepoint, "--outputs", "rewind")
            wait_until("it to lead", lambda: "leads, term" in first.talk())
            for name in ("a", "b"):
                hosts.supervise(name, hosts.folder / "far.yaml", first.place, "--standby")
            time.sleep(pick.choice((0, 0.1, 0.3, 1)))  # how far it has come
            first.kill()
            second = wait_leader(hosts, JOB, but=first)
            wait_until("it to go on", lambda: second.state(JOB) == "RUNNING")
            print(f"        from a savepoint, behind {rows} rows: {[line for line in second.talk().splitlines() if 'continues' in line]}", file=sys.stderr, flush=True)
            wait_until("more rows", lambda: committed(hosts) > rows)
        finish(hosts, "from a savepoint")


def run():
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return
    main([another_host_takes_over_with_a_folder, the_host_that_is_local_is_reached_from_the_others_as_well,
          whatever_happens_the_results_are_the_same_with_a_folder,
          whatever_happens_the_results_are_the_same_with_zookeeper, what_was_rescaled_or_upgraded_is_so_for_whoever_takes_over,
          stages_with_bounds_follow_the_room_whoever_leads, what_begins_from_a_savepoint_does_so_for_whoever_takes_over])


if __name__ == "__main__":
    run()
