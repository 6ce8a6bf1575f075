"""stream-listen: what senders were told is durable counts once, whatever is killed; and what senders do wrong."""

import collections
import http.client
import json
import pathlib
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, free_port, main, wait_until  # noqa: E402
from middleman import Middleman  # noqa: E402

PIPELINE = """
pipeline: heard
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  heard: {run: listen, address: "ADDRESS", OPTIONS}
  out: {run: write-sqlite, path: out.db, table: heard, if-exists: replace}
"""


def start(stream, address, options):
    stream.write("heard.yaml", PIPELINE.replace("ADDRESS", address).replace("OPTIONS", options))
    stream.run("stream", "run", "-d", "heard.yaml")


def rows(stream, columns="*"):
    try:
        with sqlite3.connect(f"file:{stream.folder / 'out.db'}?mode=ro", uri=True) as out:
            return out.execute(f"select {columns} from heard").fetchall()
    except sqlite3.OperationalError:
        return []


def post(port, body, path="/in", **headers):
    """Status and text of the answer; None where nobody answers."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def what_is_posted_and_answered_counts_once(stream):
    """Senders post until they are answered; stages and the supervisor are killed meanwhile."""
    port = free_port()
    start(stream, f"http://127.0.0.1:{port}/in", "schema: 'id bigint, sender bigint'")
    sure = [[], [], []]  # answered the first time, and so never sent again
    sent = [0, 0, 0]
    enough = threading.Event()

    def send(sender):
        while not enough.is_set():
            id = sender * 1000000 + sent[sender]
            sent[sender] += 1
            body = json.dumps({"id": id, "sender": sender})
            answers = [post(port, body)]
            deadline = time.monotonic() + 60
            while answers[-1] is None or answers[-1][0] != 200:
                check(time.monotonic() < deadline, f"no answer: {answers[-1]}")
                time.sleep(0.02)  # the load of the test
                answers.append(post(port, body))
            if len(answers) == 1:
                sure[sender].append(id)

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(3)]
    for sender in senders:
        sender.start()
    pick = random.Random(4)
    for _ in range(8):
        instances = wait_until("instances", lambda: stream.instances("heard"))
        stream.kill([instances[pick.choice(["heard.0", "heard.0", "out.0"])]])
        time.sleep(0.1)  # the load of the test
    stream.kill(stream.processes("heard"))
    wait_until("the end of the job", lambda: not stream.processes("heard"))
    stream.run("stream", "run", "-d", "heard.yaml")
    enough.set()
    for sender in senders:
        sender.join()
    wanted = {sender * 1000000 + number for sender in range(3) for number in range(sent[sender])}
    wait_until("every row", lambda: {id for id, in rows(stream, "id")} >= wanted)
    stream.run("stream", "stop", "heard")
    counts = collections.Counter(id for id, in rows(stream, "id"))
    check(set(counts) == wanted, f"others: {sorted(set(counts) ^ wanted)[:5]}")
    twice = [id for each in sure for id in each if counts[id] != 1]
    check(not twice, f"answered at once, and yet {len(twice)} times not once: {twice[:5]}")
    check(2 * sum(map(len, sure)) > sum(sent), "hardly anything was answered at once")


DEDUPED = """
pipeline: heard
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  heard: {run: listen, address: "ADDRESS", schema: "id bigint"}
  all: {run: write-sqlite, path: out.db, table: heard, if-exists: replace}
  once: {run: dedup, from: heard, by: id}
  once-table: {run: write-sqlite, path: out.db, table: once, if-exists: replace}
"""


def what_dies_between_question_and_answer_is_sent_again(stream):
    """The stage is killed when it has answered and the sender has not heard it, or has a question and not answered it. Senders ask
    again: what was answered is there again, by an id once, and nothing is missing."""
    port = free_port()
    stream.write("heard.yaml", DEDUPED.replace("ADDRESS", f"http://127.0.0.1:{port}/in"))
    stream.run("stream", "run", "-d", "heard.yaml")
    cut = {}

    def kill():
        stream.kill([stream.pid("heard", "heard.0")])

    def on_question(talk, data):
        id = json.loads(talk.asked.rsplit(b"\r\n", 1)[1] or b"{}").get("id")
        if id is None or id in cut or id % 2:
            return data
        cut[id] = "question"
        talk.server.sendall(data)
        kill()
        return None

    def on_answer(talk, data):
        id = json.loads(talk.asked.rsplit(b"\r\n", 1)[1]).get("id")
        if id in cut or id % 2 == 0:
            return data
        cut[id] = "answer"
        kill()
        return None

    asked = collections.Counter()

    def answered(id):
        asked[id] += 1
        return (post(middleman.port, json.dumps({"id": id})) or [0])[0] == 200

    with Middleman(port, on_question, on_answer) as middleman:
        for id in range(12):
            wait_until(f"the answer to {id}", lambda id=id: answered(id), timeout=60, interval=0.02)
    wait_until("every row", lambda: {id for id, in rows(stream, "id")} == set(range(12)))
    stream.run("stream", "stop", "heard")
    counts = collections.Counter(id for id, in rows(stream, "id"))
    # What was answered and not heard is there, and again for the answer that was heard; never more often than it was asked.
    check(len(cut) == 12 and all(counts[id] >= (2 if cut[id] == "answer" else 1) for id in range(12)), f"{cut}: {counts}")
    check(all(counts[id] <= asked[id] for id in range(12)), f"{asked}: {counts}")
    with sqlite3.connect(stream.folder / "out.db") as out:
        check(sorted(out.execute("select id from once")) == [(id,) for id in range(12)], "not once by id")


def a_body_is_lines_or_json(stream):
    port = free_port()
    start(stream, f"http://127.0.0.1:{port}/in", "schema: 'id bigint, t varchar', metadata: [peer, received]")
    check(post(port, '{"id":1,"t":"a"}\n\n{"id":2}\n') == (200, '{"records":2}\n'), "lines")
    one = '{\n "id": 3,\n "t": "b"\n}'
    check(post(port, one, Content_Type="application/json; charset=utf-8") == (200, '{"records":1}\n'), "one")
    many = ' [ {"id":4,"t":"],{\\"["}, {"id" : 5} ] '
    check(post(port, many, Content_Type="application/json") == (200, '{"records":2}\n'), "many")
    check(post(port, "", Content_Type="text/plain") == (200, '{"records":0}\n'), "nothing")
    check(post(port, "[1,", Content_Type="application/json") == (400, "the body is not JSON\n"), "no JSON")
    check(post(port, "{}", path="/other")[0] == 404, "another path")
    wait_until("all rows", lambda: len(rows(stream)) == 5)
    found = sorted(rows(stream, "id, t, _peer like '127.0.0.1:%', _received like '20%Z'"))
    check(found == [(1, "a", 1, 1), (2, None, 1, 1), (3, "b", 1, 1), (4, '],{"[', 1, 1), (5, None, 1, 1)], found)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/in")
    check(connection.getresponse().status == 405, "GET")
    connection.close()


def a_token_keeps_others_out_and_is_written_nowhere(stream):
    port = free_port()
    stream.environment["TOKEN"] = "very-secret-token"
    start(stream, f"http://127.0.0.1:{port}/in", "schema: 'id bigint', token: 'env:TOKEN'")
    check(post(port, '{"id":1}')[0] == 401, "no token")
    check(post(port, '{"id":1}', Authorization="Bearer very-secret-tokem")[0] == 401, "another token")
    check(post(port, '{"id":2}', Authorization="Bearer very-secret-token")[0] == 200, "the token")
    wait_until("the row", lambda: rows(stream) == [(2,)])
    done = subprocess.run(["grep", "-rl", "very-secret-token", stream.folder], capture_output=True, text=True, check=False)
    check(done.stdout == "", f"the token stands in {done.stdout}")


def lines_come_over_tcp_and_udp(stream):
    port = free_port()
    start(stream, f"tcp://127.0.0.1:{port}", "format: text, record-size-max: 100")
    with socket.create_connection(("127.0.0.1", port)) as a, socket.create_connection(("127.0.0.1", port)) as b:
        a.sendall(b"one\r\ntw")
        b.sendall(b"x" * 500 + b"\nthree\n")
        a.sendall(b"o\nlast")
    wait_until("four lines", lambda: len(rows(stream)) == 4)
    check(sorted(line for line, in rows(stream)) == ["last", "one", "three", "two"], rows(stream))
    wait_until("the long line", lambda: "the record is longer than 100 bytes" in stream.run("stream", "dead-letter", "heard"))
    stream.run("stream", "cancel", "heard")
    port = free_port(socket.SOCK_DGRAM)
    start(stream, f"udp://127.0.0.1:{port}", "format: text")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in (b"a\nb", b"c\n", b""):
            sender.sendto(datagram, ("127.0.0.1", port))
    wait_until("three lines", lambda: len(rows(stream)) == 3)
    check(sorted(line for line, in rows(stream)) == ["a", "b", "c"], rows(stream))


def syslog_is_taken_apart(stream):
    port = free_port()
    start(stream, f"syslog+tcp://127.0.0.1:{port}", "metadata: peer")
    new = b'<165>1 2003-10-11T22:14:15.003Z host app 42 ID47 [ex@1 k="v\\"]"][b] \xef\xbb\xbfhello'
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(b"%d %s" % (len(new), new) + b"<34>Oct 11 22:14:15 mymachine su[77]: 'su root' failed\nnot syslog\n")
    wait_until("three messages", lambda: len(rows(stream)) == 3)
    found = {message: rest for *rest, message in rows(stream, "facility, severity, substr(ts, 5), host, app, pid, message_id, data, message")}
    check(found["hello"] == [20, 5, "-10-11T22:14:15.003Z", "host", "app", "42", "ID47", '{"ex@1":{"k":"v\\"]"},"b":{}}'], found["hello"])
    check(found["'su root' failed"] == [4, 2, "-10-11T22:14:15Z", "mymachine", "su", "77", None, None], found)
    check(found["not syslog"] == [None] * 8, found["not syslog"])
    stream.run("stream", "cancel", "heard")
    port = free_port(socket.SOCK_DGRAM)
    start(stream, f"syslog+udp://127.0.0.1:{port}", "metadata: peer")
    subprocess.run(["logger", "--server", "127.0.0.1", "--port", str(port), "--udp", "--tag", "me", "--priority", "user.err", "on fire"], check=True)
    wait_until("the message", lambda: rows(stream, "severity, app, message") == [(3, "me", "on fire")])


def plain_lines_are_printed_at_once(stream):
    port = free_port()
    listener = stream.start("stream-listen", f"tcp://127.0.0.1:{port}", "--schema", "n bigint", stdout=subprocess.PIPE)

    def connected():
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            return None

    with wait_until("the listener", connected) as sender:
        sender.sendall(b'{"n":1}\n')
        check(listener.stdout.readline() == '{"n":1}\n', "the first line")
    listener.kill()
    listener.wait()


def what_cannot_be_is_refused(stream):
    for words, said in ((["tcp://127.0.0.1"], "the port is missing"), (["ftp://a:1"], "begins with tcp://"),
                        (["tcp://127.0.0.1:1", "--token", "env:A"], "only http:// has a token"),
                        (["http://127.0.0.1:1"], "schema"), (["syslog+tcp://:1"], "the host is missing")):
        done = subprocess.run(["stream", "run", "listen " + " ".join(words) + " | print"], env=stream.environment, capture_output=True,
                              text=True, timeout=60, check=False)
        check(done.returncode != 0 and said in done.stderr, f"{words}: {done.stderr}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(["stream-listen", address, "--format", "text"], env=stream.environment, capture_output=True, text=True,
                              timeout=60, check=False)
        check(done.returncode == 111 and "Address already in use" in done.stderr, f"{done.returncode}: {done.stderr}")


if __name__ == "__main__":
    main([what_is_posted_and_answered_counts_once, what_dies_between_question_and_answer_is_sent_again, a_body_is_lines_or_json, a_token_keeps_others_out_and_is_written_nowhere,
          lines_come_over_tcp_and_udp, syslog_is_taken_apart, plain_lines_are_printed_at_once, what_cannot_be_is_refused])
