#!/usr/bin/env python3
"""The stages of PostgreSQL against a real server, with kills on both sides: what they give equals what is there."""

import json
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from certificates import Certificates  # noqa: E402
from connectors import (Copied, a_stop_does_not_wait_for_a_sink_without_server, a_stop_does_not_wait_for_a_source_without_server,  # noqa: E402
                        rows_are_equal_when_no_state_can_be_kept_for_a_while, silence_is_waited_out_across_kills)
from harness import Failure, check, free_port, main, wait_until  # noqa: E402
from postgres import Postgres, newest_programs  # noqa: E402
from small_disk import on_small_disk  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SHOP = """
create table customer (id bigint primary key, name text not null, city_id bigint, note text, price numeric(12,2),
                       seen timestamptz, score double precision, raw bytea, extra jsonb);
create table city (id bigint primary key, name text, country text);
insert into city select n, 'city ' || n, case when n % 3 = 0 then null else 'land ' || n % 5 end from generate_series(1, 50) n;
insert into customer select n, 'customer ' || n, n % 60, E'line\\nbreak\\t\\\\ ' || n, n * 1.25, to_timestamp(n), n / 3.0,
  decode(to_hex(n + 4096), 'hex'), jsonb_build_object('n', n) from generate_series(1, 3000) n;
create table visit (id bigserial primary key, who bigint);
"""
JOINED = """select c.id, c.name, t.name, t.country from customer c left join city t on c.city_id = t.id order by c.id"""


def with_server(test):
    """The test gets a server too."""
    def run(stream):
        with Postgres() as server:
            stream.environment["PG"] = server.dsn
            try:
                test(stream, server)
            except Failure:
                print((server.folder / "log").read_text()[-3000:], flush=True)
                raise
    run.__name__ = test.__name__
    return run


def sqlite_rows(stream, sql, database="customers.db"):
    with sqlite3.connect(stream.folder / database) as found:
        return ["|".join("" if value is None else str(value) for value in row) for row in found.execute(sql)]


class Writer:
    """Changes the tables in one thread, transaction by transaction, through restarts of the server."""

    def __init__(self, server, seed):
        self.server = server
        self.pick = random.Random(seed)
        self.done = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def transaction(self):
        one = self.pick.randrange(1, 4000)
        other = self.pick.randrange(1, 60)
        return self.pick.choice([
            f"update customer set name = name || '.' where id % 97 = {one % 97};",
            f"insert into customer (id, name, city_id, price) values ({one}, 'new', {other}, 3.5) on conflict (id) do "
            f"update set name = 'again', price = null;",
            f"delete from customer where id % 83 = {one % 83};",
            f"update city set name = 'renamed {one}' where id = {other}; update customer set note = null where id = {one};",
            f"update customer set id = id + 5000 where id = {one} and not exists (select from customer where id = {one + 5000});",
            f"delete from city where id = {other};",
            f"insert into city values ({other}, 'back {one}', 'x') on conflict do nothing;",
            # More changes than are taken at once: checkpoints fall into the midst of it.
            "insert into visit (who) select n % 9 from generate_series(1, 9000) n;",
            f"delete from visit where id % 5 = {one % 5};",
            f"begin; update customer set price = 1 where id < 300; rollback;",
        ])

    def run(self):
        while not self.ended.is_set():
            self.server.psql(f"begin; {self.transaction()} commit;\n", check=False)
            self.done += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def newest_checkpoint(stream, job):
    folder = stream.home(job) / "checkpoints"
    return max((int(path.parent.name) for path in folder.glob("*/checkpoint.sqlite")), default=0)


def kill_both_sides(stream, server, writer, job, pick, rounds):
    """Kills an instance, every other time the server as well: each when a checkpoint is complete and more has come."""
    for turn in range(rounds):
        written = writer.done
        wait_until("more transactions", lambda written=written: writer.done > written + 2, 60)
        victims = wait_until("instances", lambda: stream.instances(job))
        stream.kill([victims[pick.choice(sorted(victims))]])
        if turn % 2 == 1:
            server.crash()
        before = newest_checkpoint(stream, job)
        wait_until("a checkpoint", lambda: newest_checkpoint(stream, job) > before, 60)


FOLLOWED = """
pipeline: followed
checkpoint: {interval: 200ms}
restart: {strategy: fixed-delay, delay: 20ms, attempts: 50}
stages:
  shop: {run: read-postgres, dsn: "env:PG", mode: cdc, tables: [public.customer, city, visit]}
  copy: {run: write-postgres, from: shop.customer, dsn: "env:PG", table: copy_of_customer}
  city: {run: write-sqlite, from: shop.city, path: out.db, table: city}
  sums: {run: aggregate, from: shop.customer, by: city_id, compute: {n: count(*), price: sum(price)}}
  sums-table: {run: write-sqlite, path: out.db, table: sums}
  visits: {run: aggregate, from: shop.visit, by: who, compute: {n: count(*), total: sum(id)}}
  visits-table: {run: write-sqlite, path: out.db, table: visits}
  joined: {run: join, from: {c: shop.customer, t: shop.city}, kind: left, columns: [c.id, c.name, t.name as city, t.country], on: c.city_id = t.id}
  joined-table: {run: write-sqlite, path: out.db, table: joined, key: id}
"""


def followed_equals(stream, server):
    """What is different, or nothing."""
    difference = server.psql("(select * from customer except select * from copy_of_customer) union all "
                             "(select * from copy_of_customer except select * from customer)")
    if difference:
        return difference
    for table, wanted in (("visits", "select who, count(*), sum(id) from visit group by 1 order by 1"), ("city", "select id, name, country from city order by 1"), ("joined", JOINED),
                          ("sums", "select city_id, count(*), sum(price) from customer group by 1 order by 1 nulls first")):
        rows = sqlite_rows(stream, f"select * from {table} order by 1", "out.db")
        if rows != server.rows(wanted):
            return f"{table}: {sorted(set(rows) ^ set(server.rows(wanted)))[:6]}"
    return ""


def follow_through_kills(stream, server, seed, rounds):
    server.psql(SHOP + "alter table city replica identity full; alter table visit replica identity full")
    stream.write("followed.yaml", FOLLOWED)
    pick = random.Random(seed)
    with Writer(server, seed) as writer:
        stream.run("stream", "run", "-d", "followed.yaml")
        kill_both_sides(stream, server, writer, "followed", pick, rounds)
    check(writer.done > 20, f"only {writer.done} transactions")
    try:
        wait_until("the copies to be equal", lambda: followed_equals(stream, server) == "", 30)
    except Failure as failure:
        raise Failure(f"{failure}: {followed_equals(stream, server)[:600]}") from failure
    check(server.psql("select count(*) from customer").strip() != "0", "nothing to compare")


@with_server
def changes_come_exactly_once_whoever_is_killed(stream, server):
    follow_through_kills(stream, server, 11, 6)
    stream.run("stream", "stop", "followed")
    server.psql("update customer set name = 'while it was stopped' where id % 5 = 0")
    stream.run("stream", "run", "-d", "followed.yaml")
    wait_until("the copies to be equal", lambda: followed_equals(stream, server) == "", 30)


@with_server
def a_transaction_that_checkpoints_cut_is_gone_on_with(stream, server):
    """Its rows are not kept in state, so that none may come twice."""
    server.psql("create table visit (id bigint primary key, who bigint, note text); alter table visit replica identity full")
    stream.write("visits.yaml", """
pipeline: visits
checkpoint: {interval: 20ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  shop: {run: read-postgres, dsn: "env:PG", mode: cdc, tables: [visit]}
  visits: {run: aggregate, by: who, compute: {n: count(*), total: sum(id)}}
  table: {run: write-sqlite, path: out.db, table: visits}
""")
    stream.run("stream", "run", "-d", "visits.yaml")
    server.until("the slot", "select active from pg_replication_slots", "t")
    server.psql("insert into visit select n, n % 5, repeat('x', 100) from generate_series(1, 300000) n")

    def counted():
        return int(sqlite_rows(stream, "select coalesce(sum(n), 0) from visits", "out.db")[0]) if (stream.folder / "out.db").exists() else 0
    seen = []
    while len(seen) < 3:
        seen.append(wait_until("rows", lambda: counted() > (seen[-1] if seen else 0) and counted()))
        instances = wait_until("instances", lambda: stream.instances("visits"))
        stream.kill([instances["shop.0"]])
    check(seen[0] < 300000, "the transaction came at once")
    wanted = server.rows("select who, count(*), sum(id) from visit group by 1 order by 1")
    wait_until("the counts", lambda: sqlite_rows(stream, "select who, n, total from visits order by 1", "out.db") == wanted)
    stream.run("stream", "cancel", "visits")


@with_server
def reading_the_tables_begins_anew_where_it_is_killed(stream, server):
    """The job dies while the tables are first read, checkpoints behind it; meanwhile they change."""
    server.psql(SHOP + "insert into customer (id, name, note) select n, 'more', repeat('x', 300) from generate_series(10000, 150000) n")
    stream.write("followed.yaml", FOLLOWED)
    job = stream.start("stream", "run", "followed.yaml", stderr=subprocess.PIPE)
    def begun_anew():
        return stream.run("stream", "logs", "followed").count("reading them again")

    wait_until("the first rows", lambda: server.psql("select 1 from copy_of_customer limit 1", check=False).strip() == "1")
    for turn in range(2):
        stream.kill([stream.pid("followed", "shop.0")])
        server.psql(f"delete from customer where id % 7 = {turn}; update customer set name = 'turn {turn}' where id % 1000 < 10;")
        wait_until("reading to begin anew", lambda turn=turn: begun_anew() > turn)
        before = newest_checkpoint(stream, "followed")
        wait_until("a checkpoint", lambda before=before: newest_checkpoint(stream, "followed") > before, 60)
    wait_until("the copies to be equal", lambda: "copy_of_customer" in server.psql("select relname from pg_class")
               and followed_equals(stream, server) == "", 90, 0.2)
    stream.run("stream", "stop", "followed")
    job.communicate(timeout=60)


WRITTEN = """
pipeline: written
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 20ms, attempts: 50}
stages:
  made: {run: generate, rows: 40000, rate: 8000, columns: "n, random % 50 as k, case when n % 7 = 0 then null else 'a' || n end as s, to_timestamp(n) as ts"}
  rows: {run: write-postgres, from: made, dsn: "env:PG", parallelism: 2}
  prepared: {run: write-postgres, from: made, dsn: "env:PG", commit: two-phase, parallelism: 2}
  sums: {run: aggregate, from: made, by: k, compute: {n: count(*), total: sum(n), last: max(s)}, parallelism: 2}
  sums-table: {run: write-postgres, dsn: "env:PG", table: sums}
"""


@with_server
def rows_are_written_exactly_once_whoever_is_killed(stream, server):
    stream.write("written.yaml", WRITTEN)
    job = stream.start("stream", "run", "written.yaml", stderr=subprocess.PIPE)
    pick = random.Random(3)
    wait_until("the first rows", lambda: server.psql("select 1 from prepared limit 1", check=False).strip() == "1")
    rounds = 0
    while job.poll() is None and rounds < 5:
        instances = stream.instances("written")
        if instances:
            stream.kill([instances[pick.choice(sorted(instances))]])
            if rounds % 2 == 1:
                server.crash()
            rounds += 1
        try:
            job.wait(timeout=0.6)
        except subprocess.TimeoutExpired:
            pass
    talk = job.communicate(timeout=120)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check(rounds >= 3, f"only {rounds} kills")
    for table in ("rows", "prepared"):
        found = server.psql(f"select count(*), count(distinct n), sum(n), count(s), max(ts) from {table}").strip()
        check(found == "40000|40000|799980000|34285|1970-01-01 11:06:39+00", f"{table}: {found}")
    difference = server.psql("select k, count(*), sum(n), max(s) from rows group by 1 except select k, n, total, last from sums")
    check(difference == "" and server.psql("select count(*) from sums").strip() == "50", f"sums: {difference}")
    check(server.psql("select gid from pg_prepared_xacts") == "", "a prepared transaction is left")


SUMS = """
pipeline: grown
checkpoint: {{interval: 50ms}}
stages:
  made: {{run: generate, columns: "n, n % 5 as k", rows: {rows}, rate: {rate}}}
  sums: {{run: aggregate, by: [k], compute: {{many: count(*){more}}}}}
  out: {{run: write-postgres, dsn: "env:PG", table: grown}}
"""


@with_server
def a_column_that_a_changed_pipeline_brings_is_added(stream, server):
    stream.write("grown.yaml", SUMS.format(rows=100_000, rate=500, more=""))
    stream.run("stream", "run", "-d", "grown.yaml")
    wait_until("rows", lambda: server.psql("select count(*) from grown", check=False).strip() == "5")
    stream.run("stream", "stop", "grown")
    before = int(server.psql("select sum(many) from grown"))
    stream.write("grown.yaml", SUMS.format(rows=100_000, rate=200_000, more=", late: count(k)"))
    stream.run("stream", "run", "grown.yaml")
    found = server.psql("select k, many, sum(many - late) over () from grown order by k").split()
    check(found == [f"{k}|20000|{before}" for k in range(5)], f"{found} after {before} rows")


@with_server
def the_tutorial_keeps_its_promises(stream, server):
    """Every command of stream-tutorial-cdc(7), with the manifest that is there."""
    page = (TOP / "man" / "stream-tutorial-cdc.7").read_text()
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.MULTILINE | re.DOTALL)
    tables, manifest, running, identity, ending = (block.replace("\\-", "-") for block in blocks)
    check(manifest in (TOP / "manifests/customers.yaml").read_text(), "the manifest is not the one shown")
    server.psql(tables + "insert into city select n, 'city ' || n, 'land ' || n % 5 from generate_series(1, 50) n;"
                "insert into customer select n, 'customer ' || n, n % 60 from generate_series(1, 3000) n")
    shutil.copytree(TOP / "manifests", stream.folder / "manifests")
    stream.run("bash", "-euc", running.replace("dbname=shop", server.dsn).replace("sqlite3", "true"))
    server.psql("update city set name = 'moved' where id = 7; delete from city where id = 8; delete from customer where "
                "id % 10 = 3; update customer set id = id + 100000 where id < 20; insert into customer values (0, 'zero');" + identity)

    def equal():
        return sqlite_rows(stream, "select * from customers order by id", "manifests/customers.db") == server.rows(JOINED)
    wait_until("the copy to be equal", equal)
    for stage in ("shop", "with-city", "copy"):
        stream.kill([wait_until("instances", lambda: stream.instances("customers"))[stage + ".0"]])
        server.psql(f"update customer set name = '{stage}' where id % 3 = 0")
    server.crash()
    server.psql("update city set country = 'one' where id < 25")
    wait_until("the copy to be equal", equal, 60)
    stream.run("bash", "-euc", ending)
    check(server.psql("select slot_name from pg_replication_slots") == "", "the slot is left")


@with_server
def pages_by_key_or_by_a_growing_column_come_once(stream, server):
    server.psql(SHOP + "create schema other; create table other.event (id bigserial primary key, what text, part text);"
                "insert into other.event (what) select 'w' || n from generate_series(1, 9000) n")
    rows = [json.loads(line) for line in stream.run("stream-read-postgres", "--dsn", "env:PG", "city, customer").splitlines()]
    check(len(rows) == 50 and rows[6] == {"id": 7, "name": "city 7", "country": "land 2"}, rows[6])
    found = stream.run("bash", "-c", "stream-read-postgres --dsn env:PG customer | stream-filter 'id = 3'")
    check(json.loads(found) == {"id": 3, "name": "customer 3", "city_id": 3, "note": "line\nbreak\t\\ 3", "price": "3.75",
                                "seen": "1970-01-01T00:00:03Z", "score": 1, "raw": "EAM=", "extra": {"n": 3}}, found)
    stream.write("polled.yaml", """
pipeline: polled
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 20ms, attempts: 50}
stages:
  events: {run: read-postgres, dsn: "env:PG", mode: poll, tables: [other.event], column: id, poll-interval: 20ms}
  table: {run: write-sqlite, from: events.event, path: out.db, table: event}
""")
    stream.run("stream", "run", "-d", "polled.yaml")
    for turn in range(4):
        server.psql("insert into other.event (what) select 'more' from generate_series(1, 3000)")
        stream.kill([stream.pid("polled", "events.0")])
        if turn == 2:
            server.crash()
    wanted = server.rows("select id, what, part from other.event order by id")
    wait_until("the rows", lambda: sqlite_rows(stream, "select * from event order by id", "out.db") == wanted, 60)
    stream.run("stream", "stop", "polled")
    stream.write("copied.yaml", """
pipeline: copied
checkpoint: {interval: 20ms}
stages:
  shop: {run: read-postgres, dsn: "env:PG", tables: [customer, city]}
  a: {run: write-sqlite, from: shop.customer, path: out.db, table: customer}
  b: {run: write-postgres, from: shop.city, dsn: "env:PG", table: other.city_copy}
""")
    stream.run("stream", "run", "copied.yaml")
    check(sqlite_rows(stream, "select count(*), sum(id) from customer", "out.db") == ["3000|4501500"], "customer")
    check(server.psql("select * from city except select * from other.city_copy") == "", "city")


@with_server
def wrong_use_is_refused_and_says_why(stream, server):
    server.psql("create table plain (n int); create table keyed (n int primary key); create view seen as select 1 as n;"
                "create table indexed (n int primary key, m int not null unique);"
                "alter table indexed replica identity using index indexed_m_key")
    read = ["stream-read-postgres", "--dsn", "env:PG"]
    write = ["stream-write-postgres", "--dsn", "env:PG"]
    for words, said in (
            ([*read, "nothing"], "there is no table 'nothing'"),
            ([*read, "plain"], "has no primary key"),
            ([*read, "seen"], "is no table"),
            ([*read, "indexed"], "make it DEFAULT or FULL"),
            ([*read, "keyed, x.keyed"], "there is an output 'keyed' already"),
            ([*read, "a.b.c"], "is no name of a table"),
            ([*read, "keyed", "--mode", "poll"], "needs the column"),
            ([*read, "keyed", "--mode", "poll", "--column", "nn"], "has no column 'nn'; did you mean"),
            ([*read, "keyed", "--column", "n"], "has a meaning with mode: poll only"),
            ([*read, "keyed", "--mode", "cdc"], "cdc needs a job"),
            ([*read, "keyed", "--drop"], "--drop needs --slot NAME"),
            ([*read, "keyed", "--drop", "--slot", "none"], "there is no replication slot 'none'"),
            (["stream-read-postgres", "keyed", "--dsn", "host=x password=sesame"], "a secret is never written out"),
            (["stream-read-postgres", "keyed", "--dsn", "env:NONE"], "'NONE' is not set"),
            ([*write, "_stream_rows"], "reserved name"),
            ([*write, "a.b.c"], "has two dots"),
            ([*write, "t", "--key", "m"], "no column 'm'"),
            ([*write, "t", "--key", "n", "--commit", "two-phase"], "two-phase is for rows that are only inserted"),
            ([*write, "t", "--leftovers", "commit"], "needs --leftovers-of RUN")):
        done = subprocess.run(words, env=stream.environment, input='{"n":1}\n', capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == 100 and said in done.stderr and done.stderr.count("\n") == 1, f"{words}: {done.returncode} {done.stderr}")
        check("sesame" not in done.stderr, done.stderr)


@with_server
def what_a_job_leaves_behind_is_listed_and_resolved(stream, server):
    server.psql("begin; create table x (n int); prepare transaction 'stream:feed:rows:0:2:5';"
                "begin; create table y (n int); prepare transaction 'stream:cafe:rows:0:2:6';"
                "begin; create table z (n int); prepare transaction 'of another'")
    ask = ["stream-write-postgres", "--dsn", "env:PG", "--leftovers"]
    found = [json.loads(line) for line in stream.run(*ask, "list").splitlines()]
    check([(one["run"], one["stage"], one["attempt"], one["epoch"]) for one in found] == [("feed", "rows", 2, 5), ("cafe", "rows", 2, 6)], found)
    check(json.loads(stream.run(*ask, "commit", "--leftovers-of", "feed"))["done"] == "committed", "commit")
    check(json.loads(stream.run(*ask, "roll-back", "--leftovers-of", "cafe"))["done"] == "rolled back", "roll back")
    check(stream.run(*ask, "list") == "", "still there")
    check(server.rows("select relname from pg_class where relname in ('x', 'y', 'z')") == ["x"], "tables")
    check(server.rows("select gid from pg_prepared_xacts") == ["of another"], "somebody else's")
    server.psql("rollback prepared 'of another'")


@with_server
def slots_are_kept_made_anew_and_dropped(stream, server):
    server.psql("create table t (id bigint primary key, name text); insert into t values (1, 'a')")
    stream.write("one.yaml", """
pipeline: one
checkpoint: {interval: 50ms}
stages:
  t: {run: read-postgres, dsn: "env:PG", mode: cdc, tables: [t]}
  copy: {run: write-sqlite, path: out.db, table: t, if-exists: replace}
""")

    def equal():
        return sqlite_rows(stream, "select * from t order by id", "out.db") == server.rows("select * from t order by id")
    stream.run("stream", "run", "-d", "one.yaml")
    wait_until("the copy", equal)
    server.psql("truncate t; insert into t values (2, 'b')")
    wait_until("the copy", equal)
    before = server.psql("select confirmed_flush_lsn from pg_replication_slots")
    server.psql("create table noise as select n from generate_series(1, 50000) n; insert into t values (3, 'c')")
    wait_until("the server to be told", lambda: server.psql(f"select confirmed_flush_lsn > '{before.strip()}' from pg_replication_slots").strip() == "t")
    drop = ["stream-read-postgres", "--dsn", "env:PG", "--drop", "--slot", "stream_one_t", "t"]
    stream.run(*drop, expect=1)
    check("is in use" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "stop", "one")
    check("dropped replication slot 'stream_one_t'" in stream.run(*drop), "drop")
    check(server.psql("select slot_name from pg_replication_slots union all select pubname from pg_publication") == "", "something is left")
    stream.run("stream", "run", "one.yaml", expect=1)
    check("is gone from PostgreSQL" in stream.last_stderr and "--fresh" in stream.last_stderr, stream.last_stderr)
    server.psql("insert into t values (4, 'd')")
    stream.run("stream", "run", "-d", "--fresh", "one.yaml")
    wait_until("the copy", equal)
    stream.run("stream", "cancel", "one")


@with_server
def examples_of_the_manuals_work_as_printed(stream, server):
    stream.environment |= {"PGHOST": str(server.folder), "PGUSER": "postgres"}
    server.psql("create database shop")
    subprocess.run([str(server.programs / "psql"), "-q", "-d", "shop", "-c", "create table customer (id int primary key); insert into "
                    "customer values (4)"], env=stream.environment, check=True, timeout=60)
    manuals = {name: stream.run(f"stream-{name}", "--man").replace("\\(aq", "'").replace("\\-", "-").replace("\\(rs", "\\").replace("\\e", "\\")
               for name in ("read-postgres", "write-postgres")}
    for name, command in (("read-postgres", "PG='dbname=shop' stream-read-postgres --dsn env:PG customer"),
                          ("write-postgres", "printf '{\"id\":1,\"city\":\"Oslo\"}\\n' | PG='dbname=postgres' stream-write-postgres --dsn env:PG places")):
        check("stream-" + name + " --dsn env:PG" in manuals[name], manuals[name])
        found = stream.run("bash", "-c", command)
        check(found == ('{"id":4}\n' if name == "read-postgres" else ""), found)
    check(server.rows("select * from places") == ["1|Oslo"], "places")
    stream.environment["PG"] = "dbname=shop"
    job = stream.start("stream", "run", "read-postgres customer --dsn env:PG --mode cdc | write-sqlite copy.db --table customer",
                       stderr=subprocess.PIPE)
    wait_until("the copy", lambda: (stream.folder / "copy.db").exists() and sqlite_rows(
        stream, "select count(*) from sqlite_master where name = 'customer'", "copy.db") == ["1"]
        and sqlite_rows(stream, "select id from customer", "copy.db") == ["4"])
    job.send_signal(signal.SIGINT)
    job.communicate(timeout=60)
    log = stream.run("stream", "logs", stream.jobs()[0])
    slot = re.search(r"replication slot '(\w+)'", log).group(1)
    stream.run("stream-read-postgres", "--dsn", "env:PG", "--drop", "--slot", slot, "customer")


def serve_tls(server, certificates):
    """Lets a user with a password in over TLS at a port of 127.0.0.1; returns what the connection is, but for password and mode."""
    port = free_port()
    server.psql("create role me login superuser replication password 's3cret-words'")
    for name, path in (("server.crt", certificates.server), ("server.key", certificates.server_key)):
        target = server.folder / "data" / name
        shutil.copy(path, target)
        shutil.chown(target, server.folder.owner(), server.folder.group())
        target.chmod(0o600)
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostssl replication all 127.0.0.1/32 scram-sha-256\n")
    server.settings |= {"listen_addresses": "127.0.0.1", "port": port, "ssl": "on"}
    server.port = port
    server.crash()
    return f"hostaddr=127.0.0.1 port={port} user=me dbname=postgres"


@with_server
def over_tls_server_and_user_are_known(stream, server):
    certificates = Certificates(stream.folder, "DNS:db.test")
    where = serve_tls(server, certificates)
    server.psql("create table t (id bigint primary key, name text); insert into t select n, 'a' || n from generate_series(1, 500) n")

    def dsn(password="s3cret-words", authority=certificates.authority, host="db.test", mode="verify-full", at=where):
        return f"{at} host={host} password={password} sslmode={mode} sslrootcert={authority}"

    stream.environment["PG"] = dsn()
    stream.write("one.yaml", """
pipeline: one
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 20ms, attempts: 50}
stages:
  t: {run: read-postgres, dsn: "env:PG", mode: cdc, tables: [t]}
  copy: {run: write-postgres, dsn: "env:PG", table: copied}
""")
    stream.run("stream", "run", "-d", "one.yaml")
    wait_until("the first rows", lambda: server.psql("select 1 from copied limit 1", check=False).strip() == "1")
    stream.kill([stream.pid("one", "t.0")])
    server.crash()
    server.psql("insert into t select n, 'b' || n from generate_series(501, 900) n; delete from t where id < 10")
    wait_until("the copy", lambda: server.psql("select count(*) from copied", check=False).strip() == "891", 60)
    check(server.psql("select * from t except select * from copied") == "", "other rows")
    check(server.psql("select bool_and(ssl) from pg_stat_ssl s join pg_stat_activity a using (pid) where a.usename = 'me'").strip() == "t", "in the clear")
    stream.run("stream", "cancel", "one")
    for words, wrong in (("certificate verify failed", dsn(authority=certificates.stranger)), ("does not match host name", dsn(host="other.test")),
                         ("root certificate file", dsn(authority=stream.folder / "none.pem")), ("password authentication failed", dsn(password="an0ther")),
                         ("no pg_hba.conf entry", dsn(mode="disable"))):
        stream.environment["PG"] = wrong
        for command in (["stream-read-postgres", "--dsn", "env:PG", "t"], ["stream-write-postgres", "--dsn", "env:PG", "u"]):
            done = subprocess.run(command, env=stream.environment, input='{"n":1}\n', capture_output=True, text=True, timeout=60, check=False)
            check(done.returncode == 100 and words in done.stderr and done.stderr.count("\n") == 1, f"{command}: {done.returncode} {done.stderr}")
            check("an0ther" not in done.stderr and "s3cret" not in done.stderr, done.stderr)
    stream.environment["PG"] = dsn(at="hostaddr=127.0.0.1 port=1 user=me dbname=postgres")
    done = subprocess.run(["stream-read-postgres", "--dsn", "env:PG", "t"], env=stream.environment, capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode != 0 and "Connection refused" in done.stderr, f"{done.returncode} {done.stderr}")


@with_server
def values_that_do_not_fit_are_bad_records(stream, server):
    server.psql("create table t (id bigint primary key, at timestamptz); insert into t values (1, now()), (2, 'infinity')")
    stream.write("bad.yaml", """
pipeline: bad
checkpoint: {interval: 50ms}
stages:
  t: {run: read-postgres, dsn: "env:PG", mode: cdc, tables: [t]}
  copy: {run: write-sqlite, path: out.db, table: t}
""")
    stream.run("stream", "run", "-d", "bad.yaml")
    wait_until("the first row", lambda: (stream.folder / "out.db").exists() and sqlite_rows(stream, "select id from t", "out.db") == ["1"])
    server.psql("update t set at = 'infinity' where id = 1; update t set at = now() where id = 2")
    wait_until("the second", lambda: sqlite_rows(stream, "select id from t", "out.db") == ["2"])
    letters = [json.loads(line) for line in stream.run("stream", "dead-letter", "--json", "bad").splitlines()]
    check([letter["reason"] for letter in letters] == ["column 'at': not a valid TIMESTAMP: infinity"] * 2, letters)
    stream.run("stream", "cancel", "bad")


@with_server
def a_publication_that_is_there_is_used(stream, server):
    """By who may not make one; it must hold the table, and stays."""
    server.psql("create table t (id bigint primary key); insert into t values (1); create table other (id bigint primary key);"
                "create publication mine for table t; create publication empty")
    read = 'read-postgres t --dsn env:PG --mode cdc --publication PUBLICATION --slot my_slot | write-sqlite out.db --table t'
    stream.run("stream", "run", read.replace("PUBLICATION", "empty"), expect=None)
    check("'empty'" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "-d", "--name", "used", read.replace("PUBLICATION", "mine"))
    server.psql("insert into t values (2)")
    wait_until("the rows", lambda: (stream.folder / "out.db").exists() and sqlite_rows(stream, "select count(*) from t", "out.db") == ["2"])
    check(sorted(server.rows("select pubname from pg_publication")) == ["empty", "mine"], "another publication")
    check(server.rows("select slot_name from pg_replication_slots") == ["my_slot"], "another slot")
    stream.run("stream", "cancel", "used")
    stream.run("stream-read-postgres", "--dsn", "env:PG", "--drop", "--slot", "my_slot", "t")
    check(sorted(server.rows("select pubname from pg_publication")) == ["empty", "mine"], "it is gone")


CHANGES = """
pipeline: changes
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 50ms, attempts: 1000}
stages:
  shop: {run: read-postgres, dsn: "env:PG", mode: cdc, tables: [source]}
  out: {run: write-postgres, from: shop.source, dsn: "env:PG", table: target}
"""
PAGES = """
pipeline: pages
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 50ms, attempts: 1000}
stages:
  shop: {run: read-postgres, dsn: "env:PG", mode: poll, tables: [source], column: n, poll-interval: 50ms}
  out: {run: write-postgres, from: shop.source, dsn: "env:PG", table: target, commit: two-phase}
"""


def numbers(server, table):
    return [int(n) for n in server.psql(f"select n from {table}", check=False).split()]


def copying(stream, server, manifest):
    server.psql("create table source (n bigint primary key)")

    def feed(first, last):
        server.psql(f"insert into source select generate_series({first}, {last - 1})")

    return Copied(stream, manifest, feed, lambda: numbers(server, "target"))


@with_server
def silence_is_survived(stream, server):
    silence_is_waited_out_across_kills(copying(stream, server, CHANGES))
    server.psql("drop table source, target")
    silence_is_waited_out_across_kills(copying(stream, server, PAGES))


def with_small_disk(stream, manifest):
    @on_small_disk("64m")
    def run(inner, disk):
        with_server(lambda _, server: rows_are_equal_when_no_state_can_be_kept_for_a_while(copying(inner, server, manifest), disk))(inner)
    run(stream)


def a_full_disk_is_survived(stream):
    with_small_disk(stream, CHANGES)


def a_full_disk_is_survived_by_pages_and_prepared_transactions(stream):
    with_small_disk(stream, PAGES)


@with_server
def a_stop_is_quick_though_the_server_is_away(stream, server):
    a_stop_does_not_wait_for_a_source_without_server(copying(stream, server, CHANGES), server)
    for commit in ("outbox", "two-phase"):
        a_stop_does_not_wait_for_a_sink_without_server(stream, f'{{run: write-postgres, dsn: "env:PG", table: made, commit: {commit}}}', server,
                                                       lambda: numbers(server, "made"))
        stream.run("stream", "cancel", "made", expect=None)
        server.psql("drop table made")


if __name__ == "__main__":
    if newest_programs() is None:
        print("skipped: no PostgreSQL server")
        sys.exit(0)
    main([the_tutorial_keeps_its_promises, changes_come_exactly_once_whoever_is_killed,
          a_transaction_that_checkpoints_cut_is_gone_on_with, reading_the_tables_begins_anew_where_it_is_killed, rows_are_written_exactly_once_whoever_is_killed, a_column_that_a_changed_pipeline_brings_is_added,
          pages_by_key_or_by_a_growing_column_come_once, wrong_use_is_refused_and_says_why,
          what_a_job_leaves_behind_is_listed_and_resolved, slots_are_kept_made_anew_and_dropped,
          values_that_do_not_fit_are_bad_records, over_tls_server_and_user_are_known, examples_of_the_manuals_work_as_printed,
          a_publication_that_is_there_is_used, silence_is_survived, a_full_disk_is_survived, a_full_disk_is_survived_by_pages_and_prepared_transactions, a_stop_is_quick_though_the_server_is_away])
