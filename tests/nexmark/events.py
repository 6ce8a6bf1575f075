"""Nexmark's events as SQLite tables, for queries that know nothing of how pipelines work."""

import calendar
import functools
import json
import sqlite3
import subprocess
import time

COLUMNS = {
    "person": "id name email_address credit_card city state date_time extra".split(),
    "auction": "id item_name description initial_bid reserve date_time expires seller category extra".split(),
    "bid": "auction bidder price channel url date_time extra".split(),
}
# The same times as numbers, in columns behind the others.
TIMES = {"person": {"at": "date_time"}, "auction": {"at": "date_time", "ends": "expires"}, "bid": {"at": "date_time"}}
BATCH = 10_000


@functools.cache
def day_seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%d"))


def milliseconds(text):
    """Since the epoch, of a time like 2015-07-15T00:00:01.5Z."""
    day, _, clock = text.rstrip("Z").partition("T")
    whole, _, fraction = clock.partition(".")
    hours, minutes, seconds = map(int, whole.split(":"))
    return (day_seconds(day) + hours * 3600 + minutes * 60 + seconds) * 1000 + int(fraction.ljust(3, "0"))


def insert(db, kind, rows):
    marks = ", ".join("?" * (len(COLUMNS[kind]) + len(TIMES[kind])))
    db.executemany(f"insert into {kind} values ({marks})", rows)
    rows.clear()


def load(stream, path, rows, event_rate):
    """Every event once, in the order in which the plain program prints them; times are texts, as printed."""
    db = sqlite3.connect(path)
    db.executescript("pragma journal_mode = off; pragma synchronous = off;")
    for kind, columns in COLUMNS.items():
        db.execute(f"create table {kind} ({', '.join([*columns, *TIMES[kind]])})")
    waiting = {kind: [] for kind in COLUMNS}
    command = ["stream-generate", "--nexmark", "--rows", str(rows), "--event-rate", str(event_rate)]
    with subprocess.Popen(command, env=stream.environment, stdout=subprocess.PIPE) as made:
        for line in made.stdout:
            event = json.loads(line)
            kind = event["type"]
            row = [event[column] for column in COLUMNS[kind]]
            waiting[kind].append(row + [milliseconds(event[column]) for column in TIMES[kind].values()])
            if len(waiting[kind]) == BATCH:
                insert(db, kind, waiting[kind])
    for kind in COLUMNS:
        insert(db, kind, waiting[kind])
    db.executescript("""
        create index person_id on person (id);
        create index auction_id on auction (id);
        create index auction_seller on auction (seller);
        create index bid_auction on bid (auction, bidder);
        create index bid_price on bid (price);""")
    db.commit()
    return db
