"""Rows of a hot key are added up in front of the hop: results, state and late rows are what they are without."""

import pathlib
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, kill_while_it_runs, main, wait_until  # noqa: E402

MANIFEST = """
pipeline: combined
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  made: {run: generate, rows: ROWS, rate: 40000, parallelism: 2, time: ts, columns: "n, case when random % 10 < 9 then 0 else random / 16 % 500 end as k, nullif(random / 64 % 50, 7) as v, to_timestamp(n / 1000.0) as ts"}
  all: {run: write-sqlite, from: made, path: in.db, table: made, if-exists: replace}
  totals: {run: aggregate, from: made, by: k, combine: COMBINE, parallelism: PARALLELISM, compute: {n: count(*), total: sum(v), low: min(v), high: max(v), mean: avg(v), spread: var_pop(v), some: bool_or(v = 3), earliest: first(n), latest: last(n), about: approx_count_distinct(v)}}
  totals-table: {run: write-sqlite, path: out.db, table: totals, if-exists: replace}
  hops: {run: aggregate, from: made, by: k, window: hop 6s every 2s, combine: COMBINE, parallelism: PARALLELISM, compute: "count(*) as n, sum(v) as total"}
  hops-table: {run: write-sqlite, path: out.db, table: hops, if-exists: replace}
  cumulating: {run: aggregate, from: made, by: k, window: cumulate 6s every 2s, combine: COMBINE, parallelism: PARALLELISM, compute: "count(*) as n, max(v) as high"}
  cumulating-table: {run: write-sqlite, path: out.db, table: cumulating, if-exists: replace}
  whole: {run: aggregate, from: made, window: tumble 5s, combine: COMBINE, compute: "count(*) as n, avg(v) as mean"}
  whole-table: {run: write-sqlite, path: out.db, table: whole, if-exists: replace}
"""
SQL = {
    "select k, n, total, low, high, round(mean, 6), round(spread, 4), some, earliest, latest, about from totals":
        "select k, count(*), sum(v), min(v), max(v), round(avg(v), 6), round(avg(v * v) - avg(v) * avg(v), 4), "
        "max(v = 3), min(n), max(n), count(distinct v) from made group by k",
    "select unixepoch(window_start), k, n, total from hops":
        "select n / 2000 * 2 - back, k, count(*), sum(v) from made, (select 0 as back union values (2), (4)) "
        "group by 1, 2",
    "select unixepoch(window_start), unixepoch(window_end), k, n, high from cumulating":
        "select n / 6000 * 6, n / 6000 * 6 + until, k, count(*), max(v) from made, (select 2 as until union values (4), (6)) "
        "where n % 6000 < until * 1000 group by 1, 2, 3",
    "select unixepoch(window_start), n, round(mean, 6) from whole":
        "select n / 5000 * 5, count(*), round(avg(v), 6) from made group by 1",
}


def manifest(stream, parallelism, combine="always", rows=40000):
    text = MANIFEST.replace("PARALLELISM", str(parallelism)).replace("COMBINE", combine).replace("ROWS", str(rows))
    stream.write("combined.yaml", text)


def check_results(stream):
    with sqlite3.connect(stream.folder / "in.db") as made, sqlite3.connect(stream.folder / "out.db") as out:
        for query, sql in SQL.items():
            found, wanted = sorted(out.execute(query)), sorted(made.execute(sql))
            check(found == wanted, f"{query}: {len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")
            check(found, f"{query}: nothing to compare")


def results_equal_sql_with_any_parallelism(stream):
    for parallelism, combine in ((1, "always"), (3, "always"), (2, "never")):
        manifest(stream, parallelism, combine)
        stream.run("stream", "run", "--fresh", "combined.yaml")
        check_results(stream)


def results_equal_sql_whoever_is_killed(stream):
    manifest(stream, 2)
    job = stream.start("stream", "run", "combined.yaml", stderr=subprocess.PIPE)
    stream.kill([wait_until("its first attempt", lambda: stream.instances("combined").get("totals-combine.1"))])
    kills = kill_while_it_runs(stream, job, "combined", random.Random(3), 3)
    check(kills >= 2, f"only {kills} kills")
    check_results(stream)


def a_savepoint_goes_on_with_and_without_it(stream):
    for turn, (parallelism, combine) in enumerate(((2, "always"), (3, "never"), (1, "always"))):
        manifest(stream, parallelism, combine, 150_000)
        begin = ["--from", "combined@latest"] if turn else []
        job = stream.start("stream", "run", *begin, "combined.yaml", stderr=subprocess.PIPE)
        if turn < 2:
            wait_until("some rows", lambda: sum(i["records_out"] for i in stream.stats("combined")["instances"]) > 4000
                       if stream.instances("combined") else False)
            stream.run("stream", "stop", "combined")
        talk = job.communicate(timeout=60)[1]
        check(job.returncode == 0, f"turn {turn}: exit {job.returncode}: {talk}")
    check_results(stream)


def explain_shows_the_step_and_says_why_there_is_none(stream):
    manifest(stream, 2)
    text = stream.run("stream", "explain", "combined.yaml")
    check("totals-combine: aggregate x2\n  from        made, forward," in text, text)
    check("totals: aggregate x2\n  from        totals-combine, hash by k, columns n, k, v, ts, _partial_n, " in text, text)
    check("whole: aggregate\n  from        whole-combine, single, columns v, ts, _partial_n, " in text, text)
    manifest(stream, 2, "never")
    text = stream.run("stream", "explain", "combined.yaml")
    check("-combine" not in text, text)
    many = "generate --parallelism SENDERS 'n' | aggregate 'count(*) as n' | write-null"
    text = stream.run("stream", "explain", many.replace("SENDERS", "4"))
    check("aggregate-combine: aggregate x4" in text, text)
    text = stream.run("stream", "explain", many.replace("SENDERS", "3"))
    check("-combine" not in text and "warning" not in text, text)
    source = "generate --parallelism 2 --time ts 'n, n % 9 as k, to_timestamp(n) as ts'"
    text = stream.run("stream", "explain", f"{source} | aggregate --by k --combine always 'count(*) as n' | write-null")
    check("-combine: aggregate x2" in text, text)
    stream.run("stream", "check", f"{source} | aggregate --by k --combine always 'count(distinct n)' | write-null", expect=1)
    check("option 'combine': rows cannot be combined: count(distinct n) must see each value" in stream.last_stderr, stream.last_stderr)
    stream.write("late.yaml", """
pipeline: late
stages:
  made: {run: generate, rows: 10, parallelism: 2, time: ts, columns: "n, n % 9 as k, to_timestamp(n) as ts"}
  seconds: {run: aggregate, window: tumble 1s, by: k, combine: always, compute: count(*) as n}
  out: {run: write-null}
  late: {run: write-null, from: seconds.late}
""")
    text = stream.run("stream", "explain", "late.yaml")
    check("stage 'seconds': rows are not combined in front of it: its output 'late' is read, and gives rows as they were" in text, text)


def by_hand_two_aggregates_do_what_one_does(stream):
    one, two = (f"ipc://{stream.folder}/{name}" for name in ("rows", "partial"))
    final = stream.start("stream-aggregate", "--in", two, "--phase", "final", "--by", "k", "--emit", "final",
                         "count(*) as n, sum(n) as total", stdout=subprocess.PIPE)
    partial = stream.start("stream-aggregate", "--in", one, "--phase", "partial", "--by", "k",
                           "count(*) as n, sum(n) as total", "--out", two)
    made = stream.start("stream-generate", "--rows", "1000", "n, n % 3 as k", "--out", one)
    lines = final.communicate(timeout=60)[0].splitlines()
    check((final.returncode, partial.wait(), made.wait()) == (0, 0, 0), "somebody failed")
    check(sorted(lines) == ['{"k":0,"n":334,"total":166833}', '{"k":1,"n":333,"total":166167}',
                            '{"k":2,"n":333,"total":166500}'], lines)


main([explain_shows_the_step_and_says_why_there_is_none, by_hand_two_aggregates_do_what_one_does,
      results_equal_sql_with_any_parallelism, results_equal_sql_whoever_is_killed, a_savepoint_goes_on_with_and_without_it])
