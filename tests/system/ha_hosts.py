"""Several supervisors of one job that runs on several hosts, each a network of its own: whatever happens to hosts, networks, leaders,
to what decides who leads, and to shared storage, the results are those of a run left alone, and there is one committer at a time.

usage: ha_hosts.py PROGRAMS [TEST]...
STREAM_LONG=1: a hundred rounds. STREAM_SEED=N: the rounds of that seed.
"""

import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import zookeeper_server  # noqa: E402
from harness import check, main, query_so_far, wait_until  # noqa: E402
from ssh_hosts import agents_of, kill_group, missing, reachable  # noqa: E402
from whole_hosts import WholeHosts, leader_of, wait_leader  # noqa: E402

JOB = "far"
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
    begun, completed, terms = {}, {}, {}
    for name, supervisor in hosts.supervisors.items():
        store = supervisor.own.home(JOB) / "job.sqlite"
        if not store.exists():
            continue
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
            for (attempt,) in database.execute("select attempt from attempts"):
                check(attempt not in begun, f"attempt {attempt} was begun on {begun.get(attempt)} and on {name}")
                begun[attempt] = name
            # What another had published before, and this one went on from, has no times.
            for (epoch,) in database.execute("select epoch from checkpoints where status in ('complete', 'committed') and triggered_us > 0"):
                check(epoch not in completed, f"checkpoint {epoch} was completed on {completed.get(epoch)} and on {name}")
                completed[epoch] = name
    for _, _, epoch, attempt in commits:
        check(attempt in begun and epoch in completed, f"nobody knows of attempt {attempt} or of epoch {epoch}")
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
        leader = leader_of(hosts, JOB)
        return leader and leader.own.succeeds("stream", "stop", "--drain", "--no-savepoint", JOB)
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


def takes_over(stream, place_of):
    with WholeHosts(stream, ["a", "b", "c"]) as hosts:
        first = begin(hosts, place_of(hosts), ["a", "b"])
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
    takes_over(stream, file_place)


def run():
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return
    main([another_host_takes_over_with_a_folder])


if __name__ == "__main__":
    run()
