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
  made: {run: generate, rows: ROWS, rate: RATE, columns: "n, random % 300 as k, random % 10000 as v, to_timestamp(n / 1000) as ts", time: ts, parallelism: 2}
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


def check_results(stream, rows):
    with sqlite3.connect(stream.folder / "in.db") as made, sqlite3.connect(stream.folder / "out.db") as out:
        count = made.execute("select count(*), count(distinct n) from made").fetchone()
        check(count == (rows, rows), f"read {count}, not {rows}")
        made.execute("create index if not exists by_k on made (k)")
        for table, (columns, sql) in SQL.items():
            found, wanted = sorted(out.execute(f"select {columns} from {table}")), sorted(made.execute(sql))
            check(found == wanted, f"{table}: {len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")
            check(found, f"{table}: nothing to compare")


def start(stream, rows=60_000, rate=15_000):
    stream.write("scaled.yaml", MANIFEST.replace("ROWS", str(rows)).replace("RATE", str(rate)))
    stream.run("stream", "run", "-d", "scaled.yaml")


def rescale(stream, *wishes, job="scaled"):
    return json.loads(stream.run("stream", "rescale", "--json", job, *wishes))


def parallelism(stream, job="scaled"):
    return {stage: int(n) for stage, n in json.loads(stream.run("stream", "show", "--json", job))["parallelism"].items()}


def finish(stream, rows):
    stream.run("stream", "wait", "scaled", "--timeout", "60s")
    check_results(stream, rows)


def up_and_down_several_times(stream):
    start(stream)
    wait_until("rows", lambda: stream.stats("scaled")["job"]["checkpoint"] > 2)
    for wishes in (["seconds=3"], ["seconds=1", "top=3"], ["pairs=3"], ["first=1", "pairs=1"], ["seconds=2"]):
        before = stream.instances("scaled")
        told = rescale(stream, *wishes)
        check([f"{s['stage']}={s['to']}" for s in told["stages"]] == wishes, told)
        after = stream.instances("scaled")
        concerned = {wish.split("=")[0] for wish in wishes}
        check({n for n in after if n.split(".")[0] in concerned} == {f"{w.split('=')[0]}.{i}" for w in wishes for i in range(int(w.split("=")[1]))}, after)
    finish(stream, 60_000)


main([up_and_down_several_times])
