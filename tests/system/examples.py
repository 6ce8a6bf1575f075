"""Every example of every manual page is run as it is printed, and prints what the page shows.

A page of section 1 comes from its program, with the files that its examples read. What has to be done beside an example
that does not end by itself, and what is looked at behind one that prints nothing, stands here, by a part of its command.
"""

import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
import manual  # noqa: E402
from harness import check, free_port, main, wait_until  # noqa: E402
from postgres import Postgres, newest_programs  # noqa: E402

# Run by the tests of their connectors, against the servers that these start.
ELSEWHERE = {"read-kafka": "kafka.py", "write-kafka": "kafka.py", "read-nats": "nats.py", "write-nats": "nats.py",
             "read-redis": "redis.py", "write-redis": "redis.py", "read-mqtt": "mqtt.py"}


class Place:
    """A fresh folder in which an example is run."""

    def __init__(self, stream, files=()):
        self.stream = stream
        self.folder = stream.folder / f"example-{len(list(stream.folder.iterdir()))}"
        self.folder.mkdir()
        for name, text in dict(files).items():
            (self.folder / name).write_text(text)
        self.environment = dict(stream.environment)

    def run(self, command, timeout=60):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=self.folder, env=self.environment, timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"$ {command}\nexit {done.returncode}: {done.stdout}{done.stderr}")
        self.talk = done.stderr
        return done.stdout

    def run_until(self, command, what, came):
        """Runs what does not end by itself until came(what it has printed) holds; returns that."""
        path = self.folder / "printed"
        with open(path, "w", encoding="utf-8") as printed:
            job = subprocess.Popen(["bash", "-euo", "pipefail", "-c", command], cwd=self.folder, env=self.environment, stdout=printed,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)

        def over_or_came():
            check(job.poll() is None, f"$ {command}\nexit {job.returncode}: {job.stderr.read() if job.poll() is not None else ''}")
            return came(path.read_text())
        try:
            wait_until(f"{what} of: {command}", over_or_came)
        finally:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGINT)
            job.communicate(timeout=60)
        return path.read_text()

    def rows(self, database, sql):
        """Rows of a table that may not be there yet."""
        try:
            with sqlite3.connect(f"file:{self.folder / database}?mode=ro", uri=True) as db:
                return db.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []


@contextlib.contextmanager
def posted():
    """A server for posts: (its port, the bodies and headers that came)."""
    came = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            came.append((self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], came
        server.shutdown()


def posts_each_large_order(place, example):
    place.environment["HOOK_TOKEN"] = "words"
    with posted() as (port, came):
        place.run_until(example.command.replace("https://hooks.example.com", f"http://127.0.0.1:{port}"), "the order", lambda _: came)
    check([(path, headers["Authorization"], json.loads(body)["id"]) for path, headers, body in came] == [("/orders", "Bearer words", 2)], came)


def posts_a_thousand_rows(place, example):
    with posted() as (port, came):
        place.run(example.command.replace("8080", str(port)))
    check([body.count("\n") for _, _, body in came] == [500, 500], [body.count("\n") for _, _, body in came])


def takes_posts(place, example):
    port = free_port()

    def came(_):
        subprocess.run(["curl", "-s", "-d", '{"user":"ann","amount":3}', f"http://127.0.0.1:{port}/events"], capture_output=True, check=False)
        return place.rows("totals.db", "select user from totals where total >= 3")
    place.run_until(example.command.replace("8080", str(port)), "what was posted", came)


def takes_lines(place, example):
    port = free_port()

    def came(printed):
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as peer:
                peer.sendall(b"all is well\nan ERROR\n")
        except OSError:
            return False
        return "ERROR" in printed
    found = place.run_until(example.command.replace("9000", str(port)), "the line", came)
    check("well" not in found, found)


def takes_syslog(place, example):
    port = free_port(socket.SOCK_DGRAM)

    def came(printed):
        for priority, text in (("err", "disk on fire"), ("info", "all is well")):
            subprocess.run(["logger", "--server", "127.0.0.1", "--port", str(port), "--udp", "--priority", f"user.{priority}", *text.split()],
                           check=True)
        return "disk on fire" in printed
    found = place.run_until(example.command.replace("5514", str(port)), "the message", came)
    check("all is well" not in found, found)


def follows_logs(place, example):
    (place.folder / "nginx").mkdir()
    (place.folder / "nginx/access.log").write_text('1.2.3.4 - - "GET / HTTP/1.1" 200\n')
    found = place.run_until(example.command.replace("/var/log/nginx", str(place.folder / "nginx")), "the line", lambda printed: "\n" in printed)
    check(json.loads(found) == {"host": "1.2.3.4", "status": 200}, found)


def archives(place, example):
    place.run_until(example.command, "both folders", lambda _: len(list((place.folder / "archive").glob("country=*/.part-0-*"))) == 2)


def writes_daily_folders(place, example):
    place.run(example.command)
    found = sorted(path.parent.name for path in (place.folder / "daily").glob("*/_SUCCESS"))
    check(found == ["day=2026-01-30", "day=2026-01-31"], found)


def keeps_a_table(place, example):
    place.run_until(example.command, "the table", lambda _: place.rows("hosts.db", "select * from hosts order by host") == [("a", 3), ("b", 1)])


def counts_inserted_orders(place, example):
    with sqlite3.connect(place.folder / "shop.db") as shop:
        shop.executescript("create table orders (id integer primary key, customer text); insert into orders values (1, 'ann'), (2, 'ann')")
    place.run_until(example.command, "the totals", lambda _: place.rows("totals.db", "select * from totals") == [("ann", 2)])


def joins_by_hand(place, example):
    check_output(place, example, example.command.replace("ipc:///tmp/", f"ipc://{place.folder}/"))


# By a part of the command: what stands in for running it to its end and comparing what it prints.
SPECIAL = {
    "read-file '/var/log/nginx/*.log'": follows_logs,
    "listen http://127.0.0.1:8080/events": takes_posts,
    "stream-listen tcp://127.0.0.1:9000": takes_lines,
    "listen syslog+udp": takes_syslog,
    "stream-join --in o=": joins_by_hand,
    "read-sqlite shop.db": counts_inserted_orders,
    "write-file archive/": archives,
    "write-file daily/": writes_daily_folders,
    "write-http https://hooks.example.com": posts_each_large_order,
    "write-http http://127.0.0.1:8080/events": posts_a_thousand_rows,
    "--follow | aggregate --by host 'count(*) as n' | write-sqlite": keeps_a_table,
}


def check_output(place, example, command):
    found = place.run(command)
    check(example.printed_by(found), f"$ {command}\nprinted\n{found}and the page shows\n{example.output}")


def stages():
    cmake = (TOP / "CMakeLists.txt").read_text()
    return re.search(r"set\(STREAM_STAGES\s+([^)]*)\)", cmake).group(1).split()


def pages_of_stages(stream):
    """(stage, files, examples) of all that are run here."""
    for stage in sorted(stages()):
        files, examples = manual.examples(stream.run(f"stream-{stage}", "--man"))
        check(examples, f"stream-{stage}(1) has no example")
        if stage in ELSEWHERE:
            text = (TOP / "tests/system" / ELSEWHERE[stage]).read_text()
            check("stream.examples(" in text and f'"{stage}"' in text, f"{ELSEWHERE[stage]} does not run the examples of {stage}")
        elif not stage.endswith("-postgres"):
            yield stage, files, examples


def examples_of_stages_print_what_their_pages_show(stream):
    unused = set(SPECIAL)
    for _, files, examples in pages_of_stages(stream):
        for example in examples:
            place = Place(stream, files)
            special = [part for part in SPECIAL if part in example.command]
            check(len(special) <= 1, f"{special} are all part of: {example.command}")
            unused -= set(special)
            if special:
                SPECIAL[special[0]](place, example)
            else:
                check_output(place, example, example.command)
                check(place.talk == "", f"$ {example.command}\nsaid {place.talk}")
    check(not unused, f"no example holds {sorted(unused)}")


def examples_of_postgres_run(stream):
    if not newest_programs():
        print("skipped: postgresql is not installed")
        return
    with Postgres() as server:
        place = Place(stream, manual.examples(stream.run("stream-write-postgres", "--man"))[0])
        place.environment["PG"] = server.dsn
        server.psql("create table customer (id bigint primary key, name text); insert into customer values (7, 'Ann')")
        read, copy, drop = manual.examples(stream.run("stream-read-postgres", "--man"))[1]
        check(place.run(re.sub("^PG='[^']*' ", "", read.command)) == '{"id":7,"name":"Ann"}\n', "the rows")
        place.run_until(copy.command, "the copy", lambda _: place.rows("copy.db", "select * from customer") == [(7, "Ann")])
        slot = wait_until("the slot", lambda: server.rows("select slot_name from pg_replication_slots where not active") or None)[0]
        place.run(re.sub(r"--slot \S+", f"--slot {slot}", drop.command))
        check(server.rows("select slot_name from pg_replication_slots") == [], "the slot is left")
        insert, keep, leftovers = manual.examples(stream.run("stream-write-postgres", "--man"))[1]
        place.run(insert.command.replace("PG='dbname=postgres' ", ""))
        check(server.rows("select * from places") == ["1|Oslo"], "the place")
        place.run_until(keep.command, "the hosts", lambda _: server.psql("select * from hosts order by 1", check=False) == "a|3\nb|1\n")
        check(place.run(leftovers.command) == "", "nothing is left")


if __name__ == "__main__":
    main([examples_of_stages_print_what_their_pages_show, examples_of_postgres_run])
