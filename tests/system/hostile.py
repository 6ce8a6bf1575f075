"""What no stage may be harmed by: being killed, waiting for input, rows of nonsense, and a disk without room.

One table says how each stage is used; a stage that is not in it fails the tests. Stages that need a server are in the
tests of their connectors.
"""

import json
import pathlib
import random
import re
import socket
import sqlite3
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
from harness import check, main, wait_until  # noqa: E402
from small_disk import on_small_disk  # noqa: E402

# Killed on both sides, starved and fed nonsense by the tests that start their servers.
ELSEWHERE = {"read-kafka": "kafka.py", "write-kafka": "kafka.py", "read-nats": "nats.py", "write-nats": "nats.py",
             "read-redis": "redis.py", "write-redis": "redis.py", "read-mqtt": "mqtt.py", "read-postgres": "postgres.py",
             "write-postgres": "postgres.py", "listen": "listen.py", "write-http": "write_http.py"}

# Every stage in one job, for which all that the branches give is a table or a file of its own.
JOB = """
pipeline: hostile
checkpoint: {interval: 200ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  read-file: {run: read-file, path: rows.ndjson, time: ts}
  read-sqlite: {run: read-sqlite, path: rows.db, table: rows}
  replay: {run: replay, path: rows.ndjson}
  generate: {run: generate, rows: ROWS, rate: RATE, columns: "n, n % 50 as k, random % 1000 as v, n || '-x' as t, to_timestamp(n / 100.0) as ts", time: ts}
  filter: {run: filter, from: generate, where: v > 300}
  select: {run: select, from: generate, columns: "n, v * 2 as w"}
  aggregate: {run: aggregate, from: generate, by: k, window: tumble 5s, compute: {c: count(*), s: sum(v)}}
  assign-time: {run: assign-time, from: read-sqlite, time: at, time-unit: s}
  dedup: {run: dedup, from: generate, by: v}
  explode: {run: explode, from: generate, column: t, separator: "-", as: part}
  fill: {run: fill, from: generate, every: 1s, by: k, for: 3s, with: {v: 0}}
  exec: {run: exec, from: generate, command: cat}
  join: {run: join, from: {a: filter, b: dedup}, columns: "a.n as an, b.n as bn", on: "a.v = b.v and b.ts between a.ts - interval '2 seconds' and a.ts"}
  match: {run: match, from: generate, by: k, pattern: low high, define: {low: v < 300, high: v > 700}, measures: {began: low.n, over: high.n}}
  lookup: {run: lookup, from: generate, path: names.csv, on: input.k = names.k, columns: "n, names.name"}
  lua: {run: lua, from: generate, by: k, schema: "n bigint, at bigint", state: "n bigint", code: "function on_row(row, state, emit) state.n = (state.n or 0) + 1 emit(row.n, state.n) end"}
  route: {run: route, from: generate, routes: {big: v > 900, rest: else}}
  sample: {run: sample, from: generate, fraction: 0.5}
  sort: {run: sort, from: generate, order: v desc}
  throttle: {run: throttle, from: select, rate: 1000000}
  top-n: {run: top-n, from: generate, by: k, order: "v desc, n", limit: 3}
  write-sqlite: {run: write-sqlite, from: top-n, path: top.db, table: top, key: n}
  write-null: {run: write-null, from: sort}
  print: {run: print, from: route.big}
"""
FILES = ["read-file", "read-sqlite", "replay", "filter", "aggregate", "assign-time", "dedup", "explode", "fill", "exec", "join", "match", "lookup",
         "lua", "route.rest", "sample", "sort", "throttle"]  # each read by a write-file

SCHEMA = "n bigint, k bigint, v bigint, t varchar, ts timestamp"
ROW = '{"n":%d,"k":1,"v":2,"t":"a-b","ts":"2026-01-01T00:00:00Z"}\n'
# How a stage that reads standard input is called.
PLAIN = {
    "filter": ["n > 0"], "select": ["n, t"], "aggregate": ["--by", "t", "count(*) as c, sum(v) as s"], "assign-time": ["ts"], "dedup": ["t"],
    "explode": ["t", "--separator", "-"], "fill": ["1s", "--for", "10s", "--time", "ts", "--with", "carry as v"], "exec": ["cat"],
    "lookup": ["--path", "names.csv", "--on", "input.k = names.k", "n, names.name"],
    "lua": ["--by", "k", "--state", "n bigint", "--schema", "t varchar", "--code", "function on_row(row, state, emit) state.n = row.n emit(row.t) end"],
    "match": ["--time", "ts", "--by", "k", "--within", "1m", "--define", "v > 1 as a", "--measures", "a.n as n", "a"], "route": ["n > 5 as big"], "sample": ["1"],
    "sort": ["--time", "ts"], "throttle": ["1000000"], "top-n": ["--order", "v", "--limit", "2", "k"], "print": [], "write-null": [],
    "write-file": ["out.ndjson", "--if-exists", "replace"], "write-sqlite": ["out.db", "--table", "t", "--if-exists", "replace"]}
SOURCES = {"read-file", "read-sqlite", "replay", "generate"}
TWO_INPUTS = {"join"}
OWN_SCHEMA = {"exec", "lua"}  # whose `schema` is that of what they give
FAILED, BAD_RECORD, CORRUPT, USAGE = 1, 98, 99, 100


def every_stage_is_in_the_table(stream):
    cmake = (TOP / "CMakeLists.txt").read_text()
    built = set(re.search(r"set\(STREAM_STAGES\s+([^)]*)\)", cmake).group(1).split())
    in_job = set(re.findall(r"run: ([a-z-]+)", JOB)) | {"write-file"}
    check(in_job | set(ELSEWHERE) == built, f"not in the job: {sorted(built ^ (in_job | set(ELSEWHERE)))}")
    check(set(PLAIN) | SOURCES | TWO_INPUTS | set(ELSEWHERE) == built, "a stage is not said to be plain, a source, or tested elsewhere")
    for stage, name in ELSEWHERE.items():
        text = (TOP / "tests/system" / name).read_text()
        check(f"run: {stage}" in text and "kill" in text, f"{name} kills no {stage}")


def prepare(stream, rows, rate):
    made = [{"n": n, "k": n % 50, "v": n * 7 % 100, "ts": f"2026-01-01T00:{n // 60 % 60:02d}:{n % 60:02d}Z"} for n in range(3000)]
    stream.write("rows.ndjson", "".join(json.dumps(row) + "\n" for row in made))
    with sqlite3.connect(stream.folder / "rows.db") as db:
        db.execute("create table if not exists rows (n integer primary key, at integer)")
        db.executemany("insert or ignore into rows values (?, ?)", [(row["n"], 1_700_000_000 + row["n"]) for row in made])
    stream.write("names.csv", "k,name\n" + "".join(f"{k},name {k}\n" for k in range(0, 50, 2)))
    sinks = "".join(f"  to-{stage.replace('.', '-')}: {{run: write-file, from: {stage}, path: {stage}.out.ndjson}}\n" for stage in FILES)
    return stream.write("hostile.yaml", JOB.replace("ROWS", str(rows)).replace("RATE", str(rate)) + sinks)


def results(stream):
    """What each branch has given, in any order."""
    found = {stage: sorted((stream.folder / f"{stage}.out.ndjson").read_text().splitlines()) for stage in FILES}
    with sqlite3.connect(stream.folder / "top.db") as top:
        found["top-n"] = sorted(top.execute("select * from top"))
    check(all(found.values()), f"nothing to compare: {[stage for stage, rows in found.items() if not rows]}")
    return found


def undisturbed(stream, rows):
    """The results of a run that nothing happens to; nothing of it stays."""
    prepare(stream, rows, 1_000_000)
    stream.run("stream", "run", "hostile.yaml", timeout=120)
    found = results(stream)
    for path in [*stream.folder.glob("*.out.ndjson"), *stream.folder.glob("top.db*")]:
        path.unlink()
    stream.run("rm", "-rf", stream.home("hostile"))
    return found


def check_equal(stream, wanted):
    for stage, rows in results(stream).items():
        other = wanted[stage]
        check(rows == other, f"{stage}: {len(rows)} rows, {len(other)} wanted: {sorted(set(map(str, rows)) ^ set(map(str, other)))[:4]}")


ROWS, RATE = 24_000, 1_200


def results_are_equal_when_every_stage_is_killed(stream):
    wanted = undisturbed(stream, ROWS)
    prepare(stream, ROWS, RATE)
    job = stream.start("stream", "run", "hostile.yaml", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stages = wait_until("instances", lambda: sorted(stream.instances("hostile")))
    random.Random(11).shuffle(stages)
    for first in range(0, len(stages), 6):
        running = wait_until("all instances", lambda: len(found := stream.instances("hostile")) == len(stages) and found)
        check(job.poll() is None, "the job is over before every stage was killed")
        stream.kill([running[stage] for stage in stages[first:first + 6]])
        wait_until("the next attempt", lambda old=running: not set(stream.instances("hostile").values()) & set(old.values()))
    talk = job.communicate(timeout=180)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check_equal(stream, wanted)


@on_small_disk("256m")
def results_are_equal_when_no_state_can_be_kept_for_a_while(stream, disk):
    wanted = undisturbed(stream, ROWS // 2)
    prepare(stream, ROWS // 2, RATE)
    stream.environment["STREAM_HOME"] = str(disk.folder / "home")
    talk = stream.folder / "talk"  # on a disk with room: neither the log nor the job store can say anything
    with talk.open("w") as words:
        job = stream.start("stream", "run", "hostile.yaml", stdout=subprocess.DEVNULL, stderr=words)
    wait_until("a checkpoint", lambda: stream.succeeds("stream", "wait", "--for", "checkpoint", "hostile"))
    disk.fill(leave=0)
    wait_until("checkpoints that are aborted", lambda: len(re.findall("checkpoint [0-9]+ aborted", talk.read_text())) >= 2)
    disk.make_room()
    check(job.wait(timeout=180) == 0, f"exit {job.returncode}: {talk.read_text()}")
    check_equal(stream, wanted)


def plain_commands(*more):
    """(stage, a call of it with its input declared, so that nothing has to be found out from the first rows)."""
    for stage, options in PLAIN.items():
        declared = [] if stage in OWN_SCHEMA else ["--schema", SCHEMA]
        yield stage, [f"stream-{stage}", *declared, *more, *options]


def a_stage_that_waits_for_input_goes_on_when_it_comes(stream):
    stream.write("names.csv", "k,name\n1,one\n")
    waiting = {stage: stream.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for stage, command in plain_commands()}
    for stage, process in waiting.items():
        wait_until(f"{stage} to wait for input", lambda pid=process.pid: sleeps(pid))
    for stage, process in waiting.items():
        check(process.poll() is None, f"{stage} did not wait: {process.stderr.read() if process.poll() is not None else ''}")
        process.stdin.write(ROW % 7)
        process.stdin.flush()
    for stage, process in waiting.items():
        out, talk = process.communicate(timeout=60)
        check(process.returncode == 0 and talk == "", f"{stage}: exit {process.returncode}: {talk}")
        check(out or stage.startswith("write-") or stage == "route", f"{stage} printed nothing")


def sleeps(pid):
    """It has read what there was and is in a call that waits."""
    return (pathlib.Path("/proc") / str(pid) / "wchan").read_text() != "0" and "stream-" in (pathlib.Path("/proc") / str(pid) / "comm").read_text()


def called(stream, command, stdin):
    done = subprocess.run(command, env=stream.environment, cwd=stream.folder, input=stdin, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


NOISE = random.Random(3).randbytes(20_000)
VALUES = {"another type", "half a character", "too large"}  # of columns that not every stage reads
GARBAGE = {
    "noise": NOISE, "zeros": bytes(5000), "an open string": b'{"n":1,"t":"' + b"x" * 5000, "depth": b'{"n":' + b"[" * 50_000 + b"\n",
    "another type": b'{"n":"seven"}\n', "a list": b"[1,2,3]\n", "half a character": b'{"t":"\xc3"}\n', "too large": b'{"n":99999999999999999999}\n'}


def garbage_is_a_bad_record(stream):
    stream.write("names.csv", "k,name\n1,one\n")
    for what, garbage in GARBAGE.items():
        for stage, command in plain_commands():
            first = (ROW % 1).encode() if stage in OWN_SCHEMA else b""
            code, _, talk = called(stream, command, first + garbage)
            unseen = stage in OWN_SCHEMA or what in VALUES
            check(code == BAD_RECORD and talk.count("\n") == 1 or unseen and code == 0, f"{stage}, {what}: exit {code}: {talk[:300]}")
        for stage, command in plain_commands("--on-error", "skip"):
            code, _, talk = called(stream, command, (ROW % 1).encode() + garbage)
            check(code == 0, f"{stage}, {what}, skipped: exit {code}: {talk[:300]}")


def nulls_and_large_texts_are_rows(stream):
    stream.write("names.csv", "k,name\n1,one\n")
    nulls = '{"n":null,"k":null,"v":null,"t":null,"ts":null}\n{}\n'
    large = json.dumps({"n": 1, "k": 1, "v": 2, "t": "x" * 5_000_000, "ts": "2026-01-01T00:00:00Z"}) + "\n"
    for stage, command in plain_commands():
        code, out, talk = called(stream, command, (ROW % 1 + large * 2).encode())
        check(code == 0, f"{stage}, large: exit {code}: {talk[:300]}")
        shown = b"x" * 5_000_000 in out
        check(shown or stage.startswith("write-") or stage in ("lookup", "match"), f"{stage}: the text is not printed")
        code, _, talk = called(stream, command, (ROW % 1 + nulls).encode())
        said = talk.count("\n") == 1 and "bad record" in talk
        check((code, talk) == (0, "") or (code == BAD_RECORD and said), f"{stage}, nulls: exit {code}: {talk[:300]}")


def sources_of_garbage_say_so(stream):
    (stream.folder / "noise").write_bytes(NOISE)
    (stream.folder / "noise.gz").write_bytes(b"\x1f\x8b\x08\x00" + NOISE)
    (stream.folder / "noise.zst").write_bytes(b"\x28\xb5\x2f\xfd" + NOISE)
    (stream.folder / "noise.db").write_bytes(b"SQLite format 3\0" + NOISE)
    commands = [["stream-read-file", "--format", form, *more, "noise"] for form, more in
                {"ndjson": [], "csv": ["--header", "none"], "tsv": [], "text": [], "logfmt": [], "regex": ["--pattern", "(?P<n>[0-9]+)"]}.items()]
    commands += [["stream-read-file", "--schema", SCHEMA, *command[1:]] for command in commands if "text" not in command and "regex" not in command]
    commands += [["stream-read-file", "--schema", SCHEMA, name] for name in ("noise.gz", "noise.zst")]
    commands += [["stream-read-sqlite", "noise.db", "--table", "t"], ["stream-read-sqlite", "noise", "--table", "t"], ["stream-replay", "noise"]]
    for command in commands:
        code, _, talk = called(stream, command, b"")
        check(code in (0, FAILED, BAD_RECORD, USAGE) and (code == 0 or talk.count("\n") == 1), f"{' '.join(command)}: exit {code}: {talk[:300]}")
        check(code != 0 or "text" in command or "csv" in command or "tsv" in command or "logfmt" in command, f"{' '.join(command)} took noise for data")


FRAMES = """
import sys, zmq
address, noise = sys.argv[1], open(sys.argv[2], "rb").read()
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.setsockopt(zmq.LINGER, 5000)
socket.connect(address)
for message in (noise[:10], b"", noise):
    socket.send(message)
socket.close()
context.term()  # waits until it is sent
"""


def connected(path):
    """A socket is there a moment before somebody listens."""
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(str(path))
    except ConnectionRefusedError:
        peer.close()
        return None
    return peer


def noise_on_a_socket_is_refused(stream):
    """It ends a stage that is wired by hand, which says so, whether it comes in messages or not."""
    (stream.folder / "noise").write_bytes(NOISE)
    stream.write("names.csv", "k,name\n1,one\n")
    other = f"ipc://{stream.folder}/other"
    calls = {stage: ["--in"] for stage in PLAIN} | {"join": ["--on", "a.n = b.n", "--in", f"b={other}", "a.n", "--in"]}
    for stage in calls:
        for framed in (False, True):
            path = stream.folder / f"{stage}-{framed}"
            where = f"a=ipc://{path}" if stage == "join" else f"ipc://{path}"
            process = stream.start(f"stream-{stage}", *calls[stage], where, *without_time(PLAIN.get(stage, [])), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
            wait_until(f"the socket of {stage}", path.exists)
            sender = stream.start("stream-generate", "--rate", "10", "--out", other, "n", stderr=subprocess.DEVNULL) if stage == "join" else None
            if framed:
                stream.run("/usr/bin/python3", "-c", FRAMES, f"ipc://{path}", "noise")
            else:
                with wait_until(f"{stage} to listen", lambda: connected(path)) as peer:
                    peer.sendall(NOISE)
            talk = process.communicate(timeout=60)[1]
            check(sender is None or sender.wait(timeout=60) != 0, "the other sender of a join that is gone")
            check(process.returncode == CORRUPT and talk.count("\n") == 1 and "frame" in talk, f"{stage}, {path.name}: exit {process.returncode}: {talk[:300]}")


def without_time(options):
    """Where the sender says which column is the time."""
    at = options.index("--time") if "--time" in options else len(options)
    return options[:at] + options[at + 2:]


if __name__ == "__main__":
    main([every_stage_is_in_the_table, results_are_equal_when_every_stage_is_killed, results_are_equal_when_no_state_can_be_kept_for_a_while,
          a_stage_that_waits_for_input_goes_on_when_it_comes, garbage_is_a_bad_record, nulls_and_large_texts_are_rows, noise_on_a_socket_is_refused, sources_of_garbage_say_so])
