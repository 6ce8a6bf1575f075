"""What it costs to be watched: reporters, logs elsewhere and somebody who polls, all at once, beside nothing of it. And how
fast a log is followed."""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import threading
import time

from harness import check
from measure import cpu_of_children
from report import Part, millions

SCALE = float(os.environ.get("STREAM_BENCH_SCALE", "1"))  # below 1 it is only seen that it works, and nothing is kept
ROUNDS = 13 if SCALE == 1 else 2  # of each, in turn, so that a busy machine disturbs both alike
ROWS = int(450_000_000 * SCALE)
LINES = int(1_000_000 * SCALE)
MANIFEST = """pipeline: watched
checkpoint: {{interval: 1s}}
{watched}stages:
  made: {{run: generate, columns: "n, n % 65536 as k, n % 1000 as v", rows: {rows}}}
  some: {{run: filter, where: v >= 100}}
  totals: {{run: aggregate, by: k, compute: count(*) as n, emit: final}}
  out: {{run: write-null}}
"""
WATCHED = """log: debug
log-to:
  file: {{}}
  stderr: {{format: json}}
  syslog: {{address: "127.0.0.1:{udp}", format: json}}
metrics:
  prometheus: {{address: "127.0.0.1:{prometheus}"}}
  statsd: {{address: "127.0.0.1:{udp}", interval: 1s}}
  graphite: {{address: "127.0.0.1:{tcp}", interval: 1s}}
  log: {{interval: 1s}}
"""
# What the pages of a browser ask for once a second where the event stream does not tell it, and what Flink's own do.
POLLED = ("/overview", "/jobs/overview", "/jobs/watched", "/jobs/watched/stats", "/jobs/watched/checkpoints", "/jobs/watched/metrics",
          "/jobs/watched/vertices/totals/metrics", "/jobs/watched/vertices/totals/backpressure", "/jobs/watched/exceptions",
          "/jobs/watched/history?metric=numRecordsInPerSecond")
LISTENED = "/stream?jobs=watched&topics=jobs,stats,events,checkpoints,logs&level=debug"


class Receivers:
    """What takes metrics, and forgets them."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        for one in (self.udp, self.tcp):
            one.bind(("127.0.0.1", 0))
        self.tcp.listen()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.prometheus = free.getsockname()[1]
        for work in (self.take_datagrams, self.take_streams):
            threading.Thread(target=work, daemon=True).start()

    def take_datagrams(self):
        with contextlib.suppress(OSError):
            while self.udp.recv(1 << 16):
                pass

    def take_streams(self):
        with contextlib.suppress(OSError):
            while True:
                with self.tcp.accept()[0] as taken:
                    while taken.recv(1 << 16):
                        pass

    def ports(self):
        return {"udp": self.udp.getsockname()[1], "tcp": self.tcp.getsockname()[1], "prometheus": self.prometheus}


class Watcher:
    """Somebody with a page of a browser open, whom the server tells what happens; something that polls ten things a second; a Prometheus
    that scrapes; and somebody who follows the log."""

    def __init__(self, stream, url, scraped):
        self.over = threading.Event()
        self.host = url.removeprefix("http://")
        self.scraped = f"127.0.0.1:{scraped}"
        self.answers = self.scrapes = self.events = 0
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.poll, self.scrape, self.listen)]
        for thread in self.threads:
            thread.start()
        self.log = (stream.folder / "followed").open("wb")
        self.follower = None
        self.stream = stream

    def sees_it_run(self):
        connection = http.client.HTTPConnection(self.host, timeout=5)
        try:
            connection.request("GET", "/jobs/watched/status")
            return b'"RUNNING"' in connection.getresponse().read()
        finally:
            connection.close()

    def follow(self):
        """Of a job that is over there would be nothing to follow."""
        self.follower = self.stream.start("stream", "logs", "-f", "watched", stdout=self.log, stderr=subprocess.DEVNULL)

    def every_second(self, host, paths):
        """How many of them are answered, each time."""
        connection = http.client.HTTPConnection(host, timeout=5)
        while not self.over.wait(1):
            answered = 0
            for path in paths:
                try:
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answered += answer.status == 200 and len(answer.read()) > 0
                except (OSError, http.client.HTTPException):  # the job is not there yet, or not any more
                    connection.close()
            yield answered

    def poll(self):
        self.answers = sum(self.every_second(self.host, POLLED))

    def scrape(self):
        self.scrapes = sum(self.every_second(self.scraped, ("/metrics",)))

    def listen(self):
        while not self.over.is_set():
            connection = http.client.HTTPConnection(self.host, timeout=2)
            try:
                connection.request("GET", LISTENED)
                answer = connection.getresponse()
                while answer.status == 200 and not self.over.is_set() and (line := answer.readline()):
                    self.events += line.startswith(b"data:")
            except (OSError, http.client.HTTPException):  # likewise
                self.over.wait(0.1)
            finally:
                connection.close()

    def end(self):
        """What it has seen."""
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.follower:
            self.follower.wait(timeout=60)
        self.log.close()
        lines = (self.stream.folder / "followed").read_bytes().count(b"\n")
        return {"answers": self.answers, "scrapes": self.scrapes, "events": self.events, "lines": lines}


def processor_seconds(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def one_run(stream, manifest, watcher=None):
    """Rows a second of one run, and the processor seconds of the job."""
    stream.write("watched.yaml", manifest)
    before = cpu_of_children()
    began = time.perf_counter()
    job = stream.start("stream", "run", "--fresh", "watched.yaml", stderr=(stream.folder / "said").open("w"))
    if watcher:
        while not watcher.sees_it_run() and job.poll() is None:
            time.sleep(0.02)
        watcher.follow()
    check(job.wait(timeout=600) == 0, f"the run has failed: {(stream.folder / 'said').read_text()[-500:]}")
    wall = time.perf_counter() - began
    return ROWS / wall, cpu_of_children() - before


def overhead(stream, part):
    receivers = Receivers()
    plain = MANIFEST.format(rows=ROWS, watched="")
    watched = MANIFEST.format(rows=ROWS, watched=WATCHED.format(**receivers.ports()))
    server = stream.start("stream", "serve", "--http", "127.0.0.1:0", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    url = server.stdout.readline().strip()
    alone, seen, saw, serving = [], [], [], 0.0
    try:
        one_run(stream, plain)
        for _ in range(ROUNDS):
            alone.append(one_run(stream, plain))
            before = processor_seconds(server.pid)
            watcher = Watcher(stream, url, receivers.prometheus)
            seen.append(one_run(stream, watched, watcher))
            saw.append(watcher.end())
            serving += processor_seconds(server.pid) - before
    finally:
        server.terminate()
        server.wait()
    check(all(all(count > 0 for count in one.values()) for one in saw), f"something has not been watched: {saw}")
    rates, watched_rates = ([run[0] for run in runs] for runs in (alone, seen))
    cost = 1 - statistics.median(watched_rates) / statistics.median(rates)
    cpu, watched_cpu = (statistics.median(run[1] for run in runs) for runs in (alone, seen))
    part.text(f"{millions(ROWS)} rows through generate, filter, aggregate and write-null, {ROUNDS} runs of each in turn, medians. Watched: four "
              "reporters (Prometheus scraped, StatsD, Graphite and the log, every second), debug lines into files, to standard error and to syslog, as JSON, a page of a "
              f"browser (the event stream of `stream serve` with the log), a client that asks it for {len(POLLED)} things a second, and `stream logs "
              "-f`. All of these, and who they tell, are on the same machine and take of its cores. Processor seconds are those of the job: its "
              "supervisor and instances.")
    part.table(["", "rows/s", "lowest", "highest", "processor seconds"],
               [["nothing on", millions(statistics.median(rates)), millions(min(rates)), millions(max(rates)), cpu],
                ["watched", millions(statistics.median(watched_rates)), millions(min(watched_rates)), millions(max(watched_rates)), watched_cpu]])
    total = {name: sum(one[name] for one in saw) for name in saw[0]}
    part.text(f"Seen in all watched runs: {total['answers']} answers, {total['events']} events, {total['scrapes']} scrapes, {total['lines']} lines of the "
              f"log. The server took {serving:.1f} s of processor time for it.")
    part.goal("throughput that metrics, logs and polling cost", "≤ 2 %", f"{cost:.1%}", cost <= 0.02)


def log_line(number):
    return json.dumps({"attempt": 1, "checkpoint": number // 1000, "instance": number % 8, "job": "idle", "level": "info",
                       "message": f"request {number} took {number % 977} ms", "stage": "requests", "ts": "2026-01-01T00:00:00.000Z",
                       "us": 1767225600000000 + number}, separators=(",", ":")) + "\n"


def following(stream, part):
    """CPU of `stream logs -f` while a log grows; it is through with it when it has printed the last line."""
    stream.write("idle.yaml", "pipeline: idle\nstages:\n  made: {run: generate, columns: n, rate: 1}\n  out: {run: write-null}\n")
    stream.run("stream", "run", "-d", "idle.yaml")
    text = "".join(map(log_line, range(LINES))).encode()
    used = cpu_of_children()
    out = stream.folder / "followed"
    with out.open("wb") as file:
        reader = stream.start("stream", "logs", "-f", "--stage", "requests", "idle", stdout=file)
        began = time.perf_counter()
        with open(stream.home("idle") / "logs" / "stream.log", "ab") as log:
            for at in range(0, len(text), 1 << 20):
                log.write(text[at:at + (1 << 20)])
                log.flush()
        while b"request %d " % (LINES - 1) not in tail(out):
            check(time.perf_counter() - began < 120, "the log is not followed to its end")
            time.sleep(0.002)
        wall = time.perf_counter() - began
    stream.run("stream", "cancel", "idle")
    reader.wait()
    cpu = cpu_of_children() - used
    part.text(f"`stream logs -f --stage` of a log that grows by {LINES:,} lines as fast as they can be written.")
    part.table(["lines/s", "lines a second of CPU"], [[millions(LINES / wall), millions(LINES / cpu)]])
    part.goal("following a log", "≥ 100 K lines/s", millions(LINES / wall) + " lines/s", LINES / wall >= 100_000)


def tail(path):
    size = os.path.getsize(path)
    with pathlib.Path(path).open("rb") as file:
        file.seek(max(0, size - 4096))
        return file.read()


def measure(stream):
    part = Part()
    part.heading("Being watched")
    overhead(stream, part)
    following(stream, part)
    return part
