"""Standard input as a source of a job: sampled, spooled, read exactly once whatever is killed."""

import collections
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

SLACK = float(os.environ.get("STREAM_SLACK", "1"))  # times are claims about a machine that has nothing else to do
USAGE = 100
SEED = int(os.environ.get("STREAM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
KILLS = 25


def record(number):
    return json.dumps({"host": f"h{number % 7}", "status": 200 + number % 4 * 100, "n": number}) + "\n"


def records(begin, end):
    return "".join(map(record, range(begin, end)))


def rows(text):
    return sorted(line for line in text.splitlines())


def nothing_left(stream):
    home = stream.folder / "home"
    wait_until("no job and no file of one to be left",
               lambda: not home.exists() or all(path.name == "cache" for path in home.iterdir()))


def no_schema_is_needed_and_nothing_is_lost(stream):
    text = records(0, 40000)  # more than a sample
    check(len(text) > 1 << 20, "the input is longer than a sample")
    stages = "filter 'status >= 400' | aggregate --by host 'count(*) as c, sum(n) as s, min(n) as first'"
    plain = stream.run("sh", "-c", "stream-filter 'status >= 400' | "
                       "stream-aggregate --by host 'count(*) as c, sum(n) as s, min(n) as first'", stdin=text)
    wanted = rows(plain.replace(',"_op":"+I"', ""))

    def same(what, out):
        found = [json.loads(line) for line in out.splitlines()]
        last = {row["host"]: {k: row[k] for k in ("host", "c", "s", "first")} for row in found if not row.get("_op", "+").startswith("-")}
        found = sorted(json.dumps(row, separators=(",", ":")) for row in last.values())
        check(found == wanted, f"{what}: {found[:2]}, wanted {wanted[:2]}")

    same("implicit", stream.run("stream", "run", stages, stdin=text))
    same("read-file -", stream.run("stream", "run", "read-file - | " + stages, stdin=text))
    stream.write("m.yaml", "pipeline: m\nstages:\n  in: {run: read-file, path: \"-\"}\n  few: {run: filter, where: status >= 400}\n"
                 "  sum: {run: aggregate, by: [host], compute: ['count(*) as c', sum(n) as s, min(n) as first]}\n"
                 "  out: {run: print, format: ndjson}\n")
    same("manifest", stream.run("stream", "run", "m.yaml", stdin=text))
    with open(stream.write("in.ndjson", text), encoding="utf-8") as file:
        done = subprocess.run(["stream", "run", stages], env=stream.environment, cwd=stream.folder, stdin=file, capture_output=True,
                              text=True, timeout=60, check=False)
    same("a file as standard input", done.stdout)
    check(done.returncode == 0 and done.stderr == "", done.stderr)
    check(not (stream.home("m") / "spool").exists(), "a finished job needs no spool")


def every_format_is_sampled(stream):
    csv = "host,n\n" + "".join(f"h{i % 3},{i}\n" for i in range(1000))
    for pipeline in ("read-file - --format csv | select 'host, n + 1 as m' | filter 'm > 999'",
                     "select --format csv 'host, n + 1 as m' | filter 'm > 999'"):
        check(stream.run("stream", "run", pipeline, stdin=csv) == '{"host":"h0","m":1000}\n', pipeline)
    check(stream.run("stream", "run", "filter --format text \"line like 'b%'\"", stdin="abc\nbcd\n") == '{"line":"bcd"}\n', "text")
    check(stream.run("stream", "run", "read-file - --format regex --pattern '(?P<k>\\w+)=(?P<v>\\d+)' | filter 'v > 1'",
                     stdin="a=1\nb=2\n") == '{"k":"b","v":2}\n', "regex")
    check(stream.run("stream-read-file", "-", stdin='{"a":1}\n{"a":2}\n') == '{"a":1}\n{"a":2}\n', "plain")


def a_schema_that_is_given_holds(stream):
    for pipeline in ("filter --schema 'a double' 'a > 0'", "read-file - --schema 'a double' | filter 'a > 0'"):
        check(stream.run("stream", "run", pipeline, stdin='{"a":1}\n{"a":2.5}\n') == '{"a":1}\n{"a":2.5}\n', pipeline)
    windows = stream.run("stream", "run", "aggregate --time ts --by k --window 'tumble 1m' 'count(*) as n'",
                         stdin='{"ts":"2024-01-01T00:00:10Z","k":1}\n{"ts":"2024-01-01T00:00:20Z","k":1}\n')
    check(json.loads(windows)["n"] == 2, windows)


class Producer:
    """`stream run` with a standard input that stays open."""

    def __init__(self, stream, *args, **kwargs):
        self.process = stream.start("stream", "run", *args, stdin=subprocess.PIPE, **kwargs)

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def line(self):
        return self.process.stdout.readline()

    def finish(self, expect=0):
        self.process.stdin.close()
        code = self.process.wait(timeout=60)
        check(code == expect, f"exit {code}")


def short_run(stream):
    """Seconds for a run of one row: what this machine needs, as busy as it is."""
    stream.run("stream", "run", "filter 'a > 0'", stdin='{"a":1}\n')  # what a first run has to ask is cached
    began = time.monotonic()
    stream.run("stream", "run", "filter 'a > 0'", stdin='{"a":1}\n')
    return time.monotonic() - began


def a_row_shows_while_the_input_goes_on(stream):
    whole = short_run(stream)
    producer = Producer(stream, "filter 'a > 0'", stdout=subprocess.PIPE)
    began = time.monotonic()
    producer.write('{"a":1}\n')
    check(producer.line() == '{"a":1}\n', "the first row")
    first = time.monotonic() - began
    took = []
    for i in range(2, 12):
        began = time.monotonic()
        producer.write(f'{{"a":{i}}}\n')
        check(producer.line() == f'{{"a":{i}}}\n', f"row {i}")
        took.append(time.monotonic() - began)
    producer.finish()
    check(first < 0.4 * SLACK + whole, f"the first row took {first:.3f} s, a whole run {whole:.3f} s")
    check(sorted(took)[len(took) // 2] < 0.1 * SLACK, f"rows took {took} s")  # not each: others may have had the processor
    nothing_left(stream)


def a_sample_waits_for_a_record(stream):
    producer = Producer(stream, "read-file - --format csv | filter 'n > 0'", stdout=subprocess.PIPE)
    for part in ("k,", "n\n", "x,", "1", "\ny,2\n"):
        producer.write(part)
        time.sleep(0.05)  # longer than a sample waits for company
    check([json.loads(producer.line()) for _ in range(2)] == [{"k": "x", "n": 1}, {"k": "y", "n": 2}], "rows")
    producer.finish()


def head_ends_it_silently_and_soon(stream):
    whole = short_run(stream)
    began = time.monotonic()
    done = subprocess.run(["bash", "-c", "yes '{\"a\":1}' | stream run \"filter 'a > 0'\" | head -1"], env=stream.environment,
                          cwd=stream.folder, timeout=60, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    check(done.stdout == '{"a":1}\n' and done.stderr == "", f"{done.stdout!r} {done.stderr!r}")
    nothing_left(stream)
    check(took < 1.0 * SLACK + whole, f"it took {took:.2f} s")


def a_reader_that_goes_ends_it_though_nothing_comes(stream):
    whole = short_run(stream)
    producer = Producer(stream, "filter 'a > 0'", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    producer.write('{"a":1}\n')
    check(producer.line() == '{"a":1}\n', "the first row")
    producer.process.stdout.close()
    began = time.monotonic()
    code = producer.process.wait(timeout=60)
    took = time.monotonic() - began
    check(code == 0 and producer.process.stderr.read() == "", f"exit {code}")
    check(took < 1.0 * SLACK + whole, f"it took {took:.2f} s")
    nothing_left(stream)


def a_job_without_a_name_that_was_killed_can_be_resumed_or_removed(stream):
    for verb in ("resume", "cancel"):
        producer = Producer(stream, f"filter 'n >= 0' | write-file {verb}.ndjson", stderr=subprocess.DEVNULL)
        producer.write(records(0, 1000))
        job = wait_until("the job", stream.jobs)[0]
        wait_until("everything to be spooled", lambda: spooled_bytes(stream, job) == len(records(0, 1000)))
        producer.process.kill()
        producer.process.wait()
        producer.process.stdin.close()
        wait_until("every instance to end", lambda: not stream.processes(job))
        stream.run("stream", verb, job)
        nothing_left(stream)
    check(len((stream.folder / "resume.ndjson").read_text().splitlines()) == 1000, "every record, once")


def ctrl_c_stops_and_nothing_is_kept_of_a_job_without_a_name(stream):
    for name in ("", "named"):
        producer = Producer(stream, "filter 'a > 0'", *(("--name", name) if name else ()), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        producer.write('{"a":1}\n')
        check(producer.line() == '{"a":1}\n', "the first row")
        producer.process.send_signal(signal.SIGINT)
        talk = producer.process.communicate(timeout=60)[1]
        check(producer.process.returncode == 0 and "stopped" in talk, talk)
        if name:
            check("'stream run' goes on" in talk, talk)
            check(stream.jobs() == [name], f"{stream.jobs()}")
        else:
            check("nothing is kept" in talk, talk)
            nothing_left(stream)


def two_jobs_without_a_name_are_two(stream):
    producers = [Producer(stream, "filter 'a > 0'", stdout=subprocess.PIPE) for _ in range(2)]
    for i, producer in enumerate(producers):
        producer.write(f'{{"a":{i + 1}}}\n')
    for i, producer in enumerate(producers):
        check(producer.line() == f'{{"a":{i + 1}}}\n', f"job {i}")
    for producer in producers:
        producer.finish()
    nothing_left(stream)


EXACTLY_ONCE = """
pipeline: piped
checkpoint: {interval: 100ms, keep: 3}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  in: {run: read-file, path: "-"}
  few: {run: filter, where: n % 10 <> 3}
  sums: {run: aggregate, by: [host], compute: ['count(*) as c', sum(n) as s]}
  table: {run: write-sqlite, path: OUT.db, table: sums}
  rows: {run: write-file, from: few, path: OUT.ndjson}
"""


def results(stream, name):
    with sqlite3.connect(f"file:{stream.folder / name}.db?mode=ro", uri=True) as db:
        table = sorted(db.execute("select host, c, s from sums"))
    return table, rows((stream.folder / f"{name}.ndjson").read_text())


def wanted_results(numbers):
    kept = [n for n in numbers if n % 10 != 3]
    sums = collections.defaultdict(lambda: [0, 0])
    for n in kept:
        sums[f"h{n % 7}"][0] += 1
        sums[f"h{n % 7}"][1] += n
    lines = (json.dumps({"host": f"h{n % 7}", "status": 200 + n % 4 * 100, "n": n}, separators=(",", ":")) for n in kept)
    return sorted((host, *v) for host, v in sums.items()), sorted(lines)


def differs(found, wanted):
    extra = sorted((collections.Counter(found) - collections.Counter(wanted)).elements())[:3]
    missing = sorted((collections.Counter(wanted) - collections.Counter(found)).elements())[:3]
    return f"{len(found)}, {len(wanted)} wanted; e.g. extra {extra}, missing {missing}"


def check_results(stream, name, numbers):
    for what, found, wanted in zip(("table", "rows"), results(stream, name), wanted_results(numbers)):
        check(found == wanted, f"{what}: {differs(found, wanted)}")


def killing_stages_changes_nothing(stream):
    print(f"seed {SEED}, {KILLS} kills", flush=True)
    chance = random.Random(SEED)
    stream.write("piped.yaml", EXACTLY_ONCE.replace("OUT", "out"))
    producer = Producer(stream, "piped.yaml", stderr=subprocess.DEVNULL)
    fed = [0]
    enough = threading.Event()

    def feed():
        while not enough.is_set():
            text = records(fed[0], fed[0] + 500)
            cut = chance.randrange(len(text))  # records arrive in pieces
            producer.write(text[:cut])
            producer.write(text[cut:])
            fed[0] += 500
            time.sleep(0.01)  # the load: up to 50,000 records a second

    writer = threading.Thread(target=feed)
    writer.start()
    try:
        for _ in range(KILLS):
            victims = wait_until("instances", lambda: stream.instances("piped"))
            stream.kill([chance.choice(sorted(victims.values()))])
            time.sleep(chance.uniform(0, 0.3))
    finally:
        enough.set()
        writer.join()
    producer.finish()
    check_results(stream, "out", range(fed[0]))
    failures = sum(e["kind"] == "failed" for e in stream.events("piped"))
    check(failures >= KILLS / 2, f"only {failures} failures were noticed")


def spool_size(stream, job):
    total = 0
    for path in (stream.home(job) / "spool").glob("*-[0-9]*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def the_disk_is_bounded(stream):
    stream.write("long.yaml", "pipeline: long\ncheckpoint: {interval: 100ms}\nstages:\n  in: {run: read-file, path: \"-\", schema: n bigint}\n"
                 "  none: {run: write-null}\n")
    producer = Producer(stream, "long.yaml", stderr=subprocess.PIPE)
    block = "".join(f'{{"n":{i},"pad":"{"x" * 80}"}}\n' for i in range(10000))
    fed = 0
    while fed < 80 << 20:
        producer.write(block)
        fed += len(block)
    wait_until("everything to be spooled", lambda: spooled_bytes(stream, "long") == fed, timeout=120)
    # Once it has been read and the checkpoints from before that are gone: the first segment and two others, at most.
    wait_until("old segments to go", lambda: spool_size(stream, "long") <= 45 << 20, timeout=60)
    producer.finish()
    check(not (stream.home("long") / "spool").exists(), "no spool is left")


def spooled_bytes(stream, job):
    lengths = [p.read_text() for p in (stream.home(job) / "spool").glob("*-length")] if stream.home(job).exists() else []
    return sum(int(text.split()[0]) for text in lengths if len(text) == 48)


def a_killed_supervisor_keeps_what_was_spooled(stream):
    stream.write("piped.yaml", EXACTLY_ONCE.replace("OUT", "out"))
    first = records(0, 3000) + record(3000)[:-10]  # the last record is cut
    producer = Producer(stream, "piped.yaml", stderr=subprocess.DEVNULL)
    producer.write(first)
    wait_until("everything to be spooled", lambda: spooled_bytes(stream, "piped") == len(first))
    producer.process.kill()
    producer.process.wait()
    try:
        producer.process.stdin.close()
    except BrokenPipeError:
        pass
    wait_until("every instance to end", lambda: not stream.processes("piped"))
    stream.run("stream", "run", "piped.yaml", stdin=records(3001, 5000))
    check_results(stream, "out", [n for n in range(5000) if n != 3000])
    letters = [json.loads(line) for line in stream.run("stream", "dead-letter", "piped").splitlines()]
    check([(x["reason"], x["record"]) for x in letters] == [("standard input was cut within this record", record(3000)[:-10])], str(letters))


def resume_reads_what_was_spooled_and_ends(stream):
    stream.write("piped.yaml", EXACTLY_ONCE.replace("OUT", "out"))
    producer = Producer(stream, "piped.yaml", stderr=subprocess.DEVNULL)
    first = records(0, 3000)
    producer.write(first)
    wait_until("everything to be spooled", lambda: spooled_bytes(stream, "piped") == len(first))
    producer.process.kill()
    producer.process.wait()
    producer.process.stdin.close()
    wait_until("every instance to end", lambda: not stream.processes("piped"))
    stream.run("stream", "resume", "piped")
    stream.succeeds("stream", "wait", "--for", "finished", "piped")
    check_results(stream, "out", range(3000))


def a_stopped_job_goes_on_with_its_schema(stream):
    stream.write("kept.yaml", "pipeline: kept\nstages:\n  in: {run: read-file, path: \"-\"}\n"
                 "  sum: {run: aggregate, by: [k], compute: 'count(*) as c, sum(a) as s'}\n  out: {run: write-sqlite, path: kept.db, table: t}\n")
    producer = Producer(stream, "kept.yaml", stderr=subprocess.DEVNULL)
    producer.write('{"k":"x","a":1}\n{"k":"x","a":2}\n')
    wait_until("both to be read", lambda: any(i["stage"] == "in" and i["records_out"] == 2 for i in stats_of(stream, "kept")))
    savepoint = stream.run("stream", "stop", "kept").strip()
    producer.finish()
    # The first record of what comes now would give another schema.
    stream.run("stream", "run", "kept.yaml", stdin='{"k":"x","a":"text","b":1}\n{"k":"x","a":40}\n')
    check(stream.last_stderr.count("continues from") == 1, stream.last_stderr)

    def row():
        with sqlite3.connect(f"file:{stream.folder}/kept.db?mode=ro", uri=True) as db:
            return db.execute("select c, s from t").fetchall()

    check(row() == [(3, 43)], f"{row()}")
    letters = stream.run("stream", "dead-letter", "kept").splitlines()
    check(len(letters) == 1 and "text" in letters[0], str(letters))
    stream.run("stream", "run", "--from", savepoint, "--accept-duplicates", "kept.yaml", stdin='{"k":"x","a":500}\n')
    check(row() == [(3, 503)], f"from the savepoint: {row()}")
    stream.run("stream", "run", "kept.yaml", stdin='{"k":"x","a":7}\n')
    check(row() == [(1, 7)], f"anew: {row()}")


def stats_of(stream, job):
    done = subprocess.run(["stream", "stats", "--json", job], env=stream.environment, capture_output=True, text=True, timeout=60, check=False)
    return json.loads(done.stdout)["instances"] if done.returncode == 0 else []


def a_job_in_the_background_reads_on(stream):
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe:
        pipe.write(records(0, 100))
        pipe.flush()
        done = subprocess.run(["stream", "run", "-d", "--name", "behind", "filter 'status >= 400' | write-file behind.ndjson"],
                              env=stream.environment, cwd=stream.folder, stdin=reader, capture_output=True, text=True, timeout=60, check=False)
        os.close(reader)
        check(done.returncode == 0, done.stderr)
        pipe.write(records(100, 200))
    check(stream.succeeds("stream", "wait", "--for", "finished", "--timeout", "100s", "behind"), "it ends with its input")
    found = rows((stream.folder / "behind.ndjson").read_text())
    check(len(found) == 100, f"{len(found)} rows")


def refused(stream, says, *args, stdin=b"", code=USAGE, lines=1):
    kwargs = {"stdin": stdin} if isinstance(stdin, int) else {"input": stdin}
    done = subprocess.run([str(a) for a in args], env=stream.environment, cwd=stream.folder, timeout=60, capture_output=True, check=False, **kwargs)
    talk = done.stderr.decode(errors="replace")
    check(done.returncode == code, f"{args}: exit {done.returncode}: {talk}")
    for text in says:
        check(text in talk, f"{args}: {talk} (wanted {text!r})")
    check(talk.count("\n") == lines, f"{args}: {talk}")


def what_cannot_be_read_is_refused(stream):
    refused(stream, ["standard input is empty: nothing to do"], "stream", "run", "filter 'a > 0'", code=0)
    for wrong, says in (("filter 'nonsense('", "1:18: option 'where': syntax error"), ("filter 'foo(a) > 1'", "no function foo()"),
                        ("filter 'a > 1' | aggregate --window 1m 'count(*)'", "write tumble 1m")):
        refused(stream, ["standard input is empty", says], "stream", "run", wrong, lines=2)
    refused(stream, ["nothing to do"], "stream", "run", "filter --time t 'a > 1' | aggregate --window 'tumble 1m' --by b 'count(*) as n'",
            code=0)
    refused(stream, [], "stream-aggregate", "--time", "t", "--window", "tumble 1m", "count(*) as n", code=0, lines=0)
    stream.write("wrong.yaml", "pipeline: wrong\nstages:\n  a: {run: read-file, path: \"-\"}\n  b: {run: generate, columns: nn}\n"
                 "  c: {run: write-null, from: [a, b]}\n")
    refused(stream, ["wrong.yaml:4:"], "stream", "run", "wrong.yaml", lines=2)
    refused(stream, ["no record of format ndjson", "decompress"], "stream", "run", "filter 'a > 0'", stdin=os.urandom(3000))
    refused(stream, ["no record of format ndjson", "decompress"], "stream", "run", "filter 'a > 0'", stdin=b"\x80" * (3 << 20))
    stream.write("two.yaml", "pipeline: two\nstages:\n  a: {run: read-file, path: \"-\", schema: n bigint}\n"
                 "  b: {run: read-file, path: \"-\", schema: n bigint}\n  c: {run: write-null, from: [a, b]}\n")
    refused(stream, ["two.yaml:4:", "stage 'b' cannot read standard input", "'a' does"], "stream", "run", "two.yaml")
    refused(stream, ["holds the pipeline itself"], "stream", "run", "-", stdin=b"filter 'a > 0'")
    refused(stream, ["holds the pipeline itself"], "stream", "run", "-", stdin=b"filter --schema 'a bigint' 'a > 0'")
    refused(stream, ["cannot be followed"], "stream", "run", "read-file - --follow | write-null", stdin=b'{"a":1}\n')
    check(stream.jobs() == [], f"a refused pipeline leaves no job: {stream.jobs()}")


def a_terminal_is_refused_where_nobody_sits_at_it(stream):
    try:
        terminal, other = os.openpty()
    except OSError as error:  # a chroot without /dev/pts
        print(f"skipped: there are no terminals here: {error}", flush=True)
        return
    for schema in ("", "--schema 'a bigint'"):
        refused(stream, ["terminal", "leave out -d"], "stream", "run", "-d", f"filter {schema} 'a > 0'", stdin=other)
    refused(stream, ["terminal", "pipe a sample"], "stream", "explain", "filter 'a > 0'", stdin=other)
    os.close(terminal)
    os.close(other)
    check(stream.jobs() == [], f"a refused pipeline leaves no job: {stream.jobs()}")


def a_running_job_is_refused_before_anybody_waits(stream):
    producer = Producer(stream, "filter --schema 'a bigint' 'a > 0'", "--name", "one", stdout=subprocess.DEVNULL)
    wait_until("the job", lambda: stream.instances("one"))
    reader, writer = os.pipe()
    refused(stream, ["job 'one' is already running"], "stream", "run", "filter 'a > 0'", "--name", "one", stdin=reader, code=1)
    os.close(reader)
    os.close(writer)
    producer.finish()


def a_sample_can_be_explained(stream):
    out = stream.run("stream", "explain", "filter 'status >= 500'", stdin=records(0, 10))
    check("host varchar, status bigint, n bigint" in out, out)
    check(stream.run("stream", "check", "filter 'status >= 500'", stdin=records(0, 10)).endswith("in one process\n"), "check")


if __name__ == "__main__":
    main([no_schema_is_needed_and_nothing_is_lost, every_format_is_sampled, a_schema_that_is_given_holds,
          a_row_shows_while_the_input_goes_on, a_sample_waits_for_a_record, head_ends_it_silently_and_soon,
          a_reader_that_goes_ends_it_though_nothing_comes, a_job_without_a_name_that_was_killed_can_be_resumed_or_removed,
          ctrl_c_stops_and_nothing_is_kept_of_a_job_without_a_name, two_jobs_without_a_name_are_two,
          killing_stages_changes_nothing, the_disk_is_bounded, a_killed_supervisor_keeps_what_was_spooled,
          resume_reads_what_was_spooled_and_ends, a_stopped_job_goes_on_with_its_schema, a_job_in_the_background_reads_on,
          what_cannot_be_read_is_refused, a_terminal_is_refused_where_nobody_sits_at_it, a_running_job_is_refused_before_anybody_waits, a_sample_can_be_explained])
