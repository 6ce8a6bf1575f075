"""Every wrong combination that `stream check` refuses: a table of manifests, and what is said of them where."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main  # noqa: E402

# Stands above every case; its stages begin on line 4.
HEAD = """pipeline: p
stages:
  in: {run: generate, columns: 'n, n % 3 as k, to_timestamp(n) as ts, cast(n as varchar) as s', time: ts}
"""

# What is wrong; the stages; the whole of standard error. FOLDER is the manifest's.
REFUSED = [
    ("changes into a table without a key",
     """  d: {run: top-n, order: n, limit: 3}
  out: {run: write-sqlite, path: x.db, table: t}
""",
     "m.yaml:5:3: stage 'out', option 'key': the input is a stream of changes without a key; name the columns that identify a row"),
    ("a window without event time",
     """  s: {run: select, columns: n}
  a: {run: aggregate, by: n, window: tumble 1m, compute: count(*) as c}
  out: {run: print}
""",
     "m.yaml:5:38: option 'window': a window needs event time, and the input has none; name the column that holds it, on the stage that reads the records: `time: COLUMN` in a manifest, --time COLUMN in a pipeline"),
    ("an unknown column",
     """  f: {run: filter, where: nn > 1}
  out: {run: print}
""",
     "m.yaml:4:27: option 'where': no column 'nn'; did you mean 'n'?"),
    ("types that do not compare",
     """  f: {run: filter, where: s > 1}
  out: {run: print}
""",
     "m.yaml:4:29: option 'where': operator does not exist: VARCHAR > BIGINT; convert one side: (…)::bigint"),
    ("a condition that is none",
     """  f: {run: filter, where: n}
  out: {run: print}
""",
     "m.yaml:4:27: option 'where': the condition is BIGINT, not BOOLEAN"),
    ("SQL that stops",
     """  f: {run: filter, where: n > }
  out: {run: print}
""",
     "m.yaml:4:30: option 'where': syntax error at end of input"),
    ("an unknown function",
     """  f: {run: select, columns: 'n, frob(n) as m'}
  out: {run: print}
""",
     "m.yaml:4:33: option 'columns': no function frob(); stream-expression(7) lists those there are"),
    ("an unknown column to group by",
     """  a: {run: aggregate, by: kk, compute: count(*) as c}
  out: {run: print}
""",
     "m.yaml:4:27: option 'by': no column 'kk'; did you mean 'k'?"),
    ("an unknown window",
     """  a: {run: aggregate, by: k, window: tumbel 1m, compute: count(*) as c}
  out: {run: print}
""",
     "m.yaml:4:38: option 'window': 'tumbel 1m' is not a window; did you mean 'tumble'?"),
    ("an aggregate of the wrong type",
     """  a: {run: aggregate, by: k, compute: sum(s) as c}
  out: {run: print}
""",
     "m.yaml:4:39: option 'compute': no aggregate sum(VARCHAR); convert it: sum((…)::bigint)"),
    ("dedup by an unknown column",
     """  d: {run: dedup, by: q}
  out: {run: print}
""",
     "m.yaml:4:23: option 'by': no column 'q'"),
    ("an order by an unknown column",
     """  d: {run: top-n, order: q, limit: 3}
  out: {run: print}
""",
     "m.yaml:4:26: option 'order': no column 'q'"),
    ("join inputs without names",
     """  b: {run: generate, columns: 'n, n % 3 as k'}
  j: {run: join, from: [in, b], on: l.k = r.k, columns: l.n}
  out: {run: print}
""",
     "m.yaml:5:25: 'join' needs named inputs, such as from: {a: in, b: other}"),
    ("a join without an equality",
     """  b: {run: generate, columns: 'n, n % 3 as k'}
  j: {run: join, from: {l: in, r: b}, on: l.k > r.k, columns: l.n}
  out: {run: print}
""",
     "m.yaml:5:43: option 'on': no column of 'l' is equal to one of 'r'; join by at least one pair of columns of one type, as in l.id = r.id"),
    ("an unknown column of a join",
     """  b: {run: generate, columns: 'n, n % 3 as k'}
  j: {run: join, from: {l: in, r: b}, on: l.k = r.kk, columns: l.n}
  out: {run: print}
""",
     "m.yaml:5:49: option 'on': no column 'kk'; did you mean 'k'?"),
    ("too many inputs",
     """  b: {run: generate, columns: 'n, n % 3 as k'}
  j: {run: join, from: {l: in, r: b, t: b}, on: l.k = r.kk, columns: l.n}
  out: {run: print}
""",
     "m.yaml:5:41: 'join' tells 2 inputs apart, not 3"),
    ("an unknown stage program",
     """  f: {run: fliter, where: n > 1}
  out: {run: print}
""",
     "m.yaml:4:12: there is no stage program 'fliter'; did you mean 'filter'?"),
    ("an unknown option",
     """  f: {run: filter, were: n > 1}
  out: {run: print}
""",
     "m.yaml:4:3: stage 'f' needs option 'where'\nm.yaml:4:20: 'filter' has no option 'were'; did you mean 'where'?"),
    ("a required option that is missing",
     """  f: {run: filter}
  out: {run: print}
""",
     "m.yaml:4:3: stage 'f' needs option 'where'"),
    ("a cycle",
     """  f: {run: filter, from: g, where: n > 1}
  g: {run: filter, from: f, where: n > 1}
  out: {run: print}
""",
     "m.yaml:5:26: the stages form a cycle: f -> g -> f"),
    ("an unknown stage",
     """  out: {run: print, from: im}
""",
     "m.yaml:4:27: no stage 'im'; did you mean 'in'?"),
    ("an output that does not exist",
     """  out: {run: print, from: in.late}
""",
     "m.yaml:4:27: stage 'in' has no output 'late'; it has out, errors"),
    ("nothing above but a sink",
     """  out: {run: print}
  more: {run: filter, where: n > 1}
""",
     "m.yaml:5:3: stage 'more' needs 'from': the stage above, 'out', is a sink and has no output"),
    ("a source with an input",
     """  out: {run: generate, from: in}
  more: {run: filter, where: n > 1}
""",
     "m.yaml:4:30: 'generate' is a source and takes no 'from'"),
    ("inputs that differ, merged",
     """  b: {run: generate, columns: 'n as m'}
  out: {run: print, from: [in, b]}
""",
     "m.yaml:5:32: 'b' cannot be merged: it has (m bigint), and 'in' has (n bigint, k bigint, ts timestamp, s varchar)"),
    ("a route that does not exist",
     """  r: {run: route, routes: {a: n > 1, b: else}}
  out: {run: print, from: r.c}
""",
     "m.yaml:5:27: stage 'r' has no output 'c'; it has out, a, b, errors"),
    ("no instances",
     """  f: {run: filter, where: n > 1, parallelism: 0}
  out: {run: print, parallelism: 4}
""",
     "m.yaml:4:47: 'parallelism': '0' is not a number from 1 to 1024"),
    ("a folder that does not exist",
     """  out: {run: write-sqlite, path: /nowhere/x.db, table: t}
""",
     "m.yaml:4:34: option 'path': unable to create '/nowhere/x.db': No such file or directory; make the folder '/nowhere' first"),
    ("an unknown choice",
     """  out: {run: write-file, path: x.ndjson, if-exists: replce}
""",
     "m.yaml:4:53: option 'if-exists': 'replce' is not one of append, replace, fail; did you mean 'replace'?"),
    ("a size that is none",
     """  out: {run: write-file, path: x.ndjson, roll-size: 3Q}
""",
     "m.yaml:4:53: option 'roll-size': '3Q' is not a size; write one like 64KiB, 128MiB or 1GB"),
    ("lateness without a window",
     """  a: {run: aggregate, by: k, lateness: 1h, compute: count(*) as c}
  out: {run: print}
""",
     "m.yaml:4:40: option 'lateness': there is no window that could be kept for late rows"),
    ("a time to live of a stage without state",
     """  f: {run: filter, where: n > 1, ttl: 1h}
  out: {run: print}
""",
     "m.yaml:4:34: 'filter' keeps no state that 'ttl' could end; leave it out, or give it to the stage whose state grows"),
    ("a time to live of windows",
     """  a: {run: aggregate, by: k, window: tumble 1m, ttl: 1h, compute: count(*) as c}
  out: {run: print}
""",
     "m.yaml:4:54: option 'ttl': a window is forgotten when it has ended; leave it out; `lateness` says how long a window is kept for late rows"),
    ("a time to live of groups that are told at the end",
     """  a: {run: aggregate, by: k, emit: final, ttl: 1h, compute: count(*) as c}
  out: {run: print}
""",
     "m.yaml:4:48: option 'ttl': a group that was forgotten would be missing when groups are told at the end; with `emit: updates` every change is told; with `window: session 1h` a group is told when it is over"),
    ("a time to live of nothing",
     """  a: {run: aggregate, by: k, ttl: 0s, compute: count(*) as c}
  out: {run: print}
""",
     "m.yaml:4:35: option 'ttl': it must be more than nothing"),
    ("a time to live of ranked windows",
     """  t: {run: top-n, by: ts, order: n, ttl: 1h}
  out: {run: print}
""",
     "m.yaml:4:42: option 'ttl': a group is forgotten once event time is past it; leave it out"),
    ("a time to live of an input that is not there",
     """  b: {run: generate, columns: 'n, n % 3 as k, to_timestamp(n) as ts', time: ts}
  j: {run: join, from: {a: in, b: b}, on: a.k = b.k, columns: a.n, ttl: {a: 1h, payments: 2h}}
  out: {run: print}
""",
     "m.yaml:5:73: option 'ttl': there is no input 'payments'"),
    ("the first of rows that change",
     """  a: {run: aggregate, by: k, compute: count(*) as c, parallelism: 2}
  b: {run: aggregate, by: c, compute: first(k) as m, parallelism: 2}
  out: {run: print}
""",
     "m.yaml:5:39: option 'compute': first(k) cannot be kept where rows are taken back: the input's rows may change; min and max can; or take the row with top-n"),
    ("a file that does not exist",
     """  src: {run: read-file, path: gone.ndjson}
  out: {run: print}
""",
     "m.yaml:4:31: option 'path': unable to open 'FOLDER/gone.ndjson': No such file or directory; if it comes later, give a schema, such as 'ts timestamp, n bigint'"),
    ("event time of the wrong type",
     """  src: {run: generate, columns: n, time: n}
  out: {run: print}
""",
     "m.yaml:4:42: option 'time': column 'n' is BIGINT, not TIMESTAMP; declare it in `schema:`"),
    ("event time of an unknown column",
     """  src: {run: generate, columns: n, time: ns}
  out: {run: print}
""",
     "m.yaml:4:42: option 'time': no column 'ns'; did you mean 'n'?"),
    ("a stage twice",
     """  out: {run: print}
  out: {run: print, from: in}
""",
     "m.yaml:5:3: duplicate key 'out'; it is on line 4 already"),
    ("a name that is none",
     """  Out: {run: print}
""",
     "m.yaml:4:3: 'Out' is not a name: a lower-case letter, then up to 31 letters, digits or '-'"),
    ("an unknown format",
     """  out: {run: print, format: jsno}
""",
     "m.yaml:4:29: option 'format': 'jsno' is not one of ndjson, table, csv"),
    ("changes spread by another key",
     """  d: {run: dedup, by: k, keep: last}
  e: {run: top-n, by: s, order: n, limit: 2, parallelism: 2}
  out: {run: write-file, path: o/}
""",
     "m.yaml:5:3: stage 'e' cannot read 'd': its rows may change and have the unique key (k), but 'e' wants them spread by (s): changes of one row could arrive in either order; set parallelism to 1 or use that key"),
]

# Allowed, with a warning.
WARNED = [
    ("a join without bounds",
     "  b: {run: generate, columns: 'n, n % 3 as k'}\n  j: {run: join, from: {l: in, r: b}, on: l.k = r.k, columns: l.n}\n  out: {run: print}\n",
     "m.yaml:5:3: stage 'j': all rows of 'l' and 'r' are kept for ever; bound the difference of their times in 'on', or give a 'ttl'"),
    ("rows that nothing reads",
     "  f: {run: filter, where: n > 1}\n  out: {run: print, from: in}\n",
     "m.yaml:4:3: stage 'f': nothing reads its output"),
    ("a table by another key than that of the changes",
     "  a: {run: aggregate, by: [k, s], compute: count(*) as c}\n  out: {run: write-sqlite, path: x.db, table: t, key: k}\n",
     "m.yaml:5:3: stage 'out': the input has one row for each (k, s), the table one for each key (k): unless that tells the same rows apart, rows overwrite each other"),
    ("reading options behind a stage",
     "  f: {run: filter, where: n > 1, time: ts}\n  out: {run: print}\n",
     "m.yaml:4:40: option 'time' has no effect behind another stage; give it to the source"),
]


def every_wrong_combination_is_refused_where_it_stands(stream):
    for what, stages, expected in REFUSED:
        stream.write("m.yaml", HEAD + stages)
        stream.run("stream", "check", "m.yaml", expect=1)
        check(stream.last_stderr.strip() == expected.replace("FOLDER", str(stream.folder)), f"{what}:\n{stages}{stream.last_stderr}")
        stream.run("stream", "run", "m.yaml", expect=100)
        check(stream.last_stderr.strip() == expected.replace("FOLDER", str(stream.folder)), f"run, {what}:\n{stages}{stream.last_stderr}")
        problems = json.loads(stream.run("stream", "check", "--json", "m.yaml", expect=1))["problems"]
        said = [f"{p['file']}:{p['line']}:{p['column']}: {p['message']}" for p in problems]
        check(said == expected.replace("FOLDER", str(stream.folder)).split("\n"), f"--json, {what}: {said}")


def what_is_doubtful_is_warned_of(stream):
    for what, stages, expected in WARNED:
        stream.write("m.yaml", HEAD + stages)
        stream.run("stream", "check", "m.yaml")
        check(f"p: warning: {expected}" in stream.last_stderr.splitlines(), f"{what}: {stream.last_stderr}")


# The key of the changes, whole or with more; rows that are only added, by whatever key; changes that have none.
NOT_WARNED = ["  a: {run: aggregate, by: [k, s], compute: count(*) as c}\n  out: {run: write-sqlite, path: x.db, table: t, key: [s, k]}\n",
              "  a: {run: aggregate, by: k, compute: max(n) as s}\n  out: {run: write-sqlite, path: x.db, table: t, key: [s, k]}\n",
              "  out: {run: write-sqlite, path: x.db, table: t, key: k}\n",
              "  a: {run: aggregate, compute: count(*) as c}\n  out: {run: write-sqlite, path: x.db, table: t, key: c}\n"]


def what_is_right_is_not_warned_of(stream):
    for stages in NOT_WARNED:
        stream.write("m.yaml", HEAD + stages)
        stream.run("stream", "check", "m.yaml")
        check("warning" not in stream.last_stderr, f"{stages}{stream.last_stderr}")


main([every_wrong_combination_is_refused_where_it_stands, what_is_doubtful_is_warned_of, what_is_right_is_not_warned_of])
