#!/usr/bin/env python3
"""`stream deploy --on flink` without a Flink: what is translated, what is refused, and how a script is handed over.

That the scripts compute the same on a real Flink is for tests/flink/flink.py.
"""

import http.server
import json
import pathlib
import re
import shutil
import sys
import threading

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
sys.path.insert(0, str(TOP / "tests" / "flink"))
from flink import NEXMARK, REFUSED, of_files  # noqa: E402
from harness import check, main  # noqa: E402

FLINK = ["--on", "flink"]
SIMPLE = "generate 'n, n % 3 as k' --rows 9 | aggregate --by k 'count(*) as n' | print"
JOB = "0123456789abcdef0123456789abcdef"


def refused(stream, *args, code=100):
    printed = stream.run("stream", "deploy", *args, *FLINK, expect=code)
    check(printed == "", f"something is printed: {printed}")
    return stream.last_stderr


def has(text, *parts):
    for part in parts:
        check(part in text, f"no '{part}' in: {text}")


def samples(stream):
    """The one that is made for it is translated; the others are refused, each for what it has no counterpart of."""
    shutil.copytree(TOP / "manifests", stream.folder / "manifests")
    script = stream.run("stream", "deploy", "manifests/errors-per-minute.yaml", *FLINK, "--render")
    wanted = (TOP / "tests" / "flink" / "errors-per-minute.sql").read_text()
    check(script.replace(str(stream.folder), "") == wanted, f"the script is\n{script}")
    why = {"card-fraud": ("(match)", "(write-sqlite)"), "heartbeat": ("option 'rows'", "(write-sqlite)"),
           "iot-sessions": ("(read-mqtt)", "(write-sqlite)"), "paid-orders": ("other random numbers", "(write-sqlite)"),
           "visits": ("option 'follow'", "stage 'table' (write-sqlite)", "stage 'slow' (write-sqlite)"),
           "web-errors": ("option 'follow'", "option 'lateness'", "(write-sqlite)", "output 'late'", "output 'errors'"),
           "package-log": ("no pattern of names", "format 'regex'", "option 'pattern'", "lines' (read-file), option 'zone'", "option 'on-error'",
                           "per-hour' (aggregate), option 'zone'", "(write-sqlite)")}
    stream.write("dpkg.log", "2026-01-31 12:00:00 install a\n")
    for name, parts in why.items():
        log = ["-p", "log=dpkg.log*"] if name == "package-log" else []
        told = refused(stream, f"manifests/{name}.yaml", *log, "--render")
        has(told, *(part for part in parts if not log or "pattern of names" not in part))
        check(all(re.match(rf"manifests/{name}\.yaml:\d+:\d+: ", line) for line in told.splitlines()), f"no places: {told}")


def nexmark(stream):
    for kind in ("person", "auction", "bid"):
        stream.write(f"{kind}.ndjson", "")
    for number in range(24):
        manifest = of_files(stream, f"q{number}")
        sink = [] if number == 10 else ["-p", "sink=print"]
        if f"q{number}" not in REFUSED:
            has(stream.run("stream", "deploy", manifest, *sink, *FLINK, "--render"), "EXECUTE STATEMENT SET")
    has(refused(stream, "q10.yaml", "--render"), "option 'by'", "option 'success-after'", "TIMESTAMP, which Flink writes otherwise in CSV")
    has(refused(stream, "q12.yaml", "--render"), "q12.yaml:", "option 'clock'")
    has(refused(stream, "q13.yaml", "--set", "stages.bids.static=false", "--render"), "(lookup), option 'static'")
    has(refused(stream, NEXMARK / "q0.yaml", "--render"), "option 'nexmark'")


def refusals(stream):
    """All of them at once, each at its place, and in expressions at the part that is meant."""
    stream.write("in.ndjson", '{"ts":"2026-01-31T12:00:00Z","j":{"a":1},"n":1}\n')
    stream.write("bad.yaml", """pipeline: bad
stages:
  rows: {run: read-file, path: in.ndjson, time: ts, idle: 1s}
  some: {run: filter, where: n > 0 and random() > 0.5}
  more:
    run: select
    columns: n, ts, greatest(n, 2) as g
    on-error: skip
  counts: {run: aggregate, by: n, window: count 10, compute: median(n) as m, ttl: 1h}
  out: {run: print}
  late: {run: sample, from: more, fraction: 0.5}
  end: {run: write-sqlite, path: x.db, table: t}
""")
    told = refused(stream, "bad.yaml", "--render")
    has(told, "bad.yaml:3:", "option 'idle'", "bad.yaml:4:40: stage 'some' (filter), option 'where': function random()",
        "bad.yaml:7:21: stage 'more' (select), option 'columns': Flink's GREATEST", "option 'on-error'", "windows of so many rows",
        "median() has no exact counterpart", "option 'ttl'", "stage 'late' (sample)", "stage 'end' (write-sqlite)")
    has(refused(stream, SIMPLE), "--render", "--gateway", "--sql-client")
    stream.run("stream", "deploy", SIMPLE, "--on", "mars", "--render", expect=100)
    has(stream.last_stderr, "flink")


def settings(stream):
    """What a manifest says of the whole job, and what the command line changes of it."""
    stream.write("set.yaml", """pipeline: set
parameters: {rows: {type: bigint, default: 9}}
checkpoint: {interval: 2s, mode: at-least-once, keep: 5}
restart: {strategy: fixed-delay, attempts: 4, delay: 3s}
key-groups: 64
stages:
  made: {run: generate, rows: "${rows}", columns: "n, n % 3 as k"}
  totals: {run: aggregate, by: k, compute: count(*) as c, ttl: 90s, parallelism: 3}
  out: {run: print}
""")
    script = stream.run("stream", "deploy", "set.yaml", "-p", "rows=12", *FLINK, "--render")
    has(script, "'execution.checkpointing.interval' = '2 s'", "'AT_LEAST_ONCE'", "'execution.checkpointing.num-retained' = '5'",
        "'restart-strategy.type' = 'fixed-delay'", "'restart-strategy.fixed-delay.attempts' = '4'", "'restart-strategy.fixed-delay.delay' = '3 s'",
        "'pipeline.max-parallelism' = '64'", "'parallelism.default' = '3'", "'table.exec.state.ttl' = '90 s'", "'number-of-rows' = '12'")
    script = stream.run("stream", "deploy", "set.yaml", "--set", "checkpoint.interval=none", *FLINK, "--render")
    check("execution.checkpointing" not in script, script)


class Gateway(http.server.BaseHTTPRequestHandler):
    """What a SQL gateway is asked, and what it answers; the statement that holds `fails` fails."""

    statements, closed, fails = [], [], None

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/sessions":
            return self.answer({"sessionHandle": "s1"})
        self.statements.append(asked["statement"])
        return self.answer({"operationHandle": "o1"})

    def do_GET(self):
        if self.path == "/v1/sessions/s1":
            return self.answer({"properties": {"rest.address": "flink", "rest.port": "8081"}})
        newest = self.statements[-1]
        if self.fails and self.fails in newest:
            trace = "org.Outer: Failed\n\tat a.b(C.java)\nCaused by: org.Inner: No such column\n\tat a.b(C.java)\n"
            return self.answer({"errors": ["Internal server error.", trace]}, 500)
        if "/result/0" in self.path:
            return self.answer({"resultType": "PAYLOAD", "nextResultUri": "/v1/sessions/s1/operations/o1/result/1?rowFormat=JSON",
                                **({"jobID": JOB} if newest.startswith("EXECUTE") else {})})
        return self.answer({"resultType": "EOS"})

    def do_DELETE(self):
        self.closed.append(self.path)
        self.answer({"status": "CLOSED"})

    def log_message(self, *_):
        pass


def gateway(stream):
    """A statement at a time; the job's id is printed; a session that fails is closed as well."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    check(stream.run("stream", "deploy", SIMPLE, *FLINK, "--gateway", url + "/") == JOB + "\n", "no job")
    has(stream.last_stderr, f"watch it at http://flink:8081/#/job/{JOB}/overview")
    script = re.sub(r"^--.*\n|^\n", "", stream.run("stream", "deploy", SIMPLE, *FLINK, "--render"), flags=re.MULTILINE)
    check("".join(s + ";\n" for s in Gateway.statements) == script, f"asked: {Gateway.statements}")
    told = json.loads(stream.run("stream", "deploy", SIMPLE, *FLINK, "--gateway", url, "--json"))
    check(told["job"] == JOB and told["target"] == "flink" and told["pipeline"].startswith("adhoc-"), f"told: {told}")
    Gateway.fails, Gateway.closed[:] = "CREATE TEMPORARY VIEW", []
    has(refused(stream, SIMPLE, "--gateway", url, code=1), "Flink refuses 'CREATE TEMPORARY VIEW", "org.Inner: No such column")
    check(Gateway.closed == ["/v1/sessions/s1"], f"closed: {Gateway.closed}")
    server.shutdown()
    server.server_close()
    has(refused(stream, SIMPLE, "--gateway", url, code=111), "not reachable", "sql-gateway.sh")
    has(refused(stream, SIMPLE, "--gateway", "flink:8083"), "no address")


def client(stream):
    """It gets the script as a file, which is gone afterwards."""
    program = stream.write("client.sh", "#!/bin/sh\ntest \"$1\" = -f && cat \"$2\" && echo \"$2\" > name && exit ${CLIENT_EXIT:-0}\n")
    program.chmod(0o755)
    given = stream.run("stream", "deploy", SIMPLE, *FLINK, "--sql-client", program)
    check(given == stream.run("stream", "deploy", SIMPLE, *FLINK, "--render"), f"given: {given}")
    check(not pathlib.Path((stream.folder / "name").read_text().strip()).exists(), "the file is left")
    stream.environment["CLIENT_EXIT"] = "7"
    stream.run("stream", "deploy", SIMPLE, *FLINK, "--sql-client", program, expect=1)
    quiet = stream.write("quiet.sh", "#!/bin/sh\necho '[ERROR] Could not execute SQL statement.'\n")
    quiet.chmod(0o755)
    stream.run("stream", "deploy", SIMPLE, *FLINK, "--sql-client", quiet, expect=1)
    has(refused(stream, SIMPLE, "--sql-client", stream.folder / "none"), "--sql-client", "No such file")


def manual_tells_the_tables(stream):
    """stream-flink(7) names every stage, option and function that the compiler's tables have."""
    page = (TOP / "man" / "stream-flink.7").read_text()
    source = (TOP / "supervisor" / "flink" / "table.cc").read_text()
    for kind in ("StageRow", "RefusedStage"):
        for name in re.findall(kind + r'\{"([a-z-]+)"', source):
            check(re.search(rf"\b{name}\b", page), f"stream-flink(7) does not name the stage {name}")
    functions = (TOP / "supervisor" / "flink" / "functions.cc").read_text()
    for name in re.findall(r'FunctionRow\{"([a-z_0-9]+)"', functions):
        check(re.search(rf"\b{name}\b", page), f"stream-flink(7) does not name {name}()")
    stages = set(re.findall(r'(?:StageRow|RefusedStage)\{"([a-z-]+)"', source))
    there = {json.loads(line)["name"] for line in stream.run("stream", "stages", "--json").splitlines()}
    check(stages == there, f"neither translated nor refused: {sorted(there - stages)}; no stages: {sorted(stages - there)}")


if __name__ == "__main__":
    main([samples, nexmark, refusals, settings, gateway, client, manual_tells_the_tables])
