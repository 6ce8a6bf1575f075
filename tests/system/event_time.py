"""Event time made behind the source, and stages that go by it or by the clock: whoever is killed, the same rows."""

import collections
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, kill_while_it_runs, main, wait_until  # noqa: E402

ROWS = 20_000
RATE = 12_000
STEP = 5  # ms of event time between rows, as all times here

MANIFEST = """
pipeline: timed
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made:
    run: generate
    columns: "n, n %% 7 * (n / 2000 %% 2) as k, n * %d + n * 7919 %% 400 as at"
    rows: %d
    rate: %d
    parallelism: 2
  timed: {run: assign-time, time: at, time-unit: ms, out-of-order: 2s, parallelism: 2}
  counted: {run: aggregate, from: timed, by: k, window: tumble 1s, compute: count(*) as n, parallelism: 2}
  filled: {run: fill, every: 1s, by: k, for: 5s, with: {n: 0}, parallelism: 2}
  sorted: {run: sort, from: timed, order: n}
  parts: {run: explode, from: timed, column: "'a-b-' || n", separator: "-", as: part, ordinality: place, parallelism: 2}
  some: {run: sample, from: timed, fraction: 0.3, by: n}
  every: {run: sample, from: timed, every: 100}
  slow: {run: throttle, from: every, rate: 200, parallelism: 2}
  filled-table: {run: write-sqlite, from: filled, path: out.db, table: filled}
  sorted-file: {run: write-file, from: sorted, path: sorted.ndjson}
  parts-table: {run: write-sqlite, from: parts, path: out.db, table: parts}
  some-table: {run: write-sqlite, from: some, path: out.db, table: some}
  slow-table: {run: write-sqlite, from: slow, path: out.db, table: slow}
  late-table: {run: write-sqlite, from: counted.late, path: out.db, table: late}
""" % (STEP, ROWS, RATE)


def rows():
    return [(n, n % 7 * (n // 2000 % 2), n * STEP + n * 7919 % 400) for n in range(ROWS)]


def expected_filled():
    """Windows of a second by key, and those without a row up to 5 s behind the last one that has some."""
    counts = collections.Counter((k, at // 1000) for _, k, at in rows())
    filled = dict(counts)
    for k, second in counts:
        for later in range(second + 1, second + 6):
            if (k, later) in counts:
                break
            filled[k, later] = 0
    return sorted((k, second, second + 1, n) for (k, second), n in filled.items())


def query(stream, sql):
    with sqlite3.connect(stream.folder / "out.db") as db:
        return db.execute(sql).fetchall()


def check_tables(stream):
    found = sorted(query(stream, "select k, unixepoch(window_start), unixepoch(window_end), n from filled"))
    wanted = expected_filled()
    check(found == wanted, f"filled: {len(found)} rows, {len(wanted)} wanted: {sorted(set(found) ^ set(wanted))[:4]}")
    check(any(n == 0 for *_, n in wanted), "there are no gaps to compare")
    check(query(stream, "select count(*) from late") == [(0,)], "rows are late")
    found = query(stream, "select part, place from parts where place = 3 order by cast(part as integer)")
    check(found == [(str(n), 3) for n in range(ROWS)], f"exploded: {len(found)} rows")
    check(query(stream, "select count(*) from parts") == [(3 * ROWS,)], "exploded: elements come twice or not at all")
    (some, different), = query(stream, "select count(*), count(distinct n) from some")
    check(some == different and 0.25 * ROWS < some < 0.35 * ROWS, f"{some} rows of the sample, {different} different")
    (slow, different), = query(stream, "select count(*), count(distinct n) from slow")
    check((slow, different) == (ROWS // 100, ROWS // 100), f"{slow} throttled rows, {different} different")


def check_sorted(stream):
    found = [json.loads(line) for line in (stream.folder / "sorted.ndjson").read_text().splitlines()]
    wanted = sorted((at, n) for n, _, at in rows())
    check([row["n"] for row in found] == [n for _, n in wanted], f"{len(found)} rows, not in order")


def event_time_of_its_own_gives_the_same_whoever_is_killed(stream):
    stream.write("timed.yaml", MANIFEST)
    job = stream.start("stream", "run", "timed.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "timed", random.Random(3), 4)
    check(kills >= 2, f"only {kills} kills")
    check_tables(stream)
    check_sorted(stream)


def a_job_that_stops_goes_on_with_other_parallelism(stream):
    stream.write("timed.yaml", MANIFEST)
    for parallelism in (3, 1):
        job = stream.start("stream", "run", "timed.yaml", stderr=subprocess.PIPE)
        wait_until("rows", lambda: sum(i["records_out"] for i in numbers_of(stream, "timed", "made")) > 1000)
        stream.run("stream", "stop", "timed")
        job.communicate(timeout=60)
        stream.write("timed.yaml", MANIFEST.replace("parallelism: 2", f"parallelism: {parallelism}"))
    stream.run("stream", "run", "timed.yaml", timeout=120)
    check_tables(stream)
    check_sorted(stream)


SLOW = """
pipeline: slow
checkpoint: {interval: 100ms}
stages:
  made: {run: generate, columns: n}
  slow: {run: throttle, rate: 30}
  out: {run: write-file, path: slow.ndjson}
"""


def checkpoints_do_not_wait_for_rows_that_are_held_back(stream):
    stream.write("slow.yaml", SLOW)
    began = time.monotonic()
    stream.run("stream", "run", "-d", "slow.yaml")
    out = stream.folder / "slow.ndjson"
    wait_until("rows", lambda: out.exists() and out.read_text().count("\n") >= 45)
    took = time.monotonic() - began
    check(took >= 1.3, f"45 rows at 30 a second took {took:.2f} s")
    stream.run("stream", "stop", "slow", timeout=60)
    stream.run("stream", "run", "-d", "slow.yaml")
    so_far = out.read_text().count("\n")
    wait_until("more rows", lambda: out.read_text().count("\n") >= so_far + 15)
    stream.run("stream", "stop", "slow", timeout=60)
    numbers = [json.loads(line)["n"] for line in out.read_text().splitlines()]
    check(numbers == list(range(len(numbers))), "rows are missing, or come twice")


ALIGNED = """
pipeline: aligned
align: 500ms
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  fast: {run: generate, rows: 20000, columns: "n, timestamptz '2024-01-01' + n * interval '1 millisecond' as ts", time: ts}
  slow: {run: generate, rows: 4000, rate: 1000, columns: "n, timestamptz '2024-01-01' + n * interval '5 milliseconds' as ts", time: ts}
  both: {run: aggregate, from: [fast, slow], window: tumble 1s, compute: count(*) as n}
  out: {run: write-sqlite, path: out.db, table: both}
"""
DRIFT = 8_000_000  # us: the batch in which a source passes the limit is not cut


def numbers_of(stream, job, *stages):
    """What the instances of these stages say of themselves; none while the job starts, or when it is gone."""
    done = subprocess.run(["stream", "stats", "--json", job], env=stream.environment, capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode != 0:
        return []
    stats = json.loads(done.stdout)
    return [i for i in stats["instances"] if i["stage"] in stages] if stats["job"]["state"] == "RUNNING" else []


def check_aligned(stream):
    found = query(stream, "select n from both")
    check(found == [(1200,)] * 20, f"windows: {found}")


def a_source_that_is_ahead_waits_for_the_others(stream):
    stream.write("aligned.yaml", ALIGNED)
    job = stream.start("stream", "run", "aligned.yaml", stderr=subprocess.PIPE)
    waited, drifts = False, []
    while job.poll() is None:
        now = numbers_of(stream, "aligned", "fast", "slow")
        waited = waited or any(s.get("ahead") for s in now)
        times = [s["watermark_us"] for s in now if "watermark_us" in s]
        if len(times) == 2 and not any(s["ended"] for s in now):
            drifts.append(max(times) - min(times))
        try:
            job.wait(timeout=0.1)  # the sampling interval
        except subprocess.TimeoutExpired:
            pass
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check(waited, "nobody waited")
    check(len(drifts) >= 3 and max(drifts) < DRIFT, f"they were apart by {drifts} us")
    check("fast.0 waits for slow.0" in stream.run("stream", "logs", "aligned"), "the log does not say who waits for whom")
    check_aligned(stream)


def aligned_sources_that_are_killed_give_the_same(stream):
    stream.write("aligned.yaml", ALIGNED)
    job = stream.start("stream", "run", "aligned.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "aligned", random.Random(4), 3)
    check(kills >= 2, f"only {kills} kills")
    check_aligned(stream)


EARLY = """
pipeline: early
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made: {run: generate, rows: 12000, rate: 4000, columns: "n, n % 7 as k, timestamptz '2024-01-01' + n * interval '1 millisecond' as ts", time: ts}
  totals: {run: aggregate, by: k, window: tumble 5s, early: 100ms, compute: "count(*) as n, sum(n) as total", parallelism: 2}
  out: {run: write-sqlite, path: out.db, table: totals}
"""


def early_results_come_before_and_leave_no_trace(stream):
    stream.write("early.yaml", EARLY)
    job = stream.start("stream", "run", "early.yaml", stderr=subprocess.PIPE)
    pick, early, kills = random.Random(6), False, 0
    while job.poll() is None:
        if (stream.folder / "out.db").exists():
            counts = [n for n, in query(stream, "select n from totals")] if query(stream, "select 1 from sqlite_master where name = 'totals'") else []
            early = early or any(n < 285 for n in counts)  # 5,000 rows a window, 7 keys: less is a window that has not ended
        instances = stream.instances("early")
        if early and instances and kills < 3:
            stream.kill([instances[pick.choice(sorted(instances))]])
            kills += 1
        try:
            job.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            pass
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check(early and kills >= 2, f"no early results were seen, or only {kills} kills")
    wanted = collections.defaultdict(list)
    for n in range(12_000):
        wanted[n % 7, n // 5000 * 5].append(n)
    found = sorted(query(stream, "select k, unixepoch(window_start) % 86400, n, total from totals"))
    check(found == sorted((*key, len(ns), sum(ns)) for key, ns in wanted.items()), f"{len(found)} rows: {found[:4]}")


def plain_stages_print_what_their_manuals_say(stream):
    found = stream.run("stream-assign-time", "at", "--time-unit", "s", stdin='{"at":1700000000}\n{"at":1700000075}\n')
    check(found == '{"at":"2023-11-14T22:13:20Z"}\n{"at":"2023-11-14T22:14:35Z"}\n', found)
    lines = '{"ts":"2024-01-01T00:00:02Z","n":2}\n{"ts":"2024-01-01T00:00:01Z","n":1}\n'
    found = stream.run("stream-sort", "--time", "ts", "--out-of-order", "10s", stdin=lines)
    check(found == "".join(reversed(lines.splitlines(True))), found)
    lines = '{"ts":"2024-01-01T00:00:00Z","t":20}\n{"ts":"2024-01-01T00:03:00Z","t":26}\n'
    found = stream.run("stream-fill", "1m", "--for", "10m", "--time", "ts", "--with", "linear as t", stdin=lines)
    check([json.loads(line)["t"] for line in found.splitlines()] == [20, 22, 24, 26], found)
    text = '{ "n":1,  "x": 1.50 }\n{"n":2}\n{"n":3}\n'
    check(stream.run("stream-throttle", "50", stdin=text) == text, "lines that pass are those that came")
    check(stream.run("stream-sample", "--every", "2", stdin=text) == '{ "n":1,  "x": 1.50 }\n{"n":3}\n', "every second line")
    found = stream.run("stream-explode", "tags", "--type", "varchar", "--outer",
                       stdin='{"id":1,"tags":["a","b"]}\n{"id":2,"tags":[]}\n')
    check(found == '{"id":1,"tags":"a"}\n{"id":1,"tags":"b"}\n{"id":2,"tags":null}\n', found)


main([plain_stages_print_what_their_manuals_say, a_source_that_is_ahead_waits_for_the_others, aligned_sources_that_are_killed_give_the_same,
      early_results_come_before_and_leave_no_trace, checkpoints_do_not_wait_for_rows_that_are_held_back,
      event_time_of_its_own_gives_the_same_whoever_is_killed, a_job_that_stops_goes_on_with_other_parallelism])
