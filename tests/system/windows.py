"""Windows of every kind: killed, stopped and gone on with other parallelism, they give what was meant."""

import collections
import pathlib
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

ROWS = 20_000
RATE = 15_000
BURST = 50  # rows of a key in a row: a visit
KEYS = 11
GAP = 1_000  # ms, as all times here

MANIFEST = """
pipeline: job
checkpoint: {interval: 50ms, keep: 2}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made:
    run: generate
    columns: "n, n / %d %% %d as k, timestamptz '2024-01-01' + (n * 10 + n * 7919 %% 100 * 20) * interval '1 millisecond' as ts"
    rows: %d
    rate: %d
    time: ts
    out-of-order: 2s
  hop: {run: aggregate, from: made, by: k, window: hop 10s every 2s, compute: "count(*) as n, sum(n) as total", parallelism: PARALLELISM}
  cumulate: {run: aggregate, from: made, by: k, window: cumulate 8s every 2s, compute: "count(*) as n, count(distinct n %% 7) as d", parallelism: PARALLELISM}
  session: {run: aggregate, from: made, by: k, window: session 1s, compute: "count(*) as n, max(n) as top", parallelism: PARALLELISM}
  counted: {run: aggregate, from: made, by: k, window: count 37, compute: "min(n) as first, sum(n) as total", parallelism: PARALLELISM}
  hops: {run: write-sqlite, from: hop, path: out.db, table: hops}
  cumulated: {run: write-sqlite, from: cumulate, path: out.db, table: cumulated}
  sessions: {run: write-sqlite, from: session, path: out.db, table: sessions}
  counts: {run: write-sqlite, from: counted, path: out.db, table: counts}
""" % (BURST, KEYS, ROWS, RATE)


def rows():
    return [(n, n // BURST % KEYS, n * 10 + n * 7919 % 100 * 20) for n in range(ROWS)]


def expected_hops():
    groups = collections.defaultdict(list)
    for n, k, ts in rows():
        for start in range(ts // 2000 * 2000 - 8000, ts + 1, 2000):
            groups[k, start, start + 10_000].append(n)
    return sorted((*key, len(ns), sum(ns)) for key, ns in groups.items())


def expected_cumulated():
    groups = collections.defaultdict(list)
    for n, k, ts in rows():
        start = ts // 8000 * 8000
        for end in range(ts // 2000 * 2000 + 2000, start + 8001, 2000):
            groups[k, start, end].append(n)
    return sorted((*key, len(ns), len({n % 7 for n in ns})) for key, ns in groups.items())


def expected_sessions():
    sessions = []
    by_key = collections.defaultdict(list)
    for n, k, ts in rows():
        by_key[k].append((ts, n))
    for k, found in by_key.items():
        found.sort()
        begin = 0
        for i in range(1, len(found) + 1):
            if i < len(found) and found[i][0] - found[i - 1][0] < GAP:
                continue
            part = found[begin:i]
            sessions.append((k, part[0][0], part[-1][0] + GAP, len(part), max(n for _, n in part)))
            begin = i
    return sorted(sessions)


def expected_counts():
    by_key = collections.defaultdict(list)
    for n, k, _ in rows():
        by_key[k].append(n)
    return sorted((k, ns[i], sum(ns[i:i + 37])) for k, ns in by_key.items() for i in range(0, len(ns) - 36, 37))


def check_table(stream, table, columns, expected):
    with sqlite3.connect(f"file:{stream.folder}/out.db?mode=ro", uri=True) as db:
        times = "cast(round((julianday({0}) - julianday('2024-01-01')) * 86400000) as integer)"
        found = sorted(db.execute("select " + ", ".join(times.format(c) if c.startswith("window") else c for c in columns) + f" from {table}"))
    check(found == expected, f"{table}: {len(found)} rows, {len(expected)} wanted; "
          f"too many: {sorted(set(found) - set(expected))[:3]}, missing: {sorted(set(expected) - set(found))[:3]}, "
          f"twice: {len(found) - len(set(found))}")


def start(stream, parallelism):
    stream.write("job.yaml", MANIFEST.replace("PARALLELISM", str(parallelism)))
    return stream.start("stream", "run", "job.yaml", stderr=subprocess.PIPE)


def checkpoints(stream):
    return [int(p.parent.name) for p in stream.home("job").glob("checkpoints/*/checkpoint.sqlite")]


def newer_checkpoint(stream, job):
    """Waits for two more: the second one's rows came after now."""
    known = max(checkpoints(stream), default=0)
    wait_until("checkpoints", lambda: job.poll() is not None or max(checkpoints(stream), default=0) > known + 1)
    check(job.poll() is None, f"the job has ended: {job.communicate()[1] if job.poll() is not None else ''}")


def every_window_comes_once_whatever_is_killed_and_however_many_instances_go_on(stream):
    job = start(stream, 2)
    for stages in (("hop.0", "session.1"), ("cumulate.1", "counted.0")):
        newer_checkpoint(stream, job)
        running = wait_until("all to run", lambda: stream.instances("job"))
        stream.kill([running[stage] for stage in stages])
    newer_checkpoint(stream, job)
    stream.run("stream", "stop", "job")
    job.communicate(timeout=60)
    job = start(stream, 3)
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check_table(stream, "hops", ["k", "window_start", "window_end", "n", "total"], expected_hops())
    check_table(stream, "cumulated", ["k", "window_start", "window_end", "n", "d"], expected_cumulated())
    check_table(stream, "sessions", ["k", "window_start", "window_end", "n", "top"], expected_sessions())
    check_table(stream, "counts", ["k", "first", "total"], expected_counts())


def the_clock_ends_a_window_though_no_row_comes(stream):
    """Standard input stays open: only the clock can end the window."""
    words = ["--clock", "processing", "--by", "k", "--window", "tumble 100ms", "count(*) as n"]
    for command in (["stream-aggregate", *words],
                    ["stream", "run", "aggregate --schema 'k bigint' --clock processing --by k --window 'tumble 100ms' 'count(*) as n'"]):
        job = stream.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        job.stdin.write('{"k":1}\n')
        job.stdin.flush()
        line = job.stdout.readline()
        check('"k":1' in line and '"n":1' in line, f"{command}: {line}")
        job.communicate(timeout=60)
        check(job.returncode == 0, f"{command}: exit {job.returncode}")


main([the_clock_ends_a_window_though_no_row_comes, every_window_comes_once_whatever_is_killed_and_however_many_instances_go_on])
