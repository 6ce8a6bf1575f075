"""What much state costs: checkpoints by what changed and by what there is, savepoints, restores.

Its pieces may be measured one at a time; each keeps what it found, and LARGE_STATE.md is made of what all have found
last. With STREAM_BENCH_SCALE below 1 there are fewer keys, and nothing is kept.
"""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import time

from harness import wait_until
from report import Goal, Part, millions

# `first` makes every key once; `made` then changes some of them at random.
MANIFEST = """
pipeline: large
checkpoint: {{interval: {interval}}}
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
SCALE = float(os.environ.get("STREAM_BENCH_SCALE", "1"))
KEYS = int(10_000_000 * SCALE)
GROWTH = tuple(int(keys * SCALE) for keys in (1_000_000, 10_000_000, 50_000_000))
SHARES = (0.001, 0.01, 0.1)  # of the keys, changed in each interval
CHECKPOINTS = 7  # of which the medians count
ROUNDS = 3  # savepoints at full speed, restores, of which the medians count
SETTLED = 4  # checkpoints after which the job is as slow as it gets
WINDOW = 10.0 if SCALE == 1 else 2.0  # seconds before and after each of them
BUSY = 0.5  # of the full speed: the other speed at which savepoints are made
NO_LIMIT = 1_000_000_000
TERABYTE = 1e12

TICKS = os.sysconf("SC_CLK_TCK")


class Job:
    """The job with all of its keys, once what is new in a checkpoint is only what changes all the time."""

    def __init__(self, stream, keys, rate, interval="1s"):
        self.stream, self.keys, self.rate = stream, keys, rate
        stream.write("large.yaml", MANIFEST.format(keys=keys, rate=rate, interval=interval))
        stream.run("stream", "run", "-d", "--fresh", "large.yaml")
        wait_until("all keys", lambda: self.totals()["state_rows"] >= keys, 600, 0.2)
        wait_until("a small checkpoint", lambda: self.of_totals(self.next_checkpoint())["rows"] < max(keys / 4, 6 * rate), 600, 0.1)
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

    def speed_meanwhile(self, work):
        """Rows/s of the instance's own clock while `work` is done."""
        before = self.totals()
        work()
        after = self.totals()
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


# --- checkpoints by what changed -------------------------------------------------------------------


def by_change(stream, part):
    rows, whole = [], None
    for share in SHARES:
        job = Job(stream, KEYS, int(KEYS * share))
        changed, pause, durable, size = medians(job)
        whole = whole or (job.of_totals(job.full), job.full)
        rows.append([f"{share:.1%}", f"{changed:,.0f}", pause, durable, megabytes(size)])
        job.end()
        if share == 0.01:
            part.goal("checkpoint, 1 % of 10 M keys changed: pause", "≤ 5 ms", f"{pause:.1f} ms", pause <= 5)
    of_totals, all_of_it = whole
    rows.append(["most, at first", f"{of_totals['rows']:,}", of_totals["sync_us"] / 1000, all_of_it["duration_us"] / 1000, megabytes(all_of_it["bytes"])])
    part.heading(f"Checkpoints of {KEYS:,} keys, one a second: the cost follows what changed")
    part.table(["changed in an interval", "rows", "pause, ms", "durable after, ms", "MB written"], rows)


# --- what a savepoint costs the job ----------------------------------------------------------------


def folder_size(path):
    path = pathlib.Path(path)
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


class Savepoint:
    """One taken now."""

    def __init__(self, job):
        began = time.monotonic()
        self.path = job.stream.run("stream", "savepoint", "large", timeout=900).strip()
        self.seconds = time.monotonic() - began
        self.bytes = folder_size(self.path)


def rounds_of_savepoints(stream, rate):
    """Of each round: rows/s before, while a savepoint is made, and after; how long it took."""
    job = Job(stream, KEYS, rate, "5s")
    for _ in range(SETTLED):
        job.next_checkpoint()
    found = []
    for _ in range(ROUNDS):
        made = []
        before = job.speed_meanwhile(lambda: time.sleep(WINDOW))
        during = job.speed_meanwhile(lambda taken=made: taken.append(Savepoint(job)))
        after = job.speed_meanwhile(lambda: time.sleep(WINDOW))
        found.append((before, during, after, made[0].seconds))
        stream.run("stream", "savepoint", "--delete", made[0].path)
    job.end()
    return found


def savepoints(stream, part):
    """In one run, before, meanwhile and after: two runs of the same differ by more than what is looked for."""
    rows, speed = [], None
    for what in ("full speed", "half of that"):
        found = rounds_of_savepoints(stream, NO_LIMIT if speed is None else int(speed * BUSY))
        before, during, after, seconds = (statistics.median(column) for column in zip(*found))
        lost = statistics.median(1 - one[1] / ((one[0] + one[2]) / 2) for one in found)
        rows.append([what, millions(before), millions(during), millions(after), f"{lost:.1%}", seconds])
        if speed is None:
            speed = before
            part.goal("throughput lost while a savepoint of 10 M keys is made, at full speed", "≤ 5 %", f"{lost:.1%}", lost <= 0.05)
    part.heading(f"A savepoint of {KEYS:,} keys while they change, a checkpoint every 5 s")
    part.table(["the job runs at", "rows/s before", "rows/s while it is made", "rows/s after", "lost", "seconds a savepoint"], rows)
    part.text(f"Medians of {ROUNDS} rounds in one run each. The savepoint takes what the job leaves: at full speed next to nothing, so that it goes on at "
              "nice 10 after ten seconds.")


# --- growth ----------------------------------------------------------------------------------------


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def restored(stream, keys, *command):
    """Rows a second of the clock and of CPU of the instance, from the start of the attempt until all run."""
    stream.run(*command, timeout=600)
    at = {event["kind"]: event["at_us"] for event in stream.events("large")}
    used = cpu_seconds(stream.instances("large")["totals.0"])
    seconds = (at["running"] - max(at.get("started", 0), at.get("resumed", 0), at.get("continued", 0))) / 1e6
    return keys / seconds, keys / max(used, 1 / TICKS), seconds


def restored_again(job, command, *end):
    """Medians: now and then it takes half as long again, as memory is given in small pages."""
    found = []
    for _ in range(ROUNDS):
        found.append(restored(job.stream, job.keys, *command))
        job.stream.run("stream", *end, "large", timeout=600)
    return [statistics.median(column) for column in zip(*found)]


def restores(job, savepoint):
    """From the checkpoints and from the savepoint."""
    stop = ("stop", "--no-savepoint")
    job.stream.run("stream", *stop, "large", timeout=600)
    checkpoint = restored_again(job, ("stream", "resume", "large"), *stop)
    job.end()
    return checkpoint, restored_again(job, ("stream", "run", "-d", "large.yaml", "--from", savepoint.path), "cancel")


@dataclasses.dataclass
class Size:
    """What so many keys cost."""
    keys: int
    state: int
    pause: float
    durable: float
    written: float
    savepoint: float
    savepoint_bytes: int
    from_checkpoint: float
    from_savepoint: float

    def times(self, factor):
        return Size(*(getattr(self, field.name) * factor for field in dataclasses.fields(self)))

    def row(self):
        return [f"{self.keys / 1e6:,.0f} M" if self.keys >= 1e6 else f"{self.keys:,}", megabytes(self.state), self.pause, self.durable, megabytes(self.written),
                self.savepoint, megabytes(self.savepoint_bytes), self.from_checkpoint, self.from_savepoint]


def growth(stream, part):
    sizes = []
    for keys in GROWTH:
        job = Job(stream, keys, keys // 100)
        _, pause, durable, written = medians(job)
        state = job.totals()["state_bytes"]
        savepoint = Savepoint(job)
        checkpoint, plain = restores(job, savepoint)
        sizes.append(Size(keys, state, pause, durable, written, savepoint.seconds, savepoint.bytes, checkpoint[2], plain[2]))
        if keys == KEYS:
            part.goal("restore of 10 M keys from a checkpoint, rows/s a core", "≥ 5 M", millions(checkpoint[1]), checkpoint[1] >= 5e6)
            part.goal("restore of 10 M keys from a savepoint, rows/s a core", "≥ 2 M", millions(plain[1]), plain[1] >= 2e6)
        stream.run("stream", "savepoint", "--delete", savepoint.path)
    terabyte = sizes[-1].times(TERABYTE / sizes[-1].state)
    part.heading("Growth: 1 % of the keys changed in each interval, one instance")
    part.table(["keys", "state in memory, MB", "pause, ms", "durable after, ms", "MB written", "savepoint, s", "its MB", "restore from checkpoint, s",
                "restore from savepoint, s"], [size.row() for size in [*sizes, terabyte]])
    part.text("The last line is no measurement: it is the one above it times what a terabyte is of its state, on one instance, with a hundredth "
              "of the keys changed in an interval; pause and times divide by the number of instances, bytes do not.")


# --- pieces, and the file made of them -------------------------------------------------------------

PIECES = {"changes": by_change, "savepoints": savepoints, "growth": growth}


def measure_piece(stream, piece, circumstances):
    part = Part()
    load = os.getloadavg()[0]
    began = time.monotonic()
    PIECES[piece](stream, part)
    part.text(f"Measured {circumstances()}, in {time.monotonic() - began:.0f} s; processes wanting a core (load average) before: {load:.1f}.")
    return part


def kept(folder, piece):
    """What the piece found last, if it ever ran."""
    path = folder / f"{piece}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    return Part(found["lines"], [Goal(**goal) for goal in found["goals"]])


def keep(folder, piece, part):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{piece}.json").write_text(json.dumps({"lines": part.lines, "goals": [dataclasses.asdict(goal) for goal in part.goals]}))
