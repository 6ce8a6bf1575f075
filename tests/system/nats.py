"""read-nats and write-nats against a real server: every message once, whoever is killed."""

import json
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402
from nats_server import ABSENT, NatsServer  # noqa: E402

COPY = """
pipeline: copied
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 50ms, attempts: 100}
stages:
  in: {run: read-nats, stream: IN, servers: SERVER, schema: "n bigint, word varchar"OPTIONS}
  twice: {run: select, columns: "n, n * 2 as twice, word"}
  out: {run: write-nats, subject: out.rows, servers: SERVER}
"""


def rows(first, last):
    return [json.dumps({"n": n, "word": f"w{n % 13}"}) for n in range(first, last)]


def copied(first, last):
    return [{"n": n, "twice": 2 * n, "word": f"w{n % 13}"} for n in range(first, last)]


def what_is_in_a_stream_is_copied_once(stream):
    with NatsServer(stream.folder) as server, server.connect() as client:
        client.make_stream("IN", "in.>")
        client.make_stream("OUT", "out.>")
        client.publish("in.a", rows(0, 5000))
        stream.write("copied.yaml", COPY.replace("SERVER", server.url).replace("OPTIONS", ", stop-at-end: true"))
        stream.run("stream", "run", "copied.yaml")
        found = [json.loads(text) for text in client.messages("OUT")]
        check(found == copied(0, 5000), f"{len(found)} messages, {found[:2]}")

def kill_both(stream, job, server, pick, finished):
    """Kills instances and the server, by turns, until the condition holds; returns how many of each."""
    kills = [0, 0]
    while not finished():
        instances = stream.instances("copied")
        if instances and kills[0] < 6:
            stream.kill([instances[pick.choice(sorted(instances))]])
            kills[0] += 1
        if kills[1] < 3 and pick.random() < 0.5:
            server.kill()
            server.start()
            kills[1] += 1
        try:
            job.wait(timeout=0.3)
        except subprocess.TimeoutExpired:
            continue
        raise Failure(f"the job has ended: exit {job.returncode}: {job.communicate()[1]}")
    return kills


def nothing_is_lost_or_doubled_whoever_is_killed(stream):
    count = 30000
    with NatsServer(stream.folder) as server:
        with server.connect() as client:
            client.make_stream("IN", "in.>")
            client.make_stream("OUT", "out.>")
        stream.write("copied.yaml", COPY.replace("SERVER", server.url).replace("OPTIONS", ""))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        publishing = Publishing(server, count)

        def finished():
            return publishing.done() and stored(server) >= count

        kills = kill_both(stream, job, server, random.Random(7), finished)
        check(kills[0] >= 3 and kills[1] >= 2, f"only {kills} kills")
        stream.run("stream", "stop", "copied", timeout=60)
        with server.connect() as client:
            found = [json.loads(text) for text in client.messages("OUT")]
        check([row["n"] for row in found] == list(range(count)), f"{len(found)} messages, {len({row['n'] for row in found})} different")
        check(found == copied(0, count), "other columns")


def stored(server):
    """Messages in OUT; 0 while the server is away."""
    try:
        with server.connect() as client:
            return client.state("OUT")["messages"]
    except (OSError, Failure):
        return 0


class Publishing:
    """Publishes rows in pieces, each with an id, and again where the server died before it answered."""

    def __init__(self, server, count):
        self.server, self.count, self.next = server, count, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def done(self):
        return not self.thread.is_alive()

    def run(self):
        while self.next < self.count:
            try:
                with self.server.connect() as client:
                    while self.next < self.count:
                        last = min(self.next + 500, self.count)
                        client.publish("in.a", rows(self.next, last), ids=[f"row-{n}" for n in range(self.next, last)])
                        self.next = last
            except (OSError, Failure, ValueError):
                continue


if __name__ == "__main__":
    if ABSENT:
        print("skipped: nats-server is not installed")
        sys.exit(0)
    main([what_is_in_a_stream_is_copied_once, nothing_is_lost_or_doubled_whoever_is_killed])
