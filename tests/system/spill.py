"""State larger than `memory`: the bound holds at every moment, and the results are those of a run with memory enough."""

import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, kill_while_it_runs, main, wait_until  # noqa: E402

MIB = 1 << 20
MEMORY = 48
# Every word comes twice, the second time among all others, with a text that makes the state large.
MANIFEST = """
pipeline: NAME
checkpoint: {interval: 500ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100000}
stages:
  made:
    run: generate
    rows: ROWS
    rate: RATE
    columns: "n, 'a word that is long enough, number ' || cast(n * 7919 % HALF as text) as word, repeat('x', LONG) || cast(n as text) as note"
  words:
    run: aggregate
    from: made
    by: word
    compute: {n: count(*), newest: max(n), size: length(max(note))}
    memory: MEMORYMiB
    parallelism: PARALLEL
  out: {run: write-sqlite, path: OUT.db, table: words, key: word}
"""


def manifest(stream, name, memory, rows=80_000, long=2000, parallel=1, rate=1_000_000):
    text = MANIFEST
    for key, value in {"NAME": name, "ROWS": rows, "HALF": rows // 2, "LONG": long, "MEMORY": memory, "OUT": name, "PARALLEL": parallel,
                       "RATE": rate}.items():
        text = text.replace(key, str(value))
    stream.write(f"{name}.yaml", text)
    return f"{name}.yaml"


def rows_of(stream, name):
    with sqlite3.connect(f"file:{stream.folder / name}.db?mode=ro", uri=True) as db:
        return sorted(db.execute("select * from words"))


class Watch(threading.Thread):
    """The most memory that any process of a program ever had, as the system says it (so what came between two looks is seen)."""

    def __init__(self, stream, job, program):
        super().__init__(daemon=True)
        self.stream, self.job, self.program = stream, job, program.encode()
        self.most = 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            for pid in self.pids():
                self.look(pid)

    def pids(self):
        for pid in self.stream.processes(self.job):
            try:
                if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(self.program):
                    yield pid
            except OSError:
                continue

    def look(self, pid):
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.most = max(self.most, int(line.split()[1]) << 10)

    def end(self):
        self.over.set()
        self.join()


def state_several_times_larger_than_memory_stays_within_it(stream):
    stream.run("stream", "run", manifest(stream, "roomy", 1024), timeout=300)
    watch = Watch(stream, "tight", "stream-aggregate")
    job = stream.start("stream", "run", manifest(stream, "tight", MEMORY), stderr=subprocess.PIPE)
    watch.start()
    spilled = wait_until("something to be spilled",
                         lambda: max((i.get("spilled_bytes", 0) for i in instances(stream, "tight")), default=0), timeout=120)
    talk = job.communicate(timeout=300)[1]
    watch.end()
    check(job.returncode == 0, talk)
    check(spilled > 0, "nothing was spilled")
    check(0 < watch.most <= MEMORY * MIB, f"{watch.most / MIB:.1f} MiB resident, {MEMORY} are allowed")
    check(rows_of(stream, "tight") == rows_of(stream, "roomy"), "other rows than with memory enough")


def instances(stream, job):
    return stream.stats(job)["instances"] if stream.instances(job) else []


def killed_again_and_again_it_gives_the_same(stream):
    stream.run("stream", "run", manifest(stream, "roomy", 1024, rows=60_000), timeout=300)
    watch = Watch(stream, "tight", "stream-aggregate")
    job = stream.start("stream", "run", manifest(stream, "tight", MEMORY, rows=60_000), stderr=subprocess.PIPE)
    watch.start()
    kills = kill_while_it_runs(stream, job, "tight", random.Random(5), 3)
    watch.end()
    check(kills >= 2, f"{kills} kills")
    check(0 < watch.most <= MEMORY * MIB, f"{watch.most / MIB:.1f} MiB resident, {MEMORY} are allowed")
    check(rows_of(stream, "tight") == rows_of(stream, "roomy"), "other rows than with memory enough")


def a_savepoint_of_it_goes_on_in_two_instances_with_memory_enough_and_back(stream):
    stream.run("stream", "run", manifest(stream, "roomy", 1024, rows=40_000), timeout=300)
    stream.run("stream", "run", "-d", manifest(stream, "moved", MEMORY, rows=40_000, rate=8000))
    wait_until("something to be spilled",
               lambda: max((i.get("spilled_bytes", 0) for i in instances(stream, "moved")), default=0) > 4 * MIB, timeout=120)
    stream.run("stream", "stop", "moved", timeout=120)
    stream.run("stream", "run", "-d", manifest(stream, "moved", 512, rows=40_000, rate=8000, parallel=2))
    wait_until("both instances", lambda: len(stream.instances("moved")) == 4, timeout=60)
    stream.run("stream", "stop", "moved", timeout=120)
    stream.run("stream", "run", manifest(stream, "moved", MEMORY, rows=40_000), timeout=300)
    check(rows_of(stream, "moved") == rows_of(stream, "roomy"), "other rows than with memory enough")


class SmallDisk:
    """A file system of so many MiB on a folder; `right` is false where it cannot be mounted."""

    def __init__(self, folder, size):
        self.folder = folder
        folder.mkdir()
        self.right = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", folder], capture_output=True,
                                    check=False).returncode == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.right:
            subprocess.run(["umount", "-l", self.folder], check=True)

    def grow(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}m", self.folder], check=True)


def a_full_disk_is_said_and_waited_out(stream):
    with SmallDisk(stream.folder / "home", 40) as disk:
        if not disk.right:
            print("skipped: no right to mount a file system", flush=True)
            return
        text = pathlib.Path(stream.folder / manifest(stream, "full", MEMORY)).read_text()
        stream.write("full.yaml", text.replace("checkpoint: {interval: 500ms}", "checkpoint: {interval: 1h}"))
        job = stream.start("stream", "run", "full.yaml", stderr=subprocess.PIPE)
        said = "make room there, or raise 'memory'"
        wait_until("the disk to be full", lambda: said in stream.run("stream", "logs", "full", expect=None), timeout=120)
        disk.grow(2000)
        talk = job.communicate(timeout=300)[1]
        check(job.returncode == 0, talk)
    stream.run("stream", "run", manifest(stream, "roomy", 1024), timeout=300)
    check(rows_of(stream, "full") == rows_of(stream, "roomy"), "other rows than with memory enough")


def too_little_memory_is_refused_with_advice(stream):
    for memory, advice in ("31MiB", "'31MiB' is too little"), ("64", "'64' has no unit; write one like 64MiB"):
        stream.write("wrong.yaml", f"pipeline: wrong\nstages:\n  a: {{run: generate, rows: 1, columns: n, memory: {memory}}}\n"
                                   "  b: {run: print}\n")
        stream.run("stream", "check", "wrong.yaml", expect=1)
        check(advice in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    if "STREAM_SLACK" in os.environ:
        print("skipped: a sanitizer keeps a shadow of memory, which nothing bounds")
        sys.exit()
    main([state_several_times_larger_than_memory_stays_within_it, killed_again_and_again_it_gives_the_same,
          a_savepoint_of_it_goes_on_in_two_instances_with_memory_enough_and_back, a_full_disk_is_said_and_waited_out,
          too_little_memory_is_refused_with_advice])
