#!/usr/bin/env python3
"""A changed pipeline and its state: what `check --against` says of each change is what happens when it is tried.

Each operator runs to the middle of its input once and is stopped with a savepoint, with windows, sessions, joins and
ranks in flight. Every change is checked against that, and then really started from it: it is refused where the check
says so, and else what it writes must be what a run left alone writes, or what is computed here.
"""

import itertools
import json
import pathlib
import shutil
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402

ROWS = 60_000
SLOW, FAST = 3_000, 1_000_000  # to be caught in the middle; to come to its end
NUMBERS = itertools.count(1)

MADE = f"""
pipeline: job
checkpoint: {{interval: 50ms}}
stages:
  made:
    run: generate
    columns:
      n: n
      k: n % 7
      u: n % 5000
      burst: (n / 50) % 40
      v: n * 13 % 101
      at: timestamp '2026-01-01' + n * interval '1 second'
    rows: {ROWS}
    rate: RATE
    time: at
"""
TABLE = """
  table: {run: write-sqlite, path: out.db, table: out}
"""

TABLE_LAST = (TABLE, "")

AGGREGATE = MADE + """
  totals:
    run: aggregate
    by: [k]
    compute:
      many: count(*)
      total: sum(v)
      highest: max(v)
""" + TABLE
WINDOWS = MADE + """
  hours:
    run: aggregate
    by: [k]
    window: tumble 1h
    compute:
      many: count(*)
      total: sum(v)
""" + TABLE
SESSIONS = MADE + """
  visits:
    run: aggregate
    by: [burst]
    window: session 5m
    compute:
      many: count(*)
      total: sum(v)
""" + TABLE
JOIN = MADE + """
  left: {run: filter, where: n % 2 = 0}
  right: {run: filter, from: made, where: n % 2 = 1}
  a:
    run: select
    from: left
    columns:
      id: n / 2
      at: at
      v: v
      w: k
  b:
    run: select
    from: right
    columns:
      id: n / 2 - 300
      at: at
      x: u
  pairs:
    run: join
    from: {a: a, b: b}
    on: a.id = b.id and b.at between a.at and a.at + interval '20 minutes'
    columns:
      id: a.id
      v: a.v
      w: a.w
      x: b.x
""" + TABLE
DEDUP = MADE + """
  firsts:
    run: dedup
    by: [u]
    ttl: 20h
  kept:
    run: select
    columns:
      n: n
      u: u
""" + TABLE
TOP = MADE + """
  narrow:
    run: select
    columns:
      n: n
      k: k
      v: n * 7919 % 100003
  best:
    run: top-n
    by: [k]
    order: v desc, n
    limit: 3
  named:
    run: select
    columns:
      n: n
      k: k
      v: v
""" + TABLE.replace("table: out", "table: out, key: [k, n]")
LUA = MADE + """
  count:
    run: lua
    by: [k]
    state: many bigint, total bigint
    schema: k bigint, many bigint, total bigint
    code: |
      function on_row(row, state, emit)
        state.many = (state.many or 0) + 1
        state.total = (state.total or 0) + row.v
        emit(row.k, state.many, state.total)
      end
  last:
    run: aggregate
    by: [k]
    compute:
      many: max(many)
      total: max(total)
""" + TABLE
FILL = MADE + """
  sparse: {run: filter, where: n % 100 < 3}
  series:
    run: fill
    every: 10s
    for: 1h
    by: [k]
    with: {v: carry}
""" + TABLE
MATCH = MADE + """
  rises:
    run: match
    by: [k]
    order: at
    pattern: a b c
    within: 1h
    define:
      b: v > a.v
      c: v > b.v
    measures:
      first: a.n
      last: c.n
""" + TABLE


class Change:
    """One cell of the matrix. `evolve` is the block; `fits`: what the check says; `tables`: the verdicts of some state
    tables; `query`: what of the result is compared; `expect`: with what, given the rows of a run left alone; `rest`: a
    file that gets the rows that are not in the one written before the savepoint."""

    def __init__(self, name, *edits, evolve="", fits=True, tables=None, query=None, expect=None, says="", rest=""):
        self.name, self.edits, self.evolve, self.fits = name, edits, evolve, fits
        self.tables, self.query, self.expect, self.says, self.rest = tables or {}, query, expect, says, rest


class Operator:
    """A pipeline, its savepoint in the middle, and what it writes if left alone. `append`: its rows are final, so what
    was written before the savepoint counts as well. `goes_on`: it writes to the same table as before."""

    def __init__(self, stream, name, manifest, query, append=False, goes_on=False):
        self.stream, self.name, self.manifest, self.query, self.goes_on = stream, name, manifest, query, goes_on
        folder = self.folder("base", manifest.replace("RATE", str(SLOW)))
        stream.run("stream", "run", "-d", folder / "job.yaml", "--name", name)
        wait_until("checkpoints of some rows", lambda: len(list(stream.home(name).glob("checkpoints/*/checkpoint.sqlite"))) > 1)
        stream.run("stream", "stop", name)
        check(stream.succeeds("stream", "state", "ls", f"{name}@latest"), "no savepoint: it came too late")
        self.base = folder
        self.before = self.rows(folder, query) if append else []
        whole = self.folder("whole", manifest.replace("RATE", str(FAST)))
        stream.run("stream", "run", whole / "job.yaml", "--name", f"{name}-whole")
        self.whole = self.rows(whole, query)

    def folder(self, name, manifest):
        return self.stream.write(f"{self.name}/{name}/job.yaml", manifest).parent

    def rows(self, folder, query):
        try:
            with sqlite3.connect(f"file:{folder}/out.db?mode=ro", uri=True) as db:
                return sorted(db.execute(query).fetchall(), key=repr)
        except sqlite3.OperationalError as error:
            raise Failure(f"{folder}: {query}: {error}") from error

    def against(self, folder, change):
        text = self.stream.run("stream", "check", "--json", folder / "job.yaml", "--against", f"{self.name}@latest",
                               expect=0 if change.fits else 1)
        answer = json.loads(text)
        if "against" not in answer:
            return json.dumps(answer, ensure_ascii=False)
        against = answer["against"]
        check(against["fits"] == change.fits, f"{change.name}: {text}")
        verdicts = {f"{table['stage']}.{table['table']}": table for table in against["tables"]}
        for table, verdict in change.tables.items():
            check(table in verdicts and verdicts[table]["verdict"] == verdict, f"{change.name}: {table}: not {verdict}: {text}")
        for table in verdicts.values():
            helped = table["verdict"] != "incompatible" or (table["reasons"] and table["remedies"])
            check(helped, f"{change.name}: no reason or remedy: {table}")
        return text

    def starts(self, folder, change):
        """Whether it runs to its end from the savepoint."""
        job = f"{self.name}-{next(NUMBERS)}"
        self.stream.run("stream", "run", folder / "job.yaml", "--name", job, "--from", f"{self.name}@latest", expect=None)
        talk = self.stream.last_stderr
        ran = "continues from" in talk and "fatal" not in talk
        if not ran:
            why = ["does not fit", "evolve", *([change.says] if change.says else [])]
            check(any(text in talk for text in why), f"{change.name}: refused, but not for its state: {talk}")
        return ran, talk

    def change(self, change):
        text = self.manifest.replace("RATE", str(FAST))
        for old, new in change.edits:
            check(old in text, f"{change.name}: nothing to change: {old}")
            text = text.replace(old, new)
        folder = self.folder(change.name.replace(" ", "-"), text + change.evolve)
        if self.goes_on:
            shutil.copy(self.base / "out.db", folder / "out.db")
        said = self.against(folder, change)
        check(change.says in said, f"{change.name}: '{change.says}' is not in {said}")
        ran, talk = self.starts(folder, change)
        check(ran == change.fits, f"{change.name}: check says {change.fits}, but it {'runs' if ran else 'does not run'}: {talk}\n{said}")
        if ran and change.rest:
            parts = [numbers_in(self.base / "rows.ndjson"), numbers_in(folder / change.rest)]
            check(parts[0] and sorted(sum(parts, [])) == list(range(ROWS)), f"{change.name}: {[len(part) for part in parts]} rows in the files")
        if not ran or change.query == "":
            return
        got = sorted(self.before + self.rows(folder, change.query or self.query), key=repr)
        wanted = sorted(change.expect(self.whole) if change.expect else self.whole, key=repr)
        check(got == wanted, f"{change.name}: {len(got)} rows {got[:8]}\nare not the {len(wanted)} rows {wanted[:8]}")

    def all(self, *changes):
        for change in changes:
            self.change(change)


def numbers_in(path):
    """The column n of a file of NDJSON or CSV."""
    lines = path.read_text().splitlines()
    if path.suffix == ".csv":
        return [int(line.split(",")[0]) for line in lines[1:]]
    return [json.loads(line)["n"] for line in lines]


def block(stage, text):
    return f"evolve: {{{stage}: {text}}}\n"


def aggregates(stream):
    op = Operator(stream, "sums", AGGREGATE, "select k, many, total, highest from out")
    per = "select k, many, total, highest from out"
    with_w = ("      v: n * 13", "      w: n * 13")
    of_w = [("sum(v)", "sum(w)"), ("max(v)", "max(w)")]
    decimal = ("      v: n * 13 % 101\n", "      v: cast(n * 13 % 101 as decimal(30,2))\n")
    double = ("      v: n * 13 % 101\n", "      v: cast(n * 13 % 101 as double)\n")
    renamed = ("  totals:\n", "  per-k:\n")
    op.all(
        Change("as it was", tables={"totals.totals": "kept"}),
        Change("a column called otherwise", ("      total: sum(v)", "      amount: sum(v)"),
               tables={"totals.totals": "converted"}, query="select k, many, amount, highest from out"),
        Change("a column added", ("      highest:", "      lowest: min(v)\n      highest:"),
               tables={"totals.totals": "converted"}, query=per, says="column 'lowest' is new and begins empty"),
        Change("a column added with a default", ("      highest:", "      lowest: min(v)\n      highest:"),
               evolve=block("totals", "{columns: {lowest: {default: -5}}}"), tables={"totals.totals": "converted"},
               query="select k, lowest from out", expect=lambda whole: [(row[0], -5) for row in whole]),
        Change("a column removed", ("      highest: max(v)\n", ""), fits=False,
               tables={"totals.totals": "incompatible"}, says="would be lost"),
        Change("a column dropped", ("      highest: max(v)\n", ""),
               evolve=block("totals", "{columns: {highest: {drop: true}}}"), tables={"totals.totals": "converted"},
               query="select k, many, total from out", expect=lambda whole: [row[:3] for row in whole]),
        Change("another meaning", ("sum(v)", "sum(n)"), fits=False, tables={"totals.totals": "incompatible"},
               says="column 'total' was sum(v) and is sum(n) now"),
        Change("another meaning, begun anew", ("count(*)", "count(v)"),
               evolve=block("totals", "{columns: {many: {convert: many}}}"), tables={"totals.totals": "converted"}),
        Change("another key", ("by: [k]", "by: [u]"), fits=False, tables={"totals.totals": "incompatible"},
               says="its key was (k BIGINT) and is (u BIGINT) now"),
        Change("another key, begun anew", ("by: [k]", "by: [u]"), evolve=block("totals", "{drop: true}"),
               tables={"totals.totals": "dropped"}, query="select count(*) > 0 from out", expect=lambda _: [(1,)]),
        Change("a wider type", decimal, tables={"totals.totals": "converted"},
               query="select k, many, cast(total as integer), cast(highest as integer) from out"),
        Change("another type", double, fits=False, tables={"totals.totals": "incompatible"},
               says="cast(highest as DOUBLE)"),
        Change("another type, converted", double,
               evolve=block("totals", "{columns: {total: {convert: cast(total as double)}, highest: {convert: cast(highest as double)}}}"),
               tables={"totals.totals": "converted"}),
        Change("a column of the input renamed", with_w, *of_w, fits=False, tables={"totals.totals": "incompatible"}),
        Change("a column of the input renamed and said", with_w, *of_w, evolve=block("totals", "{columns: {w: {was: v}}}"),
               tables={"totals.totals": "converted"}),
        Change("the key renamed", ("      k: n % 7", "      kk: n % 7"), ("by: [k]", "by: [kk]"), fits=False,
               tables={"totals.totals": "incompatible"}),
        Change("the key renamed and said", ("      k: n % 7", "      kk: n % 7"), ("by: [k]", "by: [kk]"),
               evolve=block("totals", "{columns: {kk: {was: k}}}"), tables={"totals.totals": "converted"},
               query="select kk, many, total, highest from out"),
        Change("the stage renamed", renamed, fits=False, tables={"totals.totals": "incompatible", "per-k.per_k": "new"},
               says="evolve: {per-k: {was: totals}}"),
        Change("the stage renamed and said", renamed, evolve=block("per-k", "{was: totals}"),
               tables={"per-k.per_k": "renamed"}),
        Change("renamed, converted and rescaled at once", renamed, ("    by: [k]", "    parallelism: 3\n    by: [k]"),
               evolve=block("per-k", "{was: totals, columns: {many: {convert: many * 2 - many + 1000000}}}"),
               tables={"per-k.per_k": "converted"}, expect=lambda whole: [(k, n + 1000000, t, h) for k, n, t, h in whole]),
        Change("a column computed from two", evolve=block("totals", "{columns: {total: {convert: total + many - many}}}"),
               tables={"totals.totals": "converted"}),
        Change("a conversion that fails", evolve=block("totals", "{columns: {many: {convert: 1 / (many - many)}}}"),
               fits=False, says="division by zero"),
        Change("a conversion of another type", evolve=block("totals", "{columns: {many: {convert: cast(many as double)}}}"),
               fits=False, says="gives DOUBLE"),
        Change("a conversion by chance", evolve=block("totals", "{columns: {many: {convert: cast(random() * 5 as bigint)}}}"),
               fits=False, says="another value each time"),
        Change("an entry of nothing", evolve=block("totals", "{columns: {mony: {was: manny}}}"), fits=False,
               says="has no column 'manny'; did you mean 'many'?"),
        Change("a default of a column that is there", evolve=block("totals", "{columns: {many: {default: 1}}}"), fits=False),
        Change("a stage that is not there", evolve=block("total", "{was: totals}"), fits=False,
               says="there is no stage 'total'; did you mean 'totals'?"),
        Change("another program", ("    run: aggregate\n    by: [k]\n    compute:\n      many: count(*)\n      total: sum(v)\n"
                                   "      highest: max(v)\n", "    run: dedup\n    by: [k]\n"), fits=False,
               tables={"totals.totals": "incompatible"}),
        Change("a stage added", ("  totals:\n", "  some: {run: dedup, by: [n]}\n  totals:\n"),
               tables={"some.some": "new", "totals.totals": "kept"}),
        Change("stages in another order", TABLE_LAST, ("  totals:\n", "  table: {run: write-sqlite, from: totals, path: out.db, table: out}\n  totals:\n    from: made\n"),
               tables={"totals.totals": "kept"}),
        Change("the source renamed", ("  made:\n", "  numbers:\n"), fits=False),
        Change("the source renamed and said", ("  made:\n", "  numbers:\n"), evolve=block("numbers", "{was: made}")),
        Change("the source begun anew", evolve=block("made", "{drop: true}"),
               query="select sum(many) from out", expect=lambda whole: [(sum(r[1] for r in whole) + caught(op),)]),
        Change("the sink renamed", ("  table:", "  results:")),
        Change("the sink removed and another added", ("{run: write-sqlite, path: out.db, table: out}",
                                                      "{run: write-null}"), query=""),
    )


def caught(op, what="sum(many)"):
    """How many rows the savepoint had counted."""
    text = op.stream.run("stream", "state", "query", "--json", f"{op.name}@latest", f"select {what} as n from totals")
    return json.loads(text.splitlines()[0])["n"]


def windows(stream):
    op = Operator(stream, "hours", WINDOWS, "select k, window_start, many, total from out", append=True)
    op.all(
        Change("as it was", tables={"hours.hours": "kept"}),
        Change("another size", ("tumble 1h", "tumble 2h"), fits=False, tables={"hours.hours": "incompatible"}),
        Change("another kind", ("tumble 1h", "hop 1h every 30m"), fits=False),
        Change("another size, begun anew", ("tumble 1h", "tumble 2h"), evolve=block("hours", "{drop: true}"), query=""),
        Change("a column added", ("      total:", "      highest: max(v)\n      total:"), tables={"hours.hours": "converted"}),
        Change("the time renamed", ("      at: timestamp", "      ts: timestamp"), ("time: at", "time: ts"), fits=False,
               says="it was tumble 1h of at and is tumble 1h of ts now"),
        Change("the time renamed and said", ("      at: timestamp", "      ts: timestamp"), ("time: at", "time: ts"),
               evolve=block("hours", "{columns: {ts: {was: at}}}"), tables={"hours.hours": "converted"}),
        Change("the stage renamed and converted", ("  hours:", "  h:"), ("    by:", "    parallelism: 2\n    by:"),
               evolve=block("h", "{was: hours, columns: {many: {convert: many + 0}}}"), tables={"h.h": "converted"}),
        Change("lateness added", ("    window:", "    lateness: 1h\n    window:"), query=""),
    )


def sessions(stream):
    op = Operator(stream, "visits", SESSIONS, "select burst, window_start, window_end, many, total from out", append=True)
    op.all(
        Change("as it was", tables={"visits.visits": "kept"}),
        Change("another gap", ("session 5m", "session 10m"), fits=False, tables={"visits.visits": "incompatible"}),
        Change("renamed", ("  visits:", "  bursts:"), evolve=block("bursts", "{was: visits}"), tables={"bursts.bursts": "renamed"}),
        Change("a column added", ("      total:", "      highest: max(v)\n      total:"), tables={"visits.visits": "converted"}),
    )


def joins(stream):
    op = Operator(stream, "pairs", JOIN, "select id, v, w, x from out", append=True)
    op.all(
        Change("as it was", tables={"pairs.pairs_a": "kept", "pairs.pairs_b": "kept"}),
        Change("another time between", ("20 minutes", "30 minutes"), fits=False),
        Change("a column no more read", ("      w: a.w\n", ""), fits=False, says="column 'w' would be lost"),
        Change("a column widened", ("      v: v\n", "      v: cast(v as decimal(25,1))\n"),
               tables={"pairs.pairs_a": "converted"}, query="select id, cast(v as integer), w, x from out"),
        Change("an input called otherwise", ("{a: a, b: b}", "{c: a, b: b}"), ("a.id = b.id", "c.id = b.id"),
               ("a.at and a.at", "c.at and c.at"), ("a.id\n", "c.id\n"), ("a.v", "c.v"), ("a.w", "c.w"), fits=False,
               tables={"pairs.pairs_a": "incompatible"}),
        Change("an input called otherwise and said", ("{a: a, b: b}", "{c: a, b: b}"), ("a.id = b.id", "c.id = b.id"),
               ("a.at and a.at", "c.at and c.at"), ("a.id\n", "c.id\n"), ("a.v", "c.v"), ("a.w", "c.w"),
               evolve=block("pairs", "{tables: {pairs_c: {was: pairs_a}}}"), tables={"pairs.pairs_c": "renamed"}),
        Change("converted in two", ("    on:", "    parallelism: 2\n    on:"),
               evolve=block("pairs", "{columns: {w: {convert: w * 10 - w * 9}, x: {convert: x + 0}}}"),
               tables={"pairs.pairs_a": "converted", "pairs.pairs_b": "converted"}),
    )


def ranks(stream):
    op = Operator(stream, "best", TOP, "select n, k, v from out", goes_on=True)
    op.all(
        Change("as it was", tables={"best.best": "kept"}),
        Change("another limit", ("limit: 3", "limit: 4"), fits=False, says="first 3 rows"),
        Change("another order", ("order: v desc, n", "order: v"), fits=False),
        Change("the order renamed and said", ("      v: n *", "      w: n *"), ("order: v desc", "order: w desc"),
               ("      v: v\n", "      v: w\n"), evolve=block("best", "{columns: {w: {was: v}}}"),
               tables={"best.best": "converted"}),
        Change("the stage renamed and said", ("  best:", "  top:"), evolve=block("top", "{was: best}"),
               tables={"top.top": "renamed"}),
        Change("converted", evolve=block("best", "{columns: {v: {convert: v + n - n}}}"), tables={"best.best": "converted"}),
    )
    op = Operator(stream, "firsts", DEDUP, "select n, u from out", append=True)
    op.all(
        Change("as it was", tables={"firsts.firsts": "kept"}),
        Change("another time to know", ("ttl: 20h", "ttl: 25h"), tables={"firsts.firsts": "kept"}, says="holds from here on",
               query=""),
        Change("another key", ("by: [u]", "by: [k]"), fits=False),
        Change("no time to know", ("    ttl: 20h\n", ""), fits=False),
        Change("the stage renamed and said", ("  firsts:", "  once:"), ("    by:", "    parallelism: 2\n    by:"),
               evolve=block("once", "{was: firsts}"), tables={"once.once": "renamed"}),
    )


def scripts(stream):
    op = Operator(stream, "count", LUA, "select k, many, total from out")
    more = ("state: many bigint, total bigint", "state: many bigint, total bigint, extra bigint")
    op.all(
        Change("as it was", tables={"count.count": "kept"}),
        Change("a column added", more, tables={"count.count": "converted"}),
        Change("a column added with a default", more, ("(state.many or 0) + 1", "(state.many or 0) + (state.extra or 1)"),
               evolve=block("count", "{columns: {extra: {default: 1}}}"), tables={"count.count": "converted"}),
        Change("a column gone", ("many bigint, total bigint\n    schema", "many bigint\n    schema"),
               ("        state.total = (state.total or 0) + row.v\n", ""), (", state.total)", ", 0)"), fits=False, says="column 'total' would be lost"),
        Change("a column dropped", ("many bigint, total bigint\n    schema", "many bigint\n    schema"),
               ("        state.total = (state.total or 0) + row.v\n", ""), (", state.total)", ", 0)"),
               evolve=block("count", "{columns: {total: {drop: true}}}"), tables={"count.count": "converted"},
               query="select k, many, 0 from out", expect=lambda whole: [(k, many, 0) for k, many, _ in whole]),
        Change("a column renamed", ("state: many", "state: n"), ("state.many = (state.many", "state.n = (state.n"),
               ("row.k, state.many", "row.k, state.n"), evolve=block("count", "{columns: {n: {was: many}}}"),
               tables={"count.count": "converted"}),
        Change("a column of another type", ("state: many bigint", "state: many double"), fits=False,
               says="column 'many' was BIGINT and is DOUBLE now"),
    )


def series(stream):
    op = Operator(stream, "series", FILL, "select k, at, v from out", append=True)
    op.all(
        Change("as it was", tables={"series.series": "kept"}),
        Change("another step", ("every: 10s", "every: 20s"), fits=False, tables={"series.series": "incompatible"}),
        Change("the stage renamed and said", ("  series:", "  even:"), evolve=block("even", "{was: series}"),
               tables={"even.even": "renamed", "even.even_waiting": "renamed"}),
        Change("begun anew", ("every: 10s", "every: 20s"), evolve=block("series", "{drop: true}"), query=""),
    )
    op = Operator(stream, "rises", MATCH, "select k, first, last from out", append=True)
    op.all(
        Change("as it was", tables={"rises.rises": "kept"}),
        Change("another pattern", ("pattern: a b c", "pattern: a b+ c"), fits=False, tables={"rises.rises": "incompatible"}),
        Change("the stage renamed and said", ("  rises:", "  ups:"), evolve=block("ups", "{was: rises}"),
               tables={"ups.ups": "renamed"}),
        Change("a column of the input renamed and said", ("      v: n *", "      w: n *"), ("v > a.v", "w > a.w"),
               ("v > b.v", "w > b.w"), evolve=block("rises", "{columns: {w: {was: v}}}"), tables={"rises.rises": "converted"}),
    )



READ = """
pipeline: job
checkpoint: {interval: 50ms}
stages:
  lines: {run: read-file, parallelism: 1, path: IN/in.ndjson, schema: "n bigint, k bigint, v bigint"}
  slow: {run: throttle, rate: RATE}
  totals: {run: aggregate, by: [k], compute: {many: count(*), total: sum(v)}}
""" + TABLE


def sources(stream):
    """Of a file that is read: where it went on is where the other version goes on."""
    for name, first in (("in", 0), ("other", ROWS)):
        stream.write(f"{name}.ndjson", "".join(f'{{"n": {n}, "k": {n % 7}, "v": {n * 13 % 101}, "w": {n % 3}}}\n' for n in range(first, first + ROWS)))
    lines = [line.split(" ") for line in (f"{n} {n % 7} {n * 13 % 101}" for n in range(ROWS))]
    stream.write("in.csv", "n,k,v\n" + "".join(",".join(line) + "\n" for line in lines))
    op = Operator(stream, "lines", READ.replace("IN", str(stream.folder)), "select k, many, total from out")
    caught_then = caught(op, "sum(many) + (select count(*) from slow)")  # counted, or read and waiting
    schema = 'schema: "n bigint, k bigint, v bigint"'
    op.all(
        Change("as it was", tables={"totals.totals": "kept"}),
        Change("another path to the same file", ("in.ndjson", "i*.ndjson")),
        Change("another file", ("in.ndjson", "other.ndjson"), query="select sum(many) from out",
               expect=lambda _: [(2 * ROWS,)]),  # behind that one
        Change("another file and that one", ("in.ndjson", "*.ndjson"), ("parallelism: 1", "parallelism: 2"),
               query="select sum(many) from out", expect=lambda _: [(2 * ROWS,)]),
        Change("another format", ("in.ndjson", "in.csv"), fits=False, tables={"lines.paths": "incompatible"},
               says="it was of ndjson and is of csv now"),
        Change("another format, begun anew", ("in.ndjson", "in.csv"), evolve=block("lines", "{drop: true}"),
               query="select sum(many) from out", expect=lambda _: [(caught_then + ROWS,)]),
        Change("a column more", (schema, schema[:-1] + ', w bigint"')),
        Change("a column less", (schema, 'schema: "k bigint, v bigint"'), fits=False, tables={"slow.slow": "incompatible"},
               says="column 'n' would be lost"),
        Change("a column less on purpose", (schema, 'schema: "k bigint, v bigint"'),
               evolve=block("slow", "{columns: {n: {drop: true}}}"), tables={"slow.slow": "converted"}),
        Change("a wider type", (schema, schema.replace("v bigint", "v decimal(30,2)")), tables={"totals.totals": "converted"},
               query="select k, many, cast(total as integer) from out"),
        Change("another type", (schema, schema.replace("k bigint", "k varchar")), fits=False, tables={"totals.totals": "incompatible"},
               says="its key was (k BIGINT) and is (k VARCHAR) now"),
        Change("smaller splits", (", schema", ", split-size: 100KB, schema")),
        Change("several readers", ("parallelism: 1", "parallelism: 3")),
        Change("another program", ("{run: read-file, parallelism: 1, path: ", "{run: generate, rows: 9, columns: 'n, n % 7 as k, n as v'} #"), fits=False,
               says="it was read-file and is generate now"),
        Change("renamed", ("  lines:", "  input:"), evolve=block("input", "{was: lines}")),
        Change("begun anew", evolve=block("lines", "{drop: true}"), query="select sum(many) from out",
               expect=lambda _: [(caught_then + ROWS,)]),
    )


WRITE = MADE + """
  narrow: {run: select, columns: {n: n, k: k}}
  file: {run: write-file, path: rows.ndjson}
  sums: {run: aggregate, from: narrow, by: [k], compute: {many: count(*), last: max(n)}}
""" + TABLE


def sinks(stream):
    """Of what is final the rest goes to another place, of what changes that which changes."""
    op = Operator(stream, "table", WRITE, "select k, many, last from out", goes_on=True)
    fresh = "nothing of this job was written to"
    op.all(
        Change("as it was", tables={"sums.sums": "kept"}, rest="rows.ndjson"),
        Change("another table", ("table: out}", "table: other}"), query="select k, many, last from other", says=fresh),
        Change("another file", ("out.db", "other.db"), query="select 1 where 0", expect=lambda _: [], says=fresh),
        Change("a key of its own", ("table: out}", "table: out, key: [k]}")),
        Change("a column more", ("last: max(n)", "last: max(n), first: min(n)"), tables={"sums.sums": "converted"}),
        Change("a column called otherwise", ("last: max(n)", "latest: max(n)"), tables={"sums.sums": "converted"},
               query="select k, many, latest from out"),
        Change("another program", ("run: write-sqlite, path: out.db, table: out", "run: write-file, path: out.ndjson"), query="", says=fresh),
        Change("several of it", ("  table: {run", "  table: {parallelism: 2, run")),
        Change("two of it", ("  table:", "  again: {run: write-sqlite, from: sums, path: out.db, table: again}\n  table: {from: sums, "),
               ("{from: sums,  {", "{from: sums, "), query="select k, many, last from again", says=fresh),
        Change("another file of final rows", ("rows.ndjson", "others.ndjson"), rest="others.ndjson"),
        Change("another format of final rows", ("rows.ndjson", "rows.csv"), rest="rows.csv"),
    )


def newest(stream, job):
    return max((int(path.parent.name) for path in stream.home(job).glob("checkpoints/*/checkpoint.sqlite")), default=0)


def killed_after(stream, job, epoch):
    """Kills everything of the job once it has a checkpoint newer than that."""
    wait_until("a newer checkpoint", lambda: newest(stream, job) > epoch)
    stream.kill(stream.processes(job))
    wait_until("every process to end", lambda: not stream.processes(job))
    return newest(stream, job)


def a_block_that_stays_is_done_once(stream):
    """From checkpoints, with another parallelism; killed before the first checkpoint of the new plan, and after it."""
    evolve = block("per-k", "{was: totals, columns: {many: {convert: many + 1000000}, highest: {drop: true}}}")
    edits = [("  totals:\n", "  per-k:\n"), ("    by: [k]", "    parallelism: 2\n    by: [k]"),
             ("max(v)", "max(n)")]

    def write(rate, edited=True):
        text = AGGREGATE.replace("RATE", str(rate))
        for old, new in edits if edited else []:
            check(old in text, f"nothing to change: {old}")
            text = text.replace(old, new)
        stream.write("job.yaml", text + (evolve if edited else ""))

    write(SLOW, edited=False)
    stream.run("stream", "run", "-d", "job.yaml")
    first = killed_after(stream, "job", 1)
    write(SLOW)
    stream.run("stream", "check", "job.yaml", "--against", "job")
    stream.run("stream", "run", "-d", "job.yaml")
    stream.kill([pid for name, pid in stream.instances("job").items() if name == "per-k.1"])
    second = killed_after(stream, "job", first)
    check("converted" not in stream.run("stream", "check", "job.yaml", "--against", "job"), "it would be done again")
    stream.run("stream", "run", "-d", "job.yaml")
    killed_after(stream, "job", second)
    write(FAST)
    stream.run("stream", "run", "job.yaml")
    with sqlite3.connect(f"file:{stream.folder}/out.db?mode=ro", uri=True) as db:
        got = sorted(db.execute("select k, many, total, highest from out"))
    of = [range(k, ROWS, 7) for k in range(7)]
    wanted = [(k, len(n) + 1000000, sum(i * 13 % 101 for i in n), max(n)) for k, n in enumerate(of)]
    check(got == wanted, f"{got}\nis not\n{wanted}")


if __name__ == "__main__":
    main([aggregates, windows, sessions, joins, ranks, scripts, series, sources, sinks, a_block_that_stays_is_done_once])
