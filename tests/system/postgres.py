#!/usr/bin/env python3
"""The stages of PostgreSQL against a real server, with kills on both sides: what they give equals what is there."""

import json
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402
from postgres import Postgres, newest_programs  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SHOP = """
create table customer (id bigint primary key, name text not null, city_id bigint, note text, price numeric(12,2),
                       seen timestamptz, score double precision, raw bytea, extra jsonb);
create table city (id bigint primary key, name text, country text);
insert into city select n, 'city ' || n, case when n % 3 = 0 then null else 'land ' || n % 5 end from generate_series(1, 50) n;
insert into customer select n, 'customer ' || n, n % 60, E'line\\nbreak\\t\\\\ ' || n, n * 1.25, to_timestamp(n), n / 3.0,
  decode(to_hex(n + 4096), 'hex'), jsonb_build_object('n', n) from generate_series(1, 3000) n;
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


@with_server
def tables_joined_stay_equal_to_the_join_of_the_tables(stream, server):
    server.psql(SHOP)
    shutil.copytree(TOP / "manifests", stream.folder / "manifests")
    stream.run("stream", "run", "-d", "manifests/customers.yaml")
    server.psql("update city set name = 'moved' where id = 7; delete from customer where id % 10 = 3; "
                "update customer set id = id + 100000 where id < 20; insert into customer (id, name) values (0, 'zero')")

    def equal():
        return sqlite_rows(stream, "select * from customers order by id", "manifests/customers.db") == server.rows(JOINED)
    wait_until("the copy to be equal", equal)
    stream.run("stream", "cancel", "customers")


if __name__ == "__main__":
    if newest_programs() is None:
        print("skipped: no PostgreSQL server")
        sys.exit(0)
    main([tables_joined_stay_equal_to_the_join_of_the_tables])
