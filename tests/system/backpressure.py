"""A sink that stops, or is slow: memory stays bounded, barriers get through, nothing is lost."""

import os
import pathlib
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

SLACK = float(os.environ.get("STREAM_SLACK", "1"))  # times are claims about a machine that has nothing else to do
STOPPED_FOR = float(os.environ.get("STREAM_STOPPED_FOR", "30"))
MEMORY_MAX = (400 << 20) * SLACK  # of the whole job: five processes, their channels and what the snapshots take

MANIFEST = """
pipeline: JOB
checkpoint: {interval: 300ms}
restart: {heartbeat: 10m}
stages:
  made:
    run: generate
    columns: "n, 'a text that takes some room, number ' || n as t"
  kept:
    run: filter
    where: n >= 0 and t is not null
  out:
    SINK
"""


def resident(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
                total += int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        except FileNotFoundError:
            pass
    return total


def of_stage(stream, job, stage):
    return next(i for i in stream.stats(job)["instances"] if i["stage"] == stage)


def watch_memory(stream, job, seconds):
    """Total resident memory of the job, sampled; and how many records its source had sent."""
    pids = stream.processes(job)
    samples = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        samples.append((resident(pids), of_stage(stream, job, "made")["records_out"]))
        time.sleep(0.2)  # the sampling interval
    return samples


def memory_stays_bounded_while_a_sink_is_stopped_and_nothing_is_lost(stream):
    stream.write("stopped.yaml", MANIFEST.replace("JOB", "stopped").replace("SINK", "{run: write-file, path: out.csv}"))
    stream.run("stream", "run", "-d", "stopped.yaml")
    sink = stream.pid("stopped", "out.0")
    stream.kill([sink], signal.SIGSTOP)
    samples = watch_memory(stream, "stopped", STOPPED_FOR)
    later = samples[len(samples) // 3:]
    check(later[0][1] == later[-1][1], f"the source went on sending: {later[0][1]} records, then {later[-1][1]}")
    check(max(r for r, _ in samples) < MEMORY_MAX, f"{max(r for r, _ in samples) >> 20} MiB resident")
    check(later[-1][0] - later[0][0] < (4 << 20) * SLACK, f"memory grows: {later[0][0] >> 20} MiB, then {later[-1][0] >> 20} MiB")
    stream.kill([sink], signal.SIGCONT)
    wait_until("the source to go on", lambda: of_stage(stream, "stopped", "made")["records_out"] > later[-1][1])
    savepoint = stream.run("stream", "stop", "stopped").strip()
    with sqlite3.connect(f"file:{savepoint}/made.0.sqlite?mode=ro", uri=True) as db:
        made = db.execute("select sum((next - lane) / 64) from lanes").fetchone()[0]
    check(made > later[-1][1], f"{made} rows were made, {later[-1][1]} before the sink went on")
    with open(stream.folder / "out.csv", encoding="ascii") as file:
        check(file.readline() == "n,t\n", "a header")
        count = 0
        for line in file:
            check(line.startswith(f"{count},"), f"line {count} is {line!r}")
            count += 1
    check(count == made, f"{count} rows, {made} were made")
    check(not any(e["kind"] == "failed" for e in stream.events("stopped")), "it did not go without a failure")


class Slowed:
    """Lets a process run a tenth of the time."""

    def __init__(self, stream, pid):
        self.stream = stream
        self.pid = pid
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.over.is_set():
            self.stream.kill([self.pid], signal.SIGSTOP)
            self.over.wait(0.018)
            self.stream.kill([self.pid], signal.SIGCONT)
            self.over.wait(0.002)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def checkpoints_complete_within_a_second_before_a_sink_ten_times_slower(stream):
    text = MANIFEST.replace("JOB", "slow")
    stream.write("slow.yaml", text.replace("SINK", "{run: write-null}"))
    stream.run("stream", "run", "-d", "slow.yaml")
    with Slowed(stream, stream.pid("slow", "out.0")):
        took = []
        for _ in range(8):
            stream.run("stream", "wait", "--for", "checkpoint", "slow")
            checkpoint = stream.stats("slow")["checkpoint"]
            took.append(checkpoint["duration_us"] / 1e6)
        held = of_stage(stream, "slow", "made")["backpressured"]
    # Not each: others may have had the processor.
    check(sorted(took)[len(took) // 2] <= 1.0 * SLACK and max(took) <= 5.0 * SLACK, f"checkpoints took {took} s")
    if SLACK == 1:  # else the source is slow as well
        check(held > 0.3, f"the source was held back {held:.0%} of the time: the sink was not slow")
    for part in checkpoint["detail"]:
        for phase in ("start_delay_us", "alignment_us", "sync_us", "async_us"):
            check(phase in part, f"{part['instance']} does not tell its {phase}")
    shown = stream.run("stream", "stats", "slow")
    for word in ("DELAY", "ALIGN", "SYNC", "ASYNC"):
        check(word in shown, f"'stream stats' does not show {word}:\n{shown}")
    stream.run("stream", "cancel", "slow")


if __name__ == "__main__":
    main([memory_stays_bounded_while_a_sink_is_stopped_and_nothing_is_lost,
          checkpoints_complete_within_a_second_before_a_sink_ten_times_slower])
