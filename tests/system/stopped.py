"""Jobs that are stopped and gone on with, here or elsewhere, and inputs that end before others: nothing is lost, nothing is done twice."""

import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from in_flight import FAST, ROWS, SLOW, compare, dead, expected, manifest, past, results, rows_of, shown  # noqa: E402

NOBODY = 65534


def begun(stream, *changes, rows=300, rate=SLOW):
    stream.write("job.yaml", manifest(*changes, rate=rate))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, rows)


def finish(stream, *changes):
    """To the end, as fast as it goes, of a job that has stopped."""
    stream.write("last.yaml", manifest(*changes, rate=FAST))
    stream.run("stream", "run", "last.yaml")


def a_job_that_stops_again_and_again_is_one_that_never_did(stream):
    wanted = expected(stream)
    begun(stream, rows=150, rate=SLOW // 2)
    pick = random.Random(5)
    for turn in range(6):
        path = stream.run("stream", "stop", "job", *([], ["--no-savepoint"], ["--to", f"aside-{turn}"])[turn % 3]).strip()
        check(bool(path) == (turn % 3 != 1), f"turn {turn} prints {path!r}")
        check(shown(stream)["state"] == "STOPPED", str(shown(stream)))
        check(not path or stream.succeeds("stream", "state", "ls", path), path)
        stream.run("stream", "resume", "job")
        if pick.random() < 0.7:  # else it stops before it has come to anything
            past(stream, rows_of(stream.folder) + pick.randrange(200))
    stream.run("stream", "stop", "--no-savepoint", "job")
    check(rows_of(stream.folder) < ROWS, "it was over before it was stopped for the last time")
    finish(stream)
    compare(results(stream.folder), wanted)


def what_was_stopped_here_goes_on_elsewhere(stream):
    """In one file, to another user; what both have written is what one would have. Tables whose rows are replaced go along."""
    wanted = expected(stream)
    begun(stream, rows=3000)
    stream.run("stream", "stop", "job", "--to", "carried")
    stream.run("stream", "savepoint", "--pack", "carried", "--to", "carried.tar.zst")
    there = stream.folder / "there"
    there.mkdir()
    for name in ("ranks.db", "parts", "carried.tar.zst"):
        shutil.move(stream.folder / name, there / name)
    shutil.rmtree(stream.home("job"))
    shutil.rmtree(stream.folder / "carried")
    stream.write("there/job.yaml", manifest(rate=FAST, out=str(there)))
    another = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.getuid() == 0 else []
    stream.folder.chmod(0o755)
    for path in [there, *there.rglob("*")] if another else []:
        os.chown(path, NOBODY, NOBODY)
    environment = dict(stream.environment, STREAM_HOME=str(there / "home"), XDG_CACHE_HOME=str(there / "cache"))
    done = subprocess.run([*another, str(stream.programs / "stream"), "run", "job.yaml", "--from", "carried.tar.zst"], env=environment,
                          cwd=there, capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, done.stderr)
    found, here = results(there), results(stream.folder, leave=("ranks",))
    compare({name: sorted(here.get(name, []) + rows) for name, rows in found.items()}, wanted)


WIDE = tuple((f"  {stage}: {{run", f"  {stage}: {{parallelism: {many}, run") for stage, many in
             (("kept", 2), ("hours", 3), ("slides", 2), ("visits", 3), ("best", 2), ("windows", 2)))
WIDE += (("  pairs:\n", "  pairs:\n    parallelism: 3\n"), ("  made:\n", "  made:\n    parallelism: 2\n"))


def it_goes_on_with_more_or_fewer_of_everything(stream):
    """Windows that overlap, sessions, a join and ranks in flight: from one each to several, and back."""
    wanted = expected(stream)
    begun(stream, rows=1000)
    for turn, changes in enumerate((WIDE, (), WIDE)):
        stream.run("stream", "stop", "job")
        check(rows_of(stream.folder) < ROWS, "it was over before it was stopped")
        stream.write("job.yaml", manifest(*changes, rate=SLOW))
        if turn < 2:
            stream.run("stream", "run", "-d", "job.yaml")
            past(stream, rows_of(stream.folder) + 500)
    finish(stream, *WIDE)
    compare(results(stream.folder), wanted)


SHORT = (("  kept: {run: filter, from: made,", """  short: {run: read-file, path: short.ndjson, schema: "n bigint, k bigint, v bigint, u bigint, ts timestamp", time: ts}
  few: {run: aggregate, by: k, window: tumble 1s, compute: {many: count(*)}}
  few-table: {run: write-sqlite, path: few.db, table: few, if-exists: replace}
  kept: {run: filter, from: [made, short],"""),)


def few(stream):
    with sqlite3.connect(f"file:{stream.folder}/few.db?mode=ro", uri=True) as db:
        return sorted(db.execute("select * from few").fetchall())


def an_input_that_has_ended_stays_ended(stream):
    """Beside one that goes on: checkpoints go on, and whoever is killed or stopped, its rows and its end come once."""
    stream.write("short.ndjson", "".join(json.dumps({"n": ROWS + n, "k": n % 7, "v": n * 31 % 1000, "u": n % 97, "ts": f"1970-01-01T00:00:0{n // 100}.{n % 100:02d}Z"}) + "\n" for n in range(300)))
    wanted, wanted_few = expected(stream, *SHORT), few(stream)
    check(len(wanted["lines"]) == ROWS + 300 and sum(row[3] for row in wanted_few) == 300, f"{len(wanted['lines'])} rows, {wanted_few}")
    (stream.folder / "few.db").unlink()

    def ended():
        return {i["stage"] for i in stream.stats("job")["instances"] if i["ended"]} == {"short", "few", "few-table"}
    begun(stream, *SHORT, rows=100, rate=300)
    for turn in range(4):
        wait_until("the end of the short one", lambda: stream.instances("job") and ended())
        first = int(stream.run("stream", "checkpoint", "job"))
        check(int(stream.run("stream", "checkpoint", "job")) > first, "checkpoints do not go on")
        check(few(stream) == wanted_few, f"turn {turn}: {few(stream)}")
        if turn == 0:
            stream.kill([stream.pid("job", "short.0")])
            wait_until("a restart", lambda: stream.stats("job")["job"]["restarts"] == 1 and stream.instances("job"))
        elif turn == 1:
            stream.kill(stream.processes("job"))
            dead(stream)
            stream.run("stream", "run", "-d", "job.yaml")
        elif turn == 2:
            path = stream.run("stream", "stop", "job").strip()
            stream.run("stream", "run", "-d", "job.yaml", "--from", path)
    stream.run("stream", "stop", "job")
    check(rows_of(stream.folder) < ROWS, "it was over before it was stopped")
    finish(stream, *SHORT)
    compare(results(stream.folder), wanted)
    check(few(stream) == wanted_few, str(few(stream)))


LOCKED = """
pipeline: job
checkpoint: {interval: 50ms}
stages:
  made: {run: generate, columns: n, rows: 6000, rate: 200}
  out: {run: write-sqlite, path: out.db, table: rows}
"""


def who_locks_the_database_of_a_sink_is_not_waited_for(stream):
    stream.write("job.yaml", LOCKED)
    stream.run("stream", "run", "-d", "job.yaml")
    stream.run("stream", "wait", "--for", "checkpoint", "job")
    other = sqlite3.connect(stream.folder / "out.db", isolation_level=None)
    other.execute("begin immediate")
    stream.run("stream", "stop", "job", expect=1)
    check("out.0 waits: " in stream.last_stderr and "is locked" in stream.last_stderr, stream.last_stderr)
    other.execute("commit")
    stream.write("job.yaml", LOCKED.replace("rate: 200", "rate: 2000"))
    stream.run("stream", "run", "-d", "job.yaml")
    stream.run("stream", "wait", "job", "--timeout", "100s")
    rows = [n for n, in other.execute("select n from rows order by n")]
    check(rows == list(range(6000)), f"{len(rows)} rows, {len(set(rows))} different")
    other.close()


if __name__ == "__main__":
    main([who_locks_the_database_of_a_sink_is_not_waited_for, a_job_that_stops_again_and_again_is_one_that_never_did, what_was_stopped_here_goes_on_elsewhere,
          it_goes_on_with_more_or_fewer_of_everything,
          an_input_that_has_ended_stays_ended])
