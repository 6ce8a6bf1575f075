"""Formats in real jobs: changes of Debezium, folders that get files and are marked, whoever is killed."""

import gzip
import json
import pathlib
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from nats_server import ABSENT, NatsServer  # noqa: E402

OPTIONS = "format: debezium-json, key: id, schema: \"id bigint, city varchar, total bigint\""
TABLE = """
pipeline: table
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 200}
stages:
  changes: {SOURCE}
  rows: {run: write-sqlite, path: out.db, table: rows, if-exists: replace}
  sums: {run: aggregate, from: changes, by: city, compute: {n: count(*), total: sum(total)}, parallelism: 2}
  cities: {run: write-sqlite, path: out.db, table: cities, if-exists: replace}
"""


class Table:
    """A table, and what Debezium says of its changes."""

    def __init__(self, seed):
        self.pick, self.rows = random.Random(seed), {}

    def row(self, key):
        return {"id": key, "city": self.pick.choice(["Bonn", "Köln", "Ulm", None]), "total": self.pick.randrange(1000)}

    def change(self):
        key = self.pick.randrange(300)
        before, after, op = self.rows.get(key), None, "d"
        if before is None or self.pick.random() < 0.7:
            after, op = self.row(key), "u" if before else self.pick.choice("cr")
        if op == "u" and self.pick.random() < 0.1:
            after["id"] = next(other for other in range(1000, 99999) if other not in self.rows)
        if before:
            del self.rows[key]
        if after:
            self.rows[after["id"]] = after
        return before, after, op

    def records(self, count):
        for _ in range(count):
            before, after, op = self.change()
            envelope = {"before": before, "after": after, "source": {"table": "orders"}, "op": op, "ts_ms": 1}
            yield json.dumps(envelope if self.pick.random() < 0.5 else {"schema": {"type": "struct"}, "payload": envelope})
            if op == "d":
                yield "null"

    def is_in(self, path):
        """Whether the sinks hold this table and its sums."""
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60) as db:
                rows = db.execute("select id, city, total from rows").fetchall()
                sums = db.execute("select city, n, total from cities").fetchall()
        except sqlite3.OperationalError:
            return False  # no table yet
        wanted = {}
        for row in self.rows.values():
            n, total = wanted.get(row["city"], (0, 0))
            wanted[row["city"]] = (n + 1, total + row["total"])
        return (sorted(rows, key=str) == sorted(((r["id"], r["city"], r["total"]) for r in self.rows.values()), key=str)
                and sorted(sums, key=str) == sorted(((city, *of) for city, of in wanted.items()), key=str))


def kill_one(stream, job, pick):
    instances = stream.instances(job)
    if instances:
        stream.kill([instances[pick.choice(sorted(instances))]])


def changes_in_a_growing_file_give_the_table_whoever_is_killed(stream):
    table, pick = Table(3), random.Random(3)
    changes = stream.folder / "changes.json"
    changes.write_text("")
    stream.write("table.yaml", TABLE.replace("SOURCE", "run: read-file, path: changes.json, follow: true, " + OPTIONS))
    job = stream.start("stream", "run", "table.yaml", stderr=subprocess.PIPE)
    for round_ in range(8):
        with open(changes, "a", encoding="utf-8") as file:
            file.writelines(record + "\n" for record in table.records(3000))
        kill_one(stream, "table", pick)
        if round_ % 3 == 2:
            wait_until("the table", lambda: table.is_in(stream.folder / "out.db"), timeout=60, interval=0.05)
    wait_until("the table", lambda: table.is_in(stream.folder / "out.db"), timeout=60, interval=0.05)
    check(job.poll() is None, "the job has ended")
    stream.run("stream", "stop", "table")


def changes_in_messages_give_the_table_whoever_is_killed(stream):
    if ABSENT:
        print("skipped: nats-server is not installed")
        return
    table, pick = Table(4), random.Random(4)
    with NatsServer(stream.folder) as server, server.connect() as client:
        client.make_stream("IN", "in.>")
        stream.write("table.yaml", TABLE.replace("SOURCE", f"run: read-nats, stream: IN, servers: {server.url}, " + OPTIONS))
        stream.start("stream", "run", "table.yaml", stderr=subprocess.PIPE)
        for _ in range(4):
            client.publish("in.orders", ["" if record == "null" else record for record in table.records(2000)])
            kill_one(stream, "table", pick)
        wait_until("the table", lambda: table.is_in(stream.folder / "out.db"), timeout=60, interval=0.05)
        stream.run("stream", "stop", "table")


def wrong_changes_are_bad_records_and_the_rest_goes_on(stream):
    stream.write("changes.json", '{"op":"c","after":{"id":1}}\n{"op":"u","after":{"id":1}}\n{"op":"t"}\n{"op":"c","after":{"id":2}}\n')
    found = stream.run("stream-read-file", "changes.json", "--format", "debezium-json", "--key", "id", "--on-error", "skip", "--emit", "updates")
    check([json.loads(line) for line in found.splitlines()] == [{"_op": "+I", "id": 1}, {"_op": "+I", "id": 2}], found)
    check("REPLICA IDENTITY FULL" in stream.last_stderr, stream.last_stderr)


def files_that_come_into_a_folder_are_found(stream):
    """Of a folder and of a glob, also while the source is dead; compressed ones when they are whole."""
    for name, path in {"folder": "in", "glob": "in/*.ndjson"}.items():
        folder = stream.folder / name / "in"
        folder.mkdir(parents=True)
        previous, before = 0, b""
        (folder / "first.ndjson").write_text('{"n": 0}\n')
        with gzip.open(folder / "packed.ndjson", "wt") as file:
            file.write('{"n": -1}\n')
        stream.start("stream", "run", "--name", name, f"read-file '{stream.folder / name / path}' --follow --schema 'n bigint' | "
                     f"write-sqlite {stream.folder / name}.db --table t", stderr=subprocess.PIPE)
        for n in range(1, 40):
            (folder / ".new").write_text("".join(f'{{"n": {n * 1000 + i}}}\n' for i in range(100)))
            (folder / ".new").rename(folder / f"f{n}.ndjson")
            packed = gzip.compress("".join(f'{{"n": {-n * 1000 - i}}}\n' for i in range(100)).encode())
            if n in (4, 14, 24):
                (folder / f"p{n}.ndjson").write_bytes(packed[:40])  # it is still being written
            if n in (6, 17, 30):
                with open(folder / f"p{previous}.ndjson", "ab") as file:
                    file.write(before[40:])
            if n in (4, 14, 24):
                previous, before = n, packed
            if n in (5, 15, 25):
                wait_until("instances", lambda: stream.instances(name))
                kill_one(stream, name, random.Random(n))
        wanted = sorted([-1, 0] + [n * 1000 + i for n in range(1, 40) for i in range(100)] +
                        [-n * 1000 - i for n in (4, 14, 24) for i in range(100)])

        def found():
            try:
                with sqlite3.connect(f"file:{stream.folder / name}.db?mode=ro", uri=True, timeout=60) as db:
                    return [n for n, in db.execute("select n from t order by n")]
            except sqlite3.OperationalError:
                return []

        wait_until("the files", lambda: len(found()) >= len(wanted), timeout=60, interval=0.05)
        stream.run("stream", "stop", name)
        check(found() == wanted, f"{name}: {len(found())} rows, {len(wanted)} wanted")


def a_bounded_run_reads_compressed_files_of_a_folder(stream):
    (stream.folder / "in").mkdir()
    for n in range(3):
        with gzip.open(stream.folder / "in" / f"f{n}.ndjson.gz", "wt") as file:
            file.write(f'{{"n": {n}}}\n')
    check(stream.run("stream-read-file", "in").splitlines() == ['{"n":0}', '{"n":1}', '{"n":2}'], "other rows")


def folders_are_marked_when_their_time_has_passed(stream):
    rows = stream.folder / "rows.ndjson"
    rows.write_text("")
    stream.start("stream", "run", "--name", "marked", "read-file rows.ndjson --follow --schema 'ts timestamp, n bigint' --time ts | "
                 "write-file out/ --by \"to_char(ts, 'HH24MI') as minute\" --success-after 1m", stderr=subprocess.PIPE)

    def add(first, last):
        with open(rows, "a", encoding="utf-8") as file:
            file.writelines(f'{{"ts": "2026-01-31T10:{n // 60:02}:{n % 60:02}Z", "n": {n}}}\n' for n in range(first, last))

    def folder(minute):
        return stream.folder / "out" / f"minute=10{minute:02}"

    def of(minute):
        parts = sorted(folder(minute).glob("part-*"))
        return [json.loads(line)["n"] for part in parts for line in part.read_text().splitlines()]

    add(0, 119)
    wait_until("instances", lambda: stream.instances("marked"))
    kill_one(stream, "marked", random.Random(1))
    add(119, 200)
    wait_until("the first marker", lambda: (folder(0) / "_SUCCESS").exists(), timeout=60)
    check(of(0) == list(range(60)), f"marked before its rows: {of(0)}")
    add(200, 241)
    wait_until("the second marker", lambda: (folder(1) / "_SUCCESS").exists(), timeout=60)
    check(of(1) == list(range(60, 120)), f"marked before its rows: {of(1)}")
    check(not (folder(3) / "_SUCCESS").exists(), "minute 3 is not over")
    stream.run("stream", "stop", "--drain", "marked")
    check(all((folder(minute) / "_SUCCESS").exists() for minute in range(5)), "the end marks every folder")
    check([n for minute in range(5) for n in of(minute)] == list(range(241)), "other rows")


def what_cannot_be_is_said(stream):
    stream.write("a.json", '{"op":"c","after":{"id":1}}\n')
    refused = {
        "debezium-json needs the columns that identify a row": "read-file a.json --format debezium-json | print",
        "no column 'idd'; did you mean 'id'?": "read-file a.json --format debezium-json --key idd | print",
        "records of format ndjson change no rows": "read-file a.json --key op | print",
        "one file has no folders that could be complete": "generate --rows 1 --columns 'n, now() as t' --time t | write-file a --success-after 1m",
        "only blocks of Avro are compressed": "generate --rows 1 | write-file a --codec deflate",
        "no name that Avro allows": "generate --rows 1 --columns 'n as \"a b\"' | write-file a.avro",
        "messages in Avro do not say what they hold": "read-nats IN --format avro | print",
        "'none.avsc': unable to open": "read-nats IN --format avro --avro-schema none.avsc | print",
        "the messages are no Avro": "read-nats IN --avro-framing confluent --schema 'n bigint' | print",
        "required with avro-framing confluent": "generate --rows 1 | write-nats a.b --format avro --avro-framing confluent",
        "the input has no event time by which a folder could be complete": "generate --rows 1 | write-file a/ --success-after 1m",
    }
    for words, pipeline in refused.items():
        stream.run("stream", "run", pipeline, expect=100)
        check(words in stream.last_stderr, f"{pipeline}: {stream.last_stderr}")


if __name__ == "__main__":
    main([changes_in_a_growing_file_give_the_table_whoever_is_killed, changes_in_messages_give_the_table_whoever_is_killed,
          wrong_changes_are_bad_records_and_the_rest_goes_on, files_that_come_into_a_folder_are_found,
          a_bounded_run_reads_compressed_files_of_a_folder, folders_are_marked_when_their_time_has_passed, what_cannot_be_is_said])
