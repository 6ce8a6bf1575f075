#!/usr/bin/env python3
"""Rows of an SQLite database come once each, by hand and in a job, while others are inserted and whoever is killed."""

import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402


def plain_output_and_its_types(stream):
    with sqlite3.connect(stream.folder / "in.db") as db:
        db.executescript("""
            create table t (id integer primary key, flag boolean, price decimal(10,2), name text, ts text, unix bigint,
                            data blob, anything, ratio real);
            insert into t values (1, 1, '1.50', 'a', '2024-01-01T00:00:00Z', 1700000000, x'00ff', 7, 0.5),
                                 (2, null, 2, 'it''s', '2024-01-02 00:00:00', null, null, 8, 1);
            create view v as select name || '!' as loud, id * 2 as twice from t;""")
    rows = [json.loads(line) for line in stream.run("stream-read-sqlite", "in.db", "--table", "t").splitlines()]
    check(rows[0] == {"id": 1, "flag": True, "price": "1.50", "name": "a", "ts": "2024-01-01T00:00:00Z",
                      "unix": 1700000000, "data": "AP8=", "anything": 7, "ratio": 0.5}, rows[0])
    check(rows[1]["price"] == "2.00" and rows[1]["ts"] == "2024-01-02T00:00:00Z" and rows[1]["flag"] is None, rows[1])
    found = stream.run("stream-read-sqlite", "in.db", "--table", "t", "--schema", "unix timestamp", "--time-unit", "s").splitlines()
    check(json.loads(found[0])["unix"] == "2023-11-14T22:13:20Z", found[0])
    found = stream.run("stream-read-sqlite", "in.db", "--query", "select id, name from t where id > 1")
    check(found == '{"id":2,"name":"it\'s"}\n', found)
    found = stream.run("stream-read-sqlite", "in.db", "--table", "v")
    check(found == '{"loud":"a!","twice":2}\n{"loud":"it\'s!","twice":4}\n', found)
    found = stream.run("bash", "-c", "stream-read-sqlite in.db --table t | stream-filter 'id > 1' | stream-select id")
    check(found == '{"id":2}\n', found)


def wrong_use_is_refused(stream):
    stream.write("text.db", "this is no database, however long it may be" * 30)
    with sqlite3.connect(stream.folder / "in.db") as db:
        db.execute("create table t (id integer primary key, n)")
        db.execute("create table w (k text primary key) without rowid")
    for words, said in (
            (["none.db", "--table", "t"], "none.db': No such file"),
            (["text.db", "--table", "t"], "file is not a database"),
            (["in.db", "--table", "x"], "no such table: x"),
            (["in.db"], "give either a table or a query"),
            (["in.db", "--table", "t", "--query", "select 1"], "give either a table or a query"),
            (["in.db", "--query", "delete from t"], "syntax error"),
            (["in.db", "--table", "t", "--column", "nn"], "there is no column 'nn'"),
            (["in.db", "--table", "w", "--follow"], "give --column"),
            (["in.db", "--table", "t", "--schema", "m bigint"], "there is no column 'm'"),
            (["in.db", "--table", "t", "--zone", "Nowhere/X"], "Nowhere/X")):
        stream.run("stream-read-sqlite", *words, expect=100)
        check(said in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{words}: {stream.last_stderr}")


FOLLOWED = """
pipeline: followed
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  by-id: {run: read-sqlite, path: in.db, table: t, follow: true, poll-interval: 10ms}
  a: {run: write-sqlite, path: out.db, table: a}
  by-time: {run: read-sqlite, path: in.db, query: "select id, ts, name from t", column: ts, follow: true, poll-interval: 10ms}
  b: {run: write-sqlite, path: out.db, table: b}
"""


def rows_that_come_are_read_once_whoever_is_killed(stream):
    with sqlite3.connect(stream.folder / "in.db") as db:
        db.execute("create table t (id integer primary key, ts text, name text)")
        db.execute("insert into t values (1, '2024-01-01T00:00:00.000001Z', 'first')")
    stream.write("followed.yaml", FOLLOWED)
    job = stream.start("stream", "run", "followed.yaml", stderr=subprocess.PIPE)
    pick = random.Random(2)
    for turn in range(8):
        with sqlite3.connect(stream.folder / "in.db") as db:
            db.executemany("insert into t values (?, ?, ?)", (
                (n, f"2024-01-01T00:00:0{turn + 1}.{n:06}Z", f"row {n}") for n in range(turn * 3000 + 2, turn * 3000 + 3002)))
        if turn % 2 == 0:
            instances = wait_until("instances", lambda: stream.instances("followed"))
            stream.kill([instances[pick.choice(sorted(instances))]])
        wait_until("some rows", lambda: (stream.folder / "out.db").exists())
    with sqlite3.connect(stream.folder / "in.db") as db:
        wanted = db.execute("select id, name from t order by id").fetchall()

    def found(table):
        with sqlite3.connect(stream.folder / "out.db") as db:
            made = db.execute("select 1 from sqlite_schema where name = ?", (table,)).fetchone()
            return db.execute(f"select id, name from {table} order by id").fetchall() if made else []
    for table in ("a", "b"):
        wait_until(f"the rows of {table}", lambda table=table: len(found(table)) >= len(wanted))
        check(found(table) == wanted, f"{table}: {len(found(table))} rows, {len(wanted)} wanted")
    stream.run("stream", "stop", "followed")
    job.communicate(timeout=60)


# Inserts rows in a transaction that it never ends, far more than its cache holds, and says when they are in the file.
DYING_WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma cache_size = 5")
db.execute("begin")
first = int(sys.argv[2])
db.executemany("insert into t values (?, 'never', ?)", ((n, "x" * 500) for n in range(first, first + 2000)))
print("written", flush=True)
sys.stdin.read()
"""


def found_in(stream, table):
    if not (stream.folder / "out.db").exists():
        return []
    with sqlite3.connect(stream.folder / "out.db") as db:
        known = db.execute("select 1 from sqlite_master where name = ?", (table,)).fetchall()
        return db.execute(f"select id, name from {table} order by id").fetchall() if known else []


def followed_once(stream, change, between=lambda: None):
    """Follows a table while `change(turn)` changes it, six times, and a stage is killed each time; the rows of `t` come once each."""
    stream.write("followed.yaml", FOLLOWED)
    stream.run("stream", "run", "-d", "followed.yaml")
    for turn in range(6):
        change(turn)
        stream.kill([wait_until("instances", lambda: stream.instances("followed"))[("by-id.0", "by-time.0", "a.0")[turn % 3]]])
        between()
    with sqlite3.connect(stream.folder / "in.db") as db:
        wanted = db.execute("select id, name from t order by id").fetchall()

    for table in ("a", "b"):
        wait_until(f"the rows of {table}", lambda table=table: len(found_in(stream, table)) >= len(wanted))
        check(found_in(stream, table) == wanted, f"{table}: {len(found_in(stream, table))} rows, {len(wanted)} wanted")
    stream.run("stream", "cancel", "followed")
    for path in stream.folder.glob("*.db*"):
        path.unlink()


def table_in(stream, mode="delete"):
    with sqlite3.connect(stream.folder / "in.db") as db:
        db.execute(f"pragma journal_mode = {mode}")
        db.execute("create table t (id integer primary key, ts text, name text)")
    insert_in(stream, 1, 100)


def insert_in(stream, first, count):
    with sqlite3.connect(stream.folder / "in.db", timeout=60) as db:
        db.executemany("insert into t values (?, ?, ?)", ((n, f"2024-01-01T00:00:00.{n:06}Z", f"row {n}") for n in range(first, first + count)))


def a_writer_that_dies_in_a_transaction_leaves_nothing(stream):
    """In both journal modes: its rows are in the file, or in its log, and are of no transaction that was committed."""
    for mode in ("delete", "wal"):
        table_in(stream, mode)

        def change(turn):
            insert_in(stream, turn * 1000 + 1000, 500)
            writer = subprocess.Popen([sys.executable, "-c", DYING_WRITER, stream.folder / "in.db", str(turn * 1000 + 1500)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            check(writer.stdout.readline() == b"written\n", "no writer")
            writer.kill()
            writer.wait()
            insert_in(stream, turn * 1000 + 1500, 10)
        followed_once(stream, change)


def a_log_that_is_moved_into_the_database_is_read_once(stream):
    """Write-ahead checkpoints, which move rows from the log to the database, at every moment."""
    table_in(stream, "wal")

    def moved():
        with sqlite3.connect(stream.folder / "in.db", timeout=60) as db:
            db.execute("pragma wal_checkpoint(truncate)")

    def change(turn):
        for part in range(5):
            insert_in(stream, turn * 1000 + 1000 + part * 100, 100)
            moved()
    followed_once(stream, change, moved)


def a_database_that_is_compacted_is_read_on(stream):
    """By VACUUM in its place, and by a compacted copy that takes its place while the stage has the old file open."""
    table_in(stream)

    def change(turn):
        insert_in(stream, turn * 1000 + 1000, 300)
        db = sqlite3.connect(stream.folder / "in.db", timeout=60, isolation_level=None)
        if turn % 2 == 0:
            db.execute("vacuum")
        else:
            db.execute("vacuum into ?", (str(stream.folder / "new.db"),))
            (stream.folder / "new.db").rename(stream.folder / "in.db")
            wait_until("the stage to have the new file open", lambda: new_file_is_open(stream))
        db.close()
        insert_in(stream, turn * 1000 + 1300, 300)
    followed_once(stream, change)


def new_file_is_open(stream):
    """By both stages, and nothing else of that name."""
    instances = stream.instances("followed")
    for name in ("by-id.0", "by-time.0"):
        if name not in instances:
            return False
        links = [os.readlink(link) for link in pathlib.Path(f"/proc/{instances[name]}/fd").iterdir() if link.is_symlink() and os.path.lexists(link)]
        if [link for link in links if "/in.db" in link or "/new.db" in link] != [str(stream.folder / "in.db")]:
            return False
    return True


def a_database_that_is_replaced_is_read_on_by_a_stage_that_lives(stream):
    """Nothing is killed here: a stage that is started anew opens the new file anyway."""
    table_in(stream)
    stream.write("followed.yaml", FOLLOWED)
    stream.run("stream", "run", "-d", "followed.yaml")
    for turn in range(3):
        wait_until("the rows", lambda turn=turn: len(found_in(stream, "a")) == len(found_in(stream, "b")) == 100 + turn * 100)
        with sqlite3.connect(stream.folder / "in.db", isolation_level=None) as db:
            db.execute("vacuum into ?", (str(stream.folder / "new.db"),))
        (stream.folder / "new.db").rename(stream.folder / "in.db")
        wait_until("the stage to have the new file open", lambda: new_file_is_open(stream))
        insert_in(stream, 1000 * (turn + 1), 100)
    wait_until("the last rows", lambda: len(found_in(stream, "a")) == len(found_in(stream, "b")) == 400)
    check(not any(event["kind"] == "failed" for event in stream.events("followed")), "a stage was started anew")
    stream.run("stream", "cancel", "followed")


def row_ids_that_vacuum_changes_are_warned_of(stream):
    with sqlite3.connect(stream.folder / "in.db") as db:
        db.execute("create table t (n integer)")
        db.execute("create table k (id integer primary key, n integer)")
    for table, warned in (("t", True), ("k", False)):
        stream.run("stream", "check", stream.write("w.yaml", f"pipeline: w\nstages:\n  a: {{run: read-sqlite, path: in.db, table: {table}, follow: true}}\n"
                                                   "  b: {run: write-null}\n"))
        check(("VACUUM renumbers" in stream.last_stderr) == warned, f"{table}: {stream.last_stderr}")


def bounded_reads_end_with_every_row_once(stream):
    with sqlite3.connect(stream.folder / "in.db") as db:
        db.execute("create table w (k text primary key, n integer) without rowid")
        db.executemany("insert into w values (?, ?)", ((f"k{n:06}", n) for n in range(60000)))
        db.execute("create table t (n integer)")
        db.execute("insert into t select n from w")
    stream.write("bounded.yaml", """
pipeline: bounded
checkpoint: {interval: 20ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  w: {run: read-sqlite, path: in.db, table: w}
  w-out: {run: write-sqlite, path: out.db, table: w}
  t: {run: read-sqlite, path: in.db, table: t}
  t-out: {run: write-sqlite, path: out.db, table: t}
""")
    job = stream.start("stream", "run", "bounded.yaml", stderr=subprocess.PIPE)
    for _ in range(2):
        instances = stream.instances("bounded")
        if job.poll() is None and instances:
            stream.kill([pid for name, pid in instances.items() if name in ("w.0", "t.0")])
        try:
            job.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            pass
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, talk)
    with sqlite3.connect(stream.folder / "out.db") as db:
        for table in ("w", "t"):
            found = db.execute(f"select count(*), count(distinct n), sum(n) from {table}").fetchone()
            check(found == (60000, 60000, 1799970000), f"{table}: {found}")


if __name__ == "__main__":
    main([plain_output_and_its_types, wrong_use_is_refused, rows_that_come_are_read_once_whoever_is_killed,
          a_writer_that_dies_in_a_transaction_leaves_nothing, a_log_that_is_moved_into_the_database_is_read_once,
          a_database_that_is_compacted_is_read_on, a_database_that_is_replaced_is_read_on_by_a_stage_that_lives, row_ids_that_vacuum_changes_are_warned_of,
          bounded_reads_end_with_every_row_once])
