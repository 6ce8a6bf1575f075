"""read-mqtt against a real broker: every message once, whoever is killed; and the example of the sessions."""

import collections
import json
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from certificates import Certificates  # noqa: E402
from connectors import (Copied, a_stop_does_not_wait_for_a_source_without_server,  # noqa: E402
                        rows_are_equal_when_no_state_can_be_kept_for_a_while, silence_is_waited_out_across_kills)
from harness import check, main, wait_until  # noqa: E402
from middleman import Middleman  # noqa: E402
from mosquitto import ABSENT, Mosquitto  # noqa: E402
from mqtt_talk import packets  # noqa: E402
from small_disk import on_small_disk  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PIPELINE = """
pipeline: heard
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  heard: {run: read-mqtt, topics: [in/#], server: "SERVER", OPTIONS}
  out: {run: write-sqlite, path: out.db, table: heard, if-exists: replace}
"""


def start(stream, broker, options):
    stream.write("heard.yaml", PIPELINE.replace("SERVER", broker.url).replace("OPTIONS", options))
    stream.run("stream", "run", "-d", "heard.yaml")


def rows(stream, columns="*"):
    try:
        with sqlite3.connect(f"file:{stream.folder / 'out.db'}?mode=ro", uri=True) as out:
            return out.execute(f"select {columns} from heard").fetchall()
    except sqlite3.OperationalError:
        return []


def subscribed(stream, broker):
    """A first message has come through."""
    def came():
        broker.publish("in/first", ['{"id":-1}'])
        return rows(stream)
    wait_until("the subscription", came)


def publish_ids(broker, first, last, qos):
    broker.publish("in/a", [json.dumps({"id": id}) for id in range(first, last)], qos)


def garbage_is_kept_aside_and_silence_is_waited_out(stream):
    bad = ['{"id": 1', "[]", '{"id": "many"}', "no json", '{"id": 1e400}']
    with Mosquitto(stream.folder) as broker:
        start(stream, broker, "schema: 'id bigint', qos: 2")
        subscribed(stream, broker)
        for first in (0, 50):
            broker.publish("in/bad", bad)
            publish_ids(broker, first, first + 50, 2)
            wait_until("the messages", lambda: {id for id, in rows(stream, "id")} >= set(range(first + 50)))
            stream.run("stream", "wait", "heard", "--for", "checkpoint")  # of nothing
        stream.run("stream", "stop", "heard")
        letters = stream.run("stream", "dead-letter", "heard").splitlines()
        check(len(letters) == 2 * len(bad), f"{letters}")


def ids_heard_through_kills(stream, qos, kills, wait):
    """How often each id came, though stages, the supervisor and the connection are killed while they come."""
    with Mosquitto(stream.folder) as broker:
        start(stream, broker, f"schema: 'id bigint', qos: {qos}")
        subscribed(stream, broker)
        pick = random.Random(4)
        for turn in range(kills):
            publish_ids(broker, turn * 200, turn * 200 + 200, qos)
            if turn == kills // 2 and qos == 1:  # mosquitto, started again, sends again what it was told it may forget
                broker.stop()  # its session is written
                broker.start()
            if turn == kills // 3:
                stream.kill(stream.processes("heard"))
                wait_until("the end of the job", lambda: not stream.processes("heard"))
                stream.run("stream", "run", "-d", "heard.yaml")
            instances = wait_until("instances", lambda: stream.instances("heard"))
            stream.kill([instances[pick.choice(["heard.0", "heard.0", "out.0"])]])
        wanted = set(range(kills * 200))
        wait_until("every message", lambda: {id for id, in rows(stream, "id")} >= wanted, timeout=wait)
        stream.run("stream", "cancel", "heard")
        return wanted, collections.Counter(id for id, in rows(stream, "id") if id >= 0)


def with_qos_2_each_message_counts_once(stream):
    wanted, counts = ids_heard_through_kills(stream, 2, 12, 60)
    twice = [id for id, count in counts.items() if count != 1]
    check(set(counts) == wanted and not twice, f"{len(twice)} came twice: {twice[:5]}")


def with_qos_1_none_is_lost(stream):
    wanted, counts = ids_heard_through_kills(stream, 1, 6, 60)
    check(set(counts) == wanted, f"others: {sorted(set(counts) ^ wanted)[:5]}")


class Overheard:
    """What the broker has published to the stage under which packet id, and which of it anew though it had released it."""

    def __init__(self, port):
        self.pending = {}
        self.under_way = {}  # packet id: payload, or None once it is released
        self.again = collections.Counter()
        self.middleman = Middleman(port, on_answer=self.on_answer)
        self.url = f"mqtt://127.0.0.1:{self.middleman.port}"

    def on_answer(self, talk, data):
        pending = self.pending.setdefault(talk, bytearray())
        pending += data
        for name, flags, number, payload in packets(pending):
            if name == "PUBREL":
                self.under_way[number] = (self.under_way.get(number, (b"",))[0], "released")
            elif name == "PUBLISH" and number:
                before = self.under_way.get(number)
                if before == (payload, "released"):
                    self.again[json.loads(payload)["id"]] += 1
                self.under_way[number] = (payload, "sent")
        return data


def only_what_a_restarted_broker_had_released_comes_twice(stream):
    """With QoS 2: the broker is stopped, its session written, and started again while messages come, and stages are killed."""
    with Mosquitto(stream.folder) as broker:
        overheard = Overheard(broker.port)
        start(stream, overheard, "schema: 'id bigint', qos: 2")
        subscribed(stream, broker)
        pick = random.Random(14)
        for turn in range(6):
            publish_ids(broker, turn * 200, turn * 200 + 200, 2)
            instances = wait_until("instances", lambda: stream.instances("heard"))
            stream.kill([instances[pick.choice(["heard.0", "heard.0", "out.0"])]])
            broker.stop()
            broker.start()
        wait_until("every message", lambda: {id for id, in rows(stream, "id")} >= set(range(1200)), timeout=60)
        stream.run("stream", "cancel", "heard")
        counts = collections.Counter(id for id, in rows(stream, "id") if id >= 0)
        check(set(counts) == set(range(1200)), "other messages")
        unexplained = [id for id, count in counts.items() if count > 1 + overheard.again[id]]
        check(not unexplained, f"came twice though the broker had not released them: {unexplained[:5]}")


def over_tls_broker_and_user_are_known(stream):
    passwords = stream.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "me", "s3cret-words"], check=True, capture_output=True)
    stream.write("password", "s3cret-words\n")
    stream.write("wrong", "an0ther\n")
    certificates = Certificates(stream.folder)
    with Mosquitto(stream.folder, "allow_anonymous false", f"password_file {passwords}", certificates=certificates) as broker:
        whole = {"server": f"mqtts://127.0.0.1:{broker.tls_port}", "tls-ca": certificates.authority, "tls-cert": certificates.client,
                 "tls-key": certificates.client_key, "user": "me", "password": "file:password"}

        def options(change):
            return ", ".join(f'{option}: "{value}"' for option, value in {**whole, **change}.items() if value)

        def publish(first):
            broker.publish("in/a", [json.dumps({"id": id}) for id in range(first, first + 100)], options=["-u", "me", "-P", "s3cret-words"])

        text = PIPELINE.replace('server: "SERVER", OPTIONS', "OPTIONS, schema: 'id bigint'")
        stream.write("heard.yaml", text.replace("OPTIONS", options({})))
        stream.run("stream", "run", "-d", "heard.yaml")
        wait_until("the subscription", lambda: broker.has_session("stream-heard-heard"))
        publish(0)
        stream.kill([stream.pid("heard", "heard.0")])
        publish(100)
        wait_until("all messages", lambda: len(rows(stream)) >= 200)
        stream.run("stream", "cancel", "heard")
        check(sorted(rows(stream, "id")) == [(id,) for id in range(200)], f"{len(rows(stream))} rows")
        refused = {
            "certificate is not trusted": [{"tls-ca": None}, {"tls-ca": certificates.stranger}],
            "check 'user' and 'password'": [{"password": "file:wrong"}],
            "has a meaning with TLS only": [{"server": broker.url}],
            "a certificate has a key": [{"tls-key": None}],
            "option 'tls-ca': unable to open": [{"tls-ca": "none.pem"}],
        }
        for words, changes in refused.items():
            for change in changes:
                stream.write("heard.yaml", text.replace("OPTIONS", options(change)))
                stream.run("stream", "run", "heard.yaml", expect=None)
                check(words in stream.last_stderr, f"{change}: {stream.last_stderr}")
                check("an0ther" not in stream.last_stderr and "s3cret" not in stream.last_stderr, stream.last_stderr)
                check(sum(event["kind"] == "restarting" for event in stream.events("heard")) <= 1, f"{change}: it was tried again")
        # What may be right later is told in words.
        for change, words in (({"tls-cert": None, "tls-key": None}, "certificate"), ({"server": f"mqtts://127.0.0.1:{broker.port}"}, "TLS"),
                              ({"server": f"mqtts://localhost:{broker.tls_port}"}, "with a certificate of another host"),
                              ({"server": "mqtts://127.0.0.1:1"}, "'mqtts://127.0.0.1:1': nobody answers there")):
            flags = [str(word) for option, value in {**whole, **change}.items() if value for word in (f"--{option}", value)]
            stream.run("stream-read-mqtt", "in/#", "--schema", "id bigint", "--patience", "300ms", *flags, expect=1)
            check(words in stream.last_stderr, f"{change}: {stream.last_stderr}")


def a_broker_that_is_killed_is_found_again(stream):
    with Mosquitto(stream.folder) as broker:
        start(stream, broker, "schema: 'id bigint'")
        subscribed(stream, broker)
        broker.stop(signal.SIGKILL)
        broker.start()
        wait_until("messages again", lambda: [broker.publish("in/b", ['{"id":7}']), (7,) in rows(stream, "id")][1])


def messages_say_where_they_come_from(stream):
    with Mosquitto(stream.folder) as broker:
        broker.publish("in/kept", ['{"id":1}'], options=["-r"])
        start(stream, broker, "schema: 'id bigint', metadata: [topic, qos, retain, received]")
        wait_until("the retained message", lambda: rows(stream))
        broker.publish("in/x/y", ['{"id":2}', "nonsense"], 1)
        broker.publish("in/x/y", ['{"id":3}'], 0)
        wait_until("three messages", lambda: len(rows(stream)) == 3)
        found = sorted(rows(stream, "id, _topic, _qos, _retain, _received like '20%Z'"))
        check(found == [(1, "in/kept", 2, 1, 1), (2, "in/x/y", 1, 0, 1), (3, "in/x/y", 0, 0, 1)], found)
        wait_until("the bad record", lambda: "nonsense" in stream.run("stream", "dead-letter", "heard"))


def a_password_is_asked_for_and_written_nowhere(stream):
    password_file = stream.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", password_file, "me", "very-secret-words"], check=True, capture_output=True)
    stream.environment["WORDS"] = "very-secret-words"
    with Mosquitto(stream.folder, "allow_anonymous false", f"password_file {password_file}") as broker:
        refused = f"read-mqtt in/a --server {broker.url} --schema 'id bigint' | print"
        stream.run("stream", "run", refused, expect=None)
        check("refused; check 'user' and 'password'" in stream.last_stderr, stream.last_stderr)
        start(stream, broker, "schema: 'id bigint', user: me, password: 'env:WORDS'")

        def came():
            broker.publish("in/first", ['{"id":-1}'], options=["-u", "me", "-P", "very-secret-words"])
            return rows(stream)
        wait_until("the subscription", came)
        done = subprocess.run(["grep", "-rl", "very-secret-words", stream.folder], capture_output=True, text=True, check=False)
        check(done.stdout == "", f"the password stands in {done.stdout}")


def the_example_of_the_manual_runs(stream):
    with Mosquitto(stream.folder) as broker:
        command, = stream.examples("read-mqtt")
        command = command.replace("read-mqtt ", f"read-mqtt --server {broker.url} ")
        with open(stream.folder / "printed", "w+") as printed:
            job = stream.start("bash", "-c", f"exec {command}", stdout=printed)

            def came():
                broker.publish("home/oven/temperature", ['{"celsius":20}', '{"celsius":180}'])
                return "180" in (stream.folder / "printed").read_text()
            wait_until("what is hot", came)
            job.send_signal(signal.SIGINT)
            job.wait(timeout=60)
            check('"celsius":20' not in (stream.folder / "printed").read_text(), "what is not hot")


def sessions_of_devices_are_the_same_through_kills(stream):
    readings = [("kettle", "12:00"), ("lamp", "12:01"), ("kettle", "12:05"), ("kettle", "12:30"), ("lamp", "13:30"), ("kettle", "13:30")]
    with Mosquitto(stream.folder) as broker:
        run = ["stream", "run", "-d", TOP / "manifests/iot-sessions.yaml", "-p", f"broker={broker.url}", "-p", f"out={stream.folder}/sessions.db",
               "--set", "checkpoint.interval=100ms"]
        stream.run(*run)
        wait_until("the subscription", lambda: broker.has_session("stream-iot-sessions-readings"))
        for device, at in readings:
            row = {"ts": f"2026-01-31T{at}:00Z", "device": device, "watts": 100}
            broker.publish(f"devices/{device}/readings", [json.dumps(row)])
            instances = wait_until("instances", lambda: stream.instances("iot-sessions"))
            stream.kill([instances["readings.0"]])

        def sessions():
            try:
                with sqlite3.connect(f"file:{stream.folder}/sessions.db?mode=ro", uri=True) as out:
                    return sorted(out.execute("select device, substr(window_start, 12, 5), substr(window_end, 12, 5), readings from sessions"))
            except sqlite3.OperationalError:
                return []
        wait_until("three sessions", lambda: len(sessions()) >= 3)
        stream.run("stream", "cancel", "iot-sessions")
        check(sessions() == [("kettle", "12:00", "12:15", 2), ("kettle", "12:30", "12:40", 1), ("lamp", "12:01", "12:11", 1)], sessions())


def what_cannot_be_is_said(stream):
    refused = {
        "'a/#/b' is no topic": "read-mqtt a/#/b",
        "'a+' is no topic": "read-mqtt a+",
        "an address begins with mqtt:// or mqtts://": "read-mqtt a --server tcp://127.0.0.1:1",
        "a secret is never written out": "read-mqtt a --server mqtt://me:pw@127.0.0.1:1",
        "nothing has been sent yet to find the schema in; give a schema": "read-mqtt a",
        "a password is of a user": "read-mqtt a --password env:X",
    }
    for words, stage in refused.items():
        stream.run("stream", "run", f"{stage} | print", expect=None)
        check(words in stream.last_stderr, f"{stage}: {stream.last_stderr}")
    stream.run("stream-read-mqtt", "a", "--schema", "id bigint", "--server", "mqtt://127.0.0.1:1", "--patience", "300ms", expect=1)
    check("unable to connect to" in stream.last_stderr, stream.last_stderr)


def a_client_id_names_the_session(stream):
    with Mosquitto(stream.folder) as broker:
        start(stream, broker, "schema: 'id bigint', client-id: of-my-own")
        wait_until("the subscription", lambda: broker.has_session("of-my-own"))
        check(not broker.has_session("stream-heard-heard"), "there is another session")
        stream.run("stream", "stop", "heard")
        publish_ids(broker, 0, 20, 2)  # kept for that session
        stream.run("stream", "resume", "heard")
        wait_until("the messages", lambda: sorted(id for id, in rows(stream, "id")) == list(range(20)))


def copying(stream, broker):
    def feed(first, last):
        if first == 0:
            subscribed(stream, broker)
        publish_ids(broker, first, last, 2)

    manifest = PIPELINE.replace("SERVER", broker.url).replace("OPTIONS", "schema: 'id bigint', qos: 2")
    return Copied(stream, manifest, feed, lambda: [id for id, in rows(stream, "id") if id >= 0])


def silence_is_survived(stream):
    with Mosquitto(stream.folder) as broker:
        silence_is_waited_out_across_kills(copying(stream, broker))


@on_small_disk("64m")
def a_full_disk_is_survived(stream, disk):
    """What cannot be kept is not acknowledged, so it is the broker that keeps it."""
    with Mosquitto(stream.folder) as broker:
        rows_are_equal_when_no_state_can_be_kept_for_a_while(copying(stream, broker), disk)


def a_stop_is_quick_though_the_server_is_away(stream):
    with Mosquitto(stream.folder) as broker:
        a_stop_does_not_wait_for_a_source_without_server(copying(stream, broker), broker)


if __name__ == "__main__":
    if ABSENT:
        print("skipped: mosquitto is not installed")
        sys.exit(0)
    main([garbage_is_kept_aside_and_silence_is_waited_out, only_what_a_restarted_broker_had_released_comes_twice, over_tls_broker_and_user_are_known, with_qos_2_each_message_counts_once, with_qos_1_none_is_lost, a_broker_that_is_killed_is_found_again,
          messages_say_where_they_come_from, a_password_is_asked_for_and_written_nowhere, the_example_of_the_manual_runs,
          sessions_of_devices_are_the_same_through_kills, what_cannot_be_is_said,
          a_client_id_names_the_session, silence_is_survived, a_full_disk_is_survived, a_stop_is_quick_though_the_server_is_away])
