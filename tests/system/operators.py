"""Stages with state in real jobs: what they give equals SQL over the same rows, whatever is killed."""

import pathlib
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main  # noqa: E402

JOIN = """
pipeline: joined
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  a: {run: generate, rows: ROWS, rate: RATE, columns: "n, random % 900 as k, random % 7 as v, to_timestamp(n / 100.0) as ts", time: ts}
  b: {run: generate, rows: ROWS, rate: RATE, seed: 2, columns: "n, random % 1000 as k, random % 5 as v, to_timestamp(n / 100.0) as ts", time: ts}
  at: {run: write-sqlite, from: a, path: in.db, table: a, if-exists: replace}
  bt: {run: write-sqlite, from: b, path: in.db, table: b, if-exists: replace}
  joined:
    run: join
    from: {a: a, b: b}
    kind: KIND
    columns: a.n as an, b.n as bn, a.v + b.v as v
    on: CONDITION
    parallelism: 2
  out: {run: write-sqlite, path: out.db, table: joined, key: [an, bn], if-exists: replace}
"""
DIFFERENT = ("a.k = b.k and a.v <> b.v", "a.k = b.k and a.v <> b.v")
NEAR = ("a.k = b.k and b.ts between a.ts - interval '3 seconds' and a.ts + interval '8 seconds'",
        "a.k = b.k and b.n between a.n - 300 and a.n + 800")


def write(stream, kind, condition, rows, rate):
    text = JOIN.replace("KIND", kind).replace("CONDITION", condition).replace("ROWS", str(rows))
    stream.write("joined.yaml", text.replace("rate: RATE, ", f"rate: {rate}, " if rate else ""))


def check_join(stream, kind, condition):
    with sqlite3.connect(":memory:") as db:
        for name in ("in", "out"):
            db.execute(f"attach '{stream.folder}/{name}.db' as {name}_")
        db.execute(f"create table wanted as select a.n as an, b.n as bn, a.v + b.v as v from in_.a {kind} join in_.b on {condition}")
        count, = db.execute("select count(*) from wanted").fetchone()
        for one, other in (("wanted", "out_.joined"), ("out_.joined", "wanted")):
            only = db.execute(f"select * from {one} except select * from {other} limit 3").fetchall()
            check(not only, f"{kind} join: only in {one}: {only}")
        check(db.execute("select count(*) from out_.joined").fetchone() == (count,), f"{kind} join: rows come twice")
        check(count > 1000, f"{kind} join: only {count} rows to compare")


def every_kind_of_join_equals_sql(stream):
    for kind in ("inner", "left", "right", "full"):
        for condition, sql in (DIFFERENT, NEAR):
            write(stream, kind, condition, 6000, None)
            stream.run("stream", "run", "--fresh", "joined.yaml")
            check_join(stream, kind, sql)


def a_join_whose_instances_are_killed_gives_the_same(stream):
    pick = random.Random(11)
    for kind, (condition, sql) in (("full", DIFFERENT), ("left", NEAR)):
        write(stream, kind, condition, 8_000, 8_000)
        job = stream.start("stream", "run", "--fresh", "joined.yaml", stderr=subprocess.PIPE)
        kills = 0
        while job.poll() is None:
            instances = stream.instances("joined")
            if instances and kills < 3:
                stream.kill([instances[pick.choice(sorted(instances))]])
                kills += 1
            try:
                job.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                pass
        talk = job.communicate()[1]
        check(job.returncode == 0, f"exit {job.returncode}: {talk}")
        check(kills >= 2, f"only {kills} kills")
        check_join(stream, kind, sql)


def a_join_by_hand_tells_its_inputs_apart_by_name(stream):
    join = stream.start("stream-join", "--in", f"l=ipc://{stream.folder}/l", "--in", f"r=ipc://{stream.folder}/r",
                        "--on", "l.k = r.k", "l.n as l, r.n as r", stdout=subprocess.PIPE)
    left = stream.start("stream-generate", "--rows", "4", "n, n as k", "--out", f"ipc://{stream.folder}/l")
    right = stream.start("stream-generate", "--rows", "4", "n * 10 as n, n + 2 as k", "--out", f"ipc://{stream.folder}/r")
    lines = join.communicate(timeout=30)[0].splitlines()
    check((join.returncode, left.wait(), right.wait()) == (0, 0, 0), "somebody failed")
    check(sorted(lines) == ['{"l":2,"r":0}', '{"l":3,"r":10}'], lines)
    stream.run("stream-join", "--in", "ipc:///tmp/x", "--on", "a.k = b.k", "a.k", expect=100)
    check("write --in NAME=ipc:///tmp/x" in stream.last_stderr, stream.last_stderr)


def the_example_of_orders_and_payments_runs(stream):
    manifest = pathlib.Path(__file__).resolve().parents[2] / "manifests" / "paid-orders.yaml"
    for parallelism in (1, 2):
        stream.run("stream", "run", "--fresh", manifest, "-p", f"out={stream.folder}/paid.db", "-p", "rows=20000",
                   "-p", f"parallelism={parallelism}")
        with sqlite3.connect(f"{stream.folder}/paid.db") as db:
            orders, paid = db.execute("select count(distinct id), count(paid) from paid").fetchone()
            check(orders == 20_000, f"{orders} orders")
            check(0 < paid < 2000, f"{paid} payments")


main([every_kind_of_join_equals_sql, a_join_whose_instances_are_killed_gives_the_same,
      a_join_by_hand_tells_its_inputs_apart_by_name, the_example_of_orders_and_payments_runs])
