"""`stream serve`: every answer has the form that its own OpenAPI document gives it, and Flink's where that is at hand;
every change does what the verb does; every wrong request is refused, and says why."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.parse

import jsonschema

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
from certificates import Certificates  # noqa: E402
from harness import check, main, wait_until  # noqa: E402

CONTRACT = TOP.parent / "shared" / "reference" / "flink-rest-openapi.yml"

LIVE = """pipeline: live
checkpoint: {interval: 100ms}
stages:
  made: {run: generate, columns: "n, n % 7 as k", rate: 2000}
  totals: {run: aggregate, by: k, compute: count(*) as c, parallelism: 2}
  out: {run: write-null}
"""
BROKEN = """pipeline: broken
checkpoint: {interval: 50ms}
stages:
  made: {run: read-file, path: broken.ndjson, schema: "a bigint", on-error: fail}
  out: {run: write-null}
"""
ENDED = "pipeline: ended\nstages:\n  made: {run: generate, columns: n, rows: 1000}\n  out: {run: write-file, path: ended.ndjson}\n"

# What Flink's clients ask for, by the names that they use.
WANTED = """
GET /overview|GET /config|GET /jobs|GET /jobs/overview|GET /jobs/metrics|GET /jobs/{}|PATCH /jobs/{}|GET /jobs/{}/status|GET /jobs/{}/plan
GET /jobs/{}/config|GET /jobs/{}/exceptions|GET /jobs/{}/accumulators|GET /jobs/{}/execution-result|GET /jobs/{}/metrics
GET /jobs/{}/checkpoints|POST /jobs/{}/checkpoints|GET /jobs/{}/checkpoints/config|GET /jobs/{}/checkpoints/details/{}
GET /jobs/{}/checkpoints/details/{}/subtasks/{}|GET /jobs/{}/checkpoints/{}|POST /jobs/{}/savepoints|GET /jobs/{}/savepoints/{}
POST /jobs/{}/stop|GET /jobs/{}/resource-requirements|PUT /jobs/{}/resource-requirements|POST /savepoint-disposal|GET /savepoint-disposal/{}
GET /jobs/{}/vertices/{}|GET /jobs/{}/vertices/{}/subtasktimes|GET /jobs/{}/vertices/{}/watermarks|GET /jobs/{}/vertices/{}/backpressure
GET /jobs/{}/vertices/{}/taskmanagers|GET /jobs/{}/vertices/{}/accumulators|GET /jobs/{}/vertices/{}/metrics
GET /jobs/{}/vertices/{}/subtasks/metrics|GET /jobs/{}/vertices/{}/subtasks/{}|GET /jobs/{}/vertices/{}/subtasks/{}/metrics
GET /jobs/{}/vertices/{}/subtasks/{}/attempts/{}|GET /jobs/{}/vertices/{}/subtasks/{}/attempts/{}/accumulators
GET /jobs/{}/vertices/{}/subtasks/accumulators|GET /taskmanagers/metrics|GET /taskmanagers/{}/log|GET /taskmanagers/{}/stdout|GET /taskmanagers|GET /taskmanagers/{}|GET /taskmanagers/{}/metrics|GET /taskmanagers/{}/logs
GET /jobmanager/config|GET /jobmanager/logs|GET /jobmanager/metrics|GET /jobmanager/log|GET /jobmanager/stdout|GET /jobmanager/environment|GET /jobmanager/thread-dump
GET /taskmanagers/{}/thread-dump|GET /jobs/{}/jobmanager/config|GET /jobs/{}/jobmanager/environment|GET /jobs/{}/jobmanager/log-url|GET /jobs/{}/taskmanagers/{}/log-url
GET /jobs/{}/vertices/{}/jm-operator-metrics|GET /jobs/{}/vertices/{}/flamegraph|PATCH /jobs/{}/clientHeartbeat|PATCH /jobs/{}/rescaling|GET /jobs/{}/rescaling/{}
GET /jars|GET /datasets|DELETE /cluster|GET /jobs/{}/yarn-cancel|GET /jobs/{}/yarn-stop
"""
# Flink's document differs from what Flink sends: lists of metrics are bare, and ids of slot sharing groups are texts.
UNLIKE = {"MetricCollectionResponseBody", "AggregatedMetricsResponseBody", "SlotSharingGroupId", "SerializedThrowable"}


class Documents:
    """What an answer must look like: by our own document, which nothing may go beyond, and by Flink's where that is at hand."""

    ours = None    # with strict schemas
    theirs = None  # None: not at hand
    validators = {}
    compared = set()

    @classmethod
    def learn(cls, client):
        status, _, text = client.send("GET", "/openapi.json")
        if status == 200:
            document = json.loads(text)
            cls.ours, cls.theirs = dict(document, components=strict(document["components"])), contract()

    @staticmethod
    def operation(document, method, path):
        """That the path leads to: a word of its own goes before a parameter."""
        words, found = path.split("/"), []
        for known, methods in document["paths"].items():
            parts = known.split("/")
            if len(parts) == len(words) and method in methods and all(part == word or part.startswith("{") for part, word in zip(parts, words)):
                found.append((known.count("{"), known, methods[method]))
        return min(found, key=lambda one: one[:2])[1:] if found else (None, None)

    @classmethod
    def check(cls, method, target, status, answer):
        path = re.sub("^/v1(?=/)", "", target.partition("?")[0])
        for whose, document in (("ours", cls.ours), ("Flink's", cls.theirs)):
            known, operation = cls.operation(document, method.lower(), path) if document else (None, None)
            responses = (operation or {"responses": {}})["responses"]
            response = responses.get(str(status), responses.get("default"))
            if operation is None or response is None:
                check(whose != "ours" or operation is None, f"{method} {target}: {status} is not documented")
                if status >= 400 and cls.ours:
                    cls.validate((whose, "errors"), answer, cls.ours["components"]["schemas"]["Errors"], cls.ours, f"{method} {target}")
                continue
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            cls.validate((whose, method, known, status), answer, schema, document, f"{method} {target}: {status} as {whose} document has it")

    @classmethod
    def validate(cls, key, answer, schema, document, what):
        if key not in cls.validators:
            cls.validators[key] = jsonschema.Draft4Validator(schema, resolver=resolver_of(document))
        cls.compared.add(key)
        faults = list(cls.validators[key].iter_errors(answer))
        check(not faults, f"{what}: {faults[0].message[:300] if faults else ''} at {list(faults[0].path) if faults else ''}")


class Client:
    """What asks a server; without a connection kept, so that each request stands alone."""

    def __init__(self, url, token=None, context=None):
        at = urllib.parse.urlsplit(url)
        self.url, self.host, self.port, self.token, self.context = url, at.hostname, at.port, token, context

    def send(self, method, path, body=None, headers=None, content_type="application/json"):
        """Status, headers and text of the answer."""
        make = (lambda: http.client.HTTPSConnection(self.host, self.port, timeout=60, context=self.context)) if self.context \
            else (lambda: http.client.HTTPConnection(self.host, self.port, timeout=60))
        connection = make()
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            sent.setdefault("Content-Type", content_type)
        connection.request(method, path, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body), sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def ask(self, method, path, body=None, expect=200, **options):
        status, headers, text = self.send(method, path, body, **options)
        check(status == expect, f"{method} {path}: {status}, not {expect}: {text[:500]}")
        if headers.get_content_type() != "application/json":
            return text
        answer = json.loads(text)
        if Documents.ours is None:
            Documents.learn(self)
        Documents.check(method, path, status, answer)
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def refused(self, method, path, expect, says, body=None, **options):
        """One line, which says this."""
        answer = self.ask(method, path, body, expect=expect, **options)
        check(list(answer) == ["errors"] and len(answer["errors"]) == 1, f"{method} {path}: {answer}")
        line = answer["errors"][0]
        check("\n" not in line and re.search(says, line), f"{method} {path}: '{line}' does not say '{says}'")

    def outcome(self, path, trigger):
        """Of an operation, when it is over."""
        return wait_until(f"{path} to be over", lambda: self.over(f"{path}/{trigger}"))["operation"]

    def over(self, path):
        answer = self.get(path)
        return answer if answer["status"]["id"] == "COMPLETED" else None


class Server:
    def __init__(self, stream, *args):
        self.process = stream.start("stream", "serve", *(args if "--http" in args else ("--http", "127.0.0.1:0", *args)), stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.process.wait(timeout=60)
            check(False, self.process.stderr.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        talk = self.process.communicate(timeout=60)[1]
        check(self.process.returncode in (0, -signal.SIGKILL), f"exit {self.process.returncode}: {talk}")


def jobs_of_all_kinds(stream):
    """Running, failed, finished."""
    stream.write("live.yaml", LIVE)
    stream.write("broken.yaml", BROKEN)
    stream.write("broken.ndjson", '{"a":1}\nno record\n')
    stream.write("ended.yaml", ENDED)
    stream.run("stream", "run", "broken.yaml", expect=1)
    stream.run("stream", "run", "ended.yaml")
    stream.run("stream", "run", "-d", "live.yaml")
    stream.run("stream", "wait", "live", "--for", "checkpoint")


def resolver_of(document):
    return jsonschema.RefResolver("", document)


def check_form(value, schema, document, what):
    faults = list(jsonschema.Draft4Validator(schema, resolver=resolver_of(document)).iter_errors(value))
    check(not faults, f"{what}: {faults[0].message[:300] if faults else ''} at {list(faults[0].path) if faults else ''}")


def strict(schema):
    """Nothing but what is said: a field that the document does not have is a fault too."""
    if isinstance(schema, dict):
        out = {key: strict(value) for key, value in schema.items()}
        if out.get("type") == "object" and "properties" in out and "allOf" not in out:
            out.setdefault("additionalProperties", False)
        return out
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


def is_of(operation, status="200"):
    return operation["responses"][status]["content"]["application/json"]["schema"]


def read_operations(document):
    return [path for path, methods in document["paths"].items() if "200" in methods.get("get", {"responses": {}})["responses"] and "/{triggerid}" not in path]


def values_for(client, job):
    """What stands for the parameters of a path."""
    details = client.get(f"/jobs/{job}")
    history = client.get(f"/jobs/{job}/checkpoints")["history"]
    vertex = details["vertices"][-1]["id"]
    return {"jobid": details["jid"], "vertexid": vertex, "subtaskindex": "0", "checkpointid": str(history[0]["id"]) if history else None,
            "taskmanagerid": client.get("/taskmanagers")["taskmanagers"][0]["id"], "filename": f"{job}.stream.log",
            "attempt": str(client.get(f"/jobs/{job}/vertices/{vertex}/subtasks/0")["attempt"])}


def contract():
    """Flink's own document, where it is at hand, by path without the names of parameters."""
    if not CONTRACT.exists():
        return None
    import yaml
    document = yaml.safe_load(CONTRACT.read_text())
    for name in UNLIKE:
        document["components"]["schemas"][name] = {}
    return any_of(document)


def any_of(schema):
    """Flink's document says 'one of' of shapes without a required field, each of which fits what fits another."""
    if isinstance(schema, dict):
        return {"anyOf" if key == "oneOf" else key: any_of(value) for key, value in schema.items()}
    return [any_of(item) for item in schema] if isinstance(schema, list) else schema


def flink_schema(theirs, path):
    for known, methods in (theirs or {"paths": {}})["paths"].items():
        if re.sub(r"{\w+}", "{}", known) == path and "get" in methods:
            return methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return None


def answers_have_the_form_of_both_documents(stream):
    jobs_of_all_kinds(stream)
    theirs, compared = contract(), 0
    with Server(stream) as server:
        client = Client(server.url)
        ours = client.get("/openapi.json")
        tight = dict(ours, components=strict(ours["components"]))
        had = {f"{method.upper()} {re.sub(r'{[a-z]+}', '{}', path)}" for path, methods in ours["paths"].items() for method in methods}
        page = set(re.findall(r"^\.It Li ([A-Z]+ /\S*)", (TOP / "man/stream-rest.7").read_text(), re.M))
        check({re.sub(r"{\w+}", "{}", operation) for operation in page} == had, f"stream-rest(7) lists others: {page}")
        lacking = {operation.strip() for operation in re.split(r"[|\n]", WANTED) if operation.strip()} - had
        check(not lacking, f"not there: {sorted(lacking)}")
        wait_until("watermarks or not, numbers", lambda: client.get("/jobs/live/stats")["instances"][0]["records_out"] > 0)
        begun = client.ask("POST", "/jobs/live/checkpoints", {}, expect=202)["request-id"]
        for job in ("live", "broken", "ended"):
            values = dict(values_for(client, job), operationid=begun)
            for path in read_operations(ours):
                schema = ours["paths"][path]["get"]["responses"]["200"]["content"]
                if ("checkpointid" in path and values["checkpointid"] is None) or not {"application/json", "text/plain"} & set(schema):
                    continue
                for prefix in ("", "/v1"):
                    answer = client.get(prefix + re.sub(r"{(\w+)}", lambda found: values[found[1]], path))
                if "application/json" not in schema:
                    check(isinstance(answer, str) and (answer or path.endswith("/stdout")), f"{path}: {answer}")
                    continue
                check_form(answer, is_of(ours["paths"][path]["get"]), tight, f"{job} {path}")
                flink = flink_schema(theirs, re.sub(r"{\w+}", "{}", path))
                if flink is not None:
                    check_form(answer, flink, theirs, f"{job} {path} as Flink has it")
                    compared += 1
    check(theirs is None or compared > 60, f"only {compared} answers were compared")


def what_is_told_is_what_there_is(stream):
    jobs_of_all_kinds(stream)
    with Server(stream) as server:
        client = Client(server.url)
        by_name = {job["name"]: job for job in client.get("/jobs/overview")["jobs"]}
        check({name: job["state"] for name, job in by_name.items()} == {"live": "RUNNING", "broken": "FAILED", "ended": "FINISHED"}, f"{by_name}")
        shown = json.loads(stream.run("stream", "show", "--json", "live"))
        check(by_name["live"]["jid"] == shown["id"], "the id is not that of the job")
        overview = client.get("/overview")
        check([overview[f"jobs-{state}"] for state in ("running", "finished", "failed", "cancelled")] == [1, 1, 1, 0], f"{overview}")
        check(overview["slots-total"] == 4, f"{overview}")

        live = client.get("/jobs/live")
        check([(vertex["name"], vertex["parallelism"]) for vertex in live["vertices"]] == [("made", 1), ("totals", 2), ("out", 1)], f"{live['vertices']}")
        nodes = {node["id"]: node for node in live["plan"]["nodes"]}
        ids = {vertex["name"]: vertex["id"] for vertex in live["vertices"]}
        check([source["id"] for source in nodes[ids["totals"]]["inputs"]] == [ids["made"]], "an edge is wrong")
        check(nodes[ids["totals"]]["inputs"][0]["ship_strategy"] == "HASH", "so is its kind")
        check(ids == {vertex["name"]: vertex["id"] for vertex in client.get(f"/jobs/{live['jid']}")["vertices"]}, "ids of vertices change")

        rows = wait_until("rows", lambda: int(dict_of(client.get(f"/jobs/live/vertices/{ids['made']}/metrics?get=0.numRecordsOut"))["0.numRecordsOut"]))
        sums = client.get(f"/jobs/live/vertices/{ids['totals']}/subtasks/metrics?get=numRecordsIn&agg=sum,min")[0]
        check(set(sums) == {"id", "sum", "min"} and sums["sum"] >= sums["min"], f"{sums}")
        check(client.get("/jobs/live/vertices/totals/subtasks/metrics?get=numRecordsIn&subtasks=1")[0]["sum"] <= sums["sum"] + 1e6 and rows > 0, "")

        checkpoints = client.get("/jobs/live/checkpoints")
        newest = checkpoints["latest"]["completed"]
        check(newest["status"] == "COMPLETED" and checkpoints["counts"]["completed"] > 0, f"{newest}")
        details = client.get(f"/jobs/live/checkpoints/details/{newest['id']}")
        check(details["num_acknowledged_subtasks"] == 4 and details["tasks"][ids["totals"]]["num_subtasks"] == 2, f"{details}")
        subtasks = client.get(f"/jobs/live/checkpoints/details/{newest['id']}/subtasks/totals")["subtasks"]
        check(sorted(subtask["index"] for subtask in subtasks) == [0, 1], f"{subtasks}")

        failure = client.get("/jobs/broken/exceptions")["exceptionHistory"]["entries"][0]
        check(failure["taskName"] == "made.0" and "broken.ndjson" in failure["stacktrace"], f"{failure}")
        result = client.get("/jobs/broken/execution-result")["job-execution-result"]
        check(result["application-status"] == "FAILED" and "broken.ndjson" in result["failure-cause"]["stack-trace"], f"{result}")
        check(client.get("/jobs/ended/execution-result")["job-execution-result"]["application-status"] == "SUCCEEDED", "ended")
        check(client.get("/jobs/live/execution-result") == {"status": {"id": "IN_PROGRESS"}}, "live")
        check("running" in client.get("/jobmanager/logs/live.stream.log"), "the log of the job")


FALLING = """pipeline: falling
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made: {run: generate, columns: "n, n % 7 as k", rate: 2000}
  totals: {run: aggregate, by: k, compute: count(*) as c, parallelism: 2}
  out: {run: write-null}
"""


def every_attempt_is_remembered(stream):
    """When each began, and what came of it; also when the job has ended, and a new run of it has begun."""
    stream.write("falling.yaml", FALLING)
    stream.run("stream", "run", "-d", "falling.yaml")
    stream.run("stream", "wait", "falling", "--for", "checkpoint")
    subtask = "/jobs/falling/vertices/totals/subtasks/1"
    with Server(stream) as server:
        client = Client(server.url)
        first = client.get(subtask)
        again = wait_until("more time to pass", lambda: (now := client.get(subtask))["duration"] > first["duration"] + 500 and now)
        check(again["start-time"] == first["start-time"] and first["attempt"] == 0, f"its start moves: {first} {again}")
        check(client.get("/jobs/falling/vertices/totals/subtasktimes")["subtasks"][1]["timestamps"]["RUNNING"] == first["start-time"], "times")
        born = client.get("/jobs/falling")
        check(born["timestamps"]["RUNNING"] >= born["start-time"] and born["timestamps"]["RESTARTING"] == 0, f"{born['timestamps']}")
        restored = client.get("/jobs/falling/checkpoints")
        check("restored" not in restored["latest"] and restored["counts"]["restored"] == 0, f"{restored['latest']}")

        stream.kill([one["pid"] for one in stream.stats("falling")["instances"] if (one["stage"], one["instance"]) == ("totals", 1)])
        wait_until("the next attempt to run", lambda: client.get(subtask)["attempt"] == 1 and client.get("/jobs/falling")["state"] == "RUNNING")
        now = wait_until("its restart to be told", lambda: (job := client.get("/jobs/falling"))["timestamps"]["RESTARTING"] and job["timestamps"]["RUNNING"] > born["timestamps"]["RUNNING"] and job)
        second = client.get(subtask)
        check(second["start-time"] > first["start-time"], f"{first} {second}")
        check(first["start-time"] < now["timestamps"]["RESTARTING"] <= now["timestamps"]["RUNNING"], f"{now['timestamps']}")
        old = client.get(f"{subtask}/attempts/0")
        check(old["status"] == "FAILED" and old["start-time"] == first["start-time"] and old["end-time"] >= old["start-time"], f"{old}")
        check(old["metrics"]["read-records"] > 0, f"{old}")
        check(client.get(f"{subtask}/attempts/0/accumulators")["user-accumulators"] == [], "accumulators")
        client.refused("GET", f"{subtask}/attempts/7", 404, "nothing is kept of attempt '7'")
        checkpoints = client.get("/jobs/falling/checkpoints")
        check(checkpoints["counts"]["restored"] == 1 and not checkpoints["latest"]["restored"]["is_savepoint"], f"{checkpoints['latest']}")
        check(checkpoints["latest"]["restored"]["id"] > 0, f"{checkpoints['latest']['restored']}")

        stream.run("stream", "cancel", "falling")
        before = client.get("/jobs/falling/checkpoints")
        newest = before["history"][0]["id"]
        check(client.get(subtask)["end-time"] >= client.get(subtask)["start-time"] == second["start-time"], "it has ended")
        stream.run("stream", "run", "-d", "falling.yaml")
        stream.run("stream", "wait", "falling", "--for", "checkpoint")
        after = client.get("/jobs/falling/checkpoints")
        check(after["counts"]["completed"] > before["counts"]["completed"], f"{before['counts']} {after['counts']}")
        check(client.get(f"/jobs/falling/checkpoints/details/{newest}")["discarded"], "it is history, and gone")
        check("restored" not in after["latest"] and after["latest"]["completed"]["id"] > newest, f"{after['latest']}")
        check(os.path.exists(after["latest"]["completed"]["external_path"]) or client.get(
            f"/jobs/falling/checkpoints/details/{after['latest']['completed']['id']}")["discarded"], f"{after['latest']['completed']}")
        check(client.get(f"{subtask}/attempts/0")["status"] == "FAILED", "what was before the new run is forgotten")


def all_checkpoints_are_counted(stream):
    stream.write("quick.yaml", FALLING.replace("falling", "quick").replace("100ms", "5ms"))
    stream.run("stream", "run", "-d", "quick.yaml")
    with Server(stream) as server:
        client = Client(server.url)
        counts = wait_until("many checkpoints", lambda: (now := client.get("/jobs/quick/checkpoints")["counts"])["completed"] > 150 and now, 120)
        check(counts["total"] >= counts["completed"] + counts["failed"], f"{counts}")
        # One that a stage holds up is in progress until it goes on; what has told of itself is there meanwhile.
        held = stream.pid("quick", "out.0")
        stream.kill([held], signal.SIGSTOP)
        try:
            since = {}  # when each was first seen; one that only passes by is not held

            def in_flight():
                told = client.get("/jobs/quick/checkpoints")
                newest = told["history"][0]
                held = time.monotonic() - since.setdefault(newest["id"], time.monotonic()) > 1
                return told if held and told["counts"]["in_progress"] == 1 and 0 < newest["num_acknowledged_subtasks"] < newest["num_subtasks"] else None
            told = wait_until("a checkpoint that stays in flight", in_flight, interval=0.05)
            newest = told["history"][0]
            check(newest["className"] == "in_progress", f"{newest}")
            details = client.get(f"/jobs/quick/checkpoints/details/{newest['id']}")
            check(details["status"] == "IN_PROGRESS" and len(details["tasks"]) == 3, f"{details}")
            held_ms = time.time() * 1000 - newest["trigger_timestamp"]
        finally:
            stream.kill([held], signal.SIGCONT)
        def over():
            told = client.get("/jobs/quick/checkpoints")
            return told if told["counts"]["completed"] > counts["completed"] + 1 and told["history"][-1]["id"] > newest["id"] else None
        spread = wait_until("those behind it", over)["summary"]["end_to_end_duration"]
        check(spread["min"] <= spread["p50"] <= spread["p99"] <= spread["max"] and spread["max"] + 2 >= held_ms, f"{spread} {held_ms}")
    # All that is kept is summed up, not what a list shows.
    with sqlite3.connect(stream.home("quick") / "job.sqlite") as store:
        first, = store.execute("SELECT min(epoch) FROM checkpoints").fetchone()
        store.execute("UPDATE checkpoints SET bytes = 123456789 WHERE epoch = ?", (first,))
    store.close()
    with Server(stream) as server:
        told = Client(server.url).get("/jobs/quick/checkpoints")
        check(told["summary"]["state_size"]["max"] == 123456789 and told["history"][-1]["id"] > first + 100, f"{told['summary']}")


def hosts_have_metrics_and_logs(stream):
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    with Server(stream) as server:
        client = Client(server.url)
        host = client.get("/taskmanagers")["taskmanagers"][0]["id"]
        names = [one["id"] for one in client.get("/jobmanager/metrics")]
        check(len(names) == len(set(names)) and {"numRunningJobs", "numRegisteredTaskManagers"} <= set(names), f"{names}")
        ours = wait_until("metrics of the host", lambda: [one["id"] for one in client.get(f"/taskmanagers/{host}/metrics")])
        check("numRunningJobs" not in ours and "Status.JVM.Memory.Heap.Used" in ours, f"{ours}")
        check(sorted(one["id"] for one in client.get("/taskmanagers/metrics")) == sorted(ours), "aggregated are others")
        used, = wait_until("memory", lambda: [one for one in client.get("/taskmanagers/metrics?get=Status.JVM.Memory.Heap.Used&agg=max,min") if one["max"] > 0])
        check(set(used) == {"id", "max", "min"} and used["max"] == used["min"], f"{used}")
        check(client.get("/taskmanagers/metrics?taskmanagers=x") == [], "of another host")
        names = {log["name"] for log in client.get(f"/taskmanagers/{host}/logs")["logs"]}
        check("live.stream.log" in names and "running" in client.get(f"/taskmanagers/{host}/logs/live.stream.log"), f"{names}")
        check(re.search("^live .* running$", client.get(f"/taskmanagers/{host}/log"), re.M), "the newest lines")
        check(not re.search("running$", client.get(f"/taskmanagers/{host}/stdout"), re.M), "what the supervisor has said")
        client.refused("GET", "/taskmanagers/x/log", 404, "no task manager 'x'")
        client.refused("GET", f"/taskmanagers/{host}/logs/..%2fjob.sqlite", 404, "there is no log")
        check(client.get("/jobs/live/vertices/totals/subtasks/accumulators")["parallelism"] == 2, "accumulators")


COUNTED = """pipeline: counted
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made: {run: generate, rate: 2000, columns: n}
  script: {run: lua, schema: n bigint, parallelism: 2, code: "function on_row(row, state, emit) stream.count('seen') stream.gauge('last', row.n) emit(row) end"}
  through: {run: exec, command: [python3, passed.py], mode: barrier}
  out: {run: write-null}
"""


def what_users_count_is_accumulated(stream):
    """By lua and by programs: of an instance, a vertex, a job; also of attempts and jobs that have ended."""
    stream.write("passed.py", "import sys\nfor line in sys.stdin:\n    print(line, end='', flush=True)\n"
                 "    if '_barrier' not in line:\n        print('{\"_counter\":\"passed\"}', file=sys.stderr)\n")
    stream.write("counted.yaml", COUNTED)
    stream.run("stream", "run", "-d", "counted.yaml")
    with Server(stream) as server:
        client = Client(server.url)

        def counted(path, key="user-accumulators"):
            return {one["name"]: (one["type"], int(one["value"])) for one in client.get(path)[key]}
        base = "/jobs/counted/vertices/script"
        wait_until("both to count", lambda: all("seen" in dict_of_accumulators(one) for one in client.get(f"{base}/subtasks/accumulators")["subtasks"]))
        each = [dict_of_accumulators(one)["seen"] for one in client.get(f"{base}/subtasks/accumulators")["subtasks"]]
        kind, total = counted(f"{base}/accumulators")["seen"]
        check(kind == "LongCounter" and total >= sum(each) > 0 and "last" not in counted(f"{base}/accumulators"), f"{total} {each}")
        wait_until("what a program counts", lambda: counted("/jobs/counted/vertices/through/accumulators").get("passed", ("", 0))[1] > 0)
        check(set(counted("/jobs/counted/accumulators", "user-task-accumulators")) == {"seen", "passed"}, "of the job")
        check(counted("/jobs/counted/vertices/made/accumulators") == {}, "what nobody counts")
        stream.kill([stream.pid("counted", "script.1")])
        wait_until("the next attempt", lambda: client.get(f"{base}/subtasks/1")["attempt"] == 1)
        wait_until("it to be kept", lambda: counted(f"{base}/subtasks/1/attempts/0/accumulators")["seen"][1] >= each[1] > 0)
        wait_until("it to count anew", lambda: "seen" in counted(f"{base}/accumulators"))
        stream.run("stream", "stop", "counted")
        wait_until("its end", lambda: client.get("/jobs/counted/status")["status"] == "FINISHED")
        check(counted(f"{base}/accumulators")["seen"][1] > 0, "at the end")


def dict_of_accumulators(one):
    return {each["name"]: int(each["value"]) for each in one["user-accumulators"]}


def clients_of_flink_find_what_they_ask_for(stream):
    """Or are told why there is no such thing here."""
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    secrets = {role: stream.run("stream", "serve", "--new-token", f"{role}-one={role}", "--tokens", "tokens").strip() for role in ("operate", "admin")}
    with Server(stream) as server:
        client = Client(server.url)
        job = client.get("/jobs/live")["jid"]
        host = client.get("/taskmanagers")["taskmanagers"][0]["id"]
        check(client.get("/jars") == {"address": server.url, "files": []} and client.get("/datasets") == {"dataSets": []}, "there are jars")
        check(client.send("POST", "/jars/upload")[0] == 404, "as Flink without web.submit.enable")
        check(client.ask("PATCH", f"/jobs/{job}/clientHeartbeat", {"expiredTimestamp": 1}, expect=202) == {}, "a heartbeat")
        client.refused("PATCH", f"/jobs/{job}/rescaling?parallelism=2", 503, "PUT /jobs/.*/resource-requirements")
        client.refused("GET", f"/jobs/{job}/rescaling/{'0' * 32}", 503, "resource-requirements")
        for path in ("yarn-cancel", "yarn-stop"):
            client.refused("GET", f"/jobs/{job}/{path}", 403, "PATCH /jobs/.*mode=cancel")
        check(client.get("/jobs/live/status")["status"] == "RUNNING", "a GET has changed something")
        own = client.get("/jobmanager/thread-dump")["threadInfos"]
        check(any(thread["threadName"].startswith("stream-server") for thread in own) and all("Id=" in thread["stringifiedThreadInfo"] for thread in own), f"{own}")
        theirs = wait_until("threads of instances", lambda: client.get(f"/taskmanagers/{host}/thread-dump")["threadInfos"])
        check({thread["threadName"].split()[1] for thread in theirs} == {"made.0", "totals.0", "totals.1", "out.0"}, f"{theirs}")
        log = client.get(f"/jobs/{job}/jobmanager/log-url")["url"]
        check(log.startswith(server.url) and "running" in client.get(log.removeprefix(server.url)), log)
        log = client.get(f"/jobs/{job}/taskmanagers/{host}/log-url")["url"]
        check("running" in client.get(log.removeprefix(server.url)), log)
        check("live" in client.get("/jobmanager/log") and client.get("/jobmanager/stdout") == "", "logs of the server")
        check("stream" in client.get("/jobmanager/environment")["jvm"]["version"], "what it runs on")
        check("lastCheckpointSize" not in client.get("/jobs/live/vertices/totals/jm-operator-metrics"), "of the job")
        wait_until("metrics of a vertex", lambda: {"numRecordsIn", "numRecordsInPerSecond"} <= {one["id"] for one in client.get("/jobs/live/vertices/totals/jm-operator-metrics")})
        sink = {one["id"] for one in client.get("/jobs/live/vertices/out/metrics")}
        check({"0.out.numRecordsSend", "0.out.numRecordsSendErrors"} <= sink and "0.out.sourceIdleTime" not in sink, f"{sink}")
        source = wait_until("how long it had nothing", lambda: (ids := {one["id"] for one in client.get("/jobs/live/vertices/made/metrics")}) and "0.made.sourceIdleTime" in ids and ids)
        check("0.made.numRecordsSend" not in source, f"{source}")
        check(client.get("/overview")["slots-total"] == 4, "slots")
    with Server(stream, "--tokens", "tokens") as server:
        Client(server.url, secrets["operate"]).refused("DELETE", "/cluster", 403, "needs admin")
        check(Client(server.url, secrets["admin"]).ask("DELETE", "/cluster") == {}, "its end")
        wait_until("it to end", lambda: server.process.poll() is not None)
        check(server.process.returncode == 0, f"exit {server.process.returncode}")
    check(stream.stats("live")["job"]["state"] == "RUNNING", "the job has gone with the server")
    ends = [(line["who"], line["outcome"]) for line in audit(stream) if line.get("target") == "/cluster"]
    check(ends == [("operate-one", "refused"), ("admin-one", "done")], f"{ends}")


def dict_of(metrics):
    return {metric["id"]: metric["value"] for metric in metrics}


def changes_by_curl(stream):
    """With nothing else: savepoint, checkpoint, rescale, stop, resume, disposal, cancel."""
    jobs_of_all_kinds(stream)
    (stream.folder / "allowed").mkdir()
    with Server(stream, "--root", stream.folder / "allowed") as server:
        client = Client(server.url)

        def curl(*args):
            return json.loads(stream.run("curl", "-sS", *args))

        def post(path, body, method="POST"):
            return curl("-X", method, "-H", "Content-Type: application/json", "-d", json.dumps(body), server.url + path)

        trigger = post("/jobs/live/savepoints", {"target-directory": str(stream.folder / "allowed"), "triggerId": "a" * 32})["request-id"]
        check(trigger == "a" * 32, trigger)
        check(post("/v1/jobs/live/savepoints", {"triggerId": trigger})["request-id"] == trigger, "sent again, it is the same")
        location = client.outcome("/jobs/live/savepoints", trigger)["location"]
        check(location.startswith(str(stream.folder / "allowed" / "savepoint-")) and os.path.isdir(location), location)
        check(len(client.get("/jobs/live/savepoints")) == 1, "two savepoints were made")
        check(client.get("/jobs/live/checkpoints")["latest"]["savepoint"]["external_path"] == location, "the savepoint is not told")

        number = client.outcome("/jobs/live/checkpoints", post("/jobs/live/checkpoints", {})["request-id"])["checkpointId"]
        check(number > 0, number)

        totals = client.get("/jobs/live")["vertices"][1]["id"]
        check(post("/jobs/live/resource-requirements", {totals: {"parallelism": {"lowerBound": 1, "upperBound": 3}}}, "PUT") == {}, "rescale")
        wait_until("three instances", lambda: client.get("/jobs/live")["vertices"][1]["parallelism"] == 3)
        check(client.get("/jobs/live/resource-requirements")[totals]["parallelism"]["upperBound"] == 3, "told so")

        stopped = client.outcome("/jobs/live/savepoints", post("/jobs/live/stop", {"drain": False})["request-id"])["location"]
        check(os.path.isdir(stopped), stopped)
        wait_until("its end", lambda: client.get("/jobs/live/status")["status"] == "FINISHED")
        check(json.loads(stream.run("stream", "show", "--json", "live"))["state"] == "STOPPED", "stopped")

        resumed = curl("-X", "POST", server.url + "/jobs/live/resume")["request-id"]
        check(client.outcome("/jobs/live/resume", resumed) == {}, "resumed")
        wait_until("it to run", lambda: client.get("/jobs/live/status")["status"] == "RUNNING")
        check(stream.stats("live")["job"]["continued_from"] != "", "it began anew")

        gone = post("/savepoint-disposal", {"savepoint-path": location})["request-id"]
        check(client.outcome("/savepoint-disposal", gone) == {}, "disposal")
        check(not os.path.exists(location) and os.path.isdir(stopped), "the wrong savepoint is gone")

        check(curl("-X", "PATCH", server.url + "/jobs/live?mode=cancel") == {}, "cancel")
        wait_until("its end", lambda: client.get("/jobs/live/status")["status"] == "CANCELED")
        client.refused("POST", "/jobs/live/resume", 409, "is CANCELLED; POST /pipelines with its manifest")
        client.refused("PATCH", "/jobs/live", 409, "is CANCELLED; a cancellation needs a running one")
        lines = [line for line in audit(stream) if "method" in line]
        check([line["method"] for line in lines] == ["POST", "POST", "POST", "PUT", "POST", "POST", "POST", "PATCH", "POST", "PATCH"], f"{lines}")
        check(all(line["remote"] == "127.0.0.1" and line["status"] in (200, 202) and line["outcome"] == "accepted" for line in lines[:8]), f"{lines}")
        check(all(line["outcome"] == "refused" and "is CANCELLED" in line["why"] for line in lines[8:]), f"{lines[8:]}")
        ends = wait_until("the end of each to be noted", lambda: (found := ended(stream)) and set(found) == {line["operation"] for line in lines[:8]} and found)
        check(all(end["outcome"] == "done" and end["took_us"] > 0 and end["remote"] == "127.0.0.1" for end in ends.values()), f"{ends}")
        check([ends[line["operation"]]["what"] for line in lines[:8]] == ["savepoint", "savepoint", "checkpoint", "rescale", "stop", "resume", "disposal", "cancel"], f"{ends}")


def audit(stream):
    return [json.loads(line) for line in (stream.folder / "home/.serve/audit.log").read_text().splitlines()]


def ended(stream):
    """What came of what requests have begun, by the id of that."""
    return {line["operation"]: line for line in audit(stream) if "method" not in line}


def what_failed_is_in_the_audit(stream):
    """Who has asked, for what, and why nothing came of it: refused at once, or failed later."""
    stream.write("live.yaml", LIVE)
    stream.write("ended.yaml", ENDED)
    stream.run("stream", "run", "-d", "live.yaml")
    with Server(stream) as server:
        client = Client(server.url)
        client.refused("POST", "/savepoint-disposal", 404, "no job has made", body={"savepoint-path": "x"})
        at, = client.ask("POST", "/jobs/live/savepoints", {}, expect=202).values()
        made = client.outcome("/jobs/live/savepoints", at)["location"]
        # It is gone when it is to be deleted: that is seen only then.
        begun = [client.ask("POST", "/savepoint-disposal", {"savepoint-path": made})["request-id"] for _ in range(2)]
        outcomes = [client.outcome("/savepoint-disposal", one) for one in begun]
        failed = [one for one, told in zip(begun, outcomes) if told]
        for arguments, code in ((["cancel", "nobody"], 100), (["savepoint", "live"], 0)):
            text = client.send("POST", "/commands", {"arguments": arguments})[2]
            check(json.loads(text.splitlines()[-1]) == {"exit": code} or code == 100, text)
        ends = wait_until("all ends", lambda: (found := ended(stream)) and len(found) >= 4 and found)
        check(ends[at]["outcome"] == "done" and ends[at]["job"] == "live", f"{ends[at]}")
        for one in begun:
            check((ends[one]["outcome"] == "failed") == (one in failed) == ("why" in ends[one]), f"{ends[one]}")
        lines = audit(stream)
        first = lines[0]
        check(first["outcome"] == "refused" and "no job has made" in first["why"] and first["who"] == "", f"{first}")
        commands = {line["command"]: line for line in lines if line.get("what") == "command"}
        check(commands["savepoint live"]["outcome"] == "done", f"{commands}")
        check(commands["cancel nobody"]["outcome"] == "failed" and "there is no job 'nobody'" in commands["cancel nobody"]["why"], f"{commands}")
        accepted = [line["operation"] for line in lines if line.get("outcome") == "accepted"]
        check(sorted(accepted) == sorted(ends), f"{accepted} {list(ends)}")


def wrong_requests_say_why(stream):
    jobs_of_all_kinds(stream)
    (stream.folder / "allowed").mkdir()
    os.symlink("/etc", stream.folder / "allowed/out")
    with Server(stream, "--root", stream.folder / "allowed") as server:
        client = Client(server.url)
        client.refused("GET", "/jobs/" + "0" * 32, 404, "no job '0{32}'; /jobs lists all")
        client.refused("GET", "/jobs/liev", 404, "did you mean 'live'")
        client.refused("GET", "/job/overview", 404, "did you mean '/jobs/overview'")
        client.refused("GET", "/jobs/live/vertices/total", 404, "no vertex 'total'; did you mean 'totals'")
        client.refused("GET", "/jobs/live/vertices/totals/subtasks/7", 404, "no subtask '7'; they count from 0 to 1")
        client.refused("GET", "/jobs/live/checkpoints/details/x", 404, "no checkpoint 'x'")
        client.refused("GET", "/jobs/live/savepoints/" + "b" * 32, 404, "no operation")
        client.refused("GET", "/taskmanagers/x", 404, "no task manager 'x'")
        client.refused("GET", "/jobs/live/vertices/totals/subtasks/metrics?subtasks=0-9", 400, "'0-9'")
        client.refused("GET", "/jobs/live/vertices/totals/subtasks/metrics?agg=median", 400, "'median'; it takes min")
        client.refused("GET", "/jobs/%zz", 400, "'%'")
        status, headers, _ = client.send("DELETE", "/jobs/live")
        check(status == 405 and headers["Allow"] == "GET, PATCH", f"{status} {headers}")
        client.refused("POST", "/overview", 405, "it takes GET")
        client.refused("PATCH", "/jobs/live?mode=kill", 400, "'kill'; it takes cancel")
        client.refused("POST", "/jobs/live/savepoints", 400, "no JSON", body="{")
        client.refused("POST", "/jobs/live/savepoints", 400, "must be an object", body=[])
        client.refused("POST", "/jobs/live/savepoints", 400, "no field 'target'; .*it takes target-directory", body={"target": "x"})
        client.refused("POST", "/jobs/live/savepoints", 400, "'triggerId' must be 32 hex", body={"triggerId": "x"})
        client.refused("POST", "/jobs/live/savepoints", 415, "Content-Type application/json", body="{}", content_type="text/plain")
        client.refused("PUT", "/jobs/live/resource-requirements", 400, "lowerBound", body={"totals": {"parallelism": {"lowerBound": 2, "upperBound": 1}}})
        client.refused("PUT", "/jobs/live/resource-requirements", 404, "no vertex 'x'", body={"x": {"parallelism": {"upperBound": 1}}})
        for job, state in (("broken", "FAILED"), ("ended", "FINISHED")):
            client.refused("POST", f"/jobs/{job}/savepoints", 409, f"is {state}; a savepoint needs a running one", body={})
            events = client.get(f"/jobs/{job}/events")
            client.refused("PATCH", f"/jobs/{job}?mode=cancel", 409, f"is {state}; a cancellation needs a running one")
            check(client.get(f"/jobs/{job}/summary")["state"] == state and client.get(f"/jobs/{job}/events") == events, f"{job} is another")
        client.refused("POST", "/jobs/live/resume", 409, "runs already")
        client.refused("POST", "/jobs/ended/resume", 409, "is FINISHED; POST /pipelines .* starts it anew")
        client.refused("POST", "/savepoint-disposal", 404, "no job has made a savepoint", body={"savepoint-path": str(stream.folder)})
        for place in ("/etc", "allowed", str(stream.folder / "allowed/../home"), str(stream.folder / "allowed/out"), str(stream.folder / "allowedx")):
            client.refused("POST", "/jobs/live/savepoints", 400, "absolute path|--root", body={"target-directory": place})
        for name in ("..%2f..%2f..%2fetc%2fpasswd", "live.job.sqlite", "live.%2e%2e", "..", "live.stream.log%2f..%2f..%2fjob.sqlite"):
            client.refused("GET", f"/jobmanager/logs/{name}", 404, "there is no")
        # A page from elsewhere, and a name from elsewhere that leads here.
        client.refused("POST", "/jobs/live/stop", 403, "a page of 'http://evil.example'", body={}, headers={"Origin": "http://evil.example"})
        client.refused("GET", "/jobs", 403, "called localhost, not 'evil.example'", headers={"Host": "evil.example"})
        check("Access-Control-Allow-Origin" not in client.send("GET", "/jobs", headers={"Origin": "http://evil.example"})[1], "CORS is open")
        check(client.get("/jobs/live/status")["status"] == "RUNNING", "the job was harmed")
        check(client.send("HEAD", "/jobs")[2] == "", "HEAD has a body")


def raw(client, data, patience=20):
    """What comes back for these bytes, until the server closes."""
    with socket.create_connection((client.host, client.port), timeout=patience) as connection:
        connection.sendall(data)
        came = b""
        while chunk := connection.recv(65536):
            came += chunk
    return came


def what_is_too_much_is_refused(stream):
    stream.write("ended.yaml", ENDED)
    stream.run("stream", "run", "ended.yaml")
    with Server(stream) as server:
        client = Client(server.url)
        stream.write("large", " " * (5 << 20))
        large = ("-X", "POST", "-H", "Content-Type: application/json", "--data-binary", "@large", server.url + "/savepoint-disposal")
        check("larger than" in json.loads(stream.run("curl", "-sS", *large))["errors"][0], "a large body")
        chunks = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        came = raw(client, b"POST /savepoint-disposal HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks * 6)
        check(came.startswith(b"HTTP/1.1 413"), f"{came[:200]}")
        packed = b"POST /savepoint-disposal HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
        check(raw(client, packed).startswith(b"HTTP/1.1 415"), "a packed body")
        came = raw(client, b"GET /jobs HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000 + b"\r\n")
        check(came.startswith(b"HTTP/1.1 431"), f"{came[:200]}")
        came = raw(client, b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nRange: bytes=0-0,1-1" + b",2-2" * 500 + b"\r\n\r\n")
        check(came.startswith(b"HTTP/1.1 200") and len(came) < 2000, f"{came[:200]}")
        check(raw(client, b"\x16\x03\x01 nonsense\r\n\r\n").startswith(b"HTTP/1.1 400"), "nonsense")
        began = time.monotonic()
        slow = [socket.create_connection((client.host, client.port)) for _ in range(200)]  # of clients that say nothing, or half a word
        for connection in slow[:100]:
            connection.sendall(b"GET /jobs HTT")
        check(len(client.get("/jobs")["jobs"]) == 1, "others are answered meanwhile, or soon")
        took = time.monotonic() - began
        for connection in slow:
            connection.settimeout(60)
            while connection.recv(4096):
                pass
            connection.close()
        check(took < 20, f"answered after {took} s")


def tokens_and_their_roles(stream):
    jobs_of_all_kinds(stream)
    made = Certificates(stream.folder)
    secrets = {role: stream.run("stream", "serve", "--new-token", f"{role}-one={role}", "--tokens", "tokens").strip() for role in ("read", "operate", "admin")}
    kept = (stream.folder / "tokens").read_text()
    check(not any(secret in kept for secret in secrets.values()) and kept.count("\n") == 3, kept)
    with Server(stream, "--tokens", "tokens", "--tls-cert", made.server, "--tls-key", made.server_key) as server:
        check(server.url.startswith("https://"), server.url)
        context = ssl.create_default_context(cafile=str(made.authority))
        client = {role: Client(server.url, secret, context) for role, secret in {**secrets, "none": None, "wrong": "x" * 64}.items()}
        client["none"].refused("GET", "/jobs", 401, "a token is needed")
        check(client["none"].send("GET", "/jobs")[1]["WWW-Authenticate"] == "Bearer", "how to send one")
        client["wrong"].refused("GET", "/jobs", 401, "not known")
        check(len(client["read"].get("/jobs")["jobs"]) == 3, "reading")
        check(len(client["read"].get("/jobs", headers={"Host": "stream.example"})["jobs"]) == 3, "by another name")
        client["read"].refused("POST", "/jobs/live/checkpoints", 403, "'read-one' has the role read; POST .* needs operate", body={})
        check(client["operate"].ask("POST", "/jobs/live/checkpoints", {}, expect=202)["request-id"], "operating")
        client["operate"].refused("POST", "/savepoint-disposal", 403, "needs admin", body={"savepoint-path": "x"})
        client["admin"].refused("POST", "/savepoint-disposal", 404, "no job has made", body={"savepoint-path": "x"})
        lines = [line for line in audit(stream) if "method" in line]
        check([(line["who"], line["status"]) for line in lines] == [("read-one", 403), ("operate-one", 202), ("operate-one", 403), ("admin-one", 404)], f"{lines}")
        try:
            Client(server.url, secrets["read"], ssl.create_default_context(cafile=str(made.stranger))).get("/jobs")
            check(False, "a stranger's authority has signed it")
        except ssl.SSLError:
            pass
        check(raw(client["read"], b"GET /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n").find(b"200 OK") < 0, "it answers in the clear")


def others_are_let_in_only_with_token_and_tls(stream):
    stream.run("stream", "serve", "--new-token", "one=read", "--tokens", "tokens")
    for args, says in ((("--http", "0.0.0.0:0"), "others can reach 0.0.0.0:0: give --tokens"),
                       (("--http", ":0", "--insecure"), "give --tokens"),
                       (("--http", "[::]:0", "--tokens", "tokens"), "give --tls-cert"),
                       (("--http", "127.0.0.1:0", "--tls-cert", "x"), "both"),
                       (("--http", "nowhere"), "no address to listen at"),
                       (("--new-token", "two=root", "--tokens", "tokens"), "'root' is no role"),
                       (("--new-token", "two=read"), "needs '--tokens'"),
                       (("--http", "127.0.0.1:0", "--tokens", "/dev/null"), "can be written by others"),
                       (("--http", "127.0.0.1:0", "--root", "nowhere"), "no folder that is there"),
                       (("nobody",), "there is no job 'nobody'")):
        stream.run("stream", "serve", *args, expect=100)
        check(says in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{args}: {stream.last_stderr}")
    os.chmod(stream.folder / "tokens", 0o666)
    stream.run("stream", "serve", "--http", "127.0.0.1:0", "--tokens", "tokens", expect=100)
    os.chmod(stream.folder / "tokens", 0o600)
    with Server(stream, "--http", "0.0.0.0:0", "--tokens", "tokens", "--insecure") as server:
        at = server.url.replace("0.0.0.0", "127.0.0.1")
        Client(at).refused("GET", "/jobs", 401, "a token is needed")
        stream.run("stream", "serve", "--http", urllib.parse.urlsplit(at).netloc, expect=111)
        check("unable to listen at '127.0.0.1:" in stream.last_stderr, stream.last_stderr)


def killed_and_started_again_it_finds_its_jobs(stream):
    stream.write("live.yaml", LIVE)
    stream.run("stream", "run", "-d", "live.yaml")
    with Server(stream) as server:
        first = Client(server.url).get("/jobs")
        server.process.kill()
    before = stream.instances("live")
    with Server(stream) as server:
        client = Client(server.url)
        check(client.get("/jobs") == first, "other jobs")
        check(stream.instances("live") == before, "the job was started anew")
        # A job that is gone on with, or begins, is seen without anybody saying so.
        stream.kill(stream.processes("live"))
        wait_until("its death to be told", lambda: client.get("/jobs/live/status")["status"] == "SUSPENDED")
        stream.run("stream", "resume", "live")
        wait_until("its life", lambda: client.get("/jobs/live/status")["status"] == "RUNNING")
        check([job["id"] for job in client.get("/jobs")["jobs"]] == [first["jobs"][0]["id"]], "its id has changed")


def one_job_alone(stream):
    stream.write("live.yaml", LIVE)
    stream.write("ended.yaml", ENDED)
    stream.run("stream", "run", "ended.yaml")
    stream.run("stream", "run", "-d", "live.yaml")
    with Server(stream, "live") as server:
        client = Client(server.url)
        check([job["name"] for job in client.get("/jobs/overview")["jobs"]] == ["live"], "another job is told")
        client.refused("GET", "/jobs/ended", 404, "no job 'ended'")
        client.refused("GET", "/jobmanager/logs/ended.stream.log", 404, "no log")


SENT = """pipeline: sent
stages:
  made: {run: generate, columns: n, rows: 1000}
  out: {run: write-file, path: sent.ndjson}
"""


def a_manifest_is_sent_and_runs(stream):
    """And nothing comes of one that names what is not allowed."""
    root = stream.folder / "root"
    root.mkdir()
    os.symlink(stream.folder, root / "out")
    stream.write("secret", "words\n")
    stream.write("root/part.yaml", "stages:\n  out: {run: write-null}\n")
    stream.environment["WORDS"] = "secret words"
    stream.environment["TOKEN"] = "words"
    with Server(stream, "--root", root) as server:
        client = Client(server.url)
        yaml = {"content_type": "application/yaml"}
        check(client.ask("POST", "/pipelines/validate", SENT, **yaml) == {"valid": True, "problems": []}, "a good one")
        check(not stream.home("sent").exists(), "it was started")
        begun, = client.ask("POST", "/pipelines", SENT, **yaml)["jobs"]
        check(begun["name"] == "sent" and client.get(f"/jobs/{begun['jid']}")["name"] == "sent", f"{begun}")
        stream.run("stream", "wait", "sent")
        check((root / "sent.ndjson").read_text().count("\n") == 1000, "its rows")
        wrong = client.ask("POST", "/pipelines/validate", SENT.replace("rows: 1000", "rows: x").replace("run: write-file", "run: write-fiel"), **yaml)
        check(not wrong["valid"] and all(re.match(r"manifest:[34]:", line) for line in wrong["problems"]), f"{wrong}")
        rows = "made: {run: generate, columns: n, rows: 1}"
        for stages, says in ((f"{rows}\n  out: {{run: write-file, path: {stream.folder}/x}}", "is not inside a folder"),
                             (f"{rows}\n  out: {{run: write-file, path: ../x}}", "is not inside a folder"),
                             (f"{rows}\n  out: {{run: write-file, path: out/x}}", "is not inside a folder"),
                             ("made: {run: read-file, path: /etc/passwd, format: lines}", "is not inside a folder"),
                             ("made: {run: read-file, path: 'out/sec*', format: lines}", "is not inside a folder"),
                             (f"{rows}\n  via: {{run: exec, command: 'touch x', schema: n bigint}}", "--allow-exec"),
                             (f"{rows}\n  via: {{run: lua, code: 'return row', trusted: true}}", "--allow-exec"),
                             (f"{rows}\n  via: {{run: lua, script: ../x.lua}}", "is not inside a folder"),
                             (f"{rows}\n  out: {{run: write-http, url: 'http://127.0.0.1:1/', token: 'env:TOKEN'}}", "a secret of the server|no option"),
                             (f"{rows}\n  out: {{run: write-redis, stream: x, password: 'env:TOKEN'}}", "names a secret of the server"),
                             (f"{rows}\n  out: {{run: write-redis, stream: x, password: 'file:../secret'}}", "is not inside a folder"),
                             (f"{rows}\n  out: {{run: write-file, path: '${{env:WORDS}}'}}", "WORDS")):
            text = f"pipeline: bad\nstages:\n  {stages}\n"
            status, _, answer = client.send("POST", "/pipelines", text, **yaml)
            check(status == 400 and re.search(says, answer), f"{stages}: {status} {answer}")
            check(not client.ask("POST", "/pipelines/validate", text, **yaml)["valid"], stages)
        for text, says in (("pipeline: bad\ninclude: {part: ../part.yaml}\nstages:\n  part: {run: part}\n", "is not inside a folder"),
                           ("pipeline: bad\ncheckpoint: {path: /tmp/x}\nstages:\n  made: {run: generate, columns: n}\n", "is not inside a folder"),
                           ("generate --rows 1 | write-file x", "manifest"), ('"generate --rows 1 | exec touch-it": x', "manifest|unknown"), ("", "manifest|empty")):
            status, _, answer = client.send("POST", "/pipelines", text, **yaml)
            check(status == 400 and re.search(says, answer), f"{text}: {status} {answer}")
        check(stream.jobs() == ["sent"] and not (stream.folder / "x").exists(), f"{stream.jobs()}")
        client.refused("POST", "/pipelines", 415, "application/yaml", body=SENT, content_type="text/plain")
    with Server(stream, "--root", root, "--allow-exec") as server:
        text = SENT.replace("sent", "sends").replace("  out:", "  via: {run: exec, command: cat, schema: n bigint}\n  out:")
        Client(server.url).ask("POST", "/pipelines", text, content_type="application/yaml")
        stream.run("stream", "wait", "sends")


def a_run_is_served_as_long_as_it_lasts(stream):
    stream.write("live.yaml", LIVE)
    job = stream.start("stream", "run", "live.yaml", "--http", "127.0.0.1:0", stderr=subprocess.PIPE)
    line = job.stderr.readline()
    found = re.fullmatch(r"live: served at (http://127.0.0.1:\d+)\n", line)
    check(found, line)
    client = Client(found[1])
    wait_until("it to run", lambda: '"RUNNING"' in client.send("GET", "/jobs/live/status")[2])
    server, = servers_of(job.pid)
    stream.kill([server])  # and the job goes on
    wait_until("its end", lambda: not servers_of(job.pid))
    check(stream.stats("live")["job"]["state"] == "RUNNING", "the job is gone with its server")
    stream.run("stream", "cancel", "live")
    check(job.wait(timeout=60) == 0, job.stderr.read())
    stream.run("stream", "run", "-d", "live.yaml", "--http", "0")
    at = re.search(r"http://\S+", stream.last_stderr)[0]
    check(Client(at).get("/overview")["jobs-running"] == 1, "a job in the background")
    stream.run("stream", "run", "live.yaml", "--http", urllib.parse.urlsplit(at).netloc, "--name", "other", expect=1)
    check("unable to listen" in stream.last_stderr, stream.last_stderr)
    stream.kill([stream.stats("live")["job"]["supervisor_pid"]])
    wait_until("the server to follow", lambda: not listens(at))
    stream.run("stream", "run", "live.yaml", "--http", "0.0.0.0:0", expect=100)
    check("'stream serve' serves others" in stream.last_stderr, stream.last_stderr)


def servers_of(pid):
    found = []
    for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split():
        try:
            if pathlib.Path(f"/proc/{child}/cmdline").read_text().split("\0")[0].endswith("/stream-server"):
                found.append(int(child))
        except OSError:  # gone meanwhile
            pass
    return found


def listens(url):
    at = urllib.parse.urlsplit(url)
    try:
        socket.create_connection((at.hostname, at.port), timeout=1).close()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    main([answers_have_the_form_of_both_documents, every_attempt_is_remembered, all_checkpoints_are_counted, hosts_have_metrics_and_logs, what_is_told_is_what_there_is, changes_by_curl, what_failed_is_in_the_audit, what_users_count_is_accumulated, clients_of_flink_find_what_they_ask_for, a_manifest_is_sent_and_runs, wrong_requests_say_why, what_is_too_much_is_refused,
          tokens_and_their_roles, others_are_let_in_only_with_token_and_tls, killed_and_started_again_it_finds_its_jobs, one_job_alone,
          a_run_is_served_as_long_as_it_lasts])
