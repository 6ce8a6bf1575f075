"""Rows looked up in real files and databases, while those change, whoever is killed."""

import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, kill_while_it_runs, main, wait_until  # noqa: E402
from postgres import Postgres, newest_programs  # noqa: E402

# Everything that comes is looked up in a table that stays, by key in a cache and in the whole.
ENRICHED = """
pipeline: enriched
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 200}
stages:
  made: {run: generate, rows: 30000, rate: 15000, columns: "n, (n * 7919) % 1200 as k"}
  whole: {run: lookup, from: made, PLACE, as: c, kind: left, on: input.k = c.id, columns: "n, c.name, c.born, c.score", parallelism: 2}
  whole-table: {run: write-sqlite, path: out.db, table: whole, if-exists: replace}
  cached: {run: lookup, from: made, PLACE, as: c, cache: 300, expire: 1s, on: k = c.id and c.score > 1, columns: "n, c.name, c.born, c.score", parallelism: 2}
  cached-table: {run: write-sqlite, path: out.db, table: cached, if-exists: replace}
"""


def customers():
    """id, name, born, score: more than one row of some ids, none of others."""
    for i in range(1500):
        if i % 5:
            yield i % 1000, f"name {i}", f"19{i % 90 + 10}-03-0{i % 9 + 1}", None if i % 11 == 0 else i / 8


def expected():
    by_id = {}
    for row in customers():
        by_id.setdefault(row[0], []).append(row[1:])
    whole, cached = [], []
    for n in range(30000):
        found = by_id.get(n * 7919 % 1200, [])
        whole += [(n, *row) for row in found or [(None, None, None)]]
        cached += [(n, *row) for row in found if row[2] is not None and row[2] > 1]
    return {"whole": whole, "cached": cached}


def check_enriched(stream):
    with sqlite3.connect(stream.folder / "out.db") as db:
        for table, wanted in expected().items():
            found = db.execute(f"select * from {table}").fetchall()
            key = str
            check(sorted(found, key=key) == sorted(wanted, key=key),
                  f"{table}: {len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted), key=key)[:4]}")


def make_customers(path):
    with sqlite3.connect(path) as db:
        db.execute("create table customer (id integer, name varchar(20), born date, score real)")
        db.executemany("insert into customer values (?, ?, ?, ?)", customers())
        db.execute("create index customer_id on customer (id)")


def enriched(stream, place, **environment):
    stream.environment.update(environment)
    stream.write("enriched.yaml", ENRICHED.replace("PLACE", place))
    job = stream.start("stream", "run", "--fresh", "enriched.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "enriched", random.Random(3), 4)
    check(kills >= 2, f"only {kills} kills")
    check_enriched(stream)


def rows_get_what_an_sqlite_table_has_whoever_is_killed(stream):
    make_customers(stream.folder / "customers.db")
    enriched(stream, "path: customers.db, table: customer")


def rows_get_what_a_postgres_table_has_whoever_is_killed(stream):
    if newest_programs() is None:
        print("        skipped: PostgreSQL is not installed")
        return
    with Postgres() as server:
        server.psql("create table customer (id integer, name varchar(20), born date, score double precision)")
        lines = ["\t".join("\\N" if value is None else str(value) for value in row) for row in customers()]
        server.psql("copy customer from stdin;\n" + "\n".join(lines) + "\n\\.\ncreate index on customer (id);")
        stop = threading.Event()
        crashes = threading.Thread(target=crash_twice, args=(server, stop))
        crashes.start()
        try:
            enriched(stream, 'dsn: "env:PG_OF_TEST", table: public.customer', PG_OF_TEST=server.dsn)
        finally:
            stop.set()
            crashes.join()
        refuses_what_is_not_there(stream, server)


def crash_twice(server, stop):
    """The server dies and comes back while the job runs."""
    for _ in range(2):
        if stop.wait(0.7):
            return
        server.crash()


def refuses_what_is_not_there(stream, server):
    for place, code, says in [
            ('dsn: "env:PG_OF_TEST", table: custmer', 1, 'option \'table\': PostgreSQL \''),
            ('dsn: "env:PG_OF_TEST", query: "select 1 as id; drop table customer"', 1, "option 'query': PostgreSQL '"),
            ('dsn: "env:NO_PG", table: customer', 1, "option 'dsn': the environment variable 'NO_PG' is not set")]:
        stream.write("wrong.yaml", ENRICHED.replace("PLACE", place))
        stream.run("stream", "check", "wrong.yaml", expect=code)
        check(says in stream.last_stderr, stream.last_stderr)
    check(server.rows("select count(*) from customer") == ["1200"], "the table is gone")
    stream.environment["PG_OF_TEST"] = "host=/nowhere user=u password=hush"
    stream.run("stream", "check", "wrong.yaml", expect=1)
    text = ENRICHED.replace("PLACE", 'dsn: "env:PG_OF_TEST", table: customer')
    stream.write("wrong.yaml", text)
    stream.run("stream", "check", "wrong.yaml", expect=1)
    check("if it comes later, say what its columns are: reference-schema" in stream.last_stderr, stream.last_stderr)
    check("hush" not in stream.last_stderr, "the password is told")
    text = text.replace("as: c,", 'as: c, reference-schema: "id bigint, name varchar, born date, score double precision",')
    stream.write("wrong.yaml", text)
    stream.run("stream", "check", "wrong.yaml")


CHANGING = """
pipeline: changing
checkpoint: {interval: 100ms}
stages:
  made: {run: generate, rows: 100000000, rate: 500, columns: "n, n % 3 as k"}
  found: {run: lookup, PLACE, refresh: 50ms, kind: left, on: k = r.id, as: r, columns: "n, r.name"}
  out: {run: write-file, path: out.ndjson, if-exists: replace}
"""


def last_names(stream, count=30):
    try:
        lines = (stream.folder / "out.ndjson").read_text().splitlines()[-count:]
    except OSError:
        return set()
    return {json.loads(line)["name"] for line in lines}


def replace(path, text):
    aside = path.with_suffix(".new")
    aside.write_text(text)
    os.replace(aside, path)


def table_of(name):
    return "id,name\n" + "".join(f"{i},{name}\n" for i in range(3))


def a_file_that_changes_is_read_again(stream):
    path = stream.folder / "r.csv"
    path.write_text(table_of("one"))
    stream.write("changing.yaml", CHANGING.replace("PLACE", "path: r.csv"))
    job = stream.start("stream", "run", "changing.yaml", stderr=subprocess.PIPE)
    wait_until("the first", lambda: last_names(stream) == {"one"})
    replace(path, table_of("two"))
    wait_until("the second", lambda: last_names(stream) == {"two"})
    path.write_text(table_of("now"))  # in place, with the same size
    wait_until("the third", lambda: last_names(stream) == {"now"})
    path.unlink()
    replace(path, "id,name\n0,broken\n1\n2,broken\n")
    wait_until("the warning", lambda: "going on with what was read before" in stream.run("stream", "logs", "changing"))
    check(last_names(stream) == {"now"}, f"what is broken is read: {last_names(stream)}")
    replace(path, table_of("four"))
    wait_until("the fourth", lambda: last_names(stream) == {"four"})
    stream.run("stream", "cancel", "changing")
    job.communicate(timeout=60)
    lines = [json.loads(line) for line in (stream.folder / "out.ndjson").read_text().splitlines()]
    check([line["n"] for line in lines] == list(range(len(lines))), "rows are lost or come twice")
    order = list(dict.fromkeys(line["name"] for line in lines))
    check(order == ["one", "two", "now", "four"], f"names came as {order}")


def a_database_that_changes_is_read_again(stream):
    path = stream.folder / "r.db"

    def write(name, create):
        with sqlite3.connect(path) as db:
            if create:
                db.execute("create table r (id integer primary key, name text)")
            db.executemany("insert or replace into r values (?, ?)", [(i, name) for i in range(3)])
    write("one", True)
    stream.write("changing.yaml", CHANGING.replace("PLACE", "path: r.db, table: r"))
    job = stream.start("stream", "run", "changing.yaml", stderr=subprocess.PIPE)
    wait_until("the first", lambda: last_names(stream) == {"one"})
    write("two", False)
    wait_until("the second", lambda: last_names(stream) == {"two"})
    path.unlink()
    write("three", True)  # another file
    wait_until("the third", lambda: last_names(stream) == {"three"})
    stream.run("stream", "cancel", "changing")
    job.communicate(timeout=60)


def versions_are_those_of_event_time_whoever_is_killed(stream):
    """Prices that change every 400 seconds of event time."""
    lines = [f"{item},{item * 1000 + step},{step * 400}" for item in range(7) for step in range(0, 50)]
    random.Random(1).shuffle(lines)
    stream.write("prices.csv", "item,price,since\n" + "\n".join(lines) + "\n")
    stream.write("priced.yaml", """
pipeline: priced
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 200}
stages:
  made: {run: generate, rows: 20000, rate: 10000, columns: "n, n % 8 as item, to_timestamp(n) as ts", time: ts}
  priced:
    run: lookup
    path: prices.csv
    reference-schema: item bigint, price bigint, since timestamp
    time-unit: s
    as: p
    version: since
    on: input.item = p.item
    columns: n, price
    static: true
    parallelism: 2
  out: {run: write-sqlite, path: out.db, table: priced, key: n, if-exists: replace}
""")
    job = stream.start("stream", "run", "priced.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "priced", random.Random(8), 3)
    check(kills >= 2, f"only {kills} kills")
    with sqlite3.connect(stream.folder / "out.db") as db:
        found = db.execute("select n, price from priced order by n").fetchall()
    wanted = [(n, n % 8 * 1000 + n // 400) for n in range(20000) if n % 8 < 7]
    check(found == wanted, f"{len(found)} rows, {len(wanted)} wanted: {sorted(set(found) ^ set(wanted))[:4]}")


def explain_tells_what_a_replay_sees(stream):
    stream.write("r.csv", table_of("one"))
    for static in (False, True):
        stream.write("job.yaml", CHANGING.replace("PLACE, refresh: 50ms", "path: r.csv" + (", static: true" if static else "")))
        told = "processed again after a crash" in stream.run("stream", "explain", "job.yaml")
        check(told != static, f"static: {static}, told: {told}")


def every_spelling_looks_up(stream):
    stream.write("r.csv", table_of("one"))
    wanted = '{"n":1,"name":"one"}\n'
    found = stream.run("stream-lookup", "--path", "r.csv", "--on", "n = r.id", "n, name", stdin='{"n":1}\n{"n":8}\n')
    check(found == wanted, f"plain: {found}")
    found = stream.run("stream", "run", "lookup --path r.csv --on 'n = r.id' 'n, name'", stdin='{"n":1}\n{"n":8}\n')
    check(found == wanted, f"quoted: {found}")
    stage = stream.start("stream-lookup", "--in", f"ipc://{stream.folder}/l", "--path", "r.csv", "--on", "n = r.id", "n, name",
                         stdout=subprocess.PIPE)
    maker = stream.start("stream-generate", "--rows", "2", "n", "--out", f"ipc://{stream.folder}/l")
    lines = stage.communicate(timeout=60)[0]
    check((stage.returncode, maker.wait()) == (0, 0), "somebody failed")
    check(lines == '{"n":0,"name":"one"}\n' + wanted, f"by hand: {lines}")


def the_examples_do_what_they_say(stream):
    help_text = stream.run("stream-lookup", "--help").partition("examples:\n")[2]
    commands = [line.strip() for line in help_text.splitlines() if "| stream-lookup " in line]
    printed = [stream.run("bash", "-euo", "pipefail", "-c", command) for command in commands]
    check(printed[0] == '{"id":1,"country":"France"}\n', printed[0])
    check(printed[1] == '{"order":1,"customer":7,"name":"Ann"}\n{"order":2,"customer":8,"name":null}\n', printed[1])


def what_is_not_there_is_named(stream):
    make_customers(stream.folder / "c.db")
    for args, says in [
            (["--path", "nope.csv"], "option 'path': unable to open"),
            (["--path", "c.db"], "is an SQLite database; name a table of it: table"),
            (["--path", "c.db", "--table", "custmer"], "option 'table': '" + str(stream.folder / "c.db") +
             "' has no table 'custmer'; did you mean 'customer'?"),
            (["--path", "c.db", "--query", "select nothing"], "option 'query': unable to read"),
            (["--path", "c.db", "--table", "customer", "--cache", "0"], "option 'cache': must be at least 1"),
            (["--path", "c.db", "--table", "customer", "--version", "bron"], "no column 'bron'; did you mean 'born'?"),
            (["--path", "c.db", "--table", "customer", "--version", "born"], "'born' is DATE, not TIMESTAMP"),
            (["--table", "customer"], "where to look rows up is missing; give 'path'"),
            (["--path", "c.db", "--table", "customer", "--static", "--refresh", "1s"], "what never changes needs no 'refresh'"),
            (["--path", "c.db", "--table", "customer", "--as", "input"], "are both called 'input'")]:
        stream.run("stream-lookup", *args, "--on", "k = id", "k", stdin='{"k":1}\n', expect=100)
        check(says in stream.last_stderr and stream.last_stderr.count("\n") == 1, stream.last_stderr)
    stream.run("stream-lookup", "--path", "c.db", "--table", "customer", "--on", "k = name", "k", stdin='{"k":1}\n', expect=100)
    check("option 'on'" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([every_spelling_looks_up, the_examples_do_what_they_say, what_is_not_there_is_named, explain_tells_what_a_replay_sees,
          rows_get_what_an_sqlite_table_has_whoever_is_killed, rows_get_what_a_postgres_table_has_whoever_is_killed,
          a_file_that_changes_is_read_again, a_database_that_changes_is_read_again,
          versions_are_those_of_event_time_whoever_is_killed])
