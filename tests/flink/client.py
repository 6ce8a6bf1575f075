#!/usr/bin/env python3
"""Flink's own command line asks `stream serve`, as it would ask a cluster; see stream-rest(7).

usage: client.py PROGRAMS [TEST]...
"""

import json
import pathlib
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from flink_server import LIBRARIES, LOGGING, client_missing  # noqa: E402
from harness import check, main, wait_until  # noqa: E402

COUNTS = """
pipeline: counts
checkpoint: {interval: 100ms}
stages:
  made: {run: generate, columns: "n, n % 7 as k", rate: 1000}
  totals: {run: aggregate, by: k, compute: "count(*) as c"}
  out: {run: write-sqlite, path: out.db, table: t}
"""
UNKNOWN = "0" * 31 + "1"


class Client:
    """A server with one job, and Flink's command line that is configured for it."""

    def __init__(self, stream):
        self.stream = stream
        stream.write("counts.yaml", COUNTS)
        stream.run("stream", "run", "-d", "counts.yaml")
        stream.run("stream", "wait", "counts", "--for", "checkpoint")
        self.server = stream.start("stream", "serve", "--http", "127.0.0.1:0", "--root", stream.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.url = self.server.stdout.readline().strip()
        settings = f"rest.address: 127.0.0.1\nrest.port: {self.url.rsplit(':', 1)[1]}\njobmanager.rpc.address: 127.0.0.1\n"
        for name in ("config.yaml", "flink-conf.yaml"):
            stream.write(f"conf/{name}", settings)
        self.logging = stream.write("log4j.properties", LOGGING)
        self.job = self.get("/jobs")["jobs"][0]["id"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(timeout=60)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def flink(self, *args, expect=0):
        done = subprocess.run(["java", f"-Dlog4j.configurationFile={self.logging}", "-cp", f"{LIBRARIES}/*", "org.apache.flink.client.cli.CliFrontend",
                               *map(str, args)], env=dict(self.stream.environment, FLINK_CONF_DIR=str(self.stream.folder / "conf")), timeout=240,
                              cwd=self.stream.folder, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        check((done.returncode == 0) == (expect == 0), f"flink {' '.join(map(str, args))}: exit {done.returncode}: {said}")
        return said

    def state(self):
        return json.loads(self.stream.run("stream", "show", "--json", "counts"))["state"]


def path_in(said):
    """What is said to be where the savepoint is."""
    found = re.search(r"(?:Path: |stored in )(\S+?)\.?$", said, re.M)
    check(found, said)
    return pathlib.Path(found.group(1))


def jobs_are_listed_and_their_states_kept(stream):
    with Client(stream) as client:
        said = client.flink("list")
        check(re.search(rf"{client.job} : counts \(RUNNING\)", said), said)
        said = client.flink("checkpoint", client.job)
        check(re.search(r"Checkpoint \d+ for job \w+ completed", said), said)
        made = path_in(client.flink("savepoint", client.job, stream.folder / "kept"))
        check(made.parent == stream.folder / "kept" and stream.succeeds("stream", "state", "ls", made), made)
        said = client.flink("savepoint", "-d", made)
        check("disposed" in said and not made.exists(), said)
        check(client.state() == "RUNNING", client.state())


def a_job_is_stopped_with_a_savepoint_it_goes_on_from(stream):
    with Client(stream) as client:
        made = path_in(client.flink("stop", "--savepointPath", stream.folder / "kept", client.job))
        check(client.state() == "STOPPED", client.state())
        said = client.flink("list", "-a")
        check("No running jobs" in said and f"{client.job} : counts (FINISHED)" in said, said)
        stream.run("stream", "run", "-d", "counts.yaml", "--from", made, "--name", "counts")
        stream.run("stream", "wait", "counts", "--for", "checkpoint")
        check("DRAIN" in client.flink("stop", "--drain", client.job).upper(), "it is not drained")
        wait_until("the end", lambda: client.state() in ("STOPPED", "FINISHED"))


def a_job_is_cancelled(stream):
    with Client(stream) as client:
        client.flink("cancel", client.job)
        wait_until("the end", lambda: client.state() == "CANCELLED")
        check(f"{client.job} : counts (CANCELED)" in client.flink("list", "-a"), "it is not listed")
        said = client.flink("cancel", client.job, expect=1)
        check("CANCELLED" in said, said)


def what_is_not_there_is_said_to_be_so(stream):
    with Client(stream) as client:
        for verb in ("cancel", "savepoint", "stop"):
            said = client.flink(verb, UNKNOWN, expect=1)
            check(UNKNOWN in said and "Exception" in said, said)
        check(client.state() == "RUNNING", client.state())


if __name__ == "__main__":
    if why := client_missing():
        print(f"skipped: {why}")
        sys.exit(0)
    main([jobs_are_listed_and_their_states_kept, a_job_is_stopped_with_a_savepoint_it_goes_on_from, a_job_is_cancelled,
          what_is_not_there_is_said_to_be_so])
