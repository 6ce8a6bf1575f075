"""Avro in real jobs: written and read back by us and by another implementation, whoever is killed."""

import datetime
import decimal
import json
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from nats_server import ABSENT, NatsServer  # noqa: E402

# Debian's package, which another Python in the path may not see.
sys.path.append("/usr/lib/python3/dist-packages")
try:
    import avro.datafile
    import avro.io
    import avro.schema
except ImportError:
    avro = None

decimal.getcontext().prec = 60  # theirs computes in it
LONG = decimal.Decimal("9" * 28 + "." + "9" * 10)
EDGES = [
    {"n": 2**63 - 1, "s": "", "p": -0.0, "m": LONG, "d": datetime.date(1969, 12, 31), "x": b"\xff" * 300000},
    {"n": -(2**63), "s": "Köln", "p": float("inf"), "m": -LONG, "d": datetime.date(1, 1, 1), "x": b""},
    {"n": None, "s": None, "p": None, "m": None, "d": None, "x": None},
]
FIELDS = [("n", "long"), ("s", "string"), ("p", "double"),
          ("m", {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 10}),
          ("d", {"type": "int", "logicalType": "date"}), ("x", "bytes")]


def read_by_others(path):
    with open(path, "rb") as file, avro.datafile.DataFileReader(file, avro.io.DatumReader()) as reader:
        return list(reader)


def write_by_others(path, fields, rows, codec="deflate"):
    fields = [{"name": name, "type": ["null", type_]} for name, type_ in fields]
    schema = avro.schema.parse(json.dumps({"type": "record", "name": "r", "fields": fields}))
    with open(path, "wb") as file, avro.datafile.DataFileWriter(file, avro.io.DatumWriter(), schema, codec=codec) as writer:
        for row in rows:
            writer.append(row)


def other_implementations_read_what_is_written_and_the_other_way(stream):
    if avro is None:
        print("skipped: python3-avro is not installed")
        return
    for codec in ("null", "deflate"):
        write_by_others(stream.folder / "in.avro", FIELDS, EDGES, codec)
        check(read_by_others(stream.folder / "in.avro") == EDGES, "the other implementation does not read what it writes")
        stream.run("stream", "run", f"read-file in.avro | write-file {codec}.avro --codec {codec}")
        check(read_by_others(stream.folder / f"{codec}.avro") == EDGES, read_by_others(stream.folder / f"{codec}.avro"))
    found = [json.loads(line) for line in stream.run("stream-read-file", "null.avro").splitlines()]
    check([row["n"] for row in found] == [row["n"] for row in EDGES], found)
    check(found[0]["m"] == str(LONG) and found[1]["d"] == "0001-01-01", (found[0]["m"], found[1]["d"]))


def kill_one(stream, job, pick):
    instances = stream.instances(job)
    if instances:
        stream.kill([instances[pick.choice(sorted(instances))]])


def a_killed_run_writes_each_record_once(stream):
    pick = random.Random(5)
    stream.write("job.yaml", """
pipeline: job
checkpoint: {interval: 30ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 200}
stages:
  in: {run: read-file, path: in.avro, split-size: 40KiB, parallelism: 2}
  slow: {run: throttle, rate: 30000}
  one: {run: write-file, path: out.avro}
  parts: {run: write-file, from: slow, path: parts/, format: avro, by: n % 3 as k, roll-every: 300ms, codec: zstandard}
""")
    stream.run("stream", "run", "generate --rows 60000 --columns 'n, random % 1000 as r' | write-file in.avro --codec null")
    job = stream.start("stream", "run", "job.yaml", stderr=subprocess.PIPE)
    for _ in range(6):
        if job.poll() is not None:
            break
        wait_until("instances", lambda: job.poll() is not None or stream.instances("job"), timeout=60)
        kill_one(stream, "job", pick)
    check(job.wait(timeout=120) == 0, job.stderr.read())
    wanted = sorted(stream.run("stream-read-file", "in.avro").splitlines())
    check(len(wanted) == 60000, len(wanted))
    check(sorted(stream.run("stream-read-file", "out.avro").splitlines()) == wanted, "out.avro differs")
    check(sorted(stream.run("stream-read-file", "parts/*/*.avro", "--format", "avro").splitlines()) == wanted, "the parts differ")
    if avro is not None:
        check(len(read_by_others(stream.folder / "out.avro")) == 60000, "out.avro as others read it")


def what_is_appended_to_must_hold_the_same_columns(stream):
    stream.run("stream", "run", "generate --rows 10 --columns 'n' | write-file out.avro --codec zstandard")
    stream.run("stream", "run", "generate --rows 10 --columns 'n' | write-file out.avro --if-exists append")
    check(len(stream.run("stream-read-file", "out.avro").splitlines()) == 20, "not appended")
    stream.run("stream", "run", "generate --rows 10 --columns 'n, n as m' | write-file out.avro --if-exists append", expect=1)
    check("has the columns" in stream.last_stderr and "--if-exists replace" in stream.last_stderr, stream.last_stderr)


def a_damaged_block_is_one_dead_letter(stream):
    stream.run("stream", "run", "generate --rows 40000 --columns 'n' | write-file in.avro --codec null")
    data = bytearray((stream.folder / "in.avro").read_bytes())
    marker = bytes(data[-16:])
    data[data.index(marker, data.index(marker) + 16)] ^= 0xFF
    (stream.folder / "in.avro").write_bytes(data)
    lines = stream.run("stream-read-file", "in.avro", "--on-error", "skip").splitlines()
    check(0 < len(lines) < 40000 and json.loads(lines[-1])["n"] == 39999, (len(lines), lines[-1]))
    check("a block is damaged" in stream.last_stderr, stream.last_stderr)
    stream.run("stream-read-file", "in.avro", expect=98)


def messages_go_through_a_broker(stream):
    if ABSENT:
        print("skipped: nats-server is not installed")
        return
    schema = {"type": "record", "name": "r", "fields": [{"name": "n", "type": ["null", "long"]}, {"name": "s", "type": ["null", "string"]}]}
    stream.write("r.avsc", json.dumps(schema))
    with NatsServer(stream.folder) as server, server.connect() as client:
        client.make_stream("IN", "in.>")
        stream.run("stream", "run", f"generate --rows 500 --columns 'n, cast(n as varchar) as s' | write-nats in.a --servers {server.url} "
                   "--format avro --avro-framing confluent --avro-schema-id 7")
        read = f"read-nats IN --servers {server.url} --stop-at-end --format avro --avro-schema r.avsc --avro-framing confluent"
        found = stream.run("stream", "run", read + " --avro-schema-id 7 | print --format ndjson").splitlines()
        check(sorted(json.loads(line)["n"] for line in found) == list(range(500)), found[:3])
        stream.run("stream", "run", read + " --avro-schema-id 8 --on-error fail | print", expect=1)
        check("schema 7, not with 8" in stream.last_stderr, stream.last_stderr)
        stream.run("stream", "run", f"read-nats IN --servers {server.url} --format avro | print", expect=100)
        check("avro-schema" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([other_implementations_read_what_is_written_and_the_other_way, a_killed_run_writes_each_record_once,
          what_is_appended_to_must_hold_the_same_columns, a_damaged_block_is_one_dead_letter, messages_go_through_a_broker])
