"""read-redis and write-redis against a real server: every entry once, whoever is killed."""

import json
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from certificates import Certificates  # noqa: E402
from connectors import (Copied, a_stop_does_not_wait_for_a_sink_without_server, a_stop_does_not_wait_for_a_source_without_server,  # noqa: E402
                        rows_are_equal_when_no_state_can_be_kept_for_a_while, silence_is_waited_out_across_kills)
from harness import Failure, check, main, wait_until  # noqa: E402
from middleman import Middleman  # noqa: E402
from redis_server import ABSENT, RedisServer  # noqa: E402
from small_disk import on_small_disk  # noqa: E402

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


def garbage_is_kept_aside_and_silence_is_waited_out(stream):
    bad = [("n", "many", "word", "w"), ("n", "1e99", "word", "w"), ("n", "9" * 400, "word", "w")]
    with RedisServer(stream.folder) as server:
        stream.write("copied.yaml", COPY.replace("SERVER", server.url).replace("OPTIONS", ""))
        stream.run("stream", "run", "-d", "copied.yaml")
        for first in (0, 50):
            server.ask_all([("XADD", "in", "*", *fields) for fields in bad])
            add(server, first, first + 50)
            wait_until("the entries", lambda: stored(server) == first + 50)
            stream.run("stream", "wait", "copied", "--for", "checkpoint")  # of nothing
        stream.run("stream", "stop", "copied")
        check(server.entries("out") == copied(0, 100), "others than the good entries")
        letters = [json.loads(line) for line in stream.run("stream", "dead-letter", "copied").splitlines()]
        check(len(letters) == 2 * len(bad) and all(letter["stage"] == "in" for letter in letters), f"{letters}")


def kill_both(stream, job, server, pick):
    """Kills instances, the server and, once, the whole job, by turns; returns the job that runs then."""
    for turn in range(9):
        if turn % 3 == 2:
            server.kill()
            server.start()
        elif turn == 4:
            stream.kill(stream.processes("copied"))
            job.wait(timeout=60)
            job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        else:
            instances = wait_until("instances", lambda: stream.instances("copied"))
            stream.kill([instances[pick.choice(sorted(instances))]])
        try:
            job.wait(timeout=pick.uniform(0.1, 0.5))
        except subprocess.TimeoutExpired:
            continue
        raise Failure(f"the job has ended: exit {job.returncode}: {job.communicate()[1]}")
    return job


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
        job = kill_both(stream, job, server, random.Random(7))
        count = adding.stop()
        wait_until("all entries", lambda: stored(server) >= count)
        stream.run("stream", "stop", "copied", timeout=60)
        found = server.entries("out")
        check(len(found) == count and found == copied(0, count), f"{len(found)} entries, {len({row['n'] for row in found})} different, not {count}")


EXEC = b"*1\r\n$4\r\nEXEC\r\n"
ADDED = """
pipeline: added
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made: {run: generate, rows: 4000, rate: 2000, columns: n}
  out: {run: write-redis, stream: out, server: "SERVER"}
"""


def start_added(stream, port):
    stream.write("added.yaml", ADDED.replace("SERVER", f"redis://127.0.0.1:{port}"))
    stream.run("stream", "run", "-d", "added.yaml")


def check_added(stream, server):
    wait_until("the end of the job", lambda: stream.succeeds("stream", "wait", "added", "--for", "finished", "--timeout", "1s"), timeout=60)
    found = [int(row["n"]) for row in server.entries("out")]
    check(found == list(range(4000)), f"{len(found)} entries, {len(set(found))} different")


def death_behind_a_transaction(stream, kill):
    """What dies when the server has answered a transaction, before the stage hears of it."""
    deaths = []

    def on_answer(talk, data):
        if not talk.asked.endswith(EXEC) or len(deaths) == 3:
            return data
        deaths.append(kill())
        return None

    with RedisServer(stream.folder) as server, Middleman(server.port, on_answer=on_answer) as middleman:
        start_added(stream, middleman.port)
        wait_until("deaths", lambda: len(deaths) == 3)
        if not stream.processes("added"):
            stream.run("stream", "run", "-d", "added.yaml")
        check_added(stream, server)


def a_transaction_whose_answer_is_lost_is_not_repeated(stream):
    death_behind_a_transaction(stream, lambda: None)


def a_transaction_behind_which_the_stage_dies_is_not_repeated(stream):
    death_behind_a_transaction(stream, lambda: stream.kill([stream.pid("added", "out.0")]))


def a_transaction_behind_which_the_job_dies_is_not_repeated(stream):
    died = []

    def kill_all():
        if not died:
            stream.kill(stream.processes("added"))
            wait_until("the end of the job", lambda: not stream.processes("added"))
            stream.run("stream", "run", "-d", "added.yaml")
        died.append(True)

    death_behind_a_transaction(stream, kill_all)


def a_transaction_that_comes_late_does_nothing(stream):
    """The connection is lost with EXEC under way; the server gets to it when the stage has done all again."""
    late = []

    def on_question(talk, data):
        if not data.endswith(EXEC) or late:
            return data
        late.append(True)
        talk.hang_up(talk.client)
        wait_until("the transaction, done again", lambda: stored(server) > 0)
        return data

    with RedisServer(stream.folder) as server, Middleman(server.port, on_question) as middleman:
        start_added(stream, middleman.port)
        check_added(stream, server)
        check(late, "nothing came late")


def what_was_added_is_not_taken_back(stream):
    """Checkpoints are damaged whose rows were added: the job ends, and goes on where the user accepts to have them twice."""
    with RedisServer(stream.folder) as server:
        start_added(stream, server.port)
        wait_until("rows", lambda: stored(server) > 100)
        stream.kill(stream.processes("added"))
        wait_until("the end of the job", lambda: not stream.processes("added"))
        for index in (stream.home("added") / "checkpoints").glob("*/checkpoint.sqlite"):
            index.write_bytes(b"")
        stream.run("stream", "run", "added.yaml", expect=1)
        check("unable to take back what was added to stream 'out'" in stream.last_stderr and "--accept-duplicates" in stream.last_stderr, stream.last_stderr)
        stream.run("stream", "run", "--accept-duplicates", "added.yaml")
        found = [int(row["n"]) for row in server.entries("out")]
        check(set(found) == set(range(4000)) and len(found) > 4000, f"{len(found)} entries, {len(set(found))} different")


def a_rescaled_job_goes_on_without_loss(stream):
    """Sinks become more and fewer, each time from a savepoint, while entries come and an instance is killed."""
    with RedisServer(stream.folder) as server:
        text = COPY.replace("SERVER", server.url).replace("OPTIONS", "")
        stream.write("copied.yaml", text)
        stream.run("stream", "run", "-d", "copied.yaml")
        adding = Adding(server)
        for sinks in (3, 2):
            before = stored(server)
            wait_until("more entries", lambda before=before: stored(server) > before)
            stream.run("stream", "stop", "copied", timeout=60)
            stream.write("copied.yaml", text.replace("{run: write-redis", f"{{run: write-redis, parallelism: {sinks}"))
            stream.run("stream", "run", "-d", "copied.yaml")
            stream.kill([stream.pid("copied", "out.1")])
        count = adding.stop()
        wait_until("all entries", lambda: stored(server) >= count)
        stream.run("stream", "stop", "copied", timeout=60)
        found = sorted(server.entries("out"), key=lambda row: int(row["n"]))
        check(found == copied(0, count), f"{len(found)} entries, {len({row['n'] for row in found})} different, not {count}")


def over_tls_server_and_user_are_known(stream):
    stream.write("password", "s3cret-words\n")
    stream.write("wrong", "an0ther\n")
    certificates = Certificates(stream.folder)
    user = ["--user", "me", "on", ">s3cret-words", "~*", "&*", "+@all"]
    with RedisServer(stream.folder, *user, certificates=certificates) as server:
        add(server, 0, 3000)
        at = f"127.0.0.1:{server.tls_port}"
        identity = f"tls-cert: {certificates.client}, tls-key: {certificates.client_key}, user: me, password: 'file:password'"
        options = f'rediss://{at}", tls-ca: {certificates.authority}, {identity}'
        text = COPY.replace("OPTIONS", "").replace('SERVER"', options)
        stream.write("copied.yaml", text)
        stream.run("stream", "run", "-d", "copied.yaml")
        for first, victim in ((3000, "in.0"), (6000, "out.0")):
            wait_until("rows", lambda first=first: stored(server) > first - 3000)
            stream.kill([wait_until("instances", lambda: stream.instances("copied"))[victim]])
            add(server, first, first + 3000)
        server.kill()
        server.start()
        wait_until("all rows", lambda: stored(server) >= 9000)
        stream.run("stream", "stop", "copied")
        check(server.entries("out") == copied(0, 9000), f"{stored(server)} entries")
        check(not any("SIGPIPE" in event["text"] for event in stream.events("copied")), "a server that hangs up kills no stage")
        whole = {"--server": f"rediss://{at}", "--tls-ca": certificates.authority, "--tls-cert": certificates.client,
                 "--tls-key": certificates.client_key, "--user": "me", "--password": "file:password"}
        said = {
            "certificate is not trusted: self-signed certificate in certificate chain; check 'tls-ca'": {"--tls-ca": None},
            "certificate is not trusted: ": {"--tls-ca": certificates.stranger},
            "the name of the host": {"--server": f"rediss://localhost:{server.tls_port}"},
            "the server asks for a certificate; give 'tls-cert' and 'tls-key'": {"--tls-cert": None, "--tls-key": None},
            "WRONGPASS invalid username-password pair or user is disabled.; check 'user' and 'password'": {"--password": "file:wrong"},
            "option 'tls-ca': unable to open": {"--tls-ca": "none.pem"},
            "a certificate has a key": {"--tls-key": None},
            "has a meaning with TLS only": {"--server": server.url},
            "a user is proved by a password": {"--password": None},
        }
        for words, change in said.items():
            options = [word for option, value in {**whole, **change}.items() if value for word in (option, value)]
            stream.run("stream-read-redis", "in", "--stop-at-end", "--schema", "n bigint", *options, expect=100)
            check(words in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{change}: {stream.last_stderr}")
            check("an0ther" not in stream.last_stderr and "s3cret" not in stream.last_stderr, stream.last_stderr)
        # In a job it is said once, and not tried again and again.
        stream.write("copied.yaml", text.replace(f"tls-ca: {certificates.authority}", f"tls-ca: {certificates.stranger}"))
        stream.run("stream", "run", "--fresh", "copied.yaml", expect=1)
        check("certificate is not trusted" in stream.last_stderr, stream.last_stderr)
        check(sum("not trusted" in event["text"] for event in stream.events("copied")) == 1, stream.events("copied"))
        # Only one of the two speaks TLS.
        for address, words in ((f"redis://{at}", "write rediss://"), (f"rediss://127.0.0.1:{server.port}", "write redis://")):
            stream.run("stream-read-redis", "in", "--server", address, "--schema", "n bigint", "--stop-at-end", "--patience", "300ms", expect=1)
            check(words in stream.last_stderr, stream.last_stderr)


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
        job.wait(timeout=60)
        add(server, 10, 20)
        server.ask("XTRIM", "in", "MAXLEN", 5)
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        wait_until("rows behind the gap", lambda: stored(server) == 15)
        stream.run("stream", "stop", "copied")
        check("5 entries were removed from the stream before they were read" in job.communicate(timeout=60)[1], "no word")
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
            "an address begins with redis:// or rediss://": ["stream-read-redis", "orders", "--server", "127.0.0.1"],
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


def copying(stream, server):
    manifest = COPY.replace("SERVER", server.url).replace("OPTIONS", "")
    return Copied(stream, manifest, lambda first, last: add(server, first, last), lambda: numbers(server))


def numbers(server):
    return [int(row["n"]) for row in server.entries("out")]


def silence_is_survived(stream):
    with RedisServer(stream.folder) as server:
        silence_is_waited_out_across_kills(copying(stream, server))


@on_small_disk("64m")
def a_full_disk_is_survived(stream, disk):
    with RedisServer(stream.folder) as server:
        rows_are_equal_when_no_state_can_be_kept_for_a_while(copying(stream, server), disk)


def a_stop_is_quick_though_the_server_is_away(stream):
    with RedisServer(stream.folder) as server:
        a_stop_does_not_wait_for_a_source_without_server(copying(stream, server), server)
        server.ask("DEL", "out")
        a_stop_does_not_wait_for_a_sink_without_server(stream, f'{{run: write-redis, stream: out, server: "{server.url}"}}', server, lambda: numbers(server))


if __name__ == "__main__":
    if ABSENT:
        print("skipped: redis-server is not installed")
        sys.exit(0)
    main([what_is_in_a_stream_is_copied_once, garbage_is_kept_aside_and_silence_is_waited_out, nothing_is_lost_or_doubled_whoever_is_killed,
          a_transaction_whose_answer_is_lost_is_not_repeated, a_transaction_behind_which_the_stage_dies_is_not_repeated,
          a_transaction_behind_which_the_job_dies_is_not_repeated, a_transaction_that_comes_late_does_nothing,
          what_was_added_is_not_taken_back, a_rescaled_job_goes_on_without_loss, over_tls_server_and_user_are_known, entries_say_where_they_come_from,
          examples_of_the_manuals_run, what_was_removed_before_it_was_read_is_reported, a_server_that_asks_for_a_password_gets_it,
          what_cannot_be_is_said,
          silence_is_survived, a_full_disk_is_survived, a_stop_is_quick_though_the_server_is_away])
