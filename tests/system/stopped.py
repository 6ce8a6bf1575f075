"""Jobs that are stopped, drained and gone on with, at any moment and killed meanwhile: nothing is lost, nothing is done twice."""

import json
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from in_flight import FAST, SLOW, compare, expected, manifest, past, results  # noqa: E402

ROWS = 12_000


def begun(stream, *changes, rows=300, rate=SLOW):
    stream.write("job.yaml", manifest(*changes, rate=rate))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, rows)


def finish(stream, *changes):
    """To the end, as fast as it goes, of a job that has stopped."""
    stream.write("last.yaml", manifest(*changes, rate=FAST))
    stream.run("stream", "run", "last.yaml")


def shown(stream, job="job"):
    return json.loads(stream.run("stream", "show", "--json", job))


def rows_of(folder):
    path = folder / "lines.ndjson"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def a_job_that_stops_again_and_again_is_one_that_never_did(stream):
    wanted = expected(stream)
    begun(stream)
    pick = random.Random(5)
    for turn in range(6):
        path = stream.run("stream", "stop", "job", *([], ["--no-savepoint"], ["--to", f"aside-{turn}"])[turn % 3]).strip()
        check(bool(path) == (turn % 3 != 1), f"turn {turn} prints {path!r}")
        check(shown(stream)["state"] == "STOPPED", str(shown(stream)))
        check(not path or stream.succeeds("stream", "state", "ls", path), path)
        stream.run("stream", "resume", "job")
        if pick.random() < 0.7:  # else it stops before it has come to anything
            past(stream, rows_of(stream.folder) + pick.randrange(400))
    stream.run("stream", "stop", "--no-savepoint", "job")
    check(rows_of(stream.folder) < ROWS, "it was over before it was stopped for the last time")
    finish(stream)
    compare(results(stream.folder), wanted)


def what_was_stopped_here_goes_on_elsewhere(stream):
    """What both have written is what one would have; tables whose rows are replaced go along."""
    wanted = expected(stream)
    begun(stream, rows=3000)
    stream.run("stream", "stop", "job", "--to", "carried")
    there = stream.folder / "there"
    there.mkdir()
    for name in ("ranks.db", "parts", "carried"):
        shutil.move(stream.folder / name, there / name)
    shutil.rmtree(stream.home("job"))
    stream.write("there/job.yaml", manifest(rate=FAST))
    stream.run("stream", "run", there / "job.yaml", "--from", there / "carried")
    found, here = results(there), results(stream.folder, leave=("ranks",))
    compare({name: sorted(here.get(name, []) + rows) for name, rows in found.items()}, wanted)


def bounded(stream, rows, name):
    """What a job gives whose input ends behind so many rows."""
    return expected(stream, (f"rows: {ROWS}", f"rows: {rows}"), name=name)


def drain_fires_every_window_and_stop_none(stream):
    wanted = expected(stream)
    begun(stream, rows=2500, rate=4000)
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
    compare(drained, bounded(stream, count, "bounded"), "drained")
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
    compare({name: found[name] for name in ("lines", "parts", "rows", "ranks")}, {name: wanted[name] for name in ("lines", "parts", "rows", "ranks")})
    twice = [row for row in found["windows"] if row not in wanted["windows"]]
    check(sum(row[3] for row in found["windows"]) == ROWS and len(twice) <= 14, f"{len(twice)} parts of windows")


def checkpoints(stream, job="job"):
    return {int(path.parent.name) for path in stream.home(job).glob("checkpoints/*/checkpoint.sqlite")}


def dead(stream, job="job"):
    """Waits until nothing of the job runs any more."""
    wait_until("every process to end", lambda: not stream.processes(job))


def published_and_no_more(stream, how, act):
    """Stops the job, and acts when its last checkpoint is published and a sink cannot commit it yet; what the verb says."""
    before = checkpoints(stream)
    with sqlite3.connect(stream.folder / "windows.db", isolation_level=None) as db:
        db.execute("begin exclusive")
        stop = stream.start("stream", "stop", *how, "job", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until("its last checkpoint", lambda: checkpoints(stream) - before)
        act()
        db.execute("rollback")
    stop.talk = stop.communicate(timeout=30)[1]
    return stop


NEVER = (("interval: 50ms", "interval: none"),)  # but the last one


def slowly(stream):
    stream.write("job.yaml", manifest(*NEVER, rate=4000))
    stream.run("stream", "run", "-d", "job.yaml")
    wait_until("rows", lambda: any(i["stage"] == "hours" and i["records_in"] > 2500 for i in stream.stats("job")["instances"]))


def a_drain_whose_instance_dies_reads_no_further(stream):
    """Its windows have fired in a checkpoint that is published and not committed: what was read later would fire them again."""
    slowly(stream)
    stop = published_and_no_more(stream, ["--drain"], lambda: stream.kill([stream.instances("job")["ranks.0"]]))
    check(stop.returncode == 0, stop.talk)
    compare(results(stream.folder), bounded(stream, rows_of(stream.folder), "bounded"))


def a_drain_whose_supervisor_dies_is_finished_by_the_next(stream):
    slowly(stream)
    stop = published_and_no_more(stream, ["--drain"], lambda: stream.kill([shown(stream)["supervisor_pid"]]) or dead(stream))
    check(stop.returncode != 0 and shown(stream)["state"] == "DEAD", stop.talk)
    stream.run("stream", "resume", "job")
    wait_until("its end", lambda: shown(stream)["state"] == "STOPPED")
    compare(results(stream.folder), bounded(stream, rows_of(stream.folder), "bounded"))
    check("savepoint " in shown(stream)["reason"], str(shown(stream)))
    stream.run("stream", "resume", "job", expect=1)
    check("was drained" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([a_job_that_stops_again_and_again_is_one_that_never_did, what_was_stopped_here_goes_on_elsewhere,
          drain_fires_every_window_and_stop_none, a_drain_whose_instance_dies_reads_no_further,
          a_drain_whose_supervisor_dies_is_finished_by_the_next])
