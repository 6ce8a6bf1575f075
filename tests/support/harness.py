"""What the tests of whole programs share: a private STREAM_HOME, running `stream`, waiting.

Every wait is for an event and has a bound. Nothing here sleeps to let something happen.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import manual


class Failure(Exception):
    """A claim of a test that does not hold."""


def check(condition, message):
    if not condition:
        raise Failure(message)


class Stream:
    """A folder with jobs of its own, and the programs under test."""

    def __init__(self, programs):
        self.programs = pathlib.Path(programs).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stream-test-"))
        self.environment = dict(os.environ, STREAM_HOME=str(self.folder / "home"),
                                PATH=f"{self.programs}:{os.environ['PATH']}", TZ="UTC")
        self.environment.pop("STREAM_STAGE_PATH", None)
        self.environment["XDG_CACHE_HOME"] = str(self.folder / "cache")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.explain()
        self.kill(self.processes_below(self.folder))
        if kind and os.environ.get("STREAM_KEEP"):
            print(f"kept: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def explain(self):
        """What every job was doing when its test failed: its state, the newest events and log lines."""
        commands = [["stream", "ps", "--all"]]
        for job in self.jobs():
            commands += [["stream", "show", job], ["stream", "events", job], ["stream", "logs", job]]
        for command in commands:
            try:
                done = subprocess.run(command, env=self.environment, cwd=self.folder, timeout=60, capture_output=True, text=True, check=False)
                text = (done.stdout + done.stderr).splitlines()[-40:]
            except subprocess.TimeoutExpired:
                text = ["(no answer within 10 s)"]
            print("\n".join(["$ " + " ".join(command), *text]), flush=True)

    def home(self, job):
        return self.folder / "home" / job

    def jobs(self):
        home = self.folder / "home"
        return [entry.name for entry in home.iterdir() if (entry / "job.lock").exists()] if home.exists() else []

    def run(self, *args, expect=0, timeout=120, stdin=None):
        """Runs a program to its end; returns its standard output."""
        done = subprocess.run([str(a) for a in args], env=self.environment, cwd=self.folder, timeout=timeout,
                              input=stdin, capture_output=True, text=True, check=False)
        if expect is not None and done.returncode != expect:
            raise Failure(f"{' '.join(map(str, args))}: exit {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
        self.last_stderr = done.stderr
        return done.stdout

    def succeeds(self, *args, timeout=120):
        """True if the program exits 0."""
        done = subprocess.run([str(a) for a in args], env=self.environment, cwd=self.folder, timeout=timeout,
                              capture_output=True, check=False)
        return done.returncode == 0

    def start(self, *args, **kwargs):
        return subprocess.Popen([str(a) for a in args], env=self.environment, cwd=self.folder, text=True, **kwargs)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def examples(self, stage):
        """The commands of a stage's examples, as its manual page shows them."""
        return [example.command for example in manual.examples(self.run(f"stream-{stage}", "--man"))[1]]

    def stats(self, job):
        return json.loads(self.run("stream", "stats", "--json", job))

    def events(self, job):
        return [json.loads(line) for line in self.run("stream", "events", "--json", job).splitlines()]

    def instances(self, job):
        """pid by instance name, as the supervisor tells; empty while it restarts or is gone."""
        done = subprocess.run(["stream", "stats", "--json", job], env=self.environment, capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            return {}
        return {f"{i['stage']}.{i['instance']}": i["pid"] for i in json.loads(done.stdout)["instances"] if i["pid"]}

    def pid(self, job, name):
        """That of an instance, when it is there: of a job that restarts some are earlier than others."""
        return wait_until(f"{name} of {job}", lambda: self.instances(job).get(name))

    def processes(self, job):
        """pids of all processes that hold the job's lock file open: supervisor and instances."""
        return self.processes_below(self.home(job))

    @staticmethod
    def processes_below(folder):
        """Those of all jobs in a folder."""
        root = os.path.realpath(folder) + "/"

        def holds(descriptor):
            try:
                path = os.readlink(descriptor)
            except OSError:  # closed meanwhile
                return False
            return path.startswith(root) and path.endswith("/job.lock")
        pids = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and any(holds(descriptor) for descriptor in (entry / "fd").iterdir()):
                    pids.append(int(entry.name))
            except OSError:  # gone meanwhile
                continue
        return pids

    @staticmethod
    def kill(pids, number=signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def query_so_far(path, sql):
    """Rows of a database that a job writes; none before it has made the file and the table."""
    if not path.exists():
        return []
    with sqlite3.connect(path, timeout=60) as database:
        try:
            return database.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []


def wait_until(what, condition, timeout=60.0, interval=0.005):
    """Polls a condition that another process brings about."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(interval)
    raise Failure(f"waited {timeout} s in vain for {what}")


def free_port(kind=socket.SOCK_STREAM, address="127.0.0.1"):
    """One that nobody has; and that nobody gets who takes any, until it is taken, or taken again."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, max(lowest, 20_000))
        with socket.socket(type=kind) as probe:
            try:
                probe.bind((address, port))
                return port
            except OSError:
                pass


def kill_while_it_runs(stream, job, name, pick, most):
    """Kills instances of a job until it ends; returns how many."""
    kills = 0
    while job.poll() is None:
        instances = stream.instances(name)
        if instances and kills < most:
            stream.kill([instances[pick.choice(sorted(instances))]])
            kills += 1
        try:
            job.wait(timeout=0.25)
        except subprocess.TimeoutExpired:
            pass
    talk = job.communicate()[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    return kills


def main(tests):
    """usage: FILE PROGRAMS [NAME]..."""
    names = sys.argv[2:]
    passed = failed = 0
    for test in tests:
        if names and test.__name__ not in names:
            continue
        began = time.monotonic()
        try:
            with Stream(sys.argv[1]) as stream:
                test(stream)
            passed += 1
            print(f"ok      {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        except (Failure, subprocess.TimeoutExpired, OSError, KeyError, ValueError) as failure:
            failed += 1
            print(f"FAILED  {test.__name__}: {type(failure).__name__}: {failure}", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)
