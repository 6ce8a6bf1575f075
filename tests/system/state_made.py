"""Savepoints made of others, or of nothing: stream state new, merge, split; what is killed meanwhile can be done again."""

import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

# An aggregate, a top-n, a join and a window behind a dedup: each keeps something of the first half of its input.
PIPELINE = """pipeline: kept
checkpoint: {interval: 100ms}
parameters: {half: {type: varchar, default: first}, follow: {type: boolean, default: false}}
stages:
  visits:
    run: read-file
    path: "${half}.ndjson"
    follow: "${follow}"
    time: ts
    schema: "id bigint, host varchar, ms bigint, price decimal(10,2), ts timestamp"
  owners: {run: read-file, path: "${half}-owners.ndjson", follow: "${follow}", schema: "host varchar, owner varchar"}
  once: {run: dedup, from: visits, by: id}
  totals:
    run: aggregate
    by: host
    compute: "count(*) as n, sum(ms) as ms, avg(ms) as mean, min(price) as low, max(ts) as last"
    parallelism: 2
  out: {run: write-sqlite, path: "${half}.db", table: totals, key: host}
  best: {run: top-n, from: once, by: host, order: ms desc, limit: 2}
  best-out: {run: write-sqlite, path: "${half}.db", table: best, key: "host, id"}
  owned: {run: join, from: {v: once, o: owners}, on: v.host = o.host, columns: "v.id, o.owner"}
  owned-out: {run: write-sqlite, path: "${half}.db", table: owned, key: "id, owner"}
"""
TABLES = ["once", "totals", "best", "owned_o", "owned_v"]
ROWS = 200


def visit(n):
    return {"id": n % 150, "host": f"h{n % 7}", "ms": n * 37 % 101, "price": None if n % 5 == 0 else f"{n}.50", "ts": f"2024-01-01T00:{n // 60:02d}:{n % 60:02d}Z"}


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def give_input(stream):
    stream.write("kept.yaml", PIPELINE)
    for name, first, end in (("first", 0, ROWS // 2), ("second", ROWS // 2, ROWS), ("all", 0, ROWS)):
        stream.write(f"{name}.ndjson", lines(visit(n) for n in range(first, end)))
        halves = [half for half in ("first", "second") if name in (half, "all")]
        stream.write(f"{name}-owners.ndjson", lines({"host": f"h{n}", "owner": f"{half} {n}"} for half in halves for n in range(3)))


def ask(stream, ref, sql):
    return [json.loads(line) for line in stream.run("stream", "state", "query", "--json", ref, sql).splitlines()]


def checkpointed(stream, job):
    return list(stream.home(job).glob("checkpoints/*/checkpoint.sqlite"))


def first_half(stream):
    """A savepoint behind the first half, and its results."""
    give_input(stream)
    stream.run("stream", "run", "-d", "kept.yaml", "-p", "follow=true")
    wanted = [{"n": ROWS // 2 * 3 + 3}]
    sql = "select (select count(*) from once) + (select sum(n) from totals) + (select count(*) from owned_v) + (select count(*) from owned_o) as n"
    wait_until("the first half", lambda: checkpointed(stream, "kept") and ask(stream, "kept", sql) == wanted)
    return stream.run("stream", "stop", "kept").strip()


def results(stream, name):
    with sqlite3.connect(stream.folder / f"{name}.db") as db:
        return {table: sorted(db.execute(f"select * from {table}").fetchall(), key=str) for table in ("totals", "best", "owned")}


def results_of_one_run(stream):
    stream.run("stream", "run", "kept.yaml", "--name", "whole", "-p", "half=all")
    return results(stream, "all")


def second_half(stream, savepoint, *more):
    """Results of a job that begins with the state, over those of the first half."""
    shutil.copy(stream.folder / "first.db", stream.folder / "second.db")
    stream.run("stream", "run", "kept.yaml", "--name", f"goes-on-{len(more)}", "-p", "half=second", "--from", savepoint, *more)
    return results(stream, "second")


def exported(stream, savepoint, table, form):
    path = stream.folder / f"{table}.{form}"
    path.write_text(stream.run("stream", "state", "export", savepoint, table, "--format", form))
    return path


def given(stream, savepoint, to):
    """The same state, of rows: what the job has counted is counted in a database instead."""
    with sqlite3.connect(stream.folder / "old.db") as db:
        db.execute("create table if not exists visits (id, host, ms, price, ts)")
        db.execute("delete from visits")
        db.executemany("insert into visits values (:id, :host, :ms, :price, :ts)", [visit(n) for n in range(ROWS // 2)])
    totals = ("totals=old.db select host, count(*) as n, sum(ms) as ms, sum(ms) as mean_sum, count(*) as mean_count, "
              "min(cast(price as real)) as low, max(ts) as last from visits group by host")
    tables = [f"--table=once={exported(stream, savepoint, 'once', 'csv')}", f"--table={totals}"]
    tables += [f"--table={table}={exported(stream, savepoint, table, 'json')}" for table in ("best", "owned_o", "owned_v")]
    return stream.run("stream", "state", "new", "kept.yaml", "--to", to, *tables).strip()


def state_given_is_as_good_as_state_computed(stream):
    savepoint = first_half(stream)
    path = given(stream, savepoint, "given")
    check(path == str(stream.folder / "given"), path)
    check("once: 100 rows" in stream.last_stderr and "totals: 7 rows" in stream.last_stderr, stream.last_stderr)
    for table in TABLES:
        rows = f"select * from {table} order by {'1' if table in ('once', 'totals') else '1, 2'}"
        check(ask(stream, "given", rows) == ask(stream, savepoint, rows), table)
    wanted = results_of_one_run(stream)
    for more in ([], ["--set", "stages.totals.parallelism=3", "--set", "stages.best.parallelism=2"]):
        found = second_half(stream, "given", *more)
        check(found == wanted, f"{more}: {found} {wanted}")
    check(sum(row[1] for row in wanted["totals"]) == 150 and wanted != results(stream, "first"), f"{wanted['totals']}")


def rows_that_fit_no_table_are_refused_at_their_place(stream):
    give_input(stream)
    good = "host,n,ms,mean_sum,mean_count,low,last\n"
    for name, text, table, words in [
            ("a.csv", good.replace("n,", "", 1) + "a,1,1,1,1.5,\n", "totals", "a.csv:2: there is no 'n', which state table 'totals' needs as BIGINT (count(*))"),
            ("b.csv", good + "a,1,1,1,1,,\nb,many,1,1,1,,\n", "totals", "b.csv:3: column 'n' is BIGINT and cannot hold 'many'"),
            ("c.csv", good + "a,1,1,1,1,1.234,\n", "totals", "c.csv:2: column 'low' is DECIMAL(10,2) and cannot hold '1.234'"),
            ("d.csv", good + "a,1,1,1,1,,\n\na,2,1,1,1,,\n", "totals", "d.csv:4: a row of 'totals' with the key host=a was there before"),
            ("e.csv", good + ",1,1,1,1,,\n,2,1,1,1,,\n", "totals", "e.csv:3: a row of 'totals' with the key host=NULL was there before"),
            ("f.csv", good + "a,1\n", "totals", "f.csv:2: 2 fields under a header of 7"),
            ("g.csv", good + 'a,1,1,1,1,,"2024\n', "totals", "g.csv:2: a quote is not closed"),
            ("h.ndjson", '{"id": 1}\n{"idd": 2}\n', "once", "h.ndjson:2: state table 'once' has no column 'idd'; did you mean 'id'?"),
            ("i.ndjson", '{"id": 1}\n{"id": 2\n', "once", "i.ndjson:2: this is no JSON"),
            ("j.ndjson", '{"id": 1.5}\n', "once", "column 'id' is BIGINT and cannot hold '1.5'"),
            ("k.csv", "", "once", "'k.csv' is empty"), ("l.csv", "id\n1\n", "onc", "there is no state table 'onc'; did you mean 'once'?"),
            ("m.csv", good.replace("n,", "n,") + "a,,1,1,1,,\n", "totals", "column 'n' counts, so that it cannot be NULL; give 0")]:
        stream.write(name, text)
        stream.run("stream", "state", "new", "kept.yaml", "--to", "made", "--table", f"{table}={name}", expect=100)
        check(words in stream.last_stderr, f"{name}: {stream.last_stderr}")
        check(stream.last_stderr.count("\n") == 1, stream.last_stderr)
        left = [entry.name for entry in stream.folder.iterdir() if "made" in entry.name]
        check(not left, f"{name}: left {left}")
    with sqlite3.connect(stream.folder / "old.db") as db:
        db.execute("create table once (id)")
    for args, words in [(["--table", "once"], "is not TABLE=FILE"), ([], "there is visits.splits, visits.paths, owners.splits, owners.paths, once, totals"),
                        (["--table", "once=absent.csv"], "unable to open 'absent.csv': No such file"), (["--table", "once=l.csv select 1"], "is no SQLite database"),
                        (["--table", "once=l.csv", "--table", "once=l.csv"], "is given twice"), (["--table", "once=old.db select * from absent"], "no such table: absent"),
                        (["--table", "once=old.db delete from once"], "unable to open")]:
        stream.run("stream", "state", "new", "kept.yaml", "--to", "made", *args, expect=100)
        check(words in stream.last_stderr, f"{args}: {stream.last_stderr}")
    stream.run("stream", "state", "new", "kept.yaml", "--table", "once=l.csv", expect=100)
    check("--to is missing" in stream.last_stderr, stream.last_stderr)
    shown = stream.run("stream", "state", "new", "kept.yaml", "--columns")
    check("value  n BIGINT  = count(*)" in shown and "holds  keys seen" in shown, shown)
    listed = [json.loads(line)["table"] for line in stream.run("stream", "state", "new", "kept.yaml", "--columns", "--json").splitlines()]
    check(set(TABLES) <= set(listed), f"{listed}")


VALUES = """pipeline: values
stages:
  rows: {run: read-file, path: v.ndjson, schema: "k varchar, b boolean, d double, c decimal(12,3), t timestamp, y date, j json, x blob, i bigint"}
  newest: {run: top-n, by: k, order: i desc, limit: 1}
  out: {run: write-file, path: out.ndjson}
"""


def values_of_every_type_go_out_and_in(stream):
    stream.write("values.yaml", VALUES)
    stream.write("v.ndjson", "")
    stream.write("v.csv", 'k,b,d,c,t,y,j,x,i\n'
                 '"a ""quoted"", text\nof two lines",true,1e300,12.5,2024-01-31 12:00,2024-02-29,"{""a"":[1,""x""]}",00ff,-9223372036854775808\n'
                 '"",f,-0.5,-1,2024-01-31T12:00:00.5+02:00,0001-01-01,false,"",1\n'
                 ',,,,,,,,\n'
                 'ünï,0,inf,999999999.999,2024-01-31,9999-12-31,"""text""",deadbeef,9223372036854775807\n')
    stream.run("stream", "state", "new", "values.yaml", "--to", "made", "--table", "newest=v.csv")
    rows = ask(stream, "made", "select * from newest order by arrival")
    check([row["arrival"] for row in rows] == [0, 1, 2, 3], f"{rows}")
    first, second, third, fourth = rows
    check((first["k"], first["b"], first["c"], first["t"], first["j"], first["x"], first["i"]) ==
          ('a "quoted", text\nof two lines', True, "12.500", "2024-01-31T12:00:00.000000Z", {"a": [1, "x"]}, "00ff", -2**63), f"{first}")
    check((second["k"], second["t"], second["c"], second["x"], second["y"], second["j"]) == ("", "2024-01-31T10:00:00.500000Z", "-1.000", "", "0001-01-01", False), f"{second}")
    check(all(third[name] is None for name in third if name != "arrival"), f"{third}")
    check((fourth["d"], fourth["c"], fourth["i"], fourth["j"]) == ("inf", "999999999.999", 2**63 - 1, "text"), f"{fourth}")
    for form in ("csv", "json"):
        again = stream.folder / f"again.{form}"
        again.write_text(stream.run("stream", "state", "export", "made", "newest", "--format", form))
        stream.run("stream", "state", "new", "values.yaml", "--to", f"made-{form}", "--table", f"newest={again}")
        differences = stream.run("stream", "state", "diff", "--all", "made", f"made-{form}", expect=None)
        check(not differences, f"{form}: {differences}")


def parts_merged_are_the_whole(stream):
    savepoint = first_half(stream)
    for name, more, copied in [("shares", ["--to", "a", "--to", "b", "--to", "c"], False),
                               ("one-host", ["--to", "a", "--to", "b", "--where", "host = 'h1'", "--copy", "once"], True),
                               ("hosts", ["--to", "a", "--to", "b", "--to", "c", "--single-file", "--where", "host = 'h1'", "--where", "host > 'h3' or null", "--copy", "once"], True)]:
        parts = [json.loads(line) for line in stream.run("stream", "state", "split", savepoint, "--json", *more).splitlines()]
        counts = [ask(stream, part["path"], "select (select count(*) from totals) as hosts, (select count(*) from once) as ids")[0] for part in parts]
        check(sum(count["hosts"] for count in counts) == 7, f"{name}: {counts}")
        check(sum(count["ids"] for count in counts) == (100 * len(parts) if copied else 100), f"{name}: {counts}")
        stream.run("stream", "state", "split", savepoint, *more)
        check(stream.last_stderr.count("was there already") == len(parts), stream.last_stderr)
        paths = [part["path"] for part in parts]
        if copied:
            stream.run("stream", "state", "merge", *paths, "--to", "merged", expect=1)
            check("100 keys of" in stream.last_stderr and "  once: id=" in stream.last_stderr, stream.last_stderr)
        merged = json.loads(stream.run("stream", "state", "merge", "--json", *paths, "--to", "merged", "--on-conflict", "first").splitlines()[0])
        check(merged["conflicts"] == (100 * (len(parts) - 1) if copied else 0), f"{merged}")
        stream.run("stream", "state", "diff", "--all", savepoint, "merged")
        check(second_half(stream, without_positions(stream, "merged", name)) == second_half(stream, without_positions(stream, savepoint, name + "-1")), name)
        for path in [*paths, stream.folder / "merged"]:
            stream.run("stream", "savepoint", "--delete", path)


def without_positions(stream, savepoint, name):
    """For a job that reads the other files: stages of which nothing is known begin anew."""
    tables = [f"--table={table}={exported(stream, savepoint, table, 'json')}" for table in TABLES]
    return stream.run("stream", "state", "new", "kept.yaml", "--to", f"state-{name}", *tables).strip()


def a_part_goes_on_alone(stream):
    """One host moves to another job; both go on, and together they are what one job would be."""
    savepoint = first_half(stream)
    stream.run("stream", "cancel", "kept")  # gives up the file that the others go on with
    stream.run("stream", "state", "split", savepoint, "--where", "host = 'h1'", "--copy", "once", "--to", "one", "--to", "rest")
    wanted = results_of_one_run(stream)["totals"]
    found = []
    for part, theirs in (("one", lambda host: host == "h1"), ("rest", lambda host: host != "h1")):
        shutil.copy(stream.folder / "first.db", stream.folder / "second.db")
        with open(stream.folder / "first.ndjson", "a", encoding="utf-8") as file:  # the same file has grown, and is read on
            file.truncate(len(lines(visit(n) for n in range(ROWS // 2)).encode()))
            file.write(lines(visit(n) for n in range(ROWS // 2, ROWS) if theirs(visit(n)["host"])))
        stream.run("stream", "run", "-d", "kept.yaml", "--name", part, "-p", "follow=true", "--from", part)
        rows = sum(theirs(row[0]) * row[1] for row in wanted)
        wait_until(part, lambda: checkpointed(stream, part) and ask(stream, part, "select sum(n) as n from totals") == [{"n": rows}])
        stream.run("stream", "stop", part)
        found += [row for row in results(stream, "first")["totals"] if theirs(row[0])]
    check(sorted(found) == wanted, f"{found} {wanted}")


def what_cannot_be_split_or_merged_is_refused(stream):
    savepoint = first_half(stream)
    both = ["--to", "a", "--to", "b"]
    for args, words in [(["--to", "a"], "give --to twice"), ([*both, "--where", "host = 1", "--where", "1"], "2 parts need 1 conditions"),
                        ([*both, "--where", "host = 'a'"], "'--copy once' gives the table to every part"), (["--to", "a", "--to", "./a"], "is given twice"),
                        ([*both, "--copy", "onc"], "did you mean 'once'?"), ([*both, "--copy", "once", "--where", "n > 3"], "rows of 'totals' are placed by host"),
                        ([*both, "--copy", "once", "--copy", "totals", "--where", "arrival = 3 and host = 'a'"], "rows of 'best' are placed by host"),
                        ([*both, "--copy", "once", "--where", "random() > 0"], "needs 'random()'"), (["--to", savepoint, "--to", "b"], "was there already"),
                        ([*both, "--where", "host = "], "syntax error")]:
        if words == "was there already":
            words = "is not what would be made"
        stream.run("stream", "state", "split", savepoint, *args, expect=100)
        check(words in stream.last_stderr, f"{args}: {stream.last_stderr}")
        left = [entry.name for entry in stream.folder.iterdir() if entry.name.strip(".").startswith(("a.", "b.")) or entry.name in "ab"]
        check(not left, f"{args}: left {left}")
    stream.run("stream", "state", "reshard", savepoint, "--key-groups", "64", "--to", "other")
    stream.write("id.csv", "id\n7\n8000\n")
    stream.write("other.yaml", PIPELINE.replace("by: id}", "by: host}"))
    stream.run("stream", "state", "new", "kept.yaml", "--to", "ids", "--table", "once=id.csv")
    stream.run("stream", "state", "new", "other.yaml", "--to", "hosts", "--table", "totals=old.db", expect=100)
    stream.write("host.csv", "host\n7\n")
    stream.run("stream", "state", "new", "other.yaml", "--to", "hosts", "--table", "once=host.csv")
    for args, code, words in [([savepoint], 100, "name two savepoints"), ([savepoint, "other"], 100, "'stream state reshard' changes that"),
                              ([savepoint, "hosts"], 100, "is of another pipeline than"), ([savepoint, "ids"], 1, "1 key of 'ids' are in those before it too"),
                              ([savepoint, savepoint], 1, "  once: id=")]:
        stream.run("stream", "state", "merge", *args, "--to", "merged", expect=code)
        check(words in stream.last_stderr, f"{args}: {stream.last_stderr}")
    merged = stream.run("stream", "state", "merge", savepoint, "ids", "--to", "merged", "--on-conflict", "last").strip()
    check(ask(stream, merged, "select count(*) as n from once") == [{"n": 101}], "one id more")


def what_is_killed_can_be_done_again(stream):
    """Whatever moment it is: what is there is whole, nothing else is left, and the same command ends as it would have."""
    savepoint = first_half(stream)
    before = {path.name: path.read_bytes() for path in pathlib.Path(savepoint).iterdir()}
    stream.run("stream", "state", "split", savepoint, "--to", "p1", "--to", "p2")
    exported(stream, savepoint, "once", "csv")
    pick = random.Random(7)
    for verb, made, args in [("split", ["x", "y"], [savepoint, "--to", "x", "--to", "y"]), ("merge", ["x"], ["p1", "p2", "--to", "x"]),
                             ("edit", ["x"], [savepoint, "delete from totals where host = 'h1'", "--to", "x"]),
                             ("reshard", ["x"], [savepoint, "--key-groups", "64", "--to", "x", "--single-file"]),
                             ("new", ["x"], ["kept.yaml", "--to", "x", "--table", "once=once.csv"])]:
        began = time.monotonic()
        stream.run("stream", "state", verb, *args)
        took = time.monotonic() - began
        for path in made:
            os.rename(stream.folder / path, stream.folder / f"undisturbed-{verb}-{path}")
        for _ in range(8):
            process = stream.start("stream", "state", verb, *args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=pick.random() * took)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for path in made:
                if (stream.folder / path).exists():
                    stream.run("stream", "state", "ls", path)
            if verb != "split":
                remove(stream, made)
        stream.run("stream", "state", verb, *args)
        check({path.name: path.read_bytes() for path in pathlib.Path(savepoint).iterdir()} == before, f"{verb}: the source is as it was")
        for path in made:
            check(not stream.run("stream", "state", "diff", "--all", f"undisturbed-{verb}-{path}", path), f"{verb}: {path} is another")
        left = [entry.name for entry in stream.folder.iterdir() if entry.name.strip(".").startswith(("x", "y")) and entry.name not in made]
        check(not left, f"{verb}: left {left}")
        remove(stream, made)


def remove(stream, made):
    for name in made:
        path = stream.folder / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


if __name__ == "__main__":
    main([state_given_is_as_good_as_state_computed, rows_that_fit_no_table_are_refused_at_their_place, values_of_every_type_go_out_and_in,
          parts_merged_are_the_whole, a_part_goes_on_alone, what_cannot_be_split_or_merged_is_refused, what_is_killed_can_be_done_again])
