"""stream-write-http against real servers: one that fails in every way, one with TLS, and stream-listen."""

import collections
import http.client
import http.server
import json
import pathlib
import queue
import random
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from certificates import Certificates  # noqa: E402
from connectors import (Copied, a_stop_does_not_wait_for_a_sink_without_server,  # noqa: E402
                        rows_are_equal_when_no_state_can_be_kept_for_a_while, silence_is_waited_out_across_kills)
from harness import check, free_port, kill_while_it_runs, main, wait_until  # noqa: E402
from small_disk import on_small_disk  # noqa: E402


class Server(http.server.ThreadingHTTPServer):
    """Takes each Idempotency-Key once, and fails as `trouble` says: a function of the request's number."""
    daemon_threads = True

    def __init__(self, trouble=lambda number: None, context=None, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.trouble, self.lock = trouble, threading.Lock()
        self.requests, self.taken, self.rows, self.repeated = [], {}, [], 0
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, scheme="http"):
        return f"{scheme}://localhost:{self.server_port}/in"

    def handle_error(self, *_):
        pass  # a client was killed


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # an answer is one packet

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        server = self.server
        with server.lock:
            server.requests.append((dict(self.headers), body))
            trouble = server.trouble(len(server.requests))
            if trouble not in ("before", 503, 400):
                key = self.headers["Idempotency-Key"]
                if key is None or key not in server.taken:
                    server.taken[key] = body
                    if self.headers["Content-Type"] == "application/x-ndjson":
                        server.rows += [json.loads(line) for line in body.splitlines()]
                else:
                    server.repeated += 1
                    if server.taken[key] != body:
                        server.rows.append(f"another body under {key}")
        if trouble in ("before", "after"):  # the connection breaks: before it was taken, or before the answer
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(trouble or 200)
        answer = b"" if trouble is None else b"not now\nreally"
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def troubled(number):
    return {3: "before", 5: "after", 7: 503, 11: "after"}.get(number % 13)


PIPELINE = """
pipeline: posted
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  made: {run: generate, rows: 8000, rate: 4000, columns: n}
  out: {run: write-http, url: "URL", rows: 97, OPTIONS}
"""


def write(stream, url, options="patience: 20s"):
    stream.write("posted.yaml", PIPELINE.replace("URL", url).replace("OPTIONS", options))


def a_server_that_knows_keys_has_each_row_once(stream):
    server = Server(troubled)
    write(stream, server.url())
    job = stream.start("stream", "run", "posted.yaml", stderr=subprocess.PIPE)
    kills = kill_while_it_runs(stream, job, "posted", random.Random(6), 5)
    check(kills >= 3, f"only {kills} kills")
    check(server.repeated > 0, "nothing was sent twice, which proves nothing")
    counts = collections.Counter(row["n"] for row in server.rows if isinstance(row, dict))
    check(len(counts) == len(server.rows) == 8000, f"{len(server.rows)} rows, {len(counts)} of them different")


def a_stage_that_listens_takes_what_is_posted(stream):
    port = free_port()
    stream.write("heard.yaml", f"""
pipeline: heard
stages:
  heard: {{run: listen, address: "http://127.0.0.1:{port}/in", schema: n bigint}}
  once: {{run: dedup, by: n}}
  all: {{run: aggregate, compute: "count(*) as n, sum(n) as total"}}
  out: {{run: write-file, path: out.ndjson}}
""")
    stream.run("stream", "run", "-d", "heard.yaml")
    write(stream, f"http://127.0.0.1:{port}/in")
    job = stream.start("stream", "run", "posted.yaml", stderr=subprocess.PIPE)
    kill_while_it_runs(stream, job, "posted", random.Random(7), 3)
    total = json.dumps({"_op": "+U", "n": 8000, "total": 31996000}, separators=(",", ":"))
    wait_until("all rows", lambda: (stream.folder / "out.ndjson").exists() and total in (stream.folder / "out.ndjson").read_text())


def requests_have_the_shape_that_was_asked_for(stream):
    server = Server()
    stream.run("stream-write-http", server.url(), "--rows", "2", stdin='{"n":1,"t":"a"}\n{"n":2,"t":"b"}\n{"n":3,"t":null}\n')
    bodies = [body for _, body in server.requests]
    check(bodies == ['{"n":1,"t":"a"}\n{"n":2,"t":"b"}\n', '{"n":3,"t":null}\n'], bodies)


def json_is_an_array_or_one_object(stream):
    got = []
    stream.environment["TOKEN"] = "abc"
    for words in (["--rows", "2"], ["--rows", "1", "--token", "env:TOKEN", "--header", "X-Kind: test"]):
        fresh = Server()
        done = subprocess.run(["stream-write-http", fresh.url(), "--format", "json", *words], env=stream.environment, text=True,
                              input='{"n":1}\n{"n":2}\n{"n":3}\n', capture_output=True, timeout=60, check=False)
        check(done.returncode == 0, done.stderr)
        got.append(fresh.requests)
    check([body for _, body in got[0]] == ['[{"n":1},{"n":2}]', '[{"n":3}]'], got[0])
    check([body for _, body in got[1]] == ['{"n":1}', '{"n":2}', '{"n":3}'], got[1])
    headers = got[1][0][0]
    check(headers["Authorization"] == "Bearer abc" and headers["X-Kind"] == "test" and
          headers["Content-Type"] == "application/json" and "Idempotency-Key" not in headers, headers)


def a_server_that_refuses_ends_the_job_and_is_quoted(stream):
    server = Server(lambda _: 400)
    write(stream, server.url())
    done = subprocess.run(["stream", "run", "posted.yaml"], env=stream.environment, cwd=stream.folder, capture_output=True, text=True,
                          timeout=60, check=False)
    check(done.returncode == 1 and "refuses rows: it answers 400: not now" in done.stderr, done.stderr)
    check(len(server.requests) == 1, f"{len(server.requests)} requests")


def a_server_is_known_by_its_certificate(stream):
    certificates = Certificates(stream.folder, "DNS:localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    context.load_verify_locations(certificates.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(context=context)
    whole = {"--tls-ca": certificates.authority, "--tls-cert": certificates.client, "--tls-key": certificates.client_key}

    def post(change, expect, url=server.url("https")):
        options = [str(word) for option, value in {**whole, **change}.items() if value for word in (option, value)]
        stream.run("stream-write-http", url, "--patience", "300ms", *options, stdin='{"n":1}\n', expect=expect)

    post({}, 0)
    check(server.rows == [{"n": 1}], server.rows)
    elsewhere = server.url("https").replace("localhost", "127.0.0.1")
    for change, url, words in (({"--tls-ca": None}, server.url("https"), "not trusted"), ({"--tls-ca": certificates.stranger}, server.url("https"), "not trusted"),
                               ({}, elsewhere, "not trusted"), ({"--tls-ca": "none.pem"}, server.url("https"), "option 'tls-ca': unable to open"),
                               ({"--tls-key": None}, server.url("https"), "a certificate has a key"), ({}, server.url(), "has a meaning with TLS only")):
        post(change, 100, url)
        check(words in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{change}: {stream.last_stderr}")
    post({"--tls-cert": None, "--tls-key": None}, 1)
    check("unable to post to" in stream.last_stderr, stream.last_stderr)
    check(server.rows == [{"n": 1}], server.rows)


def a_server_that_dies_and_comes_back_has_each_row_once(stream):
    """It is gone for a while, as stages and the supervisor are killed, and knows then which keys it has taken."""
    first = Server()
    port, taken, rows = first.server_port, first.taken, first.rows
    write(stream, first.url())
    stream.run("stream", "run", "-d", "posted.yaml")
    server = first
    for turn in range(3):
        before = len(rows)
        wait_until("more rows", lambda before=before: len(rows) > before)
        server.shutdown()
        server.server_close()
        if turn == 1:
            stream.kill(stream.processes("posted"))
            wait_until("the end of the job", lambda: not stream.processes("posted"))
            stream.run("stream", "run", "-d", "posted.yaml")
        else:
            stream.kill([stream.pid("posted", "out.0")])
        server = Server(port=port)
        server.taken, server.rows = taken, rows
    wait_until("the end of the job", lambda: stream.succeeds("stream", "wait", "posted", "--for", "finished", "--timeout", "1s"), timeout=60)
    check(sorted(row["n"] for row in rows) == list(range(8000)), f"{len(rows)} rows")


def what_cannot_be_is_refused(stream):
    for words, said in ((["ftp://a"], "begins neither with http://"), (["http://u:p@a"], "token"), (["http://a", "--header", "x"], "Name: value"),
                        (["http://a", "--rows", "0"], "at least one row")):
        done = subprocess.run(["stream-write-http", *words], env=stream.environment, text=True, timeout=60, input='{"n":2}\n',
                              capture_output=True, check=False)
        check(done.returncode == 100 and said in done.stderr, f"{words}: {done.returncode} {done.stderr}")


PASSED = """
pipeline: passed
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 50ms, attempts: 1000}
stages:
  heard: {run: listen, address: "http://127.0.0.1:PORT/in", schema: n bigint}
  once: {run: dedup, by: n}
  out: {run: write-http, url: "URL"}
"""


class Sender:
    """Posts rows, one a request, until each is answered, in a thread."""

    def __init__(self, port):
        self.port, self.rows = port, queue.Queue()
        threading.Thread(target=self.run, daemon=True).start()

    def feed(self, first, last):
        for n in range(first, last):
            self.rows.put(n)

    def run(self):
        while True:
            body = json.dumps({"n": self.rows.get()})
            wait_until("the row to be taken", lambda body=body: self.posted(body), timeout=60)

    def posted(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/in", body)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def passing(stream, server):
    """What listens and what posts, in one job."""
    port = free_port()
    return Copied(stream, PASSED.replace("PORT", str(port)).replace("URL", server.url()), Sender(port).feed, lambda: [row["n"] for row in server.rows])


def silence_is_survived(stream):
    silence_is_waited_out_across_kills(passing(stream, Server()))


@on_small_disk("64m")
def a_full_disk_is_survived(stream, disk):
    """What cannot be kept is not answered, so it is the sender that keeps it."""
    rows_are_equal_when_no_state_can_be_kept_for_a_while(passing(stream, Server()), disk)


class Mortal:
    """A server that can be away: connections are closed before it takes anything."""

    def __init__(self):
        self.away = False
        self.server = Server(lambda _: "before" if self.away else None)

    def kill(self):
        self.away = True

    def start(self):
        self.away = False


def a_stop_is_quick_though_the_server_is_away(stream):
    server = Mortal()
    a_stop_does_not_wait_for_a_sink_without_server(stream, f'{{run: write-http, url: "{server.server.url()}"}}', server,
                                                   lambda: [row["n"] for row in server.server.rows])


if __name__ == "__main__":
    main([a_server_that_knows_keys_has_each_row_once, a_stage_that_listens_takes_what_is_posted,
          requests_have_the_shape_that_was_asked_for, json_is_an_array_or_one_object, a_server_that_refuses_ends_the_job_and_is_quoted,
          a_server_is_known_by_its_certificate, a_server_that_dies_and_comes_back_has_each_row_once, what_cannot_be_is_refused,
          silence_is_survived, a_full_disk_is_survived, a_stop_is_quick_though_the_server_is_away])
