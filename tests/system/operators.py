"""Stages with state in real jobs: what they give equals SQL over the same rows, whatever is killed."""

import fractions
import json
import pathlib
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, kill_while_it_runs, main  # noqa: E402

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


RANKED = """
pipeline: ranked
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  made: {run: generate, rows: 40000, rate: 40000, columns: "n, random % 300 as k, random % 10000 as v, to_timestamp(n / 1000) as ts", time: ts}
  all: {run: write-sqlite, path: in.db, table: made, if-exists: replace}
  top: {run: top-n, from: made, by: k, order: "v desc, n", limit: 5, rank: place, parallelism: 2}
  top-table: {run: write-sqlite, path: out.db, table: top, if-exists: replace}
  latest: {run: dedup, from: made, by: k, keep: last, parallelism: 2}
  latest-table: {run: write-sqlite, path: out.db, table: latest, if-exists: replace}
  first: {run: dedup, from: made, by: k}
  first-table: {run: write-sqlite, path: out.db, table: first, if-exists: replace}
  seconds: {run: aggregate, from: made, window: tumble 5s, by: k, compute: {n: count(*), v: sum(v)}, parallelism: 2}
  best: {run: top-n, by: window_start, order: "v desc, k", limit: 3, rank: place}
  best-table: {run: write-sqlite, path: out.db, table: best, if-exists: replace}
  of-totals: {run: aggregate, from: made, by: k, compute: {total: sum(v)}}
  champions: {run: top-n, order: "total desc, k", limit: 7, rank: place}
  champions-table: {run: write-sqlite, path: out.db, table: champions, key: place, if-exists: replace}
"""
RANKED_SQL = {
    "top": "select n, k, v, ts, place from (select *, row_number() over (partition by k order by v desc, n) as place "
           "from made) where place <= 5",
    "latest": "select n, k, v, ts from (select *, row_number() over (partition by k order by n desc) as place "
              "from made) where place = 1",
    "first": "select n, k, v, ts from (select *, row_number() over (partition by k order by n) as place "
             "from made) where place = 1",
    "best": "select second, k, v, place from (select *, row_number() over (partition by second order by v desc, k) as "
            "place from (select unixepoch(ts) / 5 * 5 as second, k, sum(v) as v from made group by 1, 2)) where place <= 3",
    "champions": "select k, sum(v), row_number() over (order by sum(v) desc, k) from made group by k order by 3 limit 7",
}


# Keys come in turns of three seconds, forty at a time, and again after twelve: then they are forgotten.
FORGETTING = """
pipeline: forgetting
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  made: {run: generate, rows: 39000, rate: 40000, columns: "n, n / 3000 % 5 * 40 + random % 40 as k, random % 10000 as v, to_timestamp(n / 1000.0) as ts", time: ts, out-of-order: 200ms}
  all: {run: write-sqlite, path: in.db, table: made, if-exists: replace}
  totals: {run: aggregate, from: made, by: k, ttl: 5s, compute: "count(*) as n, sum(v) as total, count(distinct v % 50) as d, max(v) as high", parallelism: 2}
  totals-table: {run: write-sqlite, path: out.db, table: totals, if-exists: replace}
  combined: {run: aggregate, from: made, by: k, ttl: 5s, combine: always, compute: "count(*) as n, sum(v) as total, min(n) as low", parallelism: 2}
  combined-table: {run: write-sqlite, path: out.db, table: combined, if-exists: replace}
  top: {run: top-n, from: made, by: k, order: "v desc, n", limit: 3, rank: place, ttl: 5s, parallelism: 2}
  top-table: {run: write-sqlite, path: out.db, table: top, if-exists: replace}
"""
LAST_TURN = "(select m.* from made m join (select k, max(n / 3000) as turn from made group by k) l on m.k = l.k and m.n / 3000 = l.turn)"
FORGETTING_SQL = {
    "totals": f"select k, count(*), sum(v), count(distinct v % 50), max(v) from {LAST_TURN} group by k",
    "combined": f"select k, count(*), sum(v), min(n) from {LAST_TURN} group by k",
    "top": f"select n, k, v, ts, place from (select *, row_number() over (partition by k order by v desc, n) as place from {LAST_TURN}) where place <= 3",
}


def check_forgetting(stream):
    with sqlite3.connect(stream.folder / "in.db") as made, sqlite3.connect(stream.folder / "out.db") as out:
        for table, sql in FORGETTING_SQL.items():
            found, wanted = sorted(out.execute(f"select * from {table}")), sorted(made.execute(sql))
            check(found == wanted, f"{table}: {len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")


def what_is_forgotten_is_the_same_whoever_is_killed(stream):
    stream.write("forgetting.yaml", FORGETTING)
    job = stream.start("stream", "run", "forgetting.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "forgetting", random.Random(5), 3)
    check(kills >= 2, f"only {kills} kills")
    check_forgetting(stream)


REPLAYED = """
pipeline: replayed
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  rows: {run: replay, path: rows.ndjson, key: id, changes: true, time: ts}
  slow: {run: throttle, rate: 600}
  table: {run: write-sqlite, path: out.db, table: t, if-exists: replace}
  every: {run: aggregate, from: slow, compute: "count(*) as n, sum(v) as total"}
  totals: {run: write-file, path: totals.ndjson, if-exists: replace}
"""


def recorded(rows):
    """Changes of forty rows as a recording has them, and the rows that are left."""
    table, lines = {}, []
    for n in range(rows):
        key, old = n * 7 % 40, table.get(n * 7 % 40)
        row = {"id": key, "v": n, "ts": f"2026-01-31T12:{n // 60 % 60:02}:{n % 60:02}Z"}
        if old and n % 11 == 0:
            lines.append({"_op": "-D", **table.pop(key)})
            continue
        if old:
            lines.append({"_op": "-U", **old})
        lines.append({"_op": "+U" if old else "+I", **row})
        table[key] = row
        if n % 50 == 0:
            lines.append({"_watermark": row["ts"]})
    return lines, table


def a_recording_is_given_once_whoever_is_killed(stream):
    lines, table = recorded(1200)
    stream.write("rows.ndjson", "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    stream.write("replayed.yaml", REPLAYED)
    job = stream.start("stream", "run", "replayed.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "replayed", random.Random(8), 4)
    check(kills >= 2, f"only {kills} kills")
    with sqlite3.connect(stream.folder / "out.db") as out:
        found = sorted(out.execute("select id, v from t"))
    wanted = sorted((row["id"], row["v"]) for row in table.values())
    check(found == wanted, f"{len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")
    last = json.loads((stream.folder / "totals.ndjson").read_text().splitlines()[-1])
    check((last["n"], last["total"]) == (len(wanted), sum(v for _, v in wanted)), f"{last}: every change counts once")


def check_ranked(stream):
    with sqlite3.connect(stream.folder / "in.db") as made, sqlite3.connect(stream.folder / "out.db") as out:
        for table, sql in RANKED_SQL.items():
            columns = "unixepoch(window_start), k, v, place" if table == "best" else "*"
            found, wanted = sorted(out.execute(f"select {columns} from {table}")), sorted(made.execute(sql))
            check(found == wanted, f"{table}: {len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")
            check(found, f"{table}: nothing to compare")


def ranks_and_latest_rows_equal_sql_whoever_is_killed(stream):
    stream.write("ranked.yaml", RANKED)
    job = stream.start("stream", "run", "ranked.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "ranked", random.Random(5), 3)
    check(kills >= 2, f"only {kills} kills")
    check_ranked(stream)


def what_a_row_was_before_is_told_where_somebody_reads_it(stream):
    """Stages behind `generate 'n, n % 3 as k'`, and which of them tell of rows that change without what they were before."""
    untold = {
        "dedup k --keep last | write-null": {"dedup"},
        "dedup k --keep last | write-sqlite x.db": {"dedup"},
        "dedup k --keep last | write-sqlite x.db --key n": set(),
        "dedup k --keep last | print": set(),
        "dedup k --keep last | select 'k, n + 1 as m' | write-null": {"select"},  # it may overflow, and then only the old row goes
        "dedup k --keep last | select 'k, n' | write-null": {"dedup", "select"},
        "dedup k --keep last | select 'n' | write-null": set(),
        "dedup k --keep last | filter 'n > 2' | write-null": {"filter"},
        "top-n k --order n --rank place | write-null": {"top-n"},
        "top-n k --order n --limit 1 | aggregate 'count(*) as n' | write-null": set(),
    }
    for pipeline, expected in untold.items():
        plan = json.loads(stream.run("stream", "explain", "--json", f"generate 'n, n % 3 as k' | {pipeline}"))
        found = {spec["run"] for spec, stage in zip(plan["pipeline"]["stages"], plan["stages"])
                 if stage["outputs"] and stage["outputs"][0]["schema"].get("changelog") == "upserts"}
        check(found - {"aggregate"} == expected, f"{pipeline}: {found}, not {expected}")
    text = stream.run("stream", "explain", "generate 'n, n % 3 as k' | dedup k --keep last | write-null")
    check("rows change, without what they were before" in text, text)


AGGREGATED = """
pipeline: aggregated
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  made: {run: generate, rows: 30000, rate: 30000, columns: "n, random % 40 as k, nullif(random / 64 % 50, 7) as v, to_timestamp(n / 1000.0) as ts", time: ts}
  all: {run: write-sqlite, path: in.db, table: made, if-exists: replace}
  facts:
    run: aggregate
    from: made
    by: k
    compute:
      n: count(*)
      different: count(distinct v)
      smallest: min(v)
      largest: max(v) filter (where n % 2 = 0)
      middle: median(v)
      spread: var_pop(v)
      some: bool_or(v = 3)
      every_one: bool_and(v < 50)
      latest: last(n)
      earliest: first(n)
      list: json_agg(n) filter (where n % 100 = 0)
      texts: string_agg(v::text, ',') filter (where n % 200 = 0)
      about: approx_count_distinct(v)
    parallelism: 2
  facts-table: {run: write-sqlite, path: out.db, table: facts, if-exists: replace}
  hops: {run: aggregate, from: made, by: k, window: hop 6s every 2s, parallelism: 2, compute: {different: count(distinct v), middle: median(v), latest: last(n), list: json_agg(n) filter (where n % 50 = 0)}}
  hops-table: {run: write-sqlite, path: out.db, table: hops, if-exists: replace}
  totals: {run: aggregate, from: made, by: k, compute: {total: sum(v)}, parallelism: 2}
  of-totals: {run: aggregate, from: totals, compute: {least: min(total), most: max(total), different: count(distinct total / 100), middle: median(total), list: json_agg(total)}}
  of-totals-table: {run: write-sqlite, path: out.db, table: of_totals, key: least, if-exists: replace}
"""


def median(values):
    values, half = sorted(values), len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def facts_of(k, rows):
    v = [row[1] for row in rows if row[1] is not None]
    spread = fractions.Fraction(len(v) * sum(x * x for x in v) - sum(v) ** 2, len(v) ** 2)
    texts = ",".join(str(row[1]) for row in rows if row[0] % 200 == 0 and row[1] is not None)
    return (k, len(rows), len(set(v)), min(v), max(row[1] for row in rows if row[0] % 2 == 0 and row[1] is not None), median(v),
            round(float(spread), 6), int(3 in v), 1, rows[-1][0], rows[0][0],
            [row[0] for row in rows if row[0] % 100 == 0], texts, len(set(v)))


def hop_of(start, k, rows):
    v = {row[1] for row in rows} - {None}
    return (start, k, len(v), median([row[1] for row in rows if row[1] is not None]), rows[-1][0],
            [row[0] for row in rows if row[0] % 50 == 0])


def grouped(rows, keys_of):
    groups = {}
    for row in rows:
        for key in keys_of(row):
            groups.setdefault(key, []).append(row)
    return groups


def aggregates_equal_a_second_computation_whoever_is_killed(stream):
    stream.write("aggregated.yaml", AGGREGATED)
    job = stream.start("stream", "run", "aggregated.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "aggregated", random.Random(8), 3)
    check(kills >= 2, f"only {kills} kills")
    with sqlite3.connect(stream.folder / "in.db") as made, sqlite3.connect(stream.folder / "out.db") as out:
        rows = made.execute("select n, v, k from made order by n").fetchall()
        parse = lambda text: json.loads(text) if text else []  # noqa: E731
        found = {row[0]: (*row[:6], round(row[6], 6), *row[7:11], parse(row[11]), row[12] or "", row[13])
                 for row in out.execute("select * from facts")}
        wanted = {k: facts_of(k, group) for k, group in grouped(rows, lambda row: [row[2]]).items()}
        check(found == wanted, [(found.get(k), wanted[k]) for k in wanted if found.get(k) != wanted[k]][:2])
        found = {row[:2]: (*row[:5], parse(row[5])) for row in out.execute(
            "select unixepoch(window_start), k, different, middle, latest, list from hops")}
        starts = lambda row: [(row[0] // 2000 * 2 - back, row[2]) for back in (0, 2, 4)]  # noqa: E731
        wanted = {key: hop_of(*key, group) for key, group in grouped(rows, starts).items()}
        check(found == wanted, [(found.get(k), wanted[k]) for k in wanted if found.get(k) != wanted[k]][:2])
        totals = [sum(row[1] or 0 for row in group) for group in grouped(rows, lambda row: [row[2]]).values()]
        least, most, different, middle, listed = out.execute("select * from of_totals").fetchone()
        check((least, most, different, middle) == (min(totals), max(totals), len({t // 100 for t in totals}), median(totals)),
              (least, most, different, middle, sorted(totals)))
        check(sorted(json.loads(listed)) == sorted(totals), listed)


def plain_stages_print_the_rows_that_are_left(stream):
    lines = '{"k":1,"v":3}\n{"k":1,"v":5}\n{"k":2,"v":4}\n' * 2
    found = stream.run("stream-top-n", "--order", "v desc", "--limit", "3", "k", stdin=lines).splitlines()
    check(sorted(found) == ['{"k":1,"v":3}'] + ['{"k":1,"v":5}'] * 2 + ['{"k":2,"v":4}'] * 2, found)
    found = stream.run("stream-top-n", "--order", "v desc", "--limit", "1", "--rank", "place", stdin=lines)
    check(found == '{"k":1,"v":5,"place":1}\n', found)
    check(stream.run("stream-dedup", "k", stdin=lines) == '{"k":1,"v":3}\n{"k":2,"v":4}\n', "first rows")
    found = stream.run("stream-dedup", "--keep", "last", "k", stdin=lines[:28]).splitlines()
    check(found == ['{"k":1,"v":5}'], found)
    stream.run("stream-top-n", "--order", "v  down", "k", stdin=lines, expect=100)
    check("option 'order' at character 4: 'down' is not expected here" in stream.last_stderr, stream.last_stderr)


ROUTED = """
pipeline: routed
stages:
  made: {run: generate, rows: 1000, columns: "n, n % 7 as q"}
  split: {run: route, routes: {big: n > 900, odd: n % 2 = 1, bad: 5 / (n % 4) > 1, rest: else}}
  big: {run: write-file, from: split.big, path: big.ndjson}
  odd: {run: write-file, from: split.odd, path: odd.ndjson}
  bad: {run: write-file, from: split.bad, path: bad.ndjson}
  rest: {run: write-file, from: split.rest, path: rest.ndjson}
  errors: {run: write-file, from: split.errors, path: errors.ndjson}
"""


def each_row_takes_the_first_route_that_holds(stream):
    stream.write("routed.yaml", ROUTED)
    stream.run("stream", "run", "routed.yaml")
    found = {name: [json.loads(line) for line in (stream.folder / f"{name}.ndjson").read_text().splitlines()]
             for name in ("big", "odd", "bad", "errors")}
    check([row["n"] for row in found["big"]] == list(range(901, 1000)), "big")
    check([row["n"] for row in found["odd"]] == list(range(1, 900, 2)), "odd")
    check([row["n"] for row in found["bad"]] == [n for n in range(0, 901) if n % 4 == 2], "bad")
    check(not (stream.folder / "rest.ndjson").exists(), "rest")
    check([json.loads(row["record"])["n"] for row in found["errors"]] == list(range(0, 901, 4)), "errors")
    stream.write("wrong.yaml", ROUTED.replace("split.big", "split.bgi"))
    stream.run("stream", "check", "wrong.yaml", expect=1)
    check("stage 'split' has no output 'bgi'; it has out, big, odd, bad, rest, errors" in stream.last_stderr, stream.last_stderr)
    found = stream.run("stream-route", "n > 10 as big", stdin='{"n":3}\n{"n":30}\n')
    check(found == '{"n":3}\n', found)


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
        kills = kill_while_it_runs(stream, job, "joined", pick, 3)
        check(kills >= 2, f"only {kills} kills")
        check_join(stream, kind, sql)


def a_join_by_hand_tells_its_inputs_apart_by_name(stream):
    join = stream.start("stream-join", "--in", f"l=ipc://{stream.folder}/l", "--in", f"r=ipc://{stream.folder}/r",
                        "--on", "l.k = r.k", "l.n as l, r.n as r", stdout=subprocess.PIPE)
    left = stream.start("stream-generate", "--rows", "4", "n, n as k", "--out", f"ipc://{stream.folder}/l")
    right = stream.start("stream-generate", "--rows", "4", "n * 10 as n, n + 2 as k", "--out", f"ipc://{stream.folder}/r")
    lines = join.communicate(timeout=60)[0].splitlines()
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


main([what_is_forgotten_is_the_same_whoever_is_killed, a_recording_is_given_once_whoever_is_killed,
      plain_stages_print_the_rows_that_are_left, each_row_takes_the_first_route_that_holds,
      ranks_and_latest_rows_equal_sql_whoever_is_killed, what_a_row_was_before_is_told_where_somebody_reads_it,
      aggregates_equal_a_second_computation_whoever_is_killed,
      every_kind_of_join_equals_sql, a_join_whose_instances_are_killed_gives_the_same,
      a_join_by_hand_tells_its_inputs_apart_by_name, the_example_of_orders_and_payments_runs])
