"""Checkpoints and recovery of an aggregate with much state."""

import json
import statistics
import time

from harness import wait_until
from report import Part, millions

# `first` makes every key once; `made` then changes some of them, or all, at random.
MANIFEST = """
pipeline: state
checkpoint: {{interval: {interval}}}
stages:
  made: {{run: generate, columns: "random % {changing} as k, n % 97 as v", rate: {rate}}}
  first: {{run: generate, columns: "n as k, 1 as v", rows: {keys}}}
  totals: {{run: aggregate, from: [made, first], by: [k], compute: {{n: count(*), total: sum(v), top: max(v)}}}}
  out: {{run: gauge, path: GAUGE}}
"""
NO_LIMIT = 1_000_000_000
LOSS_ROUNDS = 12
KILLS = 7


class Job:
    """The job, running, with all of its keys in the state."""

    def __init__(self, stream, keys, rate, interval="1s", changing=None):
        self.stream = stream
        self.path = stream.folder / "gauge.ndjson"
        self.path.unlink(missing_ok=True)
        stream.write("state.yaml", MANIFEST.format(keys=keys, rate=rate, interval=interval, changing=changing or keys)
                     .replace("GAUGE", str(self.path)))
        stream.run("stream", "run", "-d", "--fresh", "state.yaml")
        wait_until("all keys", lambda: self.totals()["state_rows"] >= keys, 120, 0.1)

    def totals(self):
        return next(i for i in self.stream.stats("state")["instances"] if i["stage"] == "totals")

    def next_checkpoint(self):
        self.stream.run("stream", "wait", "--for", "checkpoint", "state")
        return self.stream.stats("state")["checkpoint"]

    def rows_in_a_second(self, checkpoint):
        """Between two reports of the instance about a second apart, each with its own time; `checkpoint`: one meanwhile."""
        before, end = self.totals(), time.monotonic() + 1
        if checkpoint:
            self.stream.run("stream", "checkpoint", "state")
        time.sleep(max(0.0, end - time.monotonic()))  # unless the checkpoint took longer
        after = self.totals()
        return (after["records_in"] - before["records_in"]) / (after["running_us"] - before["running_us"]) * 1e6

    def end(self):
        self.stream.run("stream", "cancel", "state")


def checkpoints(stream, part):
    job = Job(stream, 1_000_000, 106_000)  # of these, 100 K are different keys
    job.next_checkpoint()
    rows = []
    for _ in range(9):
        checkpoint = job.next_checkpoint()
        totals = next(d for d in checkpoint["detail"] if d["instance"] == "totals.0")
        rows.append((totals["rows"], totals["sync_us"] / 1000, totals["async_us"] / 1000, checkpoint["duration_us"] / 1000))
    job.end()
    changed, pause, durable, whole = (statistics.median(column) for column in zip(*rows))
    part.heading("Checkpoint: 1 M rows of state, about 100 K changed between two")
    part.table(["changed rows", "pause, ms", "durable after, ms", "whole checkpoint, ms"], [[int(changed), pause, durable, whole]])
    part.goal("checkpoint, 100 K of 1 M rows changed: pause", "≤ 5 ms", f"{pause:.1f} ms", pause <= 5)
    part.goal("the same: durable", "≤ 20 ms", f"{durable:.1f} ms", durable <= 20)


def speeds(stream, changing):
    """Rows/s at full speed over 1 M rows of state, with a checkpoint every second and without, second by
    second in one job: two runs of the same, or two of its seconds, differ by more than what is looked for."""
    rates = {True: [], False: []}
    job = Job(stream, 1_000_000, NO_LIMIT, "none", changing)
    job.rows_in_a_second(True)
    for checkpoints in (True, False, False, True) * LOSS_ROUNDS:
        rates[checkpoints].append(job.rows_in_a_second(checkpoints))
    job.end()
    return [statistics.median(rates[checkpoints]) for checkpoints in (True, False)]


def loss(stream, part):
    """What checkpoints cost at full speed; returns the highest speed."""
    rows, lost = [], {}
    for changing in (100_000, 1_000_000):
        with_them, without = speeds(stream, changing)
        lost[changing] = 1 - with_them / without
        rows.append([changing, millions(without), millions(with_them), f"{lost[changing]:.1%}"])
    part.heading("Full speed, with and without checkpoints: 1 M rows of state")
    part.table(["rows that change each second", "rows/s without", "rows/s with one a second", "lost"], rows)
    part.goal("throughput lost to a checkpoint every second, 100 K of 1 M rows changed", "≤ 5 %", f"{lost[100_000]:.1%}",
              lost[100_000] <= 0.05)
    return without


def recovery(stream, part, fastest):
    """From SIGKILL of the aggregate to the first row that the last stage of the next attempt sees."""
    rate = int(fastest / 5)
    job = Job(stream, 1_700_000, rate)
    times, restarts = [], []
    for _ in range(KILLS):
        job.next_checkpoint()
        job.next_checkpoint()
        seen = job.path.read_text().count("\n")
        victim = stream.instances("state")["totals.0"]
        killed = time.monotonic()
        stream.kill([victim])
        wait_until("a row of the next attempt", lambda n=seen: job.path.read_text().count("\n") > n, 30)
        first = json.loads(job.path.read_text().splitlines()[seen])["first_us"] / 1e6
        times.append(1000 * (first - killed))
        events = stream.events("state")
        at = {e["kind"]: e["at_us"] for e in events}  # the last of each kind
        restarts.append((at["running"] - at["failed"]) / 1000)
    state = job.totals()["state_bytes"] / 1e6
    job.end()
    middle = statistics.median(times)
    part.heading(f"Recovery: kill -9 of the aggregate, {state:.0f} MB of state, {rate:,} rows/s (a fifth of the fastest)")
    part.table(["from the kill to the first new row out, ms", "of these: death noticed to all processes running again, ms",
                "slowest of " + str(KILLS)], [[middle, statistics.median(restarts), max(times)]])
    part.goal(f"kill -9 to the first new row, {state:.0f} MB of state", "≤ 250 ms", f"{middle:.0f} ms", middle <= 250)


def measure(stream):
    part = Part()
    checkpoints(stream, part)
    recovery(stream, part, loss(stream, part))
    return part
