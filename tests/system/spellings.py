"""One pipeline, four spellings, one result: piped, quoted, as a manifest, and wired by hand."""

import fcntl
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, free_port, main, wait_until  # noqa: E402

SLACK = float(os.environ.get("STREAM_SLACK", "1"))  # times are claims about a machine that has nothing else to do
SCHEMA = "ts timestamp, host varchar, status bigint, ms bigint"

# What stands between the reader and the writer: a list of (stage, options, argument).
PIPELINES = {
    "filter": [("filter", {}, "status >= 500")],
    "select": [("select", {}, "host, ms * 2 as twice, upper(host) as loud")],
    "chain": [("filter", {}, "ms % 2 = 0"), ("select", {}, "host, status + ms as s"), ("filter", {}, "s > 300")],
    "count": [("aggregate", {"by": "host"}, "count(*) as n, sum(ms) as total, max(ms) as top")],
    "errors": [("filter", {}, "status >= 500"), ("aggregate", {"by": "host"}, "count(*) as n")],
    "windows": [("aggregate", {"by": "host", "window": "tumble 1m"}, "count(*) as n, min(ms) as low")],
    "two keys": [("aggregate", {"by": "host,status"}, "count(*) as n, avg(ms) as mean")],
    "conditional sums": [("aggregate", {"by": "host"}, "count(*) filter (where status = 500) as bad, count(distinct ms) as kinds")],
    "cases": [("select", {}, "host, case when status >= 400 then 'bad' else 'good' end as verdict, nullif(ms, 0) as ms"),
              ("filter", {}, "verdict = 'bad' and ms is not null")],
    "text": [("filter", {}, "host like 'h%' and host ~ '[2-5]$'"), ("select", {}, "ts, host || '/' || status as what")],
    "half of the hosts": [("sample", {"by": "host"}, "0.5"), ("filter", {}, "ms > 3")],
    "exploded": [("explode", {"separator": "-", "as": "part", "ordinality": "at"}, "host || '-' || status"), ("filter", {}, "at = 2")],
    "sums of windows": [("filter", {}, "status <> 300"),
                        ("aggregate", {"by": "host,status", "window": "tumble 10s"}, "sum(ms) as total"),
                        ("select", {}, "window_start, host, total * 10 as tenfold")],
}
MAIN_OPTION = {"filter": "where", "select": "columns", "aggregate": "compute", "sample": "fraction", "explode": "column"}


def make_input(stream, rows=2000):
    lines = (json.dumps({"ts": f"2024-01-01T00:{i // 60 % 60:02d}:{i % 60:02d}Z", "host": f"h{i % 7}", "status": 200 + i % 4 * 100,
                         "ms": i * 7 % 113}) for i in range(rows))
    return stream.write("in.ndjson", "\n".join(lines) + "\n")


def words(stages, by_hand=()):
    out = []
    for stage, options, argument in stages:
        out.append([stage] + [word for name, value in options.items() for word in (f"--{name}", value)] + [argument])
    return out


def timed(stages):
    """The stages with their event time, which only one that reads text itself has to be told."""
    return [(stage, dict(options, time="ts") if "window" in options else options, argument) for stage, options, argument in stages]


def rows(text):
    """Rows without how they came about: order between groups and the kind of change are not promised."""
    out = []
    for line in text.splitlines():
        row = json.loads(line)
        row.pop("_op", None)
        out.append(json.dumps(row, sort_keys=True))
    return sorted(out)


def plain(stream, stages):
    programs = [["stream-read-file", "in.ndjson"]] + [[f"stream-{w[0]}", *w[1:]] for w in words(timed(stages))]
    return stream.run("sh", "-c", " | ".join(shlex.join(p) for p in programs))


def quoted(stream, stages):
    reader = ["read-file", "in.ndjson", "--time", "ts"]
    return stream.run("stream", "run", " | ".join(shlex.join(w) for w in [reader] + words(stages)))


def manifest(stream, stages):
    lines = ["pipeline: spelled", "stages:", "  in:", "    run: read-file", "    path: in.ndjson", "    time: ts"]
    for number, (stage, options, argument) in enumerate(stages):
        lines += [f"  s{number}:", f"    run: {stage}", f"    {MAIN_OPTION[stage]}: {json.dumps(argument)}"]
        lines += [f"    {name}: {json.dumps(value)}" for name, value in options.items()]
    stream.write("spelled.yaml", "\n".join(lines + ["  out:", "    run: print", "    format: ndjson", ""]))
    return stream.run("stream", "run", "--fresh", "spelled.yaml")


def by_hand(stream, stages, endpoint, order):
    """Starts the programs one after the other, the first, last or middle one first."""
    programs = [["stream-read-file", "--time", "ts", "in.ndjson"]] + [[f"stream-{w[0]}", *w[1:]] for w in words(stages)]
    ends = [endpoint(i) for i in range(len(programs) - 1)]
    for i, program in enumerate(programs):
        program[1:1] = (["--in", ends[i - 1]] if i > 0 else []) + (["--out", ends[i]] if i < len(ends) else [])
    running = {}
    for i in order(list(range(len(programs)))):
        last = i == len(programs) - 1
        running[i] = stream.start(*programs[i], stdout=subprocess.PIPE if last else None)
    text = running[len(programs) - 1].communicate(timeout=60)[0]
    for i, process in sorted(running.items()):
        check(process.wait(timeout=60) == 0, f"{programs[i]}: exit {process.returncode}")
    return text


def four_spellings_give_the_same_rows(stream):
    make_input(stream)
    tcp = lambda _: f"tcp://127.0.0.1:{free_port()}"  # noqa: E731
    for name, stages in PIPELINES.items():
        wanted = rows(plain(stream, stages))
        check(wanted, f"{name}: no rows")
        others = {
            "quoted": quoted(stream, stages),
            "manifest": manifest(stream, stages),
            "ipc, reader first": by_hand(stream, stages, lambda i: f"ipc://{stream.folder}/e{i}", lambda x: x),
            "tcp, writer first": by_hand(stream, stages, tcp, lambda x: x[::-1]),
            "tcp, middle first": by_hand(stream, stages, tcp, lambda x: x[1:] + x[:1]),
        }
        for spelling, text in others.items():
            found = rows(text)
            check(found == wanted, f"{name}, {spelling}: {len(found)} rows, {len(wanted)} piped; e.g. "
                                   f"{sorted(set(found) ^ set(wanted))[:4]}")


def decimals_pass_through_a_job(stream):
    """Several rows a frame: not every decimal column begins at a multiple of 16 bytes."""
    for columns in ("n, cast(n as decimal(20,2)) as d", "cast(n as decimal(20,2)) as d, n"):
        text = stream.run("stream", "run", f"generate --rows 4001 '{columns}' | "
                          "aggregate 'max(d) as top, min(d) as low, sum(d) as total' | print --format ndjson")
        row = json.loads(text.splitlines()[-1])
        check({k: row[k] for k in ("top", "low", "total")} == {"top": "4000.00", "low": "0.00", "total": "8002000.00"}, text)


def generated_rows_come_in_order(stream):
    text = stream.run("stream-generate", "--rows", "5000", "n")
    check(text == "".join(f'{{"n":{i}}}\n' for i in range(5000)), f"{text[:60]!r}")


def a_filter_passes_lines_byte_for_byte(stream):
    text = '{ "b":"x\\u00e9",  "a" : 1.50e1 }\n{"a":2,"b":null}\n{"a":1e2,"extra":[1, 2]}'
    check(stream.run("stream-filter", "a > 10", stdin=text) == '{ "b":"x\\u00e9",  "a" : 1.50e1 }\n{"a":1e2,"extra":[1, 2]}\n',
          "the lines that pass are those that came")


def ends_soon(stream, what, command):
    began = time.monotonic()
    stream.run("stream", "run", "generate --rows 1 | select n")
    whole = time.monotonic() - began  # what this machine needs, as busy as it is
    began = time.monotonic()
    done = subprocess.run(["bash", "-c", command], env=stream.environment, cwd=stream.folder, timeout=60, capture_output=True,
                          text=True, check=False)
    took = time.monotonic() - began
    check(done.stdout.count("\n") == 1, f"{what}: {done.stdout!r}")
    check(done.stderr == "", f"{what} talks: {done.stderr}")
    check(took < 1.0 * SLACK + whole, f"{what} took {took:.2f} s")


def head_ends_everything_silently_and_soon(stream):
    ends_soon(stream, "a pipe", "stream-generate | stream-filter 'n > 5' | stream-select 'n' | head -1")
    ends_soon(stream, "a job", "stream run 'generate | select n' | head -1")
    wait_until("no job and no process to be left", lambda: not stream.jobs())
    own = str(stream.folder)
    left = [p.name for p in pathlib.Path("/proc").iterdir() if p.name.isdigit() and own in cwd_of(p) and int(p.name) != os.getpid()]
    check(not left, f"left: {left}")


def cwd_of(process):
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""


def a_line_shows_at_once(stream):
    process = stream.start("stream-filter", "--schema", "a bigint", "a > 0", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write('{"a":1}\n')
    process.stdin.flush()
    check(process.stdout.readline() == '{"a":1}\n', "the first line")
    took = []
    for i in range(2, 12):
        began = time.monotonic()
        process.stdin.write(f'{{"a":{i}}}\n')
        process.stdin.flush()
        check(process.stdout.readline() == f'{{"a":{i}}}\n', f"line {i}")
        took.append(time.monotonic() - began)
    process.stdin.close()
    check(process.wait(timeout=60) == 0, f"exit {process.returncode}")
    check(sorted(took)[len(took) // 2] < 0.1 * SLACK, f"lines took {took} s")  # not each: others may have had the processor


def unread_bytes(pipe):
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)


def what_follows_at_once_belongs_to_the_sample(stream):
    """A writer that flushes each line: the second one is a DOUBLE, and comes when the first has been read."""
    def rows_of_two_writes():
        stage = stream.start("stream-filter", "a > 0", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        stage.stdin.write('{"a":1}\n')
        stage.stdin.flush()
        while unread_bytes(stage.stdin):
            pass
        return stage.communicate('{"a":2.5}\n', timeout=60)[0]
    # The machine may be busy with other things for 10 ms, but not every time.
    check(any(rows_of_two_writes() == '{"a":1}\n{"a":2.5}\n' for _ in range(10)), "two lines are the sample")


def two_senders_are_merged(stream):
    ends = [f"ipc://{stream.folder}/m{i}" for i in range(2)]
    receiver = stream.start("stream-aggregate", "--in", ends[0], "--in", ends[1], "count(*) as n, sum(n) as s", stdout=subprocess.PIPE)
    senders = [stream.start("stream-generate", "--rows", "1000", "--out", end, "n") for end in ends]
    text = receiver.communicate(timeout=60)[0]
    check([s.wait(timeout=60) for s in senders] == [0, 0], "the senders end well")
    row = json.loads(text)
    single = json.loads(stream.run("sh", "-c", "stream-generate --rows 1000 n | stream-aggregate 'count(*) as n, sum(n) as s'"))
    check(row == {"n": 2 * single["n"], "s": 2 * single["s"]}, f"{row}, one alone {single}")


def a_second_sender_to_one_address_is_told_apart(stream):
    end = f"ipc://{stream.folder}/one"
    receiver = stream.start("stream-filter", "--in", end, "n >= 0", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = stream.start("stream-generate", "--rate", "1000", "--out", end, "n", stderr=subprocess.DEVNULL)
    check(receiver.stdout.readline(), "rows flow")
    second = stream.start("stream-generate", "--rate", "1000", "--out", end, "n", stderr=subprocess.DEVNULL)
    talk = receiver.communicate(timeout=60)[1]
    check([sender.wait(timeout=60) for sender in (first, second)] == [1, 1], "the senders notice")
    check(receiver.returncode == 1 and f"a second sender has connected to '{end}'" in talk and "--in once for each" in talk
          and talk.count("\n") == 1, talk)


def a_peer_that_is_lost_is_named(stream):
    for victim, words_of in (("sender", "before the end of its data"), ("receiver", "before it had everything")):
        end = f"ipc://{stream.folder}/{victim}"
        receiver = stream.start("stream-filter", "--in", end, "n > 0", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        sender = stream.start("stream-generate", "--rate", "1000", "--out", end, "n", stderr=subprocess.PIPE)
        check(receiver.stdout.readline(), "rows flow")
        dies, lives = (sender, receiver) if victim == "sender" else (receiver, sender)
        dies.send_signal(signal.SIGKILL)
        talk = lives.communicate(timeout=60)[1]
        dies.communicate(timeout=60)
        check(lives.returncode == 1, f"exit {lives.returncode}: {talk}")
        check(end in talk and words_of in talk and talk.count("\n") == 1, talk)


def make_key(stream, name):
    key = stream.folder / name
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    return key


def a_shared_key_file_opens_an_address_of_this_host_to_others(stream):
    key = make_key(stream, "key")
    port = free_port()
    receiver = stream.start("stream-filter", "--key-file", key, "--in", f"tcp://0.0.0.0:{port}", "n < 3", stdout=subprocess.PIPE)
    sender = stream.start("stream-generate", "--rows", "1000", "--key-file", key, "--out", f"tcp://127.0.0.2:{port}", "n")
    check(receiver.communicate(timeout=60)[0] == '{"n":0}\n{"n":1}\n{"n":2}\n', "the rows came")
    check([receiver.wait(), sender.wait(timeout=60)] == [0, 0], "both end well")


def who_has_another_key_is_told_so(stream):
    keys = [make_key(stream, name) for name in ("ours", "theirs")]
    end = f"tcp://127.0.0.1:{free_port()}"
    patience = ["--connect-timeout", "500ms"]
    receiver = stream.start("stream-filter", "--key-file", keys[0], *patience, "--in", end, "n < 3", stderr=subprocess.PIPE)
    sender = stream.start("stream-generate", "--rows", "9", "--key-file", keys[1], *patience, "--out", end, "n", stderr=subprocess.PIPE)
    talk = [p.communicate(timeout=60)[1] for p in (receiver, sender)]
    check([receiver.returncode, sender.returncode] == [1, 1], f"{talk}")
    check(any("another key, or none; give both the same --key-file" in t for t in talk), f"nobody speaks of the key: {talk}")


if __name__ == "__main__":
    main([four_spellings_give_the_same_rows, decimals_pass_through_a_job, generated_rows_come_in_order, a_filter_passes_lines_byte_for_byte, head_ends_everything_silently_and_soon,
          a_line_shows_at_once, what_follows_at_once_belongs_to_the_sample, two_senders_are_merged, a_second_sender_to_one_address_is_told_apart, a_peer_that_is_lost_is_named,
          a_shared_key_file_opens_an_address_of_this_host_to_others, who_has_another_key_is_told_so])
