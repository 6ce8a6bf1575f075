"""`stream serve`, what is ours of it: events as they happen, rows as they pass, numbers as they were, state in SQL, another version of
a job, and who has asked for what."""

import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import sys
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
sys.path.insert(0, str(TOP / "tests" / "system"))
from certificates import Certificates  # noqa: E402
from harness import check, main, wait_until  # noqa: E402
from rest import ENDED, LIVE, Client, Server, jobs_of_all_kinds  # noqa: E402

YAML = {"content_type": "application/yaml"}


class Events:
    """One stream: what has come of it, as (event, data), and the newest id."""

    def __init__(self, client, path, headers=None):
        make = http.client.HTTPSConnection if client.context else http.client.HTTPConnection
        options = {"context": client.context} if client.context else {}
        self.connection = make(client.host, client.port, timeout=60, **options)
        sent = dict(headers or {})
        if client.token:
            sent["Authorization"] = f"Bearer {client.token}"
        self.connection.request("GET", path, headers=sent)
        self.answer = self.connection.getresponse()
        check(self.answer.status == 200, f"{path}: {self.answer.status} {self.answer.read(500) if self.answer.status != 200 else ''}")
        check(self.answer.headers["Content-Type"].startswith("text/event-stream"), f"{self.answer.headers}")
        self.id, self.ended, self.all = None, False, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self):
        """The next event; None: it has ended."""
        event, data, seen = None, [], False
        while True:
            line = self.answer.readline()
            if not line:
                self.ended = True
                return None
            line = line.decode().rstrip("\n")
            if line == "":
                if data:
                    found = (event, json.loads("\n".join(data)))
                    self.all.append(found)
                    return found
                if seen:
                    return ("id", self.id)
                event, seen = None, False
                continue
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                data.append(value)
            elif name == "id":
                self.id, seen = value, True

    def until(self, what, condition, most=2000):
        """The first event from now on that is so."""
        for _ in range(most):
            found = self.next()
            check(found is not None, f"the stream has ended before {what}: {self.all[-3:]}")
            if condition(*found):
                return found[1]
        check(False, f"{what} has not come: {self.all[-3:]}")
        return None

    def ever(self, what, condition):
        """The same, also of those that have come: the order of topics is nobody's business."""
        before = [data for event, data in self.all if condition(event, data)]
        return before[0] if before else self.until(what, condition)


def events_come_as_they_happen(stream):
    jobs_of_all_kinds(stream)
    with Server(stream) as server:
        client = Client(server.url)
        live = client.get("/jobs/live")["jid"]
        with Events(client, "/stream?topics=jobs,stats,events,checkpoints,logs&level=info") as events:
            first = {}
            while set(first) != {"live", "broken", "ended"}:
                found = events.until("all jobs", lambda event, _: event == "jobs")
                first.setdefault(found["name"], found["value"])
            check({name: value["state"] for name, value in first.items()} == {"live": "RUNNING", "broken": "FAILED", "ended": "FINISHED"}, f"{first}")
            stats = events.until("stats", lambda event, data: event == "stats" and data["name"] == "live")
            check(stats["job"] == live and len(stats["value"]["instances"]) == 4, f"{stats}")
            client.ask("POST", "/jobs/live/savepoints", {}, expect=202)
            made = events.until("the savepoint", lambda event, data: event == "events" and data["value"]["kind"] == "savepoint")
            check(made["name"] == "live", f"{made}")
            checkpoint = events.until("a checkpoint", lambda event, _: event == "checkpoints")["value"]
            check(checkpoint["status"] == "COMPLETED" and checkpoint["num_acknowledged_subtasks"] == 4, f"{checkpoint}")
            stream.kill([stream.pid("live", "totals.0")])
            events.until("its failure", lambda event, data: event == "events" and data["value"]["kind"] == "failed")
            line = events.ever("a line of the log", lambda event, data: event == "logs" and "restarts" in data["value"]["message"])
            check(line["job"] == live and line["value"]["level"] == "warning", f"{line}")
            events.until("its life", lambda event, data: event == "jobs" and data["name"] == "live" and data["value"]["state"] == "RUNNING"
                         and data["value"]["restarts"] == 1)
            # A job that begins is told of, and one that is deleted.
            stream.write("late.yaml", ENDED.replace("ended", "late"))
            stream.run("stream", "run", "late.yaml")
            late = [data["value"]["kind"] for event, data in events.all if event == "events" and data["name"] == "late"]
            while "finished" not in late:
                late.append(events.until("all of a late job", lambda event, data: event == "events" and data["name"] == "late")["value"]["kind"])
            check(late == ["started", "running", "finished"], f"{late}")
        times = [data["value"]["at_us"] for event, data in events.all if event == "events" and data["name"] == "live"]
        check(len(times) == len(set(times)), "an event was told twice")


def nothing_is_missed_between_two_streams(stream):
    stream.write("live.yaml", LIVE.replace("100ms", "50ms"))
    stream.run("stream", "run", "-d", "live.yaml")
    told = []
    with Server(stream) as server:
        client = Client(server.url)
        last = None
        for _ in range(5):
            with Events(client, "/stream?jobs=live&topics=checkpoints", {"Last-Event-ID": last} if last else None) as events:
                while events.id in (None, last) or len(events.all) < 3:
                    events.next()
                told += [data["value"]["id"] for _, data in events.all]
                last = events.id
            time.sleep(0.2)  # what is complete now is told by the next
        first = min(told)
        check(set(range(first, max(told) + 1)) == set(told), f"missing: {sorted(set(range(first, max(told) + 1)) - set(told))}")
        check(len(told) - len(set(told)) < len(told) / 2, f"told again and again: {told}")
        with Events(client, f"/stream?jobs=live&topics=checkpoints&lastEventId={last}") as events:
            events.until("a checkpoint", lambda event, _: event == "checkpoints")
        client.refused("GET", "/stream?lastEventId=x", 400, "'x' is no id")
        client.refused("GET", "/stream?topics=stat", 400, "did you mean 'stats'")
        client.refused("GET", "/stream?jobs=live,liev", 404, "no job 'liev'; did you mean 'live'")
        client.refused("GET", "/stream?topics=logs&grep=(", 400, "regular expression")
        client.refused("GET", "/stream?topics=logs&level=loud", 400, "'loud'")
        check(client.send("HEAD", "/stream")[0] == 200, "HEAD")


def resident_kib(pid):
    return int(next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])


def connections_to(port):
    """That the server has not closed."""
    lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(words[1].split(":")[1], 16) == port and words[3] == "01" for words in lines)


def deaf_client(client, path):
    """Asks, and takes nothing of what comes but the beginning of it."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect((client.host, client.port))
    one.settimeout(60)
    one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    check(one.recv(12) == b"HTTP/1.1 200", "it is not answered")
    return one


def log_lines(first, count):
    """As a supervisor writes them, a kilobyte each."""
    return "".join(json.dumps({"attempt": 1, "checkpoint": 1, "instance": 0, "job": "live", "level": "info", "message": f"line {number} {'x' * 1000}",
                               "stage": "made", "ts": "2026-01-01T00:00:00.000Z", "us": 1767225600000000 + number}, separators=(",", ":")) + "\n"
                   for number in range(first, first + count))


def slow_clients_are_dropped(stream):
    """Who takes nothing is cut off, the quick one hears all, and the server keeps no more for them than it may."""
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    path = "/stream?jobs=live&topics=stats,logs&level=info"
    with Server(stream) as server:
        client = Client(server.url)
        with Events(client, path) as events:
            events.until("stats", lambda event, _: event == "stats")
            known, before = connections_to(client.port), resident_kib(server.process.pid)
            slow = [deaf_client(client, path) for _ in range(20)]
            check(connections_to(client.port) == known + 20, "a connection is not there")
            written, most = 0, 0
            with (stream.home("live") / "logs" / "stream.log").open("a") as log:
                deadline = time.monotonic() + 60
                while connections_to(client.port) > known:
                    check(time.monotonic() < deadline, f"after {written} lines of 1 KB {connections_to(client.port) - known} slow clients are still there")
                    log.write(log_lines(written, 500))
                    log.flush()
                    written += 500
                    last = f"line {written - 1} "
                    events.until("the last line", lambda event, data, last=last: event == "logs" and data["value"]["message"].startswith(last))
                    most = max(most, resident_kib(server.process.pid) - before)
            events.until("stats, as before", lambda event, _: event == "stats")
        check(written < 20_000, f"they were dropped after {written} KB, with 4 MiB to keep")
        check(most < 48 << 10, f"the server has grown by {most} KiB for 20 slow clients")
        lines = sum(event == "logs" and data["value"]["message"].startswith("line ") for event, data in events.all)
        check(lines == written, f"the quick one has heard {lines} of {written}")
        for one in slow:
            left = 0
            while taken := one.recv(1 << 16):
                left += len(taken)
            check(left < 1 << 20, f"{left} bytes were on the way to who took nothing")
            one.close()
        check(client.get("/jobs/live/summary")["attempt"] == 1, "the job was disturbed")


def rows_are_shown_as_they_pass(stream):
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    with Server(stream) as server:
        client = Client(server.url)
        where = urllib.parse.quote("k = 3")
        with Events(client, f"/jobs/live/taps?stage=made&where={where}&limit=5") as events:
            while events.next():
                pass
        rows = [data["row"] for event, data in events.all if event == "row"]
        check(len(rows) == 5 and all(row["k"] == 3 for row in rows), f"{events.all}")
        check(events.all[-1][0] == "end" and events.ended, f"{events.all[-1]}")
        with Events(client, "/jobs/live/taps?stage=totals") as events:
            seen = set()
            while seen != {"totals.0", "totals.1"}:
                seen.add(events.until("rows of both", lambda event, _: event == "row")["instance"])
            stream.run("stream", "cancel", "live")
            check("not run" in events.until("the end", lambda event, _: event == "end", most=100_000)["reason"], f"{events.all[-1]}")
        with Events(client, "/stream?topics=jobs"):
            pass
        client.refused("GET", "/jobs/live/taps", 400, "STAGE")
        client.refused("GET", "/jobs/live/taps?stage=made&limit=x", 400, "'limit'")
        client.refused("GET", "/jobs/live/taps?stage=mode", 404, "did you mean 'made'")
        client.refused("GET", "/jobs/live/taps?stage=made", 409, "does not run")


def a_wrong_tap_says_why(stream):
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    with Server(stream) as server:
        client = Client(server.url)
        client.refused("GET", "/jobs/live/taps?stage=made&output=late", 409, "has no output 'late'")
        with Events(client, "/jobs/live/taps?stage=made&where=nothing") as events:
            check("nothing" in events.until("why", lambda event, _: event == "end")["reason"], f"{events.all}")


def numbers_are_kept(stream):
    """Beyond the end of the job and of the server, which need not be there at all."""
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    time.sleep(3)  # of seconds is what is kept
    stream.run("stream", "stop", "live")
    with Server(stream) as server:
        client = Client(server.url)
        kept = client.get("/jobs/live/history")["series"]
        check({"metric": "lastCheckpointDuration", "vertex": None, "subtask": None} in kept, f"{kept}")
        check({"metric": "numRecordsOutPerSecond", "vertex": "made", "subtask": 0} in kept, f"{kept}")
        check({"metric": "latency_p99", "vertex": "out", "subtask": None} in kept, f"no latency: {kept}")
        series = client.get("/jobs/live/history?metric=numRecordsOutPerSecond,lastCheckpointDuration&points=900")["series"]
        check([(one["metric"], one["vertex"]) for one in series] == [("lastCheckpointDuration", None), ("numRecordsOutPerSecond", "made"),
                                                                    ("numRecordsOutPerSecond", "out"), ("numRecordsOutPerSecond", "totals")], f"{series}")
        points = series[1]["points"]
        check(len(points) >= 2 and points == sorted(points) and any(value > 0 for _, value in points), f"{points}")
        check(abs(points[-1][0] / 1000 - time.time()) < 60, f"{points}")
        made = client.get("/jobs/live")["vertices"][0]["id"]
        one = client.get(f"/jobs/live/history?metric=numRecordsOutPerSecond&vertex={made}&subtask=0")["series"]
        check(len(one) == 1 and one[0]["subtask"] == 0, f"{one}")
        check(len(client.get("/jobs/live/history?metric=stateRows&vertex=totals&subtask=all")["series"]) == 2, "both instances")
        check(client.get("/jobs/live/history?metric=stateRows&from=1000&to=2000")["series"] == [], "in 1970")
        few = client.get(f"/jobs/live/history?metric=numRestarts&from={points[0][0]}&to={points[-1][0] + 1}&points=1")["series"]
        check(len(few[0]["points"]) == 1, f"{few}")
        stream.run("stream", "resume", "live")
        time.sleep(2)
        stream.run("stream", "stop", "live")
        again = client.get("/jobs/live/history?metric=numRestarts&points=900")["series"][0]["points"]
        check(again[0] == client.get(f"/jobs/live/history?metric=numRestarts&from={again[0][0]}&to={again[0][0] + 1}")["series"][0]["points"][0]
              and again[0][0] <= points[0][0] < again[-1][0], f"{again}")
        client.refused("GET", "/jobs/live/history?metric=numRestart", 404, "did you mean 'numRestarts'")
        client.refused("GET", "/jobs/live/history?metric=numRestarts&vertex=total", 404, "did you mean 'totals'")
        client.refused("GET", "/jobs/live/history?metric=numRestarts&subtask=0", 400, "needs 'vertex'")
        client.refused("GET", "/jobs/live/history?metric=numRestarts&from=2&to=1", 400, "before 'to'")
        client.refused("GET", "/jobs/live/history?metric=numRestarts&points=0", 400, "'points'")
        os.truncate(stream.home("live") / "metrics.sqlite", 100)
        stream.run("stream", "resume", "live")
        time.sleep(2)
        stream.run("stream", "stop", "live")
        check(client.get("/jobs/live/history?metric=numRestarts")["series"], "a damaged file is not begun anew")


def state_is_asked_in_sql(stream):
    jobs_of_all_kinds(stream)
    with Server(stream) as server:
        client = Client(server.url)
        tables = wait_until("rows", lambda: [one for one in client.get("/jobs/live/state")["tables"] if one["table"] == "totals" and one["rows"] == 7])
        check([column["name"] for column in tables[0]["columns"]] == ["k", "c"], f"{tables}")

        def ask(sql, job="live", **more):
            return client.ask("POST", f"/jobs/{job}/state/query", {"sql": sql, **more})

        answer = ask("select k, c from totals order by k")
        check(answer["columns"] == [{"name": "k", "type": "BIGINT"}, {"name": "c", "type": "BIGINT"}], f"{answer}")
        check([row[0] for row in answer["rows"]] == list(range(7)) and not answer["more"], f"{answer}")
        check(answer["checkpoint"] > 0 and 0 <= answer["age"] < 60_000, f"{answer}")
        answer = ask("-- none\nselect k, k, 'x' as \"a b\", 1.5 as r from totals", limit=2)
        check(len(answer["rows"]) == 2 and answer["more"] and [column["type"] for column in answer["columns"]][2:] == ["TEXT", "REAL"], f"{answer}")
        check(ask("select * from totals where k = 99")["columns"][0]["name"] == "k", "no rows")
        live = ask("select c from totals where k = 3", live=True)
        check(len(live["rows"]) == 1 and live["rows"][0][0] > 0 and "checkpoint" not in live, f"{live}")
        path = "/jobs/live/state/query"
        client.refused("POST", path, 400, "sql", body={})
        client.refused("POST", path, 400, "no such table|totals", body={"sql": "select * from total"})
        client.refused("POST", path, 400, "a query of state reads: SELECT", body={"sql": "delete from totals"})
        client.refused("POST", path, 400, "load_extension.. is not allowed", body={"sql": "select load_extension('x')"})
        client.refused("POST", path, 400, "'limit'", body={"sql": "select 1", "limit": 0})
        client.refused("POST", path, 400, "no field 'query'", body={"query": "select 1"})
        client.refused("POST", path, 400, "larger|too large", body={"sql": "select hex(zeroblob(9000000))"})
        client.refused("POST", "/jobs/broken/state/query", 409, "has no checkpoint yet", body={"sql": "select 1"})
        client.refused("GET", path, 405, "POST")


UPGRADED = LIVE.replace("rate: 2000", "rate: 3000")


def another_version_takes_its_place(stream):
    root = stream.folder / "root"
    root.mkdir()
    with Server(stream, "--root", root, "--allow-exec") as server:
        client = Client(server.url)
        client.ask("POST", "/pipelines", LIVE, **YAML)
        wait_until("a checkpoint", lambda: client.get("/jobs/live/checkpoints")["counts"]["completed"] > 0)

        def upgrade(text, query=""):
            return client.ask("POST", f"/jobs/live/upgrade{query}", text, expect=202, **YAML)["request-id"]

        done = client.outcome("/jobs/live/upgrade", upgrade(UPGRADED, "?label=before"))
        check("failure-cause" not in done and os.path.isdir(done["location"]), f"{done}")
        check("3000" in json.dumps(client.get("/jobs/live/plan")), "the plan is the old one")
        back = client.outcome("/jobs/live/upgrade", upgrade(UPGRADED.replace("  out:", "  via: {run: exec, command: 'exit 3', schema: 'k bigint'}\n  out:")))
        check("failure-cause" in back, f"{back}")
        wait_until("the old one", lambda: client.get("/jobs/live/status")["status"] == "RUNNING")
        check("exit 3" not in json.dumps(client.get("/jobs/live/plan")), "it is not what it was")
        status, _, answer = client.send("POST", "/jobs/live/upgrade", LIVE.replace("write-null", "write-nul"), **YAML)
        check(status == 400 and "write-null" in answer, f"{status} {answer}")
        status, _, answer = client.send("POST", "/jobs/live/upgrade", LIVE.replace("{run: write-null}", "{run: write-file, path: /etc/x}"), **YAML)
        check(status == 400 and "is not inside a folder" in answer, f"{status} {answer}")
        client.refused("POST", "/jobs/live/upgrade", 415, "application/yaml", body="x", content_type="text/plain")
        client.refused("GET", "/jobs/live/upgrade/" + "a" * 32, 404, "no operation")
        stream.run("stream", "cancel", "live")
        client.refused("POST", "/jobs/live/upgrade", 409, "is CANCELLED; an upgrade needs a running one", body=LIVE, **YAML)


GIVEN = """pipeline: given
parameters: {rows: {type: bigint}, to: {default: x.ndjson}}
stages:
  made: {run: generate, columns: n, rows: "${rows}"}
  out: {run: write-file, path: "${to}"}
"""


def parameters_and_a_name_are_given(stream):
    root = stream.folder / "root"
    root.mkdir()
    with Server(stream, "--root", root) as server:
        client = Client(server.url)
        client.ask("POST", "/pipelines?name=other&p.rows=7&p.to=seven.ndjson", GIVEN, **YAML)
        stream.run("stream", "wait", "other")
        check((root / "seven.ndjson").read_text().count("\n") == 7, "its rows")
        for query, says in (("", "rows"), ("?p.rows=x", "rows"), ("?p.rows=1&p.none=2", "none"), ("?p.rows=1&p.to=../x", "is not inside a folder"),
                            ("?p.rows=1&name=..%2Fx", "name")):
            status, _, answer = client.send("POST", f"/pipelines{query}", GIVEN, **YAML)
            check(status == 400 and says in answer, f"{query}: {status} {answer}")
            check(not client.ask("POST", f"/pipelines/validate{query}", GIVEN, **YAML)["valid"], query)
        log = (stream.folder / "home/.serve/audit.log").read_text()
        check("p.rows=..." in log and "seven.ndjson" not in log, log)


def what_was_asked_is_kept(stream):
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    secret = stream.run("stream", "serve", "--new-token", "worker=operate", "--tokens", "tokens").strip()
    with Server(stream, "--tokens", "tokens") as server:
        client = Client(server.url, secret)
        trigger = client.ask("POST", "/jobs/live/checkpoints", {}, expect=202)["request-id"]
        done = client.outcome("/jobs/live/checkpoints", trigger)
        client.ask("PATCH", "/jobs/live", expect=202)
        wait_until("its end", lambda: client.get("/jobs/live/status")["status"] == "CANCELED")
        client.refused("POST", "/jobs/live/resume", 409, "is CANCELLED")  # nothing is begun
    with Server(stream, "--tokens", "tokens") as server:
        client = Client(server.url, secret)
        check(client.outcome("/jobs/live/checkpoints", trigger) == done, "another outcome")
        kept = client.get("/operations")["operations"]
        check([(one["kind"], one["status"], one["who"], one["name"]) for one in kept] ==
              [("cancel", "COMPLETED", "worker", "live"), ("checkpoint", "COMPLETED", "worker", "live")], f"{kept}")
        one = client.get(f"/operations/{trigger}")
        check(one["outcome"] == done and one["remote"] == "127.0.0.1" and one["begin"] <= one["end"], f"{one}")
        client.refused("GET", "/operations/none", 404, "no operation 'none'")
        client.refused("GET", "/operations?limit=0", 400, "'limit'")
        check(len(client.get("/operations?limit=1")["operations"]) == 1, "limit")
        # One that is under way when its server goes.
        stream.run("stream", "run", "-d", "--fresh", "live.yaml")
        os.kill(stream.pid("live", "totals.0"), signal.SIGSTOP)
        stuck = client.ask("POST", "/jobs/live/savepoints", {}, expect=202)["request-id"]
        check(client.get(f"/operations/{stuck}")["status"] == "IN_PROGRESS", "it is over already")
        server.process.kill()
    with Server(stream, "--tokens", "tokens") as server:
        lost = Client(server.url, secret).get(f"/operations/{stuck}")
        check(lost["status"] == "FAILED" and "the server ended" in json.dumps(lost["outcome"]), f"{lost}")


def who_reads_sees_no_rows(stream):
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    made = Certificates(stream.folder)
    secrets = {role: stream.run("stream", "serve", "--new-token", f"{role}-one={role}", "--tokens", "tokens").strip() for role in ("read", "operate")}
    with Server(stream, "--tokens", "tokens", "--tls-cert", made.server, "--tls-key", made.server_key) as server:
        context = ssl.create_default_context(cafile=str(made.authority))
        reader, worker = Client(server.url, secrets["read"], context), Client(server.url, secrets["operate"], context)
        reader.refused("GET", "/jobs/live/taps?stage=made", 403, "needs operate")
        reader.refused("POST", "/jobs/live/state/query", 403, "needs operate", body={"sql": "select 1"})
        Client(server.url, None, context).refused("GET", "/stream", 401, "a token is needed")
        with Events(reader, "/stream?topics=stats") as events:
            events.until("stats, through TLS", lambda event, _: event == "stats")
        with Events(worker, "/jobs/live/taps?stage=made&limit=3") as events:
            while events.next():
                pass
            check(events.all[-1][0] == "end", f"{events.all}")


def many_look_and_the_job_does_not_mind(stream):
    """A small load: see tests/bench/serve_load.py for a large one."""
    sys.path.insert(0, str(TOP / "tests" / "bench"))
    from serve_load import load
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    with Server(stream) as server:
        client = Client(server.url)
        before = client.get("/jobs/live/summary")
        told = load(client.host, client.port, readers=60, streams=20, slow=5, seconds=3)
        check(told["answers"] >= 40 and told["failures"] == 0, f"{told}")
        check(told["events"] >= 20, f"{told}")
        after = client.get("/jobs/live/summary")
        check(after["attempt"] == before["attempt"] and after["checkpoint"] > before["checkpoint"], f"{after}")
        check(resident_kib(server.process.pid) < 256 << 10, "memory")


if __name__ == "__main__":
    main([events_come_as_they_happen, nothing_is_missed_between_two_streams, slow_clients_are_dropped, rows_are_shown_as_they_pass, a_wrong_tap_says_why,
          numbers_are_kept, state_is_asked_in_sql, another_version_takes_its_place, parameters_and_a_name_are_given, what_was_asked_is_kept,
          who_reads_sees_no_rows, many_look_and_the_job_does_not_mind])
