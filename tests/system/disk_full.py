"""A full disk: said, waited out, and gone on from without a row lost or doubled.

Needs the right to mount a small tmpfs; without it the tests skip, saying so.
"""

import pathlib
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from small_disk import on_small_disk  # noqa: E402

ROWS = 150_000
MANIFEST = """
pipeline: full
checkpoint: {interval: 100ms, keep: 2}
restart: {strategy: fixed-delay, delay: 20ms, attempts: 100000}
stages:
  made: {run: generate, columns: "n, 'number ' || n as t", rows: %d, rate: 100000}
  out: {run: write-sqlite, path: OUT, table: rows}
""" % ROWS


def check_rows(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        rows = [n for n, in db.execute("select n from rows order by n")]
    check(rows == list(range(ROWS)), f"{len(rows)} rows, {len(set(rows))} different, {ROWS} wanted")


@on_small_disk()
def a_sink_without_room_goes_on_when_there_is_some(stream, disk):
    disk.fill(leave=1 << 20)
    stream.write("full.yaml", MANIFEST.replace("OUT", "small/out.db"))
    job = stream.start("stream", "run", "full.yaml", stderr=subprocess.DEVNULL)
    wait_until("the sink to run out of room", lambda: any("full" in e["text"] and e["kind"] == "failed" for e in events(stream)))
    disk.make_room()
    check(job.wait(timeout=60) == 0, f"exit {job.returncode}")
    check_rows(disk.folder / "out.db")


def events(stream):
    return stream.events("full") if stream.instances("full") or stream.jobs() else []


@on_small_disk()
def snapshots_without_room_abort_checkpoints_and_nothing_else(stream, disk):
    stream.environment["STREAM_HOME"] = str(disk.folder / "home")
    stream.write("full.yaml", MANIFEST.replace("OUT", "out.db"))
    job = stream.start("stream", "run", "full.yaml", stderr=subprocess.PIPE)
    wait_until("a checkpoint", lambda: stream.succeeds("stream", "wait", "--for", "checkpoint", "full"))
    disk.fill(leave=0)
    talk = ""
    try:
        talk = job.communicate(timeout=5)[1]
    except subprocess.TimeoutExpired:
        pass
    disk.make_room()
    if job.poll() is None:
        talk += job.communicate(timeout=60)[1]
    check("No space left" in talk or "is full" in talk, f"nobody spoke of the disk: {talk}")
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check_rows(stream.folder / "out.db")


def told(stream, *command):
    """The last word of a verb that fails, in one line."""
    stream.run("stream", *command, expect=1)
    last = stream.last_stderr.splitlines()[-1]
    check(last.startswith(f"stream {command[0]}: fatal: ") and "disk is full" in last, f"{command}: {stream.last_stderr}")
    return last


@on_small_disk()
def verbs_that_need_room_say_so_and_the_job_goes_on(stream, disk):
    """Savepoint, rescale and upgrade leave it running, a stop ends it; nothing is lost or doubled by any of them."""
    stream.environment["STREAM_HOME"] = str(disk.folder / "home")
    stream.write("full.yaml", MANIFEST.replace("OUT", "out.db").replace("rate: 100000", "rate: 10000"))
    stream.run("stream", "run", "-d", "full.yaml")
    stream.run("stream", "wait", "--for", "checkpoint", "full")
    disk.fill(leave=0)
    told(stream, "savepoint", "full")
    check("it runs on as it was" in told(stream, "rescale", "full", "made=2"), stream.last_stderr)
    told(stream, "upgrade", "full", "full.yaml")
    stream.run("stream", "wait", "--for", "running", "full")
    check("'stream resume full' goes on" in told(stream, "stop", "full"), stream.last_stderr)
    check(not any(path.name != "filler" for path in disk.folder.glob("home/full/savepoints/*")), "half a savepoint is there")
    disk.make_room()
    stream.run("stream", "resume", "full")
    stream.run("stream", "rescale", "full", "made=2")
    stream.run("stream", "upgrade", "full", "full.yaml")
    stream.run("stream", "wait", "full", "--timeout", "100s")
    check_rows(stream.folder / "out.db")


if __name__ == "__main__":
    main([verbs_that_need_room_say_so_and_the_job_goes_on, a_sink_without_room_goes_on_when_there_is_some, snapshots_without_room_abort_checkpoints_and_nothing_else])
