"""read-kafka and write-kafka against a real broker: every message once, whoever is killed."""

import json
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from certificates import Certificates  # noqa: E402
from connectors import (Copied, a_stop_does_not_wait_for_a_source_without_server,  # noqa: E402
                        rows_are_equal_when_no_state_can_be_kept_for_a_while, silence_is_waited_out_across_kills)
from harness import Failure, check, main, wait_until  # noqa: E402
from kafka_server import start_kafka  # noqa: E402
from small_disk import on_small_disk  # noqa: E402

KILLS = 7
COPY = """
pipeline: copied
checkpoint: {interval: 200ms}
restart: {strategy: fixed-delay, delay: 50ms, attempts: 100}
stages:
  in: {run: read-kafka, topic: in, servers: SERVERS, schema: "n bigint, word varchar", parallelism: 2, discover-every: 1s OPTIONS}
  twice: {run: select, columns: "n, n * 2 as twice, word"}
  out: {run: write-kafka, topic: out, key: word, servers: SERVERS, parallelism: 2}
"""


def messages(first, last, partitions=3):
    return [(n % partitions, f"k{n % 5}", json.dumps({"n": n, "word": f"w{n % 13}"})) for n in range(first, last)]


def copied(first, last):
    return [{"n": n, "twice": 2 * n, "word": f"w{n % 13}"} for n in range(first, last)]


def by_n(rows):
    return sorted(rows, key=lambda row: row["n"])


def what_is_in_a_topic_is_copied_once(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        kafka.create("in", 3)
        kafka.create("out", 2)
        kafka.produce("in", messages(0, 5000))
        stream.write("copied.yaml", COPY.replace("SERVERS", kafka.servers).replace("OPTIONS", ", stop-at-end: true"))
        stream.run("stream", "run", "copied.yaml")
        found = by_n(kafka.values("out"))
        check(found == copied(0, 5000), f"{len(found)} messages, {found[:2]}")


def garbage_is_kept_aside_and_silence_is_waited_out(stream):
    bad = ['{"n": 1', "[]", '{"n": "many"}', "no json", '{"n": 1e400}']
    with start_kafka(stream.programs, stream.folder) as kafka:
        kafka.create("in", 2)
        kafka.create("out", 2)
        stream.write("copied.yaml", COPY.replace("SERVERS", kafka.servers).replace("OPTIONS", ""))
        stream.run("stream", "run", "-d", "copied.yaml")
        for first in (0, 50):
            kafka.produce("in", [(n % 2, "bad", text) for n, text in enumerate(bad)] + messages(first, first + 50, partitions=2))
            wait_until("the messages", lambda: len(kafka.values("out")) == first + 50)
            stream.run("stream", "wait", "copied", "--for", "checkpoint")  # of nothing
        stream.run("stream", "stop", "copied")
        check(by_n(kafka.values("out")) == copied(0, 100), "others than the good messages")
        letters = [json.loads(line) for line in stream.run("stream", "dead-letter", "copied").splitlines()]
        check(len(letters) == 2 * len(bad) and all(letter["stage"] == "in" for letter in letters), f"{letters}")


class Producing(threading.Thread):
    """Fills the topic piece by piece, as kills go on; where the broker dies meanwhile, only with what is missing."""

    def __init__(self, kafka, count, kills):
        super().__init__(daemon=True)
        self.kafka, self.count, self.kills = kafka, count, kills
        self.start()

    def run(self):
        done = 0
        while done < self.count:
            wait_until("kills", lambda: sum(self.kills) * self.count >= done * KILLS, timeout=60)
            last = min(done + 1000, self.count)
            try:
                self.kafka.produce("in", messages(done, last))
                done = last
            except Failure:
                there = {row["n"] for row in self.there()}
                missing = [message for message in messages(done, last) if json.loads(message[2])["n"] not in there]
                self.kafka.produce("in", missing)
                done = last

    def there(self):
        while True:
            try:
                return self.kafka.values("in")
            except Failure:
                continue


def count_of(kafka, topic):
    """Committed messages; 0 while the broker is away."""
    try:
        return len(kafka.dump(topic))
    except (Failure, subprocess.TimeoutExpired):
        return 0


def kill_both(stream, job, kafka, kills, finished):
    """Kills instances and the broker, by turns, until the condition holds; counts how many of each."""
    pick = random.Random(11)
    while not finished():
        instances = stream.instances("copied")
        if instances and kills[0] < 7:
            stream.kill([instances[pick.choice(sorted(instances))]])
            kills[0] += 1
        if kills[0] == 4 and kills[2] == 0:  # the supervisor too
            kills[2] += 1
            stream.kill(stream.processes("copied"))
            job.wait(timeout=60)
            job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        if kafka.restarts and kills[1] < 2 and kills[0] >= 2 * (kills[1] + 1):
            kafka.kill()
            kafka.start()
            kills[1] += 1
        try:
            job.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue
        raise Failure(f"the job has ended: exit {job.returncode}: {job.communicate()[1]}")


def nothing_is_lost_or_doubled_whoever_is_killed(stream):
    count = 20000
    with start_kafka(stream.programs, stream.folder) as kafka:
        kafka.create("in", 3)
        kafka.create("out", 2)
        stream.write("copied.yaml", COPY.replace("SERVERS", kafka.servers).replace("OPTIONS", ""))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        kills = [0, 0, 0]
        producing = Producing(kafka, count, kills)
        kill_both(stream, job, kafka, kills, lambda: not producing.is_alive() and count_of(kafka, "out") >= count)
        check(sum(kills) >= KILLS and kills[2] == 1 and kills[1] == (2 if kafka.restarts else 0), f"only {kills} kills")
        stream.run("stream", "stop", "copied", timeout=60)
        found = by_n(kafka.values("out"))
        if not kafka.transactional:  # what a dead producer had sent is seen: only that nothing is lost can be told
            found = by_n({row["n"]: row for row in found}.values())
        check(len(found) == count, f"{len(found)} messages, {len({row['n'] for row in found})} different")
        check(found == copied(0, count), "other rows")


def what_was_committed_is_not_taken_back(stream):
    """Checkpoints are damaged whose rows were committed: the job ends, and goes on where the user accepts to have them twice."""
    with start_kafka(stream.programs, stream.folder) as kafka:
        kafka.create("out", 1)
        stream.write("added.yaml", "pipeline: added\ncheckpoint: {interval: 100ms}\nstages:\n  made: {run: generate, rows: 4000, rate: 1000, columns: n}\n"
                     f"  out: {{run: write-kafka, topic: out, servers: \"{kafka.servers}\"}}\n")
        stream.run("stream", "run", "-d", "added.yaml")
        # Of two that are complete the older one is committed.
        wait_until("rows", lambda: len(list((stream.home("added") / "checkpoints").glob("*/checkpoint.sqlite"))) >= 3)
        stream.kill(stream.processes("added"))
        wait_until("the end of the job", lambda: not stream.processes("added"))
        for index in (stream.home("added") / "checkpoints").glob("*/checkpoint.sqlite"):
            index.write_bytes(b"")
        stream.run("stream", "run", "added.yaml", expect=1)
        check("unable to take back what was written to topic 'out'" in stream.last_stderr and "--accept-duplicates" in stream.last_stderr, stream.last_stderr)
        stream.run("stream", "run", "--accept-duplicates", "added.yaml")
        found = [row["n"] for row in kafka.values("out")]
        check(set(found) == set(range(4000)) and len(found) > 4000, f"{len(found)} messages, {len(set(found))} different")


def orders(kafka):
    kafka.create("orders", 2)
    kafka.create("counts", 1)
    kafka.produce("orders", [(0, "a", '{"id":1,"total":150.5}'), (1, "b", "nonsense"), (1, "", '{"id":3,"total":250}'), (0, "c", "")])


def messages_say_where_they_come_from(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        orders(kafka)
        read = ["stream-read-kafka", "orders", "--servers", kafka.servers, "--stop-at-end", "--on-error", "skip"]
        found = stream.run(*read, "--metadata", "topic,partition,offset,key,timestamp").splitlines()
        found = sorted((json.loads(line) for line in found), key=lambda row: row["id"])
        check(all(row.pop("_timestamp").startswith("20") for row in found), "times")
        check(found == [{"id": 1, "total": 150.5, "_topic": "orders", "_partition": 0, "_offset": 0, "_key": "a"},
                        {"id": 3, "total": 250, "_topic": "orders", "_partition": 1, "_offset": 1, "_key": None}], found)
        check("2 bad records in all" in stream.last_stderr, stream.last_stderr)
        schema = ["--schema", "id bigint"]
        check(stream.run(*read, *schema, "--start", "latest") == "", "latest")
        check(stream.run(*read, *schema, "--start", "2050-01-01T00:00:00Z") == "", "in the future")
        if kafka.transactional:  # the mock finds no times
            check(len(stream.run(*read, *schema, "--start", "2020-01-01T00:00:00Z").splitlines()) == 2, "in the past")
        stream.run("stream", "run", f"read-kafka orders --servers {kafka.servers} --stop-at-end --schema 'id bigint' --group watched | write-null")
        if kafka.restarts:  # the last checkpoint's are committed in the background, so they may lack
            check("0\t" in kafka.run("group", "watched", "orders"), "no offsets")


def what_is_about_a_message_goes_round(stream):
    """Key, partition, time and headers are written from columns, and read into columns."""
    with start_kafka(stream.programs, stream.folder) as kafka:
        kafka.create("headed", 3)
        kafka.create("again", 3)
        rows = [{"n": 1, "k": "a", "p": 2, "at": "2026-01-31T12:00:00.25Z", "country": "de", "size": 7},
                {"n": 2, "k": "b", "p": 0, "at": "2026-01-31T12:00:01Z", "country": 'q"\\', "size": None},
                {"n": 3, "k": None, "p": 1, "at": "2026-01-31T12:00:02Z", "country": None, "size": -1}]
        write = ["stream-write-kafka", "headed", "--servers", kafka.servers, "--schema",
                 "n bigint, k varchar, p bigint, at timestamp, country varchar, size bigint"]
        about = ["--key", "k", "--partition", "p", "--timestamp", "at", "--headers", "country,size"]
        stream.run(*write, *about, stdin="".join(json.dumps(row) + "\n" for row in rows))
        found = sorted(kafka.run("heads", "headed").splitlines())
        check(found == ['0\t1769860801000\tb\tcountry=q"\\,size\t{"n":2,"k":"b"}', '1\t1769860802000\t\tcountry,size=-1\t{"n":3,"k":null}',
                        '2\t1769860800250\ta\tcountry=de,size=7\t{"n":1,"k":"a"}'], found)
        read = ["stream-read-kafka", "headed", "--servers", kafka.servers, "--stop-at-end", "--metadata", "partition,timestamp,key,headers"]
        found = sorted((json.loads(line) for line in stream.run(*read).splitlines()), key=lambda row: row["n"])
        wanted = [{"n": row["n"], "k": row["k"], "_partition": row["p"], "_timestamp": row["at"], "_key": row["k"],
                   "_headers": {"country": row["country"], "size": None if row["size"] is None else str(row["size"])}} for row in rows]
        check(found == wanted, found)
        # In a job, from topic to topic.
        stream.run("stream", "run", f"read-kafka headed --servers {kafka.servers} --stop-at-end --metadata partition,timestamp,key,headers | "
                   "select \"n, _key, _partition, _timestamp, _headers->>'country' as country\" | "
                   f"write-kafka again --servers {kafka.servers} --key _key --partition _partition --timestamp _timestamp --headers country")
        found = sorted(kafka.run("heads", "again").splitlines())
        check(found == ['0\t1769860801000\tb\tcountry=q"\\\t{"n":2,"_key":"b"}', '1\t1769860802000\t\tcountry\t{"n":3,"_key":null}',
                        '2\t1769860800250\ta\tcountry=de\t{"n":1,"_key":"a"}'], found)
        for words, change in (("topic 'headed' has no partition 9", {"p": 9}), ("no partition has the number -1", {"p": -1})):
            stream.run(*write, *about, stdin=json.dumps({**rows[0], **change}) + "\n", expect=100)
            check(words in stream.last_stderr, stream.last_stderr)
        for words, options in (("'k' is VARCHAR, not BIGINT", ["--partition", "k"]), ("'n' is BIGINT, not TIMESTAMP", ["--timestamp", "n"]),
                               ("no column 'countri'", ["--headers", "countri"]),
                               ("no column is left for the message itself", ["--headers", "n,k,p,at,country,size"])):
            stream.run(*write, *options, stdin="", expect=100)
            check(words in stream.last_stderr, f"{options}: {stream.last_stderr}")


def over_tls_brokers_and_user_are_known(stream):
    stream.write("password", "s3cret-words\n")
    stream.write("wrong", "an0ther\n")
    certificates = Certificates(stream.folder)
    with start_kafka(stream.programs, stream.folder, certificates=certificates, password="s3cret-words") as kafka:
        if not kafka.restarts:
            return  # the mock has no TLS
        for topic in ("in", "out"):
            kafka.create(topic, 2)
        kafka.produce("in", messages(0, 2000, partitions=2))
        options = f"security: sasl-tls, mechanism: scram-sha-256, user: me, password: 'file:password', tls-ca: {certificates.authority}"
        text = COPY.replace("OPTIONS", ", stop-at-end: true").replace("servers: SERVERS", f'servers: "{kafka.user_servers}", {options}')
        stream.write("copied.yaml", text)
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        stream.kill([stream.pid("copied", "out.0")])
        talk = job.communicate(timeout=60)[1]
        check(job.returncode == 0, talk)
        check(by_n(kafka.values("out")) == copied(0, 2000), "other messages")
        shown = {"--servers": kafka.tls_servers, "--security": "tls", "--tls-ca": certificates.authority, "--tls-cert": certificates.client,
                 "--tls-key": certificates.client_key}
        user = {"--servers": kafka.user_servers, "--security": "sasl-tls", "--mechanism": "plain", "--user": "me", "--password": "file:password",
                "--tls-ca": certificates.authority}

        def read(options, expect):
            words = [str(word) for option, value in options.items() if value for word in (option, value)]
            return stream.run("stream-read-kafka", "in", "--stop-at-end", "--schema", "n bigint", "--patience", "300ms", *words, expect=expect)

        for options in (shown, user, {**user, "--mechanism": "scram-sha-256"}):
            check(len(read(options, 0).splitlines()) == 2000, f"{options}")
        name = kafka.user_servers.replace("127.0.0.1", "localhost")
        refused = {"certificate is not trusted": [{**user, "--tls-ca": None}, {**user, "--tls-ca": certificates.stranger}, {**user, "--servers": name}],
                   "the brokers refuse the user": [{**user, "--password": "file:wrong"}, {**user, "--mechanism": "scram-sha-256", "--password": "file:wrong"}],
                   "required with sasl": [{**user, "--password": None}, {**user, "--user": None}],
                   "has a meaning with sasl only": [{**user, "--security": "tls"}],
                   "has a meaning with TLS only": [{**user, "--security": "sasl"}],
                   "option 'tls-ca': unable to open": [{**user, "--tls-ca": "none.pem"}]}
        for words, changed in refused.items():
            for options in changed:
                read(options, 100)
                check(words in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{options}: {stream.last_stderr}")
                check("an0ther" not in stream.last_stderr and "s3cret" not in stream.last_stderr, stream.last_stderr)
        # What may be right later is told with the client's own words.
        read({**user, "--servers": "127.0.0.1:1"}, 1)
        check("127.0.0.1:1" in stream.last_stderr and "refused" in stream.last_stderr, stream.last_stderr)
        stream.run("stream", "run", f"generate --rows 9 | write-kafka out --servers {kafka.user_servers} --security sasl-tls --user me --password file:wrong "
                   f"--tls-ca {certificates.authority}", expect=1)
        check("the brokers refuse the user" in stream.last_stderr, stream.last_stderr)


def examples_of_the_manuals_run(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        orders(kafka)
        kafka.create("made", 1)
        for stage in ("read-kafka", "write-kafka"):
            for command in stream.examples(stage):
                for name in ("read-kafka", "write-kafka"):
                    command = command.replace(f"{name} ", f"{name} --servers {kafka.servers} ")
                stream.run("bash", "-euo", "pipefail", "-c", command)
        check(len(kafka.dump("made")) == 1003, "made")
        check({row["n"] for row in kafka.values("counts")} == {1}, kafka.values("counts"))


def partitions_that_are_added_are_read_from_their_beginning(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        if not kafka.restarts:
            return  # the mock cannot add partitions
        kafka.create("in", 2)
        kafka.create("out", 1)
        kafka.produce("in", messages(0, 100, partitions=2))
        stream.write("copied.yaml", COPY.replace("SERVERS", kafka.servers).replace("OPTIONS", ", start: latest"))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)

        def reads(n):
            kafka.produce("in", messages(n, n + 2, partitions=2))
            return kafka.dump("out")

        numbers = iter(range(100, 1000, 2))
        wait_until("the first rows", lambda: reads(next(numbers)))
        kafka.create("in", 5)
        kafka.produce("in", [(partition, "", json.dumps({"n": 1000 + partition, "word": ""})) for partition in (2, 3, 4)])
        wait_until("rows of new partitions", lambda: {1002, 1003, 1004} <= {row["n"] for row in kafka.values("out")})
        stream.run("stream", "stop", "copied")
        job.wait(timeout=60)
        # Other instances own the partitions after a rescale, and other producers write; none is read again, none forgotten.
        kafka.produce("in", [(partition, "", json.dumps({"n": 2000 + partition, "word": ""})) for partition in range(5)])
        text = (stream.folder / "copied.yaml").read_text()
        stream.write("copied.yaml", text.replace("parallelism: 2", "parallelism: 3"))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        wait_until("rows after the rescale", lambda: {2000, 2001, 2002, 2003, 2004} <= {row["n"] for row in kafka.values("out")})
        stream.run("stream", "stop", "copied")
        found = [row["n"] for row in kafka.values("out")]
        check(len(found) == len(set(found)), f"twice: {sorted(n for n in found if found.count(n) > 1)[:5]}")
        check(min(found) >= 100, "start: latest")


SCALED = """
pipeline: scaled
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 50ms, attempts: 100}
autoscale:
  mode: on
  interval: 100ms
  metrics-window: 800ms
  stabilization-interval: 200ms
  scale-up-grace-period: 0s
  scale-down-interval: 1h
  catch-up-duration: 3s
  restart-time: 100ms
  effectiveness-threshold: 0
stages:
  in: {run: read-kafka, topic: in, servers: SERVERS, schema: "n bigint, word varchar"}
  slow:
    run: lua
    trusted: true
    schema: n bigint, word varchar
    code: |
      local ffi = require('ffi')
      ffi.cdef('int usleep(unsigned)')
      function on_row(row, state, emit) ffi.C.usleep(2000) emit(row.n, 'w' .. row.n % 13) end
    parallelism: {min: 1, max: 3}
  out: {run: write-kafka, topic: out, key: word, servers: SERVERS}
"""


def what_waits_at_the_broker_calls_for_more_processes(stream):
    """Many are there already, and wide, so that few are on their way."""
    with start_kafka(stream.programs, stream.folder) as kafka:
        kafka.create("in", 3)
        kafka.create("out", 2)
        pad = "x" * 3000
        kafka.produce("in", [(n % 3, "", json.dumps({"n": n, "word": pad})) for n in range(8000)])
        stream.write("scaled.yaml", SCALED.replace("SERVERS", kafka.servers))
        stream.run("stream", "run", "-d", "scaled.yaml")

        def instances(stage):
            return [i for i in stream.stats("scaled")["instances"] if i["stage"] == stage] if stream.instances("scaled") else []

        wait_until("what waits to be told", lambda: any(i["pending_records"] > 1000 for i in instances("in")), timeout=60)
        wait_until("more processes", lambda: len(instances("slow")) == 3, timeout=120)
        check("autoscale" in {e["kind"] for e in stream.events("scaled")}, stream.events("scaled"))
        stream.run("stream", "wait", "scaled", "--for", "checkpoint")
        found = wait_until("all rows", lambda: len(rows := kafka.values("out")) >= 8000 and rows, timeout=120)
        check(by_n(found) == [{"n": n, "word": f"w{n % 13}"} for n in range(8000)], f"{len(found)} messages")
        stream.run("stream", "stop", "scaled")


def what_cannot_be_is_said(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        orders(kafka)
        servers = ["--servers", kafka.servers]
        refused = {
            "there is no topic 'nope'": ["stream-read-kafka", "nope", *servers, "--schema", "id bigint"],
            "there is no topic 'nowhere'": ["stream", "run", f"generate --rows 10 | write-kafka nowhere --servers {kafka.servers}"],
            "topic 'counts' has no message yet to find the schema in; give a schema": ["stream-read-kafka", "counts", *servers],
            "no column 'm'": ["stream", "run", "generate --rows 10 | write-kafka counts --key m"],
            "nothing is known as 'ofset' of a message; did you mean 'offset'?": ["stream-read-kafka", "orders", "--metadata", "ofset"],
            "'now' is neither earliest nor latest nor a time": ["stream-read-kafka", "orders", "--start", "now"],
            "refuses the setting 'fetch.wait.max.ms'": ["stream-read-kafka", "orders", "--schema", "a bigint", "--property", "fetch.wait.max.ms=x"],
            "option 'password': required with sasl": ["stream-read-kafka", "orders", "--schema", "a bigint", "--security", "sasl", "--user", "me"],
        }
        for words, command in refused.items():
            if not kafka.restarts and "no topic" in words:
                continue  # the mock makes topics
            stream.run(*command, expect=None)
            check(words in stream.last_stderr, f"{command}: {stream.last_stderr}")


def copying(stream, kafka):
    for topic in ("in", "out"):
        kafka.create(topic, 2)
    manifest = COPY.replace("SERVERS", kafka.servers).replace("OPTIONS", "")
    return Copied(stream, manifest, lambda first, last: kafka.produce("in", messages(first, last, partitions=2)), lambda: numbers(kafka, "out"))


def numbers(kafka, topic):
    return [row["n"] for row in kafka.values(topic)]


def silence_is_survived(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        silence_is_waited_out_across_kills(copying(stream, kafka))


@on_small_disk("64m")
def a_full_disk_is_survived(stream, disk):
    with start_kafka(stream.programs, stream.folder) as kafka:
        rows_are_equal_when_no_state_can_be_kept_for_a_while(copying(stream, kafka), disk)


def a_stop_is_quick_though_the_server_is_away(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        if not kafka.restarts:
            return  # what the mock has is gone with it
        a_stop_does_not_wait_for_a_source_without_server(copying(stream, kafka), kafka)


if __name__ == "__main__":
    main([what_is_in_a_topic_is_copied_once, garbage_is_kept_aside_and_silence_is_waited_out, nothing_is_lost_or_doubled_whoever_is_killed, messages_say_where_they_come_from,
          what_was_committed_is_not_taken_back, what_is_about_a_message_goes_round, over_tls_brokers_and_user_are_known, examples_of_the_manuals_run, partitions_that_are_added_are_read_from_their_beginning,
          what_waits_at_the_broker_calls_for_more_processes, what_cannot_be_is_said,
          silence_is_survived, a_full_disk_is_survived, a_stop_is_quick_though_the_server_is_away])
