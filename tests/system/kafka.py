"""read-kafka and write-kafka against a real broker: every message once, whoever is killed."""

import json
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402
from kafka_server import start_kafka  # noqa: E402

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
        kills = [0, 0]
        producing = Producing(kafka, count, kills)
        kill_both(stream, job, kafka, kills, lambda: not producing.is_alive() and count_of(kafka, "out") >= count)
        check(sum(kills) >= KILLS and kills[1] == (2 if kafka.restarts else 0), f"only {kills} kills")
        stream.run("stream", "stop", "copied", timeout=60)
        found = by_n(kafka.values("out"))
        if not kafka.transactional:  # what a dead producer had sent is seen: only that nothing is lost can be told
            found = by_n({row["n"]: row for row in found}.values())
        check(len(found) == count, f"{len(found)} messages, {len({row['n'] for row in found})} different")
        check(found == copied(0, count), "other rows")


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


def examples_of_the_manuals_run(stream):
    with start_kafka(stream.programs, stream.folder) as kafka:
        orders(kafka)
        kafka.create("made", 1)
        for stage in ("read-kafka", "write-kafka"):
            for command in stream.examples(stage):
                for name in ("read-kafka", "write-kafka"):
                    command = command.replace(f"{name} ", f"{name} --servers {kafka.servers} ")
                stream.run("bash", "-euo", "pipefail", "-c", command)
        check(len(kafka.dump("made")) == 1000, "made")
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
        job.wait(timeout=30)
        # Other instances own the partitions after a rescale; none is read again, none forgotten.
        kafka.produce("in", [(partition, "", json.dumps({"n": 2000 + partition, "word": ""})) for partition in range(5)])
        text = (stream.folder / "copied.yaml").read_text()
        stream.write("copied.yaml", text.replace("parallelism: 2, discover", "parallelism: 3, discover"))
        job = stream.start("stream", "run", "copied.yaml", stderr=subprocess.PIPE)
        wait_until("rows after the rescale", lambda: {2000, 2001, 2002, 2003, 2004} <= {row["n"] for row in kafka.values("out")})
        stream.run("stream", "stop", "copied")
        found = [row["n"] for row in kafka.values("out")]
        check(len(found) == len(set(found)), f"twice: {sorted(n for n in found if found.count(n) > 1)[:5]}")
        check(min(found) >= 100, "start: latest")


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
            "option 'password': required with sasl": ["stream-read-kafka", "orders", "--schema", "a bigint", "--security", "sasl"],
        }
        for words, command in refused.items():
            if not kafka.restarts and "no topic" in words:
                continue  # the mock makes topics
            stream.run(*command, expect=None)
            check(words in stream.last_stderr, f"{command}: {stream.last_stderr}")


if __name__ == "__main__":
    main([what_is_in_a_topic_is_copied_once, nothing_is_lost_or_doubled_whoever_is_killed, messages_say_where_they_come_from,
          examples_of_the_manuals_run, partitions_that_are_added_are_read_from_their_beginning, what_cannot_be_is_said])
