"""Exactly once, proven by equality.

A keyed, windowed pipeline, two instances a stage, reads growing files and writes to SQLite and to
files, with a checkpoint every 100 ms, while its processes are killed, stopped until they count as
hung, or the supervisor itself is killed and started again. The outputs must be those of a run that
nothing happened to. STREAM_SEED repeats a run, STREAM_KILLS sets how often.
"""

import collections
import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402

KILLS = int(os.environ.get("STREAM_KILLS", "200"))
SEED = int(os.environ.get("STREAM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
PEACE_EVERY = 5  # disturbances; a job that got stuck must not be helped by the next one
FILES = 6
KEYS = 50

MANIFEST = """
pipeline: chaos
checkpoint: {interval: 100ms, keep: 3}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000, heartbeat: 1s}
stages:
  left:
    run: read-file
    path: in/left-*.ndjson
    follow: FOLLOW
    schema: ts timestamp, k bigint, v bigint
    time: ts
    out-of-order: 5s
  right:
    run: read-file
    path: in/right-*.ndjson
    follow: FOLLOW
    schema: ts timestamp, k bigint, v bigint
    time: ts
    out-of-order: 5s
  wanted:
    run: filter
    from: [left, right]
    where: v % 10 <> 3
    parallelism: 2
  sums:
    run: aggregate
    by: [k]
    window: tumble 10s
    compute:
      n: count(*)
      total: sum(v)
      top: max(v)
    parallelism: 2
  table:
    run: write-sqlite
    path: OUT.db
    table: sums
    parallelism: 2
  rows:
    run: write-file
    from: wanted
    path: OUT-parts/
    roll-size: 256KiB
    parallelism: 2
"""


def record(number):
    """Event time rises by 1 ms a record, out of order by up to 3 s."""
    jitter = (number * 7919) % 3000
    ts = 1_700_000_000_000 + number - jitter
    seconds, ms = divmod(ts, 1000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ms:03d}Z"
    return ts, number % KEYS, number * 31 % 1009, text


class Feed:
    """Grows the input files; knows what the results must be."""

    def __init__(self, stream, chance):
        self.folder = stream.folder / "in"
        self.folder.mkdir()
        self.files = [open(self.folder / f"{'left' if i % 2 else 'right'}-{i}.ndjson", "w", encoding="utf-8") for i in range(FILES)]
        self.chance = chance
        self.next = 0
        self.sums = {}
        self.rows = []

    def grow(self, count):
        for _ in range(count):
            ts, key, value, text = record(self.next)
            self.files[self.next % FILES].write(f'{{"ts":"{text}","k":{key},"v":{value}}}\n')
            if value % 10 != 3:
                self.rows.append((text, key, value))
                n, total, top = self.sums.get((key, ts // 10_000), (0, 0, -1))
                self.sums[key, ts // 10_000] = (n + 1, total + value, max(top, value))
            self.next += 1
        for file in self.files:
            file.flush()


def table_of(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return sorted(db.execute("select k, window_start, n, total, top from sums"))


def rows_of(folder):
    rows = []
    for part in sorted(folder.glob("[!.]*")):
        rows += [tuple(json.loads(line).values()) for line in part.read_text().splitlines()]
    return sorted((ts[:19], k, v) for ts, k, v in rows)


def expected_table(feed):
    def text(window):
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(window * 10)) + "Z"
    return sorted((k, text(w), *values) for (k, w), values in feed.sums.items())


def difference(actual, wanted):
    extra = sorted((collections.Counter(actual) - collections.Counter(wanted)).elements())[:3]
    missing = sorted((collections.Counter(wanted) - collections.Counter(actual)).elements())[:3]
    return f"{len(actual)} rows, {len(wanted)} wanted; e.g. extra {extra}, missing {missing}"


class Disturber:
    """Does something bad to a random process of the job; counts what it did."""

    def __init__(self, stream, job, chance):
        self.stream = stream
        self.job = job
        self.chance = chance
        self.done = {"kill": 0, "hang": 0, "supervisor": 0}
        self.supervisor = None

    def start(self):
        self.supervisor = self.stream.start("stream", "run", "chaos.yaml", stderr=open(self.stream.folder / "talk", "a", encoding="utf-8"))

    def disturb(self):
        instances = self.stream.instances(self.job)
        if not instances:
            return
        what = self.chance.random()
        victim = self.chance.choice(sorted(instances.values()))
        if what < 0.05:
            self.kill_supervisor()
        elif what < 0.10:
            # The new attempt has begun, and has no checkpoint of its own yet.
            self.stream.kill([victim])
            self.done["kill"] += 1
            time.sleep(self.chance.uniform(0.0, 0.15))
            self.kill_supervisor()
        elif what < 0.13:
            self.stream.kill([victim], signal.SIGSTOP)
            self.done["hang"] += 1
        else:
            self.stream.kill([victim])
            self.done["kill"] += 1

    def kill_supervisor(self):
        self.supervisor.kill()
        self.supervisor.wait()
        self.done["supervisor"] += 1
        wait_until("every instance to end with its supervisor", lambda: not self.stream.processes(self.job))
        self.start()

    def must_be_running(self):
        if self.supervisor.poll() is not None:
            raise Failure("the supervisor ended by itself: " + (self.stream.folder / "talk").read_text()[-2000:])

    def recovers(self):
        """Left alone, the job comes to a checkpoint: nothing that was done to it keeps it stuck."""
        self.must_be_running()
        wait_until("a checkpoint after the last fault",
                   lambda: self.stream.succeeds("stream", "wait", "--for", "checkpoint", "--timeout", "20s", self.job))

    def total(self):
        return sum(self.done.values())


def undisturbed(stream, feed):
    """The same files, read by a run that is left alone."""
    text = MANIFEST.replace("FOLLOW", "false").replace("OUT", "quiet").replace("pipeline: chaos", "pipeline: quiet")
    stream.write("quiet.yaml", text)
    stream.run("stream", "run", "quiet.yaml", timeout=120)
    return table_of(stream.folder / "quiet.db"), rows_of(stream.folder / "quiet-parts")


def results_survive_killing_anything_at_any_time(stream):
    print(f"seed {SEED}, {KILLS} disturbances", flush=True)
    chance = random.Random(SEED)
    feed = Feed(stream, chance)
    feed.grow(1000)
    stream.write("chaos.yaml", MANIFEST.replace("FOLLOW", "true").replace("OUT", "out"))
    disturber = Disturber(stream, "chaos", chance)
    disturber.start()
    last = time.monotonic()
    pause = 0.1
    while disturber.total() < KILLS:
        feed.grow(200)
        disturber.must_be_running()
        if time.monotonic() - last >= pause:
            disturber.disturb()
            if disturber.total() % PEACE_EVERY == 0:
                disturber.recovers()
            last = time.monotonic()
            pause = chance.uniform(0.02, 0.4)
        else:
            time.sleep(0.005)  # the load: about 40,000 records a second
    print(f"did {disturber.done}, fed {feed.next} records", flush=True)
    disturber.recovers()
    stream.run("stream", "stop", "--drain", "chaos", timeout=120)
    disturber.supervisor.wait(timeout=30)
    check_results(stream, feed)
    events = stream.events("chaos")
    failures = sum(e["kind"] == "failed" for e in events)
    check(failures >= KILLS / 2, f"only {failures} failures were noticed")
    check(max(int(p.name) for p in (stream.home("chaos") / "checkpoints").iterdir()) > 20, "there were hardly any checkpoints")


def check_results(stream, feed):
    wanted = expected_table(feed)
    actual = table_of(stream.folder / "out.db")
    check(actual == wanted, "SQLite: " + difference(actual, wanted))
    wanted_rows = sorted((ts[:19], k, v) for ts, k, v in feed.rows)
    actual_rows = rows_of(stream.folder / "out-parts")
    check(actual_rows == wanted_rows, "files: " + difference(actual_rows, wanted_rows))
    quiet_table, quiet_rows = undisturbed(stream, feed)
    check(quiet_table == wanted, "undisturbed SQLite: " + difference(quiet_table, wanted))
    check(quiet_rows == wanted_rows, "undisturbed files: " + difference(quiet_rows, wanted_rows))


if __name__ == "__main__":
    main([results_survive_killing_anything_at_any_time])
