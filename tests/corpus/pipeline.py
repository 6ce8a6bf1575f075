"""The pipeline whose savepoints are kept, and its input: a function of nothing, so that it need not be kept."""

import json

ROWS = 3000
HALF = 1800  # what had been read when a savepoint was made
HEAD = """pipeline: kept
checkpoint: {interval: 100ms}
stages:
  rows: {run: read-file, path: in.ndjson, follow: true, time: ts, out-of-order: 5s, schema: 'ts timestamp, id bigint, k bigint, n bigint, s varchar'}
"""

# Every kind of state: per key, per window, sessions, both sides of a join, first rows, ranks, rows held back, patterns.
STAGES = {
    "totals": ("{run: aggregate, from: rows, by: [k], compute: 'count(*) as c, sum(n) as total, max(s) as last'}", "k"),
    "windows": ("{run: aggregate, from: rows, by: [k], window: tumble 1m, compute: 'count(*) as c, count(distinct n) as d'}", "k, window_start"),
    "minutes": ("{run: aggregate, from: rows, by: [k], window: tumble 1m, compute: 'count(*) as c, min(n) as least'}", "k, window_start"),
    "sessions": ("{run: aggregate, from: rows, by: [k], window: session 20s, compute: 'sum(n) as total'}", ""),
    "top": ("{run: top-n, from: rows, by: [k], order: 'n desc, id', limit: 2, rank: place}", "k, place"),
    "first": ("{run: dedup, from: rows, by: [s]}", ""),
    "joined": ("{run: join, from: {a: rows, b: rows}, columns: 'a.id as one, b.id as two', "
               "on: \"a.s = b.s and b.ts between a.ts and a.ts + interval '10 seconds'\"}", ""),
    "ordered": ("{run: sort, from: rows}", ""),
    "pairs": ("{run: match, from: rows, by: [k], within: 1m, define: 'n < 10 as small, n > 80 as big', "
              "measures: 'small.id as one, big.id as two', pattern: 'small big'}", ""),
}
# From before anything was released: without 'splits.records', and with another way to count distinct values.
EARLY = ["totals", "minutes", "sessions", "top", "first", "joined"]


def rows(begin, end):
    lines = []
    for i in range(begin, end):
        second = i // 10 * 3 + (i * 7) % 5
        lines.append(json.dumps({"ts": f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z", "id": i, "k": i * 13 % 17,
                                 "n": i * 31 % 97, "s": f"s{i * 11 % 400}"}))
    return "\n".join(lines) + "\n"


def manifest(stages):
    """Each stage writes a table of its own name."""
    text = HEAD
    for name in stages:
        spec, key = STAGES[name]
        keyed = f"key: [{key}]" if key else "if-exists: append"
        text += f"  {name}: {spec}\n  to-{name}: {{run: write-sqlite, path: out.db, table: {name}, {keyed}}}\n"
    return text
