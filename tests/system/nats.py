"""read-nats and write-nats against a real server: every message once, whoever is killed."""

import json
import pathlib
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from certificates import Certificates  # noqa: E402
from connectors import (Copied, a_stop_does_not_wait_for_a_sink_without_server, a_stop_does_not_wait_for_a_source_without_server,  # noqa: E402
                        rows_are_equal_when_no_state_can_be_kept_for_a_while, silence_is_waited_out_across_kills)
from harness import Failure, check, main, wait_until  # noqa: E402
from middleman import Middleman  # noqa: E402
from nats_server import ABSENT, NatsServer  # noqa: E402
from nats_users import Users  # noqa: E402
from small_disk import on_small_disk  # noqa: E402

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


def garbage_is_kept_aside_and_silence_is_waited_out(stream):
    bad = ['{"n": 1', "[]", '{"n": "many"}', "\x00\x01", '{"n": 1e400}']
    with NatsServer(stream.folder) as server, server.connect() as client:
        client.make_stream("IN", "in.>")
        client.make_stream("OUT", "out.>")
        stream.write("copied.yaml", COPY.replace("SERVER", server.url).replace("OPTIONS", ""))
        stream.run("stream", "run", "-d", "copied.yaml")
        for first in (0, 50):
            client.publish("in.a", bad + rows(first, first + 50))
            wait_until("the messages", lambda: client.state("OUT")["messages"] == first + 50)
            stream.run("stream", "wait", "copied", "--for", "checkpoint")  # of nothing
        stream.run("stream", "stop", "copied")
        check([json.loads(text) for text in client.messages("OUT")] == copied(0, 100), "others than the good messages")
        letters = [json.loads(line) for line in stream.run("stream", "dead-letter", "copied").splitlines()]
        check(len(letters) == 2 * len(bad) and all(letter["stage"] == "in" for letter in letters), f"{letters}")


def kill_both(stream, job, server, pick, finished):
    """Kills instances, the server and, once, the whole job, by turns, until the condition holds; returns how many of each."""
    kills = [0, 0, 0]
    while not finished():
        instances = stream.instances("copied")
        if kills[0] == 3 and not kills[2]:
            kills[2] += 1
            stream.kill(stream.processes("copied"))
            job.wait(timeout=60)
            job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
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
        check(kills[0] >= 3 and kills[1] >= 2 and kills[2] == 1, f"only {kills} kills")
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
                        time.sleep(0.05)  # the load of the test: time to kill
            except (OSError, Failure, ValueError):
                continue


def published_once_though_the_duplicate_window_is_over(stream):
    """A sink dies with a checkpoint partly published, and comes back when the server has forgotten its ids."""
    count, window = 60000, 10
    with NatsServer(stream.folder) as server:
        with server.connect() as client:
            client.make_stream("OUT", "out.>", duplicate_window=window * 10**9)
        job = stream.start("stream", "run", "--name", "made", f"generate --rows {count} --columns n | write-nats out.rows --servers {server.url}",
                           stderr=subprocess.PIPE)
        wait_until("rows", lambda: 0 < stored(server) < count, interval=0.001)
        began = time.monotonic()
        stream.kill(stream.processes("made"))
        job.wait(timeout=60)
        with server.connect() as client:
            partly = client.state("OUT")["messages"]
            check(0 < partly < count, f"{partly} messages")
            wait_until("the end of the window", lambda: time.monotonic() > began + window + 2, timeout=window + 5, interval=0.1)
            stream.run("stream", "run", "--name", "made", f"generate --rows {count} --columns n | write-nats out.rows --servers {server.url}")
            found = [json.loads(text)["n"] for text in client.messages("OUT")]
            check(sorted(found) == list(range(1, count + 1)) or sorted(found) == list(range(count)), f"{len(found)} messages, {len(set(found))} different")


ADDED = """
pipeline: added
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made: {run: generate, rows: 4000, rate: 2000, columns: n}
  out: {run: write-nats, subject: out.rows, servers: "nats://127.0.0.1:PORT"}
"""


def messages_whose_acknowledgement_is_lost_are_not_stored_again(stream):
    """Three times the server has stored what it was sent, and connection or stage are gone before the stage hears of it."""
    deaths = []

    def on_answer(talk, data):
        if b'"stream":"OUT", "seq"' not in data and b'"stream":"OUT","seq"' not in data or len(deaths) == 3:
            return data
        deaths.append(True)
        if len(deaths) == 2:
            stream.kill([stream.pid("added", "out.0")])
        return None

    with NatsServer(stream.folder) as server, Middleman(server.port, on_answer=on_answer) as middleman, server.connect() as client:
        client.make_stream("OUT", "out.>")
        stream.write("added.yaml", ADDED.replace("PORT", str(middleman.port)))
        stream.run("stream", "run", "-d", "added.yaml")
        wait_until("the end of the job", lambda: stream.succeeds("stream", "wait", "added", "--for", "finished", "--timeout", "1s"), timeout=60)
        found = sorted(json.loads(text)["n"] for text in client.messages("OUT"))
        check(len(deaths) == 3 and found == list(range(4000)), f"{len(found)} messages, {len(set(found))} different, {len(deaths)} deaths")


def what_was_published_is_not_taken_back(stream):
    """Checkpoints are damaged whose rows were published: the job ends, and goes on where the user accepts to have them twice."""
    with NatsServer(stream.folder) as server, server.connect() as client:
        client.make_stream("OUT", "out.>")
        stream.write("added.yaml", ADDED.replace("PORT", str(server.port)))
        stream.run("stream", "run", "-d", "added.yaml", "--set", "stages.made.rate=200")
        wait_until("rows", lambda: stored(server) > 100)
        stream.kill(stream.processes("added"))
        wait_until("the end of the job", lambda: not stream.processes("added"))
        for index in (stream.home("added") / "checkpoints").glob("*/checkpoint.sqlite"):
            index.write_bytes(b"")
        stream.run("stream", "run", "added.yaml", expect=1)
        check("unable to take back what was published to 'out.rows'" in stream.last_stderr and "--accept-duplicates" in stream.last_stderr, stream.last_stderr)
        stream.run("stream", "run", "--accept-duplicates", "added.yaml")
        found = [json.loads(text)["n"] for text in client.messages("OUT")]
        check(set(found) == set(range(4000)) and len(found) > 4000, f"{len(found)} messages, {len(set(found))} different")


def a_rescaled_job_goes_on_without_loss(stream):
    """Sinks become more and fewer, each time from a savepoint, and one is killed."""
    with NatsServer(stream.folder) as server, server.connect() as client:
        client.make_stream("IN", "in.>")
        client.make_stream("OUT", "out.>")
        text = COPY.replace("SERVER", server.url).replace("OPTIONS", "")
        count = 0
        for sinks in (1, 3, 2):
            stream.write("copied.yaml", text.replace("{run: write-nats", f"{{run: write-nats, parallelism: {sinks}"))
            stream.run("stream", "run", "-d", "copied.yaml")
            client.publish("in.a", rows(count, count + 2000))
            stream.kill([stream.pid("copied", f"out.{sinks - 1}")])
            client.publish("in.a", rows(count + 2000, count + 4000))
            wait_until("it goes on", lambda count=count: stored(server) > count + 2000)
            count += 4000
            stream.run("stream", "stop", "copied", timeout=60)
        stream.run("stream", "run", "-d", "copied.yaml")
        wait_until("all messages", lambda: stored(server) >= count)
        stream.run("stream", "stop", "copied", timeout=60)
        found = sorted((json.loads(message) for message in client.messages("OUT")), key=lambda row: row["n"])
        check(found == copied(0, count), f"{len(found)} messages, {len({row['n'] for row in found})} different")


def over_tls_server_and_user_are_known(stream):
    stream.write("password", "s3cret-words\n")
    stream.write("wrong", "an0ther\n")
    certificates = Certificates(stream.folder)
    own = {"user": "me", "pass": "s3cret-words"}
    with NatsServer(stream.folder, "--user", "me", "--pass", "s3cret-words", user="me", certificates=certificates) as server, server.connect(**own) as client:
        client.make_stream("IN", "in.>")
        client.make_stream("OUT", "out.>")
        client.publish("in.a", rows(0, 3000))
        options = (f'"tls://127.0.0.1:{server.port}", user: me, password: "file:password", tls-ca: {certificates.authority}, '
                   f"tls-cert: {certificates.client}, tls-key: {certificates.client_key}")
        text = COPY.replace("SERVER", options).replace("OPTIONS", "")
        stream.write("copied.yaml", text)
        stream.run("stream", "run", "-d", "copied.yaml")
        wait_until("rows", lambda: client.state("OUT")["messages"])
        instances = wait_until("instances", lambda: stream.instances("copied"))
        stream.kill([instances["in.0"], instances["out.0"]])
        client.publish("in.a", rows(3000, 6000))
        server.kill()
        server.start()
        with server.connect(**own) as again:
            wait_until("all rows", lambda: again.state("OUT")["messages"] >= 6000)
            stream.run("stream", "stop", "copied")
            check([json.loads(message) for message in again.messages("OUT")] == copied(0, 6000), "other messages")
        whole = {"--servers": f"tls://127.0.0.1:{server.port}", "--tls-ca": certificates.authority, "--tls-cert": certificates.client,
                 "--tls-key": certificates.client_key, "--user": "me", "--password": "file:password"}
        refused = {
            "certificate is not trusted": [{"--tls-ca": None}, {"--tls-ca": certificates.stranger}, {"--servers": f"tls://localhost:{server.port}"}],
            "check 'user', 'password'": [{"--password": "file:wrong"}, {"--user": None, "--password": None}],
            "has a meaning with TLS only": [{"--servers": server.url}],
            "a certificate has a key": [{"--tls-key": None}],
            "option 'tls-ca': unable to open": [{"--tls-ca": "none.pem"}],
        }
        for words, changes in refused.items():
            for change in changes:
                options = [str(word) for option, value in {**whole, **change}.items() if value for word in (option, value)]
                stream.run("stream-read-nats", "IN", "--stop-at-end", "--schema", "n bigint", *options, expect=100)
                check(words in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{change}: {stream.last_stderr}")
                check("an0ther" not in stream.last_stderr and "s3cret" not in stream.last_stderr, stream.last_stderr)
        # In a job it is said once, and not tried again and again.
        stream.write("copied.yaml", text.replace(str(certificates.authority), str(certificates.stranger)))
        stream.run("stream", "run", "--fresh", "copied.yaml", expect=1)
        check(sum("not trusted" in event["text"] for event in stream.events("copied")) == 1, stream.events("copied"))


def fill_orders(client):
    client.make_stream("ORDERS", "orders.>")
    client.make_stream("COUNTS", "counts.>")
    client.publish("orders.eu.a", ['{"id":1,"total":150.5}', '{"id":2,\n "total":50.5}', "nonsense", ""])
    client.publish("orders.us.a", ['{"id":3,"total":250}'])


def messages_say_where_they_come_from(stream):
    with NatsServer(stream.folder) as server, server.connect() as client:
        fill_orders(client)
        read = ["stream-read-nats", "ORDERS", "--servers", server.url, "--stop-at-end", "--on-error", "skip"]
        found = [json.loads(line) for line in stream.run(*read, "--metadata", "subject,sequence,timestamp").splitlines()]
        check(all(row.pop("_timestamp").startswith("20") for row in found), "times")
        check(found == [{"id": 1, "total": 150.5, "_subject": "orders.eu.a", "_sequence": 1}, {"id": 2, "total": 50.5, "_subject": "orders.eu.a", "_sequence": 2},
                        {"id": 3, "total": 250, "_subject": "orders.us.a", "_sequence": 5}], found)
        check("2 bad records in all" in stream.last_stderr, stream.last_stderr)
        schema = ["--schema", "id bigint"]
        check(stream.run(*read, *schema, "--start", "latest") == "", "latest")
        check(stream.run(*read, *schema, "--start", "2050-01-01T00:00:00Z") == "", "in the future")
        check(len(stream.run(*read, *schema, "--start", "2020-01-01T00:00:00Z").splitlines()) == 3, "in the past")
        check(stream.run(*read, *schema, "--subject", "orders.us.*") == '{"id":3}\n', "subject")
        stream.run("stream-write-nats", "counts.plain", "--servers", server.url, "--format", "csv", stdin='{"a":1,"b":"x, y"}\n')
        check(client.messages("COUNTS") == ['1,"x, y"'], client.messages("COUNTS"))


def examples_of_the_manuals_run(stream):
    with NatsServer(stream.folder) as server, server.connect() as client:
        fill_orders(client)
        for stage in ("read-nats", "write-nats"):
            for command in stream.examples(stage):
                for name in ("read-nats", "write-nats"):
                    command = command.replace(f"{name} ", f"{name} --servers {server.url} ")
                stream.run("bash", "-euo", "pipefail", "-c", command)
        found = [json.loads(text) for text in client.messages("COUNTS")]
        check([row["n"] for row in found if "window_start" in row] == [3] and len(found) == 1001, f"{len(found)} messages")


def what_was_removed_before_it_was_read_is_reported(stream):
    with NatsServer(stream.folder) as server, server.connect() as client:
        client.make_stream("IN", "in.>")
        client.make_stream("OUT", "out.>")
        client.publish("in.a", rows(0, 10))
        text = COPY.replace("SERVER", server.url).replace("OPTIONS", "")
        stream.write("copied.yaml", text)
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        wait_until("rows", lambda: stored(server) == 10)
        stream.run("stream", "stop", "copied")
        job.wait(timeout=60)
        client.publish("in.a", rows(10, 20))
        client.request("$JS.API.STREAM.PURGE.IN", json.dumps({"seq": 16}))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        wait_until("rows behind the gap", lambda: stored(server) == 15)
        stream.run("stream", "stop", "copied")
        check("messages 11 to 15 were removed from the stream before they were read" in job.communicate(timeout=60)[1], "no word")
        client.request("$JS.API.STREAM.DELETE.IN", "")
        client.make_stream("IN", "in.>")
        stream.run("stream", "run", "copied.yaml", expect=1)
        check("it has been made anew since" in stream.last_stderr, stream.last_stderr)


def a_server_that_asks_for_a_password_gets_it(stream):
    stream.write("password", "s3cret-words\n")
    with NatsServer(stream.folder, "--user", "me", "--pass", "s3cret-words", user="me") as server, \
            server.connect(user="me", **{"pass": "s3cret-words"}) as client:
        fill_orders(client)
        read = ["stream-read-nats", "ORDERS", "--servers", server.url, "--stop-at-end", "--on-error", "skip", "--user", "me"]
        check(len(stream.run(*read, "--password", "file:password").splitlines()) == 3, "not read")
        stream.write("password", "another\n")
        stream.run(*read, "--password", "file:password", "--schema", "id bigint", expect=100)
        check("Authentication" in stream.last_stderr and "another" not in stream.last_stderr, stream.last_stderr)


def what_cannot_be_is_said(stream):
    with NatsServer(stream.folder) as server, server.connect() as client:
        fill_orders(client)
        client.make_stream("WORK", "work.>", retention="workqueue")
        client.make_stream("SHORT", "short.>", duplicate_window=10**9)
        servers = ["--servers", server.url]
        read = ["stream-read-nats", "ORDERS", *servers, "--schema", "id bigint"]
        refused = {
            "there is no stream 'NOPE'": ["stream-read-nats", "NOPE", *servers, "--schema", "id bigint"],
            "stream 'COUNTS' has no message yet to find the schema in; give a schema": ["stream-read-nats", "COUNTS", *servers],
            "lets messages go when they are acknowledged": ["stream-read-nats", "WORK", *servers, "--schema", "id bigint"],
            "nothing is known as 'subjct' of a message; did you mean 'subject'?": [*read, "--metadata", "subjct"],
            "'now' is neither earliest nor latest nor a time": [*read, "--start", "now"],
            "the server does not ask all for TLS": ["stream-read-nats", "ORDERS", "--servers", server.url.replace("nats:", "tls:"), "--schema", "id bigint"],
            "option 'servers': a secret is never written out": ["stream-read-nats", "ORDERS", "--servers", "nats://me:pw@127.0.0.1:1"],
            "the messages have a column '_subject' themselves": [*read[:-1], "_subject varchar", "--metadata", "subject"],
            "no stream keeps the messages of subject 'nobody.hears'": ["stream", "run", f"generate --rows 9 | write-nats nobody.hears --servers {server.url}"],
            "the duplicate window of stream 'SHORT' is shorter than 10s": ["stream", "run", f"generate --rows 9 | write-nats short.x --servers {server.url}"],
            "messages have one subject; 'a.*' is none": ["stream", "run", "generate --rows 9 | write-nats a.*"],
            "text has one column, the input 2": ["stream", "run", "generate --rows 9 --columns 'n, n as m' | write-nats a.b --format text"],
        }
        for words, command in refused.items():
            stream.run(*command, expect=None)
            check(words in stream.last_stderr, f"{command}: {stream.last_stderr}")
        server.kill()
        stream.run(*read, "--patience", "300ms", expect=1)
        check("unable to connect to" in stream.last_stderr, stream.last_stderr)


def a_token_lets_in(stream):
    stream.write("token", "s3cret-words\n")
    with NatsServer(stream.folder, "--auth", "s3cret-words") as server:
        with server.connect(**server.credentials) as client:
            fill_orders(client)
            client.make_stream("OUT", "out.>")
            at = ["--servers", server.url, "--token", "file:token"]
            read = ["stream-read-nats", "ORDERS", *at, "--stop-at-end", "--on-error", "skip", "--schema", "id bigint"]
            check(len(stream.run(*read).splitlines()) == 3, "not read")
            stream.run("stream-write-nats", "out.b", *at, stdin='{"n":1}\n')
            check(client.messages("OUT") == ['{"n":1}'], client.messages("OUT"))
        stream.write("token", "an0ther\n")
        stream.run(*read, expect=100)
        check("Authentication Violation" in stream.last_stderr and "an0ther" not in stream.last_stderr, stream.last_stderr)


# What options about the format say of messages: these, the messages, and the rows.
READ_AS = [
    (["--format", "csv", "--delimiter", ";", "--schema", "a bigint, b varchar"], ["1;x,y", "2;z"], [{"a": 1, "b": "x,y"}, {"a": 2, "b": "z"}]),
    (["--format", "regex", "--pattern", "(?P<who>[a-z]+)=(?P<n>[0-9]+)", "--schema", "who varchar, n bigint"], ["at 7: ann=3", "bob=4"],
     [{"who": "ann", "n": 3}, {"who": "bob", "n": 4}]),
    (["--format", "logfmt", "--schema", "who varchar, n bigint"], ['who="ann b" n=3'], [{"who": "ann b", "n": 3}]),
    (["--format", "text"], ["one\ntwo"], [{"line": "one"}, {"line": "two"}]),
    (["--schema", "at timestamp", "--time-format", "%d.%m.%Y %H:%M", "--zone", "Europe/Berlin"], ['{"at":"31.01.2026 12:00"}'], [{"at": "2026-01-31T11:00:00Z"}]),
    (["--schema", "at timestamp", "--zone", "Europe/Berlin"], ['{"at":"2026-07-31 12:00:00"}'], [{"at": "2026-07-31T10:00:00Z"}]),
    (["--schema", "at timestamp", "--time-unit", "ms"], ['{"at":1500}'], [{"at": "1970-01-01T00:00:01.5Z"}]),
    (["--schema", "a bigint", "--unknown-fields", "keep"], ['{"a":1,"b":[2]}'], [{"a": 1, "_rest": {"b": [2]}}]),
    (["--schema", "a bigint", "--unknown-fields", "error"], ['{"a":1,"b":2}', '{"a":2}'], [{"a": 2}]),
    (["--schema", "a varchar", "--record-size-max", "64"], [json.dumps({"a": "x" * 100}), '{"a":"y"}'], [{"a": "y"}]),
]


def messages_are_read_as_the_options_say(stream):
    with NatsServer(stream.folder) as server, server.connect() as client:
        for number, (options, texts, wanted) in enumerate(READ_AS):
            client.make_stream(f"S{number}", f"s{number}")
            client.publish(f"s{number}", texts)
            out = stream.run("stream-read-nats", f"S{number}", "--servers", server.url, "--stop-at-end", "--on-error", "skip", *options)
            check([json.loads(line) for line in out.splitlines()] == wanted, f"{options}: {out}{stream.last_stderr}")
        client.make_stream("OUT", "out")
        stream.run("stream-write-nats", "out", "--servers", server.url, "--format", "csv", "--delimiter", "tab", stdin='{"a":1,"b":"x y"}\n')
        check(client.messages("OUT") == ["1\tx y"], client.messages("OUT"))


def a_file_of_credentials_lets_in(stream):
    """A server that knows its users by what its operator has signed: the file has the user's part of that, and the key."""
    users = Users(stream.folder)
    with NatsServer(stream.folder, users=users) as server:
        with server.connect() as client:
            client.make_stream("IN", "in.>")
            client.make_stream("OUT", "out.>")
            client.publish("in.a", rows(0, 500))
        text = COPY.replace("OPTIONS", ", stop-at-end: true").replace("SERVER", f"{server.url}, credentials: {users.credentials}")
        stream.write("copied.yaml", text)
        stream.run("stream", "run", "copied.yaml")
        with server.connect() as client:
            check([json.loads(row) for row in client.messages("OUT")] == copied(0, 500), "others than what was sent")
        read = ["stream-read-nats", "IN", "--servers", server.url, "--stop-at-end", "--schema", "n bigint"]
        check(len(stream.run(*read, "--credentials", users.credentials).splitlines()) == 500, "by hand")
        check(stream.run("stream-write-nats", "out.b", "--servers", server.url, "--credentials", users.credentials, stdin='{"n":1}\n') == "", "by hand")
        for options, words in (([], "Authentication Violation"), (["--credentials", users.stranger], "Authentication Violation"),
                               (["--credentials", "none.creds"], "'credentials'")):
            stream.run(*read, *options, expect=100)
            check(words in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{options}: {stream.last_stderr}")


def copying(stream, server):
    with server.connect() as client:
        client.make_stream("IN", "in.>")
        client.make_stream("OUT", "out.>")
        client.make_stream("MADE", "made.>")

    def feed(first, last):
        with server.connect() as talk:
            talk.publish("in.a", rows(first, last))

    manifest = COPY.replace("SERVER", server.url).replace("OPTIONS", "")
    return Copied(stream, manifest, feed, lambda: numbers(server, "OUT"))


def numbers(server, name):
    with server.connect() as client:
        return [json.loads(text)["n"] for text in client.messages(name)]


def silence_is_survived(stream):
    with NatsServer(stream.folder) as server:
        silence_is_waited_out_across_kills(copying(stream, server))


@on_small_disk("64m")
def a_full_disk_is_survived(stream, disk):
    with NatsServer(stream.folder) as server:
        rows_are_equal_when_no_state_can_be_kept_for_a_while(copying(stream, server), disk)


def a_stop_is_quick_though_the_server_is_away(stream):
    with NatsServer(stream.folder) as server:
        a_stop_does_not_wait_for_a_source_without_server(copying(stream, server), server)
        a_stop_does_not_wait_for_a_sink_without_server(stream, f"{{run: write-nats, subject: made.rows, servers: {server.url}}}", server,
                                                       lambda: numbers(server, "MADE"))


if __name__ == "__main__":
    if ABSENT:
        print("skipped: nats-server is not installed")
        sys.exit(0)
    main([what_is_in_a_stream_is_copied_once, garbage_is_kept_aside_and_silence_is_waited_out, nothing_is_lost_or_doubled_whoever_is_killed,
          messages_whose_acknowledgement_is_lost_are_not_stored_again, what_was_published_is_not_taken_back,
          a_rescaled_job_goes_on_without_loss, over_tls_server_and_user_are_known, published_once_though_the_duplicate_window_is_over, messages_say_where_they_come_from, examples_of_the_manuals_run,
          what_was_removed_before_it_was_read_is_reported, a_server_that_asks_for_a_password_gets_it, what_cannot_be_is_said,
          a_token_lets_in, a_file_of_credentials_lets_in, messages_are_read_as_the_options_say, silence_is_survived, a_full_disk_is_survived, a_stop_is_quick_though_the_server_is_away])
