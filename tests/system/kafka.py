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
        check(len(found) == count, f"{len(found)} messages, {len({row['n'] for row in found})} different")
        check(found == copied(0, count), "other rows")


if __name__ == "__main__":
    main([what_is_in_a_topic_is_copied_once, nothing_is_lost_or_doubled_whoever_is_killed])
