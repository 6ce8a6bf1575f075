"""A server with one job that is made up: 200 instances and 10,000 events; the pages themselves are those of a real server."""

import http.server
import json
import threading
import time
import urllib.request

STAGES, EACH, EVENTS = 20, 10, 10_000
NAMES = [f"stage-{number:02}" for number in range(STAGES)]


def summary():
    now = time.time() * 1e6
    roles = ["source"] + ["operator"] * (STAGES - 2) + ["sink"]
    return {"job": "big", "id": "b" * 32, "run": "c" * 32, "state": "RUNNING", "reason": "", "supervisor_pid": 1, "attempt": 1, "restarts": 0, "checkpoint": 77, "continued_from": "",
            "submitted_us": now - 9e8, "started_us": now - 9e8, "bad_records": 0, "late_records": 0, "stages": [{"stage": name, "parallelism": EACH, "role": role} for name, role in zip(NAMES, roles)]}


def stats(turn):
    instances = [{"stage": name, "instance": number, "pid": 1000 + number, "running_us": 9e8, "idle_us": 1e8, "backpressured_us": 0, "records_in": 10_000 * turn + number, "records_out": 10_000 * turn,
                  "bytes_in": 1, "bytes_out": 1, "records_in_rate": 1000 + (turn * 37 + number) % 100, "records_out_rate": 1000 + turn % 10, "bytes_in_rate": 5e4, "bytes_out_rate": 5e4,
                  "busy": (turn * 7 + number * 9) % 100 / 100, "idle": 0.2, "backpressured": 0.1, "queued_bytes": 0, "state_rows": 100, "state_bytes": 10_000, "spilled_bytes": 0,
                  "resident_bytes": 13_000_000 + turn, "bad_records": 0, "late_records": 0, "watermark_us": 1, "watermark_lag_us": 1_000_000 + turn, "ended": False}
                 for name in NAMES for number in range(EACH)]
    return {"job": summary(), "instances": instances}


def answers():
    ids = {name: f"{number:032x}" for number, name in enumerate(NAMES)}
    nodes = [{"id": ids[name], "parallelism": EACH, "operator": "map", "description": f"{name}: map --x 1",
              **({"inputs": [{"num": 0, "id": ids[NAMES[(number - 1) // 2]], "ship_strategy": "HASH", "exchange": "pipelined_bounded"}]} if number else {})} for number, name in enumerate(NAMES)]
    now = time.time() * 1e6
    overview = {"jid": "b" * 32, "name": "big", "state": "RUNNING", "start-time": 1, "end-time": -1, "duration": 9e5, "tasks": {}}
    return {"/jobs/overview": {"jobs": [overview]}, "/jobs/big/summary": summary(), "/jobs/big/plan": {"plan": {"nodes": nodes}},
            "/jobs/big/events": [{"at_us": now - (EVENTS - number) * 1e5, "kind": "failed" if number % 100 == 0 else "running", "text": f"attempt {number} " + "x" * (number % 200)} for number in range(EVENTS)],
            "/jobs/big/exceptions": {"exceptionHistory": {"entries": []}}, "/config": {}}


class BigJob:
    """Answers at `url` until its end; pages come from the server at `pages`."""

    def __init__(self, pages):
        known = answers()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):  # noqa: N802
                path = self.path.split("?")[0]
                if path == "/" or path.startswith("/ui/"):
                    with urllib.request.urlopen(pages + path, timeout=60) as answer:
                        return self.send(200, answer.read(), dict(answer.headers))
                if path == "/stream":
                    return self.tell()
                body = stats(int(time.time())) if path.endswith("/stats") else known.get(path)
                return self.send(404 if body is None else 200, json.dumps({"errors": ["nothing is there"]} if body is None else body).encode(), {"Content-Type": "application/json"})

            def send(self, status, body, headers):
                self.send_response(status)
                for name in ("Content-Type", "Content-Security-Policy"):
                    if headers.get(name):
                        self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def tell(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    for turn in range(10_000):
                        self.wfile.write(f"event: stats\ndata: {json.dumps({'name': 'big', 'job': 'b' * 32, 'value': stats(turn)})}\n\n".encode())
                        self.wfile.flush()
                        if over.wait(1):
                            return
                except OSError:
                    pass

        over = threading.Event()
        self.over = over
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
