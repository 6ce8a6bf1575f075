"""Jobs that are drained: every window fires once, whoever is killed meanwhile, and to go on from there must be allowed."""

import pathlib
import random
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from in_flight import FAST, NEVER, ROWS, SLOW, at_rest, bounded, catalogue, checkpoints, compare, dead, expected, killed_meanwhile, manifest, past, results, rows_of, shown, whole  # noqa: E402

KEPT = ("lines", "parts", "rows", "ranks")  # what a window that fires twice does not change


def drain_fires_every_window_and_stop_none(stream):
    wanted = expected(stream)
    stream.write("job.yaml", manifest(rate=2000))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 2500)
    stream.run("stream", "stop", "job")
    before, last = results(stream.folder), rows_of(stream.folder) / 100
    for table, end in (("windows", "window_end"), ("hops", "window_end"), ("sessions", "window_end")):
        check(before[table] and not set(before[table]) - set(wanted[table]), f"{table}: {len(before[table])} rows, not all of those of a whole window")
        with sqlite3.connect(stream.folder / f"{table}.db") as db:
            latest = db.execute(f"select max(unixepoch({end})) from {table}").fetchone()[0]
        check(latest <= last, f"{table}: a window until {latest} has fired at {last}")
    stream.run("stream", "resume", "job")
    past(stream, 3000)
    path = stream.run("stream", "stop", "--drain", "job").strip()
    drained, count = results(stream.folder), rows_of(stream.folder)
    compare(drained, bounded(stream, count), "drained")
    stream.write("last.yaml", manifest(rate=FAST))
    for refused in (["resume", "job"], ["run", "last.yaml"], ["run", "last.yaml", "--from", path], ["run", "last.yaml", "--from", path, "--name", "other", "--outputs", "beside"]):
        stream.run("stream", *refused, expect=1)
        check("was drained" in stream.last_stderr and "--accept-drained" in stream.last_stderr, stream.last_stderr)
    compare(results(stream.folder), drained, "refused")
    for verb in ("stop", "resume", "run"):
        check("accept-drained" in stream.run("stream", verb, "--man").replace("\\", ""), f"the manual of '{verb}'")
    stream.run("stream", "resume", "--accept-drained", "job")
    stream.run("stream", "stop", "job")
    stream.run("stream", "resume", "job")  # it has gone on, and is drained no more
    stream.run("stream", "stop", "--no-savepoint", "job")
    stream.run("stream", "run", "last.yaml")
    found = results(stream.folder)
    compare({name: found[name] for name in KEPT}, {name: wanted[name] for name in KEPT})
    twice = [row for row in found["windows"] if row not in wanted["windows"]]
    check(sum(row[3] for row in found["windows"]) == ROWS and len(twice) <= 14, f"{len(twice)} parts of windows")


def drained_and_not_committed(stream, act):
    """Drains the job, and acts when its last checkpoint is published and a sink cannot commit it yet; what the verb says."""
    before = checkpoints(stream)
    with sqlite3.connect(stream.folder / "windows.db", isolation_level=None) as db:
        db.execute("begin exclusive")
        stop = stream.start("stream", "stop", "--drain", "job", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until("its last checkpoint", lambda: checkpoints(stream) - before)
        act()
        db.execute("rollback")
    stop.talk = stop.communicate(timeout=60)[1]
    return stop


def slowly(stream, rate=1500, rows=1500):
    stream.write("job.yaml", manifest(*NEVER, rate=rate))
    stream.run("stream", "run", "-d", "job.yaml")
    wait_until("rows", lambda: any(i["stage"] == "hours" and i["records_in"] > rows for i in stream.stats("job")["instances"]))


def a_drain_whose_instance_dies_reads_no_further(stream):
    """Its windows have fired in a checkpoint that is published and not committed: what was read later would fire them again."""
    slowly(stream)
    stop = drained_and_not_committed(stream, lambda: stream.kill([stream.pid("job", "ranks.0")]))
    check(stop.returncode == 0, stop.talk)
    compare(results(stream.folder), bounded(stream, rows_of(stream.folder)))


def a_drain_whose_supervisor_dies_is_finished_by_the_next(stream):
    slowly(stream)
    stop = drained_and_not_committed(stream, lambda: stream.kill([shown(stream)["supervisor_pid"]]) or dead(stream))
    check(stop.returncode != 0 and shown(stream)["state"] == "DEAD", stop.talk)
    stream.run("stream", "resume", "job")
    wait_until("its end", lambda: shown(stream)["state"] == "STOPPED")
    compare(results(stream.folder), bounded(stream, rows_of(stream.folder)))
    check("savepoint " in shown(stream)["reason"], str(shown(stream)))
    stream.run("stream", "resume", "job", expect=1)
    check("was drained" in stream.last_stderr, stream.last_stderr)


def a_drain_that_is_given_up_is_finished_later(stream):
    """A user does not wait for a sink that cannot commit; nothing of what has fired is lost, and nothing more is read."""
    stream.write("job.yaml", manifest(*NEVER, rate=1500))
    job = stream.start("stream", "run", "job.yaml", stderr=subprocess.DEVNULL)
    wait_until("it to run", lambda: stream.jobs() and stream.succeeds("stream", "wait", "job", "--for", "running"))
    stop = drained_and_not_committed(stream, lambda: stream.kill([job.pid], signal.SIGINT) or stream.kill([job.pid], signal.SIGTERM) or dead(stream))
    check(stop.returncode == 1 and "has stopped and not all of its windows have fired: interrupted twice" in stop.talk, stop.talk)
    check(shown(stream)["state"] == "STOPPED", str(shown(stream)))
    stream.run("stream", "run", "-d", "job.yaml")
    wait_until("its end", lambda: shown(stream)["state"] == "STOPPED")
    compare(results(stream.folder), bounded(stream, rows_of(stream.folder)))


def what_was_allowed_once_is_not_asked_again(stream):
    """To go on from what was drained, whoever dies before the first checkpoint since."""
    wanted = expected(stream)
    slowly(stream, rate=SLOW, rows=500)
    for again in (lambda path: ["run", "-d", "job.yaml", "--from", path, "--accept-drained"], lambda _: ["resume", "--accept-drained", "job"]):
        path = stream.run("stream", "stop", "--drain", "job").strip()
        stream.run("stream", *again(path))
        stream.kill(stream.processes("job"))
        dead(stream)
        stream.run("stream", "resume", "job")
        wait_until("it to run", lambda: shown(stream)["state"] == "RUNNING")
    stream.run("stream", "stop", "job")
    check(rows_of(stream.folder) < ROWS, "it was over")
    stream.write("last.yaml", manifest(rate=FAST))
    stream.run("stream", "run", "last.yaml")
    found = results(stream.folder)
    compare({name: found[name] for name in KEPT}, {name: wanted[name] for name in KEPT})


def a_stop_that_finds_it_restarting_does_not_say_that_it_was_drained(stream):
    stream.write("job.yaml", "pipeline: job\nrestart: {strategy: fixed-delay, delay: 20s}\nstages:\n  made: {run: generate, rate: 100}\n  out: {run: write-null}\n")
    stream.run("stream", "run", "-d", "job.yaml")
    wait_until("its restart to be waited for", lambda: stream.kill(list(stream.instances("job").values())[:1]) or shown(stream)["state"] == "RESTARTING")
    stream.run("stream", "stop", "--drain", "--no-savepoint", "job", expect=1)
    check("not all of its windows have fired" in stream.last_stderr and "'stream resume job' goes on" in stream.last_stderr, stream.last_stderr)


def whoever_is_killed_in_a_drain_every_window_fires_once(stream):
    pick = random.Random(3)
    for turn in range(4):
        folder = stream.folder / str(turn)
        stream.write(f"{turn}/job.yaml", manifest(rate=1500))
        stream.run("stream", "run", "-d", "--fresh", folder / "job.yaml")
        wait_until("rows", lambda: rows_of(folder) > 1000)
        drain, whom = killed_meanwhile(stream, pick, ["stop", "--drain", "job"], pick.uniform(0.02, 0.3))
        state = at_rest(stream)
        what = f"turn {turn}, {whom}: {state}: {drain.talk}"
        check(drain.returncode != 0 or state == "STOPPED", what)
        if state == "DEAD":
            stream.run("stream", "resume", "job")  # goes on, or ends what was begun
            stream.run("stream", "stop", "--drain", "job", expect=None)
        elif state == "RUNNING":
            stream.run("stream", "stop", "--drain", "job", expect=None)
        wait_until("its end", lambda: shown(stream)["state"] == "STOPPED")
        check(whole(stream, catalogue(stream)[-1]), what)
        compare(results(folder), bounded(stream, rows_of(folder)), what)
        stream.run("stream", "resume", "job", expect=1)


if __name__ == "__main__":
    main([drain_fires_every_window_and_stop_none, a_drain_whose_instance_dies_reads_no_further, a_drain_whose_supervisor_dies_is_finished_by_the_next, a_drain_that_is_given_up_is_finished_later, what_was_allowed_once_is_not_asked_again, a_stop_that_finds_it_restarting_does_not_say_that_it_was_drained, whoever_is_killed_in_a_drain_every_window_fires_once])
