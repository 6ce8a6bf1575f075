"""A running job gets another number of processes: results are those of SQL over the same rows, whatever happens."""

import json
import pathlib
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

# One source, and behind it a window, a join of the stream with itself, ranks, and first rows: all have state.
MANIFEST = """
pipeline: scaled
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  made: {run: generate, rate: 4000, columns: "n, random % 300 as k, random % 10000 as v, to_timestamp(n / 1000) as ts", time: ts}
  all: {run: write-sqlite, path: in.db, table: made, if-exists: replace}
  some: {run: filter, from: made, where: n >= 0}
  seconds: {run: aggregate, from: some, window: tumble 5s, by: k, compute: {n: count(*), v: sum(v)}, parallelism: 2}
  seconds-table: {run: write-sqlite, path: out.db, table: seconds, if-exists: replace}
  top: {run: top-n, from: made, by: k, order: "v desc, n", limit: 5, rank: place, parallelism: 2}
  top-table: {run: write-sqlite, path: out.db, table: top, if-exists: replace}
  first: {run: dedup, from: made, by: k, parallelism: 2}
  first-table: {run: write-sqlite, path: out.db, table: first, key: n, if-exists: replace}
  pairs:
    run: join
    from: {a: made, b: made}
    columns: a.n as an, b.n as bn
    on: a.k = b.k and a.n < b.n and b.ts between a.ts and a.ts + interval '1 second'
    parallelism: 2
  pairs-table: {run: write-sqlite, path: out.db, table: pairs, key: [an, bn], if-exists: replace}
"""
SQL = {
    "seconds": ("unixepoch(window_start), k, n, v", "select unixepoch(ts) / 5 * 5, k, count(*), sum(v) from made group by 1, 2"),
    "top": ("n, k, v, place", "select n, k, v, place from (select *, row_number() over (partition by k order by v desc, n) "
            "as place from made) where place <= 5"),
    "first": ("k", "select distinct k from made"),
    "pairs": ("an, bn", "select a.n, b.n from made a join made b on a.k = b.k and a.n < b.n and "
              "unixepoch(b.ts) between unixepoch(a.ts) and unixepoch(a.ts) + 1"),
}


def check_results(stream):
    with sqlite3.connect(stream.folder / "in.db") as made, sqlite3.connect(stream.folder / "out.db") as out:
        count, different, last = made.execute("select count(*), count(distinct n), max(n) from made").fetchone()
        check(count == different == last + 1, f"{count} rows, {different} of them different, the last is {last}")
        made.execute("create index if not exists by_k on made (k)")
        for table, (columns, sql) in SQL.items():
            found, wanted = sorted(out.execute(f"select {columns} from {table}")), sorted(made.execute(sql))
            check(found == wanted, f"{table}: {len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")
            check(found, f"{table}: nothing to compare")


def start(stream):
    stream.write("scaled.yaml", MANIFEST)
    stream.run("stream", "run", "-d", "scaled.yaml")


def rescale(stream, *wishes, job="scaled"):
    return json.loads(stream.run("stream", "rescale", "--json", job, *wishes))


def parallelism(stream, job="scaled"):
    return {stage: int(n) for stage, n in json.loads(stream.run("stream", "show", "--json", job))["parallelism"].items()}


def finish(stream, job="scaled"):
    """Drains the job, so that all windows fire."""
    stream.run("stream", "stop", "--drain", "--no-savepoint", job)
    check_results(stream)


def number_of(instances):
    """How many instances of each stage there are."""
    out = {}
    for name in instances:
        out[name.split(".")[0]] = out.get(name.split(".")[0], 0) + 1
    return out


def up_and_down_several_times_and_all_others_run_on(stream):
    start(stream)
    wait_until("a checkpoint", lambda: stream.stats("scaled")["job"]["checkpoint"] > 0)
    for wishes in ({"seconds": 3}, {"seconds": 1, "top": 3}, {"pairs": 3}, {"first": 1, "pairs": 1, "pairs-table": 2},
                   {"seconds": 2, "some": 2, "made": 2}, {"made": 1, "pairs-table": 1}):
        before = stream.instances("scaled")
        told = rescale(stream, *(f"{stage}={n}" for stage, n in wishes.items()))
        check({s["stage"]: s["to"] for s in told["stages"]} == wishes, told)
        after = stream.instances("scaled")
        check(number_of(after) == parallelism(stream) and wishes.items() <= number_of(after).items(), after)
        others = {name: pid for name, pid in before.items() if name.split(".")[0] not in wishes}
        check(others.items() <= after.items(), f"{others} did not all run on: {after}")
        check(len(others) == told["kept_processes"], told)
        check(not set(before.values()) - set(others.values()) & set(after.values()), f"some were not replaced: {before}, {after}")
    epoch = int(stream.run("stream", "checkpoint", "scaled"))
    check(epoch > told["epoch"], f"{epoch} after {told}")
    check([e["kind"] for e in stream.events("scaled")].count("rescaled") == 6, "events")
    check(stream.stats("scaled")["job"]["restarts"] == 0, "it was restarted")
    finish(stream)


main([up_and_down_several_times_and_all_others_run_on])
