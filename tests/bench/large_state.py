"""What much state costs: checkpoints by what changed and by what there is, savepoints, restores."""

import json
import os
import pathlib
import statistics
import time

from harness import wait_until
from report import Part, millions

# `first` makes every key once; `made` then changes some of them at random.
MANIFEST = """
pipeline: large
checkpoint: {{interval: 1s}}
stages:
  made: {{run: generate, columns: "random % {keys} as k, n % 97 as v", rate: {rate}}}
  first: {{run: generate, columns: "n as k, 1 as v", rows: {keys}}}
  totals:
    run: aggregate
    from: [made, first]
    by: [k]
    compute: {{n: count(*), total: sum(v), top: max(v), low: min(v), mean: avg(v), latest: last(v), earliest: first(v)}}
  out: {{run: write-null}}
"""
KEYS = 10_000_000
GROWTH = (1_000_000, 10_000_000, 50_000_000)  # keys
SHARES = (0.001, 0.01, 0.1)  # of the keys, changed in each interval
CHECKPOINTS = 7  # of which the medians count
SAVEPOINTS = 3
NO_LIMIT = 1_000_000_000
TERABYTE = 1e12

TICKS = os.sysconf("SC_CLK_TCK")


class Job:
    """The job with all of its keys, once what is new in a checkpoint is only what changes all the time."""

    def __init__(self, stream, keys, rate):
        self.stream, self.keys, self.rate = stream, keys, rate
        stream.write("large.yaml", MANIFEST.format(keys=keys, rate=rate))
        stream.run("stream", "run", "-d", "--fresh", "large.yaml")
        wait_until("all keys", lambda: self.totals()["state_rows"] >= keys, 600, 0.2)
        wait_until("a small checkpoint", lambda: self.of_totals(self.next_checkpoint())["rows"] < max(keys / 4, 3 * rate), 600, 0.1)
        self.full = self.largest()  # of those in which the keys came

    def totals(self):
        return next(i for i in self.stream.stats("large")["instances"] if i["stage"] == "totals")

    def of_totals(self, checkpoint):
        return next(detail for detail in checkpoint["detail"] if detail["instance"] == "totals.0")

    def largest(self):
        listed = map(json.loads, self.stream.run("stream", "checkpoint", "--list", "--json", "large").splitlines())
        found = [one for one in listed if one["detail"] and any(d["instance"] == "totals.0" for d in one["detail"])]
        return max(found, key=lambda one: self.of_totals(one)["rows"])

    def next_checkpoint(self):
        self.stream.run("stream", "wait", "--for", "checkpoint", "--timeout", "5m", "large", timeout=300)
        return self.stream.stats("large")["checkpoint"]

    def rate_between(self, before, after):
        return (after["records_in"] - before["records_in"]) / (after["running_us"] - before["running_us"]) * 1e6

    def end(self):
        self.stream.run("stream", "cancel", "large")


def megabytes(size):
    return f"{size / 1e6:,.1f}" if size < 1e8 else f"{size / 1e6:,.0f}"


def medians(job):
    """Of the next checkpoints: rows changed, pause in ms, durable after ms, bytes written."""
    seen = []
    for _ in range(CHECKPOINTS):
        checkpoint = job.next_checkpoint()
        totals = job.of_totals(checkpoint)
        seen.append((totals["rows"], totals["sync_us"] / 1000, checkpoint["duration_us"] / 1000, checkpoint["bytes"]))
    return [statistics.median(column) for column in zip(*seen)]


def by_change(stream, part):
    rows = []
    for share in SHARES:
        job = Job(stream, KEYS, int(KEYS * share))
        changed, pause, durable, size = medians(job)
        whole = job.of_totals(job.full)
        rows.append([f"{share:.1%}", f"{changed:,.0f}", pause, durable, megabytes(size)])
        job.end()
        if share == 0.01:
            part.goal("checkpoint, 1 % of 10 M keys changed: pause", "≤ 5 ms", f"{pause:.1f} ms", pause <= 5)
    rows.append(["most, at first", f"{whole['rows']:,}", whole["sync_us"] / 1000, job.full["duration_us"] / 1000, megabytes(job.full["bytes"])])
    part.heading(f"Checkpoints of {KEYS:,} keys, one a second: the cost follows what changed")
    part.table(["changed in an interval", "rows", "pause, ms", "durable after, ms", "MB written"], rows)


def folder_size(path):
    path = pathlib.Path(path)
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


class Savepoint:
    """One taken now, and what the job did meanwhile."""

    def __init__(self, job):
        self.before, began = job.totals(), time.monotonic()
        self.path = job.stream.run("stream", "savepoint", "large", timeout=600).strip()
        self.seconds = time.monotonic() - began
        self.after = job.totals()
        self.bytes = folder_size(self.path)


def full_speed(stream, part):
    """Rows/s while savepoints are made, and for as long between them, in turns."""
    job = Job(stream, KEYS, NO_LIMIT)
    during, between, seconds = [], [], []
    for _ in range(SAVEPOINTS):
        savepoint = Savepoint(job)
        during.append(job.rate_between(savepoint.before, savepoint.after))
        seconds.append(savepoint.seconds)
        before = job.totals()
        time.sleep(max(3.0, savepoint.seconds))  # as long as the savepoint took: what is measured is a rate over time
        between.append(job.rate_between(before, job.totals()))
        stream.run("stream", "savepoint", "--delete", savepoint.path)
    job.end()
    lost = 1 - statistics.median(during) / statistics.median(between)
    part.heading(f"A savepoint of {KEYS:,} keys at full speed, every key changing")
    part.table(["rows/s between savepoints", "rows/s while one is made", "lost", "seconds a savepoint"],
               [[millions(statistics.median(between)), millions(statistics.median(during)), f"{lost:.1%}", statistics.median(seconds)]])
    part.goal("throughput lost while a savepoint of 10 M keys is made", "≤ 5 %", f"{lost:.1%}", lost <= 0.05)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def restored(stream, keys, *command):
    """Rows a second of the clock and of CPU of the instance, from the start of the attempt until all run."""
    stream.run(*command, timeout=600)
    at = {event["kind"]: event["at_us"] for event in stream.events("large")}
    used = cpu_seconds(stream.instances("large")["totals.0"])
    seconds = (at["running"] - max(at.get("started", 0), at.get("resumed", 0), at.get("continued", 0))) / 1e6
    return keys / seconds, keys / used, seconds


def restores(job, savepoint):
    """From the checkpoints and from the savepoint."""
    stream = job.stream
    stream.run("stream", "stop", "--no-savepoint", "large", timeout=600)
    checkpoint = restored(stream, job.keys, "stream", "resume", "large")
    stream.run("stream", "cancel", "large")
    plain = restored(stream, job.keys, "stream", "run", "-d", "large.yaml", "--from", savepoint.path)
    stream.run("stream", "cancel", "large")
    return checkpoint, plain


def growth(stream, part):
    rows, last = [], None
    for keys in GROWTH:
        job = Job(stream, keys, keys // 100)
        changed, pause, durable, size = medians(job)
        state = job.totals()["state_bytes"]
        savepoint = Savepoint(job)
        checkpoint, plain = restores(job, savepoint)
        last = (keys, state, pause, durable, size, savepoint.seconds, savepoint.bytes, checkpoint[2], plain[2])
        rows.append([f"{keys / 1e6:.0f} M", megabytes(state), pause, durable, megabytes(size), savepoint.seconds, megabytes(savepoint.bytes),
                     checkpoint[2], plain[2]])
        if keys == KEYS:
            part.goal("restore of 10 M keys from a checkpoint, rows/s a core", "≥ 5 M", millions(checkpoint[1]), checkpoint[1] >= 5e6)
            part.goal("restore of 10 M keys from a savepoint, rows/s a core", "≥ 2 M", millions(plain[1]), plain[1] >= 2e6)
        stream.run("stream", "savepoint", "--delete", savepoint.path)
    times = TERABYTE / last[1]
    rows.append([f"{last[0] * times / 1e6:,.0f} M", "1,000,000", *[value * times for value in last[2:4]], megabytes(last[4] * times),
                 last[5] * times, megabytes(last[6] * times), last[7] * times, last[8] * times])
    part.heading("Growth: 1 % of the keys changed in each interval, one instance")
    part.table(["keys", "state in memory, MB", "pause, ms", "durable after, ms", "MB written", "savepoint, s", "its MB", "restore from checkpoint, s",
                "restore from savepoint, s"], rows)
    part.text("The last line is no measurement: it is the one above it times what a terabyte is of its state, on one instance, with a hundredth "
              "of the keys changed in an interval; pause and times divide by the number of instances, bytes do not.")


def measure(stream):
    part = Part()
    by_change(stream, part)
    full_speed(stream, part)
    growth(stream, part)
    return part
