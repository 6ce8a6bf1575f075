"""read-redis and write-redis against a real server: every entry once, whoever is killed."""

import json
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402
from redis_server import ABSENT, RedisServer  # noqa: E402

COPY = """
pipeline: copied
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 50ms, attempts: 100}
stages:
  in: {run: read-redis, stream: in, server: "SERVER", schema: "n bigint, word varchar"OPTIONS}
  twice: {run: select, columns: "n, n * 2 as twice, word"}
  out: {run: write-redis, stream: out, server: "SERVER"}
"""


def add(server, first, last):
    server.ask_all([("XADD", "in", "*", "n", n, "word", f"w {n % 13}\n\"") for n in range(first, last)])


def copied(first, last):
    return [{"n": str(n), "twice": str(2 * n), "word": f"w {n % 13}\n\""} for n in range(first, last)]


def stored(server, key="out"):
    """Entries in the stream; 0 while the server is away."""
    try:
        return server.ask("XLEN", key)
    except (OSError, Failure):
        return 0


def what_is_in_a_stream_is_copied_once(stream):
    with RedisServer(stream.folder) as server:
        add(server, 0, 5000)
        stream.write("copied.yaml", COPY.replace("SERVER", server.url).replace("OPTIONS", ", stop-at-end: true"))
        stream.run("stream", "run", "copied.yaml")
        found = server.entries("out")
        check(found == copied(0, 5000), f"{len(found)} entries, {found[:2]}")


def kill_both(stream, job, server, pick):
    """Kills instances and the server, by turns."""
    for turn in range(9):
        if turn % 3 == 2:
            server.kill()
            server.start()
        else:
            instances = wait_until("instances", lambda: stream.instances("copied"))
            stream.kill([instances[pick.choice(sorted(instances))]])
        try:
            job.wait(timeout=pick.uniform(0.1, 0.5))
        except subprocess.TimeoutExpired:
            continue
        raise Failure(f"the job has ended: exit {job.returncode}: {job.communicate()[1]}")


class Adding:
    """Adds rows in pieces, each a transaction, and again where the server died before it was done, until stop()."""

    def __init__(self, server):
        self.server, self.next, self.enough = server, 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        self.enough.set()
        self.thread.join()
        return self.next

    def run(self):
        while not self.enough.is_set():
            last = self.next + 50
            try:
                if self.server.ask("XLEN", "in") < last:
                    rows = [("XADD", "in", "*", "n", n, "word", f"w {n % 13}\n\"") for n in range(self.next, last)]
                    self.server.ask_all([("MULTI",), *rows, ("EXEC",)])
                if self.server.ask("XLEN", "in") >= last:
                    self.next = last
            except (OSError, Failure):
                continue


def nothing_is_lost_or_doubled_whoever_is_killed(stream):
    with RedisServer(stream.folder) as server:
        stream.write("copied.yaml", COPY.replace("SERVER", server.url).replace("OPTIONS", ""))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        adding = Adding(server)
        kill_both(stream, job, server, random.Random(7))
        count = adding.stop()
        wait_until("all entries", lambda: stored(server) >= count)
        stream.run("stream", "stop", "copied", timeout=60)
        found = server.entries("out")
        check(len(found) == count and found == copied(0, count), f"{len(found)} entries, {len({row['n'] for row in found})} different, not {count}")


def fill_orders(server):
    server.ask_all([("XADD", "orders", "1000-1", "id", 1, "total", "150.5"), ("XADD", "orders", "2000-0", "id", 2, "total", "50.5"),
                    ("XADD", "orders", "2000-1", "id", "x", "total", "1"), ("XADD", "orders", "3000-0", "id", 3)])


def entries_say_where_they_come_from(stream):
    with RedisServer(stream.folder) as server:
        fill_orders(server)
        read = ["stream-read-redis", "orders", "--server", server.url, "--stop-at-end", "--on-error", "skip"]
        schema = ["--schema", "id bigint, total double"]
        found = [json.loads(line) for line in stream.run(*read, *schema, "--metadata", "id,timestamp").splitlines()]
        check(found == [{"id": 1, "total": 150.5, "_id": "1000-1", "_timestamp": "1970-01-01T00:00:01Z"},
                        {"id": 2, "total": 50.5, "_id": "2000-0", "_timestamp": "1970-01-01T00:00:02Z"},
                        {"id": 3, "total": None, "_id": "3000-0", "_timestamp": "1970-01-01T00:00:03Z"}], found)
        check("bad record at orders:2000-1: column 'id'" in stream.last_stderr, stream.last_stderr)
        check(stream.run(*read, *schema, "--start", "latest") == "", "latest")
        check([json.loads(line)["id"] for line in stream.run(*read, *schema, "--start", "1970-01-01T00:00:02Z").splitlines()] == [2, 3], "time")
        server.ask("XADD", "letters", "*", "body", '{"a":1,\n"b":"x"}', "other", "1")
        server.ask("XADD", "letters", "*", "other", "1")
        letters = ["stream-read-redis", "letters", *read[2:]]
        check(stream.run(*letters, "--payload", "body") == '{"a":1,"b":"x"}\n', "payload")
        check("the entry has no field 'body'" in stream.last_stderr, stream.last_stderr)
        write = ["stream-write-redis", "plain", "--server", server.url]
        stream.run(*write, stdin='{"a":1,"b":"x, y"}\n{"a":null,"b":null}\n')
        stream.run(*write, "--payload", "row", "--format", "csv", stdin='{"a":1,"b":"x, y"}\n')
        check(server.entries("plain") == [{"a": "1", "b": "x, y"}, {"a": ""}, {"row": '1,"x, y"'}], server.entries("plain"))


def examples_of_the_manuals_run(stream):
    with RedisServer(stream.folder) as server:
        server.ask_all([("XADD", "orders", "*", "id", 7, "total", "150.5"), ("XADD", "orders", "*", "id", 8, "total", 1)])
        for stage in ("read-redis", "write-redis"):
            for command in stream.examples(stage):
                for name in ("read-redis", "write-redis"):
                    command = command.replace(f"{name} ", f"{name} --server {server.url} ")
                stream.run("bash", "-euo", "pipefail", "-c", command)
        check(sum(int(row["n"]) for row in server.entries("counts")) == 2, server.entries("counts"))
        check(stored(server, "made") == 1000, stored(server, "made"))


def what_was_removed_before_it_was_read_is_reported(stream):
    with RedisServer(stream.folder) as server:
        add(server, 0, 10)
        stream.write("copied.yaml", COPY.replace("SERVER", server.url).replace("OPTIONS", ""))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        wait_until("rows", lambda: stored(server) == 10)
        stream.run("stream", "stop", "copied")
        job.wait(timeout=30)
        add(server, 10, 20)
        server.ask("XTRIM", "in", "MAXLEN", 5)
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        wait_until("rows behind the gap", lambda: stored(server) == 15)
        stream.run("stream", "stop", "copied")
        check("5 entries were removed from the stream before they were read" in job.communicate(timeout=30)[1], "no word")
        server.ask("DEL", "in")
        stream.run("stream", "run", "copied.yaml", expect=1)
        check("it has been deleted since it was read" in stream.last_stderr, stream.last_stderr)
        add(server, 0, 3)
        stream.run("stream", "run", "copied.yaml", expect=1)
        check("it has been made anew, or has lost entries" in stream.last_stderr, stream.last_stderr)


def a_server_that_asks_for_a_password_gets_it(stream):
    stream.write("password", "s3cret-words\n")
    with RedisServer(stream.folder, password="s3cret-words") as server:
        fill_orders(server)
        read = ["stream-read-redis", "orders", "--server", server.url, "--stop-at-end", "--on-error", "skip", "--schema", "id bigint"]
        check(len(stream.run(*read, "--password", "file:password").splitlines()) == 3, "not read")
        stream.run(*read, expect=100)
        check("NOAUTH" in stream.last_stderr, stream.last_stderr)
        stream.write("password", "another\n")
        stream.run(*read, "--password", "file:password", expect=100)
        check("WRONGPASS" in stream.last_stderr and "another" not in stream.last_stderr, stream.last_stderr)


def what_cannot_be_is_said(stream):
    with RedisServer(stream.folder) as server:
        fill_orders(server)
        server.ask("SET", "text", "x")
        at = ["--server", server.url]
        read = ["stream-read-redis", "orders", *at, "--schema", "id bigint"]
        refused = {
            "stream 'nope' has no entry yet to find the schema in; give a schema": ["stream-read-redis", "nope", *at],
            "WRONGTYPE": ["stream-read-redis", "text", *at, "--schema", "id bigint"],
            "nothing is known as 'idd' of a message; did you mean 'id'?": [*read, "--metadata", "idd"],
            "'now' is neither earliest nor latest nor a time": [*read, "--start", "now"],
            "a secret is never written out": ["stream-read-redis", "orders", "--server", "redis://me:pw@127.0.0.1:1"],
            "an address begins with redis://": ["stream-read-redis", "orders", "--server", "127.0.0.1"],
            "without 'payload' the fields of an entry are the columns": [*read, "--format", "csv"],
            "without 'payload' each column becomes a field": ["stream", "run", "generate --rows 9 | write-redis x --format csv"],
            "a stream that keeps nothing": ["stream", "run", "generate --rows 9 | write-redis x --maxlen 0"],
        }
        for words, command in refused.items():
            stream.run(*command, expect=None)
            check(words in stream.last_stderr, f"{command}: {stream.last_stderr}")
        stream.run("stream", "run", f"generate --rows 9 | write-redis text --server {server.url}", expect=None)
        check("WRONGTYPE" in stream.last_stderr, stream.last_stderr)
        server.kill()
        stream.run(*read, "--patience", "300ms", expect=1)
        check("unable to connect to" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    if ABSENT:
        print("skipped: redis-server is not installed")
        sys.exit(0)
    main([what_is_in_a_stream_is_copied_once, nothing_is_lost_or_doubled_whoever_is_killed, entries_say_where_they_come_from,
          examples_of_the_manuals_run, what_was_removed_before_it_was_read_is_reported, a_server_that_asks_for_a_password_gets_it,
          what_cannot_be_is_said])
