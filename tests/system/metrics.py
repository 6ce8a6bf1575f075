"""Metrics of running jobs, in the receivers they are for."""

import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from certificates import Certificates  # noqa: E402
from harness import check, free_port, main, wait_until  # noqa: E402
from metrics_servers import (Carbon, Datagrams, Deaf, Gmond, InfluxDb, Prometheus, PushGateway, Requests, absent, fetch)  # noqa: E402
from otlp import faults, request_faults  # noqa: E402

JOB = """
pipeline: counted
checkpoint: {interval: 100ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
metrics: METRICS
stages:
  made: {run: generate, rate: 2000, columns: "n, n % 10 as k, to_timestamp(n / 1000) as ts", time: ts}
  script:
    run: lua
    schema: n bigint, k bigint, ts timestamp
    code: |
      function on_row(row, state, emit)
        stream.count('seen')
        stream.gauge('last n', row.n)
        stream.meter('rows met')
        stream.histogram('spread of n', row.n)
        emit(row)
      end
  totals: {run: aggregate, by: [k], compute: "count(*) as n", parallelism: 2}
  out: {run: write-null}
"""
TASK = "flink_taskmanager_job_task_"
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
ALERTS, BOARD = TOP / "monitoring" / "alerts.yaml", TOP / "monitoring" / "grafana.json"


def start(stream, metrics, **environment):
    """A running job with these reporters, a YAML text."""
    stream.environment.update(environment)
    stream.write("counted.yaml", JOB.replace("metrics: METRICS\n", f"metrics: {metrics}\n" if metrics else ""))
    stream.run("stream", "run", "-d", "counted.yaml")


def log(stream):
    return stream.run("stream", "logs", "counted")


def promtool_has_nothing_against(text):
    """But for names, which are Flink's."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
    bad = [line for line in (done.stdout + done.stderr).splitlines()
           if not re.search("snake_case|camelCase|_total|base unit|abbreviated|reserved|should not (contain|include)|non-histogram", line)]
    check(not bad and done.returncode in (0, 3), f"promtool: {done.returncode}: {bad[:5]}")


def prometheus_fetches_what_a_job_counts(stream):
    port = free_port()
    start(stream, f"{{prometheus: {{address: '127.0.0.1:{port}', labels: {{env: test}}}}}}")
    status, text = wait_until("the first answer", lambda: (lambda a: a[0] == 200 and TASK in a[1] and a)(fetch(f"http://127.0.0.1:{port}/metrics")))
    check(status == 200, status)
    check(fetch(f"http://127.0.0.1:{port}/other")[0] == 404, "/other")
    if not absent("promtool"):
        promtool_has_nothing_against(text)
    if absent("prometheus"):
        return
    with Prometheus(stream.folder / "prometheus", f"127.0.0.1:{port}", rules=ALERTS) as server:
        wait_until("a checkpoint", lambda: any(value > 0 for _, value in server.query("flink_jobmanager_job_numberOfCompletedCheckpoints")))
        labels, value = wait_until("rows", lambda: server.query(f'{TASK}numRecordsOut{{task_name="made"}} > 1000'))[0]
        check({"host", "tm_id", "job_id", "job_name", "task_id", "task_name", "subtask_index"} <= set(labels), labels)
        check(labels["job_name"] == "counted" and labels["env"] == "test", labels)
        check(len(server.query(f'{TASK}numRecordsIn{{task_name="totals"}}')) == 2, "two instances")
        for name, more, stage in (("currentEmitEventTimeLag", 1e9, "made"), ("sourceIdleTime", -1, "made"), ("numRecordsSend", 1, "out")):
            wait_until(name, lambda name=name, more=more, stage=stage: server.query(f'{TASK}operator_{name}{{task_name="{stage}"}} > {more}'))
            check(len(server.query(f"{TASK}operator_{name}")) == 1, f"{name} is of others too")
        wait_until("the user's counter", lambda: any(value > 0 for _, value in server.query(TASK + "operator_seen")))
        check(server.query(TASK + "operator_last_n"), "the user's gauge")
        loads = server.query(f'{TASK}busyTimeMsPerSecond + {TASK}idleTimeMsPerSecond + {TASK}backPressuredTimeMsPerSecond')
        check(len(loads) == 5 and all(abs(load - 1000) < 1 for _, load in loads), loads)
        wait_until("a rate", lambda: any(value > 1000 for _, value in server.query("rate(flink_jobmanager_job_operator_numRecordsOut[2s])")))
        for panel in json.loads(BOARD.read_text())["panels"]:
            for target in panel.get("targets", []):
                text = target["expr"].replace("$job", ".*").replace("$stage", ".*").replace("$__rate_interval", "1m")
                check(server.status(text) == 200, text)
        # A failure shows, and counting goes on.
        stream.kill([stream.pid("counted", "totals.1")])
        wait_until("the restart", lambda: any(value >= 1 for _, value in server.query("flink_jobmanager_job_numRestarts")))
        wait_until("it to run again", lambda: any(value == 1 for _, value in server.query("flink_jobmanager_job_runningState")))
    stream.run("stream", "cancel", "counted")
    check(fetch(f"http://127.0.0.1:{port}/metrics")[0] == 0, "it answers though the job is over")


def a_pushgateway_has_them_until_the_job_is_over(stream):
    if absent("prometheus-pushgateway"):
        return
    with PushGateway(stream.folder / "gateway") as server:
        start(stream, f"{{pushgateway: {{url: '{server.url}', interval: 200ms, grouping-key: {{site: 'a/b'}}}}}}")
        text = wait_until("a report", lambda: (lambda t: TASK + "numRecordsIn{" in t and t)(fetch(server.url + "/metrics")[1]))
        check('job="stream-counted"' in text and 'site="a/b"' in text, text[:2000])
        stream.run("stream", "cancel", "counted")
        wait_until("it to be deleted", lambda: "flink_" not in fetch(server.url + "/metrics")[1])


def graphite_keeps_them(stream):
    if absent("carbon-cache"):
        return
    with Carbon(stream.folder / "carbon") as server:
        start(stream, f"""
  graphite: {{address: '127.0.0.1:{server.port}', interval: 500ms, prefix: tcp, include: 'jobmanager.job:num*,uptime'}}
  over-udp: {{reporter: graphite, protocol: udp, address: '127.0.0.1:{server.port}', interval: 500ms, prefix: udp,
             include: 'jobmanager.job:num*,uptime'}}""")
        host = re.sub("[^A-Za-z0-9_-]", "-", os.uname().nodename)
        for prefix in ("tcp", "udp"):
            name = f"{prefix}.{host}.jobmanager.counted.numberOfCompletedCheckpoints"
            wait_until(name, lambda name=name: (server.newest(name) or 0) > 0, interval=0.1)
        check(not list((server.folder / "whisper").glob("**/*numRecordsIn*")), "what is not included")


def influxdb_keeps_them(stream):
    if absent("influxd"):
        return
    with InfluxDb(stream.folder / "influx") as server:
        start(stream, f"{{influxdb: {{url: '{server.url}', db: metrics, username: ada, password: 'env:PASS', interval: 200ms}}}}",
              PASS="secret")
        query = "SELECT last(\"count\") FROM taskmanager_job_task_numRecordsOut WHERE task_name = 'made' AND job_name = 'counted'"
        wait_until("rows", lambda: any(row["last"] > 1000 for row in server.query(query)))
        rows = server.query('SELECT * FROM taskmanager_job_task_operator_seen LIMIT 1')
        check(rows and rows[0]["operator_name"] == "script", rows)
        rows = server.query('SELECT * FROM jobmanager_job_checkpointDuration ORDER BY time DESC LIMIT 1')
        check(rows and rows[0]["count"] > 0 and rows[0]["p99"] > 0, rows)
        check("secret" not in (stream.home("counted") / "logs" / "stream.log").read_text(), "the password in the log")


def statsd_gets_gauges_and_dogstatsd_tags(stream):
    plain, tagged = Datagrams(), Datagrams()
    start(stream, f"""
  statsd: {{address: '127.0.0.1:{plain.port}', interval: 300ms}}
  dogstatsd: {{address: '127.0.0.1:{tagged.port}', interval: 300ms, exclude: 'taskmanager'}}""")

    def counted():
        pattern = r"flink\.task\.numRecordsOut:(\d+)\|c\|#.*task_name:made,"
        found = [re.match(pattern, line) for line in tagged.lines()]
        return sum(int(match[1]) for match in found if match)
    wait_until("rows", lambda: counted() > 1000)
    wait_until("rows", lambda: any(re.search(r"\.counted\.made\.0\.numRecordsOut:[1-9]\d{3,}\|g$", line) for line in plain.lines()))
    number = r"-?\d+(\.\d+)?(e[+-]\d+)?"
    bad = [line for line in plain.lines() if not re.fullmatch(rf"[A-Za-z0-9_.-]+:{number}\|g", line)]
    check(not bad, bad[:3])
    bad = [line for line in tagged.lines() if not re.fullmatch(rf"[A-Za-z0-9_.]+:{number}\|[gc]\|#([\w./-]+:[\w./:-]*,?)+", line)]
    check(not bad, bad[:3])
    check(not any("flink.taskmanager.Status" in line for line in tagged.lines()), "what is excluded")
    check(max(map(len, plain.packets + tagged.packets)) <= 1432, "large packets")


def ganglia_keeps_them(stream):
    if absent("gmond"):
        return
    with Gmond(stream.folder / "gmond") as server:
        start(stream, f"{{ganglia: {{address: '127.0.0.1:{server.port}', interval: 200ms}}}}")
        host = re.sub("[^A-Za-z0-9_-]", "-", os.uname().nodename)
        name = f"{host}.jobmanager.counted.numberOfCompletedCheckpoints"
        value, unit = wait_until(name, lambda: (lambda found: found[0] > 0 and found)(server.metrics().get(name, (0, ""))))
        check(value > 0 and unit == "checkpoints", (value, unit))


def opentelemetry_and_datadog_get_json(stream):
    collector, datadog = Requests(), Requests(202)
    start(stream, f"""
  opentelemetry: {{url: '{collector.url}/otlp', interval: 200ms, service-version: '1.2', token: 'env:TOKEN'}}
  datadog: {{url: '{datadog.url}', interval: 200ms, api-key: 'env:KEY', tags: ['env:test']}}""", TOKEN="abc", KEY="def")

    def spans():
        found = [json.loads(body) for _, path, _, body in list(collector.requests) if path == "/otlp/v1/traces"]
        return [span for each in found for span in each["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    wait_until("checkpoints as spans", lambda: len(spans()) > 3)
    stream.kill([stream.pid("counted", "totals.0")])
    wait_until("the recovery as a span", lambda: any(span["name"] == "Recovery" for span in spans()))
    def events():
        found = [json.loads(body) for _, path, _, body in list(collector.requests) if path == "/otlp/v1/logs"]
        return [record["severityText"] for each in found for record in each["resourceLogs"][0]["scopeLogs"][0]["logRecords"]]
    wait_until("the failure as an event", lambda: "ERROR" in events())
    sent = list(collector.requests)
    for method, path, headers, body in sent:
        wrong = request_faults(path, body)
        check(not wrong, f"{path}: {wrong[:3]}")
        check(method == "POST" and headers["Content-Type"] == "application/json", f"{method} {path}: {headers}")
    check({path for _, path, _, _ in sent} == {f"/otlp/v1/{kind}" for kind in ("metrics", "traces", "logs")}, "not all three are sent")
    # What checks them would see a fault.
    good = json.loads([body for _, path, _, body in sent if path.endswith("/traces")][0])
    span = good["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    for wrong in ({"span_id": "1" * 16}, {"traceId": "0" * 32}, {"spanId": "12"}, {"startTimeUnixNano": 12}, {"kind": "SPAN_KIND_INTERNAL"}, {"name": None}):
        bad = json.loads(json.dumps(good).replace(json.dumps(span), json.dumps(dict(span, **wrong))))
        check(len(faults(bad, "ExportTraceServiceRequest")) == 1, f"{wrong} is not seen")
    points = [point for _, path, _, body in sent if path.endswith("/metrics") for one in json.loads(body)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
              for point in one.get("sum", {}).get("dataPoints", []) if one["name"] == "flink.taskmanager.job.task.numRecordsOut"]
    check(any(int(point["asInt"]) > 0 for point in points), "no rows are counted")
    found = spans()
    check(len({span["spanId"] for span in found}) == len(found), "a span twice")
    for span in found:
        check(re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"]), span)
        check(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), span)
    metrics = [json.loads(body) for _, path, _, body in collector.requests if path == "/otlp/v1/metrics"][-1]
    names = {each["name"] for each in metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
    check("flink.taskmanager.job.task.numRecordsIn" in names and "flink.jobmanager.job.checkpointDuration" in names, names)
    check(collector.requests[0][2]["Authorization"] == "Bearer abc", collector.requests[0][2])
    method, path, headers, body = datadog.requests[-1]
    check((method, path, headers["DD-API-KEY"]) == ("POST", "/api/v1/series", "def"), (method, path, headers))
    for series in json.loads(body)["series"]:
        check(set(series) == {"metric", "type", "host", "tags", "points"} and series["type"] in ("gauge", "count"), series)
        check(series["tags"][-1] == "env:test" and len(series["points"][0]) == 2, series)


def a_server_is_trusted_by_its_authority_alone(stream):
    certificates = Certificates(stream.folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    server = Requests(context=context)
    start(stream, f"""
  good: {{reporter: opentelemetry, url: '{server.url}', interval: 200ms, authority: certificates/authority.pem}}
  stranger: {{reporter: opentelemetry, url: '{server.url}/no', interval: 200ms, authority: '{certificates.stranger}'}}
  system: {{reporter: opentelemetry, url: '{server.url}/no', interval: 200ms}}""")
    wait_until("two reports", lambda: len([1 for _, path, _, _ in list(server.requests) if path == "/v1/metrics"]) >= 2)
    wait_until("warnings", lambda: all(f"metrics: {name}: unable to send" in log(stream) for name in ("stranger", "system")))
    check(not any(path.startswith("/no") for _, path, _, _ in server.requests), "a stranger was told")


def jolokia_answers(stream):
    port = free_port()
    start(stream, f"{{jmx: {{address: '127.0.0.1:{port}'}}}}")
    url = f"http://127.0.0.1:{port}/jolokia"
    pattern = "org.apache.flink.taskmanager.job.task.operator.seen:*"
    found = wait_until("the user's counter", lambda: (lambda a: a[0] == 200 and json.loads(a[1]).get("value"))(fetch(f"{url}/search/{pattern}")))
    quoted = urllib.parse.quote(found[0])
    check(json.loads(fetch(f"{url}/read/{quoted}/Count")[1])["value"] > 0, found)
    bulk = json.dumps([{"type": "read", "mbean": found[0], "attribute": "Count"}, {"type": "version"}, {"type": "read", "mbean": "a:b=c"}])
    answers = json.loads(fetch(url, data=bulk.encode())[1])
    check([answer["status"] for answer in answers] == [200, 200, 404], answers)
    check(pattern.split(":", maxsplit=1)[0] in json.loads(fetch(f"{url}/list")[1])["value"], "list")


def what_is_shipped_names_metrics_that_exist(stream):
    page = (TOP / "man" / "stream-metrics.7").read_text()
    scopes, known = [], set()
    for line in page[page.index("begin metrics"):].splitlines():
        if line.startswith(".Ss "):
            scopes = line[4:].split(", ")
        if line.startswith(".It Cm ") and " Pq " in line:
            known |= {f"flink_{scope}_{line.split()[2]}".replace(".", "_") for scope in scopes}
    named = set(re.findall(r"flink_\w+", ALERTS.read_text() + BOARD.read_text()))
    check(len(named) > 20 and named <= known, named - known)
    check(len({panel["id"] for panel in json.loads(BOARD.read_text())["panels"]}) > 20, "panels")
    if absent("promtool"):
        return
    stream.run("promtool", "check", "rules", ALERTS)
    series = [('flink_jobmanager_job_runningState{job_name="a"}', "1x5 0x10"),
              ('flink_jobmanager_job_numRestarts{job_name="a"}', "0x5 1+1x10"),
              ('flink_taskmanager_job_task_residentMemory{task_name="t"}', "50x5 96x20"),
              ('flink_taskmanager_job_task_memoryBound{task_name="t"}', "100x30"),
              ('flink_jobmanager_job_lastCheckpointCompletedTimestamp{job_id="a"}', "0x5 240000x30"),
              ('flink_jobmanager_job_totalNumberOfCheckpoints{job_id="a"}', "1x30")]
    alerts = {"StreamJobDoesNotRun": 1, "StreamJobRestartsAgainAndAgain": 1, "StreamMemoryIsNearItsBound": 1, "StreamNoCheckpoint": 1,
              "StreamWaitsForServer": 0}
    found = [{"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)', "eval_time": "14m",
              "exp_samples": [{"labels": "{}", "value": count}]} for name, count in alerts.items()]
    quiet = [dict(each, eval_time="3m", exp_samples=[{"labels": "{}", "value": 0}]) for each in found]
    cases = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m",
             "tests": [{"interval": "1m", "input_series": [{"series": name, "values": values} for name, values in series],
                        "promql_expr_test": found + quiet}]}
    stream.run("promtool", "test", "rules", stream.write("rules.json", json.dumps(cases)))


def who_does_not_read_slows_nobody(stream):
    deaf, dead, good, port = Deaf(), free_port(), Requests(), free_port()
    start(stream, f"""
  deaf-lines: {{reporter: graphite, address: '127.0.0.1:{deaf.port}', interval: 100ms}}
  deaf-http: {{reporter: influxdb, url: 'http://127.0.0.1:{deaf.port}', db: x, interval: 100ms}}
  dead: {{reporter: pushgateway, url: 'http://127.0.0.1:{dead}', interval: 100ms}}
  refused: {{reporter: influxdb, url: '{Requests(503).url}', db: x, interval: 100ms}}
  good: {{reporter: influxdb, url: '{good.url}', db: x, interval: 100ms}}
  prometheus: {{address: '127.0.0.1:{port}'}}""")

    def failures():
        text = fetch(f"http://127.0.0.1:{port}/metrics")[1]
        return dict(re.findall(r'flink_jobmanager_reporter_numReportsFailed\{.*reporter="([a-z-]+)"\} (\d+)', text))
    wait_until("failures", lambda: all(int(failures().get(name, 0)) > 0 for name in ("deaf-http", "dead", "refused")))
    wait_until("two reports", lambda: len(good.requests) >= 2)
    check(failures()["good"] == "0", failures())
    # The job has not felt it: checkpoints are those of a job without reporters.
    begin = stream.stats("counted")["job"]["checkpoint"]
    wait_until("ten checkpoints", lambda: stream.stats("counted")["job"]["checkpoint"] >= begin + 10, timeout=60)
    text = log(stream)
    for name in ("deaf-http", "dead", "refused"):
        check(len(re.findall(rf"warning .*metrics: {name}: unable to send", text)) == 1, f"{name}: {text}")
    check("it answers 503" in text, text)
    began = time.monotonic()
    stream.run("stream", "cancel", "counted")
    wait_until("its end", lambda: not stream.processes("counted"))
    check(time.monotonic() - began < 20, f"it took {time.monotonic() - began:.1f} s to end")  # a connection is waited for much longer


def the_environment_names_reporters_as_well(stream):
    stream.environment["STREAM_METRICS"] = "{log: {interval: 100ms, include: 'taskmanager.job.task:num*'}}"
    stream.run("stream", "run", "--name", "quoted", "generate --rows 1000 n | write-null")
    text = stream.run("stream", "logs", "quoted")
    check(re.search(r"metrics of generate\.0:.* numRecordsOut=1000 ", text), text)
    check("uptime" not in text, text)
    stream.environment["STREAM_METRICS"] = "prometheos"
    stream.run("stream", "run", "generate --rows 10 n | write-null", expect=100)
    check("STREAM_METRICS:1:1: there is no reporter 'prometheos'; did you mean 'prometheus'?" in stream.last_stderr, stream.last_stderr)


def an_address_that_is_taken_is_said_and_the_next_one_of_a_range_is_used(stream):
    first = Deaf()
    start(stream, f"{{prometheus: {{address: '127.0.0.1:{first.port}'}}, "
                  f"ranged: {{reporter: prometheus, address: '127.0.0.1:{first.port}-{first.port + 20}'}}}}")
    wait_until("the log", lambda: "ranged answers at" in log(stream))
    address = re.search(r"ranged answers at (\S+)", log(stream))[1]
    check(fetch(address)[0] in (200, 503), address)
    check(re.search(r"warning .*metrics: prometheus: unable to listen at '127.0.0.1:\d+'", log(stream)), log(stream))


def who_keeps_a_connection_does_not_hold_up_the_end(stream):
    port = free_port()
    start(stream, f"{{prometheus: {{address: '127.0.0.1:{port}'}}}}")
    wait_until("the first answer", lambda: fetch(f"http://127.0.0.1:{port}/metrics")[0] == 200)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as kept:
        kept.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
        answer = b"".join(iter(lambda: kept.recv(1 << 16), b""))
        check(answer.startswith(b"HTTP/1.1 200") and b"Connection: close" in answer, answer[:200])
        stream.run("stream", "cancel", "counted")


if __name__ == "__main__":
    main([prometheus_fetches_what_a_job_counts, a_pushgateway_has_them_until_the_job_is_over, graphite_keeps_them,
          influxdb_keeps_them, ganglia_keeps_them, statsd_gets_gauges_and_dogstatsd_tags, opentelemetry_and_datadog_get_json,
          a_server_is_trusted_by_its_authority_alone, jolokia_answers, who_keeps_a_connection_does_not_hold_up_the_end,
          what_is_shipped_names_metrics_that_exist, who_does_not_read_slows_nobody,
          the_environment_names_reporters_as_well, an_address_that_is_taken_is_said_and_the_next_one_of_a_range_is_used])
