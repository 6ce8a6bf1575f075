#!/usr/bin/env python3
"""Many look at a job through `stream serve`: readers that ask again and again, clients of the event stream, and some of those that take
nothing. Told is what they got, what the server needed for it, and what the job did meanwhile, next to as long a time without them.

  serve_load.py PROGRAMS [--readers 1000] [--streams 100] [--slow 10] [--seconds 60]
"""

import argparse
import asyncio
import json
import os
import pathlib
import resource
import socket
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / name) for name in ("support", "system")]
from rest_streams import log_lines  # noqa: E402

PATHS = ("/jobs", "/jobs/overview", "/jobs/live", "/jobs/live/stats", "/jobs/live/checkpoints", "/jobs/live/vertices/totals", "/overview",
         "/jobs/live/history?metric=numRecordsOutPerSecond")
PAUSE = 1.0  # of a reader between two requests


class Tally:
    def __init__(self):
        self.answers = self.crowded = self.failures = self.events = self.dropped = 0
        self.took = []
        self.of_readers, self.of_listeners = [], []  # how many answers, or events, each got
        self.kept = 0                                # that took nothing and were not dropped


async def ask(host, port, path):
    """The status of the answer, when all of it is there."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    while not answer.endswith(b"}") and not answer.endswith(b"]"):
        more = await reader.read()
        if not more:
            break
        answer += more
    return int(answer[9:12]) if answer[:5] == b"HTTP/" else 0


async def read(host, port, number, until, tally):
    await asyncio.sleep(PAUSE * number / 1000)
    turn, answers = number, 0
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            status = await asyncio.wait_for(ask(host, port, PATHS[turn % len(PATHS)]), 30)
        except (OSError, asyncio.TimeoutError):
            status = 0
        tally.took.append(time.monotonic() - began)
        tally.answers += status == 200
        answers += status == 200
        tally.crowded += status == 503
        tally.failures += status not in (200, 503)
        turn += 1
        await asyncio.sleep(max(0, PAUSE - (time.monotonic() - began)))
    tally.of_readers.append(answers)


async def listen(host, port, until, tally):
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 22)
    writer.write(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    events = 0
    while time.monotonic() < until:
        try:
            line = await asyncio.wait_for(reader.readline(), max(0.01, until - time.monotonic()))
        except asyncio.TimeoutError:
            break
        if not line:
            tally.dropped += 1
            break
        events += line.startswith(b"data: ")
    tally.events += events
    tally.of_listeners.append(events)
    writer.close()


def is_dropped(one):
    """Whether the server has closed it, with what was on the way still to be read."""
    try:
        while one.recv(1 << 16):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:  # reset
        return True


async def take_nothing(host, port, until, tally):
    """Asks for more than there is room for on the way, and reads none of it."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.setblocking(False)
    await asyncio.get_running_loop().sock_connect(one, (host, port))
    await asyncio.get_running_loop().sock_sendall(one, b"GET /stream?topics=stats,jobs,events,checkpoints,logs HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.sleep(max(0, until - time.monotonic()))
    tally.kept += not is_dropped(one)
    one.close()


async def chatter(log, until):
    """A megabyte of log in a second, which only those hear that take nothing: soon more than is kept for one."""
    number = 0
    while log and time.monotonic() < until:
        with log.open("a") as file:
            file.write(log_lines(number, 500))
        number += 500
        await asyncio.sleep(0.5)


async def all_of(host, port, readers, streams, slow, seconds, log):
    tally, until = Tally(), time.monotonic() + seconds
    await asyncio.gather(chatter(log, until), *[listen(host, port, until, tally) for _ in range(streams)], *[take_nothing(host, port, until, tally) for _ in range(slow)],
                         *[read(host, port, number, until, tally) for number in range(readers)])
    took = sorted(tally.took)
    return {"answers": tally.answers, "crowded": tally.crowded, "failures": tally.failures, "events": tally.events, "dropped": tally.dropped, "kept": tally.kept,
            "least_answers": min(tally.of_readers, default=0), "least_events": min(tally.of_listeners, default=0),
            "median_ms": round(took[len(took) // 2] * 1000), "p99_ms": round(took[len(took) * 99 // 100] * 1000)}


def load(host, port, readers, streams, slow, seconds, log=None):
    """`log`: the file that the job logs to, if those that take nothing are to be sent much."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    return asyncio.run(all_of(host, port, readers, streams, slow, seconds, log))


JOB = """pipeline: live
checkpoint: {interval: 1s}
stages:
  made: {run: generate, columns: "n, n % 100 as k"}
  totals: {run: aggregate, by: k, compute: count(*) as c, parallelism: 2}
  out: {run: write-null}
"""


def faults(told, args):
    """What must not be, in words. Who takes nothing is dropped when more has gathered than is kept for it, which needs a while."""
    if told["failures"]:
        yield f"{told['failures']} answers were wrong or missing"
    if told["dropped"]:
        yield f"{told['dropped']} listeners were dropped that took everything"
    if args.readers and told["least_answers"] == 0:
        yield "a reader got no answer at all"
    if args.streams and told["least_events"] == 0:
        yield "a listener heard nothing"
    if args.seconds >= 20 and told["kept"]:
        yield f"{told['kept']} of {args.slow} that take nothing were not dropped"
    if told["attempt"] != 1:
        yield f"the job is in attempt {told['attempt']}"


def processor_seconds(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def rows_for_each_second_of_its_own(stream, seconds):
    """What the job does with the processor time that it gets: on a small machine the readers themselves take of that."""
    def look():
        stats = stream.stats("live")
        rows = sum(one["records_out"] for one in stats["instances"] if one["stage"] == "made")
        return rows, sum(processor_seconds(one["pid"]) for one in stats["instances"])
    rows, cpu = look()
    seconds()
    more, later = look()
    return (more - rows) / max(0.01, later - cpu)


def main():
    from harness import Stream
    from rest import Client, Server
    parser = argparse.ArgumentParser()
    parser.add_argument("programs")
    for name, fallback in (("readers", 1000), ("streams", 100), ("slow", 10), ("seconds", 60)):
        parser.add_argument(f"--{name}", type=int, default=fallback)
    args = parser.parse_args()
    with Stream(args.programs) as stream:
        stream.write("live.yaml", JOB)
        stream.run("stream", "run", "-d", "live.yaml")
        with Server(stream) as server:
            client = Client(server.url)
            told = {}
            alone = rows_for_each_second_of_its_own(stream, lambda: time.sleep(args.seconds))
            cpu = processor_seconds(server.process.pid)
            beside = rows_for_each_second_of_its_own(
                stream, lambda: told.update(load(client.host, client.port, args.readers, args.streams, args.slow, args.seconds,
                                         stream.home("live") / "logs" / "stream.log")))
            told["server_cpu_s"] = round(processor_seconds(server.process.pid) - cpu, 1)
            status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            told["server_peak_mib"] = int(status.partition("VmHWM:")[2].split()[0]) // 1024
            told["rows_per_cpu_s"] = {"alone": round(alone), "beside": round(beside), "share": round(beside / alone, 3)}
            told["attempt"] = client.get("/jobs/live/summary")["attempt"]
            print(json.dumps(told))
            wrong = list(faults(told, args))
    for line in wrong:
        print(f"serve_load.py: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
