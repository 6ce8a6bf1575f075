"""What every stage that talks to a server must stand: a full disk, silence, and a stop while the server is away.

Each function is a test but for what is its connector's own.
"""

import contextlib
import time

from harness import Failure, check, wait_until

QUICK = 12.0  # seconds; the patience of every stage is longer


class Copied:
    """A job that passes rows on: `feed(first, last)` gives it those of these numbers, `found()` says which have arrived."""

    def __init__(self, stream, manifest, feed, found):
        self.stream, self.manifest, self.feed, self.found = stream, manifest, feed, found
        self.job = next(line.split()[1] for line in manifest.splitlines() if line.startswith("pipeline:"))
        self.fed = 0
        stream.write(f"{self.job}.yaml", manifest)

    def start(self):
        with open(self.stream.folder / "talk", "a", encoding="utf-8") as talk:
            process = self.stream.start("stream", "run", "-d", f"{self.job}.yaml", stdout=talk, stderr=talk)
            check(process.wait(timeout=60) == 0, f"exit {process.returncode}: {(self.stream.folder / 'talk').read_text()}")

    def more(self, count=40, wait=True):
        """Rows come, and arrive: each once."""
        self.feed(self.fed, self.fed + count)
        self.fed += count
        if wait:
            self.arrived()

    def arrived(self):
        wait_until("all rows", lambda: len(self.numbers()) >= self.fed)
        numbers = self.numbers()
        check(sorted(numbers) == list(range(self.fed)), f"{len(numbers)} rows, {len(set(numbers))} different, {self.fed} wanted")

    def numbers(self):
        try:
            return self.found()
        except (OSError, Failure, ValueError):
            return []

    def checkpoints(self, count):
        for _ in range(count):
            self.stream.run("stream", "wait", self.job, "--for", "checkpoint")

    def kill_instances(self):
        before = wait_until("instances", lambda: self.stream.instances(self.job))
        self.stream.kill(before.values())
        wait_until("the next attempt", lambda: not set((now := self.stream.instances(self.job)).values()) & set(before.values()) and len(now) == len(before))

    def kill_all(self):
        self.stream.kill(self.stream.processes(self.job))
        wait_until("the end of the job", lambda: not self.stream.processes(self.job))

    def stop(self):
        self.stream.run("stream", "stop", self.job)
        self.arrived()


def silence_is_waited_out_across_kills(copied):
    """Nothing comes, before the first row and between two, while instances and the supervisor are killed."""
    copied.start()
    copied.checkpoints(2)
    copied.kill_instances()
    copied.checkpoints(1)
    copied.more()
    copied.checkpoints(2)
    copied.kill_instances()
    copied.checkpoints(1)
    copied.kill_all()
    copied.start()
    copied.checkpoints(1)
    copied.more()
    copied.stop()


@contextlib.contextmanager
def home_on(stream, disk):
    """All that jobs keep is on that disk. It is unmounted behind this, so that no job may outlive it."""
    (disk.folder / "home").mkdir()
    (stream.folder / "home").symlink_to(disk.folder / "home")
    try:
        yield
    except Exception:
        stream.explain()
        raise
    finally:
        for job in stream.jobs():
            stream.kill(stream.processes(job))
            wait_until("the end of the job", lambda job=job: not stream.processes(job))


def rows_are_equal_when_no_state_can_be_kept_for_a_while(copied, disk):
    """The disk with the job's state is full while rows come, and a process dies then."""
    stream = copied.stream
    with home_on(stream, disk):
        copied.start()
        copied.more()
        copied.checkpoints(1)
        disk.fill(leave=0)
        copied.more(wait=False)
        stream.run("stream", "checkpoint", copied.job, expect=1)
        check("was aborted" in stream.last_stderr, stream.last_stderr)
        stream.kill(list(wait_until("instances", lambda: stream.instances(copied.job)).values())[:1])
        disk.make_room()
        copied.arrived()
        copied.more()
        copied.stop()


def quickly_stopped(stream, job, expect):
    """How `stream stop` ends: what it says, and prints."""
    began = time.monotonic()
    out = stream.run("stream", "stop", job, expect=expect)
    took = time.monotonic() - began
    check(took < QUICK, f"it took {took:.1f} s")
    return out.strip()


def a_stop_does_not_wait_for_a_source_without_server(copied, server):
    """All that came is committed: there is a savepoint, and the job goes on from it when the server is there."""
    copied.start()
    copied.more()
    copied.checkpoints(1)
    server.kill()
    path = quickly_stopped(copied.stream, copied.job, 0)
    check(path.startswith("/"), f"no savepoint: {path}")
    server.start()
    copied.start()
    copied.more()
    copied.stop()


MADE = """
pipeline: made
checkpoint: {interval: 100ms}
stages:
  made: {run: generate, rows: 3000, rate: 700, columns: n}
  out: SINK
"""


def a_stop_does_not_wait_for_a_sink_without_server(stream, sink, server, found):
    """What could not be written is in a checkpoint, says the stop; resumed, the job writes it, each row once."""
    stream.write("made.yaml", MADE.replace("SINK", sink))
    stream.run("stream", "run", "-d", "made.yaml")
    for _ in range(3):
        stream.run("stream", "wait", "made", "--for", "checkpoint")
    server.kill()
    wait_until("the sink to wait", lambda: "trying again" in stream.run("stream", "logs", "made"))
    quickly_stopped(stream, "made", 1)
    said = stream.last_stderr
    check("has stopped without a savepoint: " in said and "'stream resume made' goes on" in said, said)
    check("as out.0 waits: " in said or "stopped while it was" in said, said)  # some stages end, and are started again and again
    check(said.count("\n") == 1, said)
    server.start()
    stream.run("stream", "resume", "made")
    wait_until("the end of the job", lambda: stream.succeeds("stream", "wait", "made", "--for", "finished", "--timeout", "1s"), timeout=60)
    numbers = sorted(found())
    check(numbers == list(range(3000)), f"{len(numbers)} rows, {len(set(numbers))} different")
