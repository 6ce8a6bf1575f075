"""Nexmark's queries: events a second of CPU, memory, and what a checkpoint costs."""

import collections
import json
import pathlib
import subprocess
import time

import flink
import flink_queries
from measure import cpu_of_children
from report import Part, millions
from side_input import write_side_input

MANIFESTS = pathlib.Path(__file__).resolve().parent.parent.parent / "manifests" / "nexmark"
EVENTS = 10_000_000
# What keeps much for ever, or all of a window, gets fewer events: its state must fit into memory.
FEWER = dict.fromkeys(["q4", "q6", "q7", "q9", "q16", "q18", "q19", "q20", "q23"], 2_000_000)
GOALS = dict.fromkeys("q0 q1 q2 q3 q5 q7 q8 q11 q12 q13 q14 q17 q21 q22".split(), 3e6)
GOALS |= dict.fromkeys("q4 q9 q15 q16 q18 q19 q20".split(), 1e6)
BENCHMARK, LONG = 10_000_000, 100_000  # events a second of event time
WINDOWED = {"q4", "q5", "q6", "q7", "q8", "q11"}  # what event time makes a difference to
SAMPLE = 0.05  # seconds between two looks at memory
RUNS = 3  # of which the one with least CPU counts: what the kernel takes for fresh pages differs by half
MEMORY = flink.HEAP.replace("g", "GiB")  # as much as Flink is given

Run = collections.namedtuple("Run", "events wall cpu memory pause checkpoints")


def queries():
    return sorted((path.stem for path in MANIFESTS.glob("q*.yaml")), key=lambda name: int(name[1:]))


def resident(pid):
    """Bytes of a supervisor and its instances, each without what it shares with others."""
    pages = 0
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in [str(pid), *children]:
            _, rss, shared, *_ = map(int, pathlib.Path(f"/proc/{process}/statm").read_text().split())
            pages += rss - shared
    except (OSError, ValueError):
        return 0  # it is about to end
    return pages * 4096


def command(stream, query, events, event_rate):
    words = ["stream", "run", "--fresh", str(MANIFESTS / f"{query}.yaml"), "-p", f"rows={events}",
             "-p", f"event-rate={event_rate}", "--set", "checkpoint.interval=1s", "--set", f"memory={MEMORY}"]
    if query == "q10":
        words += ["-p", f"path={stream.folder}/q10-{time.monotonic_ns()}/"]
    if query == "q13":
        words += ["-p", f"side={write_side_input(stream.folder)}"]
    return words


def pauses(stream, query, since):
    """Of each checkpoint of the run the longest time that an instance stood still, in ms."""
    listed = stream.run("stream", "checkpoint", "--list", "--json", f"nexmark-{query}")
    found = [json.loads(line) for line in listed.splitlines()]
    return [max(detail["sync_us"] for detail in one["detail"]) / 1000
            for one in found if one["triggered_us"] >= since * 1e6 and one["detail"]]


def run(stream, query, event_rate):
    events = FEWER.get(query, EVENTS)
    since, began, used = time.time(), time.monotonic(), cpu_of_children()
    job = subprocess.Popen(command(stream, query, events, event_rate), env=stream.environment, cwd=stream.folder,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    memory = 0
    while job.poll() is None:
        memory = max(memory, resident(job.pid))
        time.sleep(SAMPLE)
    wall, cpu = time.monotonic() - began, cpu_of_children() - used
    if job.returncode != 0:
        raise OSError(f"{query}: exit {job.returncode}: {job.stderr.read().decode()[-500:]}")
    stood_still = pauses(stream, query, since)
    return Run(events, wall, cpu, memory, max(stood_still, default=0), len(stood_still))


class Flink:
    """What it needs for the same, where it is installed."""

    def __init__(self, stream, part):
        self.present = flink.available()
        if not self.present:
            part.text("Apache Flink is absent: it comes with `./dev setup bench` where Python's packages and a JDK can be had.")
            return
        flink.compile_peer()
        for kind in flink_queries.CHECKS:
            compare_events(stream, kind)
        part.text("Apache Flink 1.20 answers the same queries over the same events (their columns' sums are compared first): two "
                  "parallel instances, exactly once, a checkpoint every second, state on the heap, mini-batches, objects reused, "
                  "results into its blackhole, those of q10 to files; measured over the first 2 M events, when the query has run before in the same process, without the start.")

    def head(self):
        return ["Flink, events/s a core", "times Flink"] if self.present else []

    def cells(self, query, events, event_rate, speed):
        if not self.present:
            return []
        other = flink.speed(query, events, event_rate)
        return ["", ""] if other is None else [millions(other), f"{speed / other:.1f}"]


CHECKED = 200_000  # events


def compare_events(stream, kind):
    sums = flink_queries.CHECKS[kind].replace("CHAR_LENGTH", "length").split(", ")
    manifest = stream.folder / f"events-{kind}.yaml"
    manifest.write_text(json.dumps({"pipeline": f"events-{kind}", "stages": {
        "events": {"run": "generate", "nexmark": True, "rows": CHECKED},
        "sums": {"run": "aggregate", "from": f"events.{kind}", "compute": {f"c{i}": text for i, text in enumerate(sums)}},
        "print": {"run": "print"}}}))
    last = json.loads(stream.run("stream", "run", "--fresh", str(manifest)).splitlines()[-1])
    ours = [str(last[f"c{i}"]) for i in range(len(sums))]
    theirs = flink.checksums(kind, CHECKED, BENCHMARK)
    if ours != theirs:
        raise OSError(f"the events of kind {kind} differ: {ours} here, {theirs} in Flink")


def row(query, result, event_rate, peer):
    goal = GOALS.get(query)
    speed = result.events / result.cpu
    cells = [query, f"{result.events / 1e6:.0f} M", millions(speed), "" if goal is None else f"≥ {goal / 1e6:.0f} M",
             result.wall, result.cpu, f"{result.memory / 1e6:.0f} MB", f"{result.pause:.1f} ms", result.checkpoints]
    return cells + peer.cells(query, result.events, event_rate, speed)


def table(stream, part, title, event_rate, chosen, peer):
    head = ["query", "events", "events/s a core", "goal", "seconds", "CPU seconds", "peak memory", "longest pause", "checkpoints"]
    head += peer.head()
    rows = []
    for query in chosen:
        result = min((run(stream, query, event_rate) for _ in range(RUNS)), key=lambda one: one.cpu)
        rows.append(row(query, result, event_rate, peer))
        goal = GOALS.get(query)
        if event_rate == BENCHMARK and goal is not None:
            speed = result.events / result.cpu
            part.goal(f"Nexmark {query}, events/s a core", f"≥ {goal / 1e6:.0f} M", millions(speed), speed >= goal)
    part.heading(title)
    part.table(head, rows)
    return rows


def measure(stream):
    part = Part()
    part.text("Events of all three kinds, made in the same run by `generate --nexmark`, whose cost counts; results go to "
              "`write-null`, those of q10 to files. Exactly once, a checkpoint every second, one instance a stage. A core's "
              "second is a second of CPU of all processes and threads, the supervisor's too. Memory is what no two processes "
              "share, all of them together. A pause is the longest time that any instance stood still for a checkpoint. Each query "
              f"runs {RUNS} times, and the run with least CPU counts; it may use {MEMORY}, as Flink may.")
    peer = Flink(stream, part)
    table(stream, part, "The published profile: 10 M events a second of event time", BENCHMARK, queries(), peer)
    table(stream, part, "The long profile: 100 K events a second of event time, so that windows end", LONG,
          [query for query in queries() if query in WINDOWED], peer)
    return part
