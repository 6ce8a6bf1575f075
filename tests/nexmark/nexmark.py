"""Nexmark's queries, as manifests/nexmark has them, give what SQLite gives over the same events.

The same with one and with two instances a stage, and when instances are killed while they run.
100,000 events, 2,000,000 with STREAM_LONG=1; STREAM_SEED repeats what was killed when.
"""

import collections
import csv
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from events import load  # noqa: E402
from harness import check, main  # noqa: E402
from queries import COMPARED, FAULTS, OF_MINUTES, QUERIES  # noqa: E402
from side_input import write_side_input  # noqa: E402

LONG = os.environ.get("STREAM_LONG") == "1"
EVENTS = 2_000_000 if LONG else 100_000
DAYS, MINUTES = EVENTS // 100_000, EVENTS // 1_000  # events a second: a bit more than a day, or a quarter of an hour
SEED = int(os.environ.get("STREAM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
MANIFESTS = TOP / "manifests" / "nexmark"
FILES = {"q10"}  # what writes files itself
WITH_SIDE_INPUT = {"q13"}
# What is also run with kills: every query, or those that differ in state and sinks.
DISTURBED = sorted(QUERIES) if LONG else "q4 q5 q6 q7 q8 q9 q10 q11 q12 q13 q16 q18 q19".split()
SIDE_BY_SIDE = 4 if LONG else 6  # jobs at once
KILLS = 20 if LONG else 6  # of each
KILL_SETTINGS = {"stages.events.rate": EVENTS // (20 if LONG else 2), "checkpoint.interval": "100ms",
                 "restart.strategy": "fixed-delay", "restart.delay": "10ms", "restart.attempts": 1000}


def event_rate(query):
    return MINUTES if query in OF_MINUTES else DAYS


class Expected:
    """Rows of each query as SQLite gives them."""

    def __init__(self, stream):
        self.events = {rate: load(stream, stream.folder / f"events-{rate}.db", EVENTS, rate) for rate in (DAYS, MINUTES)}
        self.known = {}

    def rows(self, query):
        if query not in self.known:
            if LONG:
                self.known.clear()  # all of them do not fit into memory
            self.known[query] = collections.Counter(self.events[event_rate(query)].execute(QUERIES[query]))
        return self.known[query]

    def compare(self, stream, query):
        wanted = self.rows(query)
        check(wanted.total() > 0, f"{query}: the oracle has no rows, which proves nothing")
        actual = collections.Counter(rows_of(stream, query))
        if actual != wanted:
            extra, missing = [sorted(map(str, part))[:3] for part in (actual - wanted, wanted - actual)]
            check(False, f"{query}: {actual.total()} rows, {wanted.total()} wanted; e.g. extra {extra}, missing {missing}")


def rows_of(stream, query):
    """What the pipeline has written."""
    if query in FILES:
        return list(rows_of_files(stream.folder / query))
    with sqlite3.connect(f"file:{stream.folder / query}.db?mode=ro", uri=True) as db:
        if query in FAULTS:
            faults = db.execute(FAULTS[query]).fetchone()[0]
            check(faults == 0, f"{query}: {faults} rows that cannot be")
        return db.execute(COMPARED.get(query, "select * from result")).fetchall()


def rows_of_files(folder):
    """day=…/minute=…/part: CSV, whose integers are told apart from texts by their column."""
    unmarked = [minute for minute in folder.glob("*/*") if not (minute / "_SUCCESS").exists()]
    check(not unmarked, f"q10: no _SUCCESS in {unmarked[:3]}")
    for part in sorted(folder.glob("*/*/[!.]*.csv")):
        day, minute = (name.split("=", 1)[1].replace("%3A", ":") for name in part.parts[-3:-1])
        with open(part, encoding="utf-8", newline="") as file:
            for auction, bidder, price, date_time, extra in list(csv.reader(file))[1:]:
                yield day, minute, int(auction), int(bidder), int(price), date_time, extra


def command(stream, query, parallelism, *more):
    words = ["stream", "run", MANIFESTS / f"{query}.yaml", "-p", f"rows={EVENTS}", "-p", f"event-rate={event_rate(query)}",
             "-p", f"parallelism={parallelism}", *more]
    if query in WITH_SIDE_INPUT:
        words += ["-p", f"side={write_side_input(stream.folder)}"]
    if query in FILES:
        return [*words, "-p", f"path={stream.folder / query}/"]
    return [*words, "-p", "sink=write-sqlite", "--set", f"stages.out.path={stream.folder / query}.db",
            "--set", "stages.out.table=result"]


def forget(stream, query):
    shutil.rmtree(stream.folder / query, ignore_errors=True)
    (stream.folder / f"{query}.db").unlink(missing_ok=True)


def every_manifest_has_its_oracle(_stream):
    names = {path.stem for path in MANIFESTS.glob("*.yaml")}
    check(names == set(QUERIES), f"manifests without an oracle, or the other way round: {sorted(names ^ set(QUERIES))}")


def the_results_are_those_of_sqlite_and_survive_kills(stream):
    print(f"seed {SEED}, {EVENTS:,} events", flush=True)
    expected = Expected(stream)
    for query in QUERIES:
        for parallelism in (1,) if query in DISTURBED and not LONG else (1, 2):  # those run with two below
            stream.run(*command(stream, query, parallelism, "--fresh"), timeout=300)
            expected.compare(stream, query)
            forget(stream, query)
    for begin in range(0, len(DISTURBED), SIDE_BY_SIDE):
        chosen = DISTURBED[begin:begin + SIDE_BY_SIDE]
        disturbed(stream, chosen)
        for query in chosen:
            expected.compare(stream, query)
            forget(stream, query)


def children(pid):
    """The instances of a supervisor that are alive now."""
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def disturbed(stream, chosen):
    """Queries side by side, at a rate that leaves time to kill, with two instances a stage."""
    runs = {}
    for query in chosen:
        words = command(stream, query, 2, "--fresh")
        for key, value in KILL_SETTINGS.items():
            words += ["--set", f"{key}={value}"]
        runs[query] = stream.start(*words, stderr=subprocess.DEVNULL)
    chance = random.Random(SEED)
    killed = collections.Counter()
    while any(run.poll() is None for run in runs.values()):
        query = chance.choice(chosen)
        instances = children(runs[query].pid)
        if len(instances) > 2 and killed[query] < KILLS:
            stream.kill([chance.choice(instances)])
            killed[query] += 1
        time.sleep(chance.uniform(0.02, 0.08))  # the load of the test
    codes = {query: run.returncode for query, run in runs.items()}
    check(not any(codes.values()), f"not every job has come to its end: {codes}")
    check(all(killed[query] >= KILLS / 2 for query in chosen), f"hardly anything was killed: {killed}")


if __name__ == "__main__":
    main([every_manifest_has_its_oracle, the_results_are_those_of_sqlite_and_survive_kills])
