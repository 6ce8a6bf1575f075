#!/usr/bin/env python3
"""`stream deploy --on yarn` on a real YARN that these tests start themselves; see stream-yarn(7)."""

import json
import os
import pathlib
import sqlite3
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, Stream, check, main, wait_until  # noqa: E402
from yarn_cluster import Cluster, missing  # noqa: E402

LONG = bool(os.environ.get("STREAM_LONG"))
# Every row once, as it came: two writers would show as rows that are there twice.
COPY = """pipeline: far
memory: 512MiB
checkpoint: {{interval: 50ms, path: {folder}/shared}}
restart: {{initial: 10ms, max: 500ms, attempts: 100}}
stages:
  numbers: {{run: generate, columns: n, rows: {rows}, rate: {rate}}}
  same: {{run: filter, where: n >= 0, parallelism: 2}}
  keyed: {{run: select, from: same, columns: "n, n % 7 as k"}}
  sums: {{run: aggregate, by: k, compute: "count(*) as c, sum(n) as s", from: keyed}}
  table: {{run: write-sqlite, from: same, path: {folder}/out.db, table: t}}
  file: {{run: write-file, from: same, path: {folder}/out.ndjson}}
  totals: {{run: write-sqlite, from: sums, path: {folder}/out.db, table: totals}}
"""
STARTED = []


def on_yarn(test):
    def run(stream):
        why = missing()
        if why:
            print(f"skipped: no YARN here: {why}")
            return
        if not STARTED:
            STARTED.append(Cluster())
        cluster = STARTED[0]
        try:
            test(stream, cluster)
        except (Failure, OSError, KeyError, ValueError):
            for path in sorted(cluster.logs.glob("*/*/*.txt")):
                print(f"{path.relative_to(cluster.logs)}:\n{path.read_text(errors='replace')[-3000:]}", flush=True)
            raise
        finally:
            cluster.mend()
    run.__name__ = test.__name__
    return run


def deploy(stream, cluster, rows, rate=1000, options=()):
    stream.write("far.yaml", COPY.format(folder=stream.folder, rows=rows, rate=rate))
    told = json.loads(stream.run("stream", "deploy", "far.yaml", "--on", "yarn", "--yarn", cluster.url, "--json", *options, timeout=300))
    check(told["target"] == "yarn" and told["watch"] == f"{cluster.url}/cluster/app/{told['job']}", told)
    return told["job"]


def ask_database(stream, question):
    path = stream.folder / "out.db"
    if not path.exists():
        return []
    with sqlite3.connect(path, timeout=20) as database:
        try:
            return database.execute(question).fetchall()
        except sqlite3.OperationalError:
            return []


def committed(stream):
    return ask_database(stream, "select count(*) from t")[0][0] if ask_database(stream, "select 1 from t limit 1") else 0


def more_rows(stream, than=0):
    return wait_until("rows", lambda: committed(stream) > than and committed(stream), timeout=180, interval=0.05)


def finish(stream, cluster, number, rows):
    wait_until("the end of the job", lambda: cluster.application(number)["state"] in ("FINISHED", "FAILED", "KILLED"), timeout=240, interval=0.3)
    check(cluster.application(number)["finalStatus"] == "SUCCEEDED", cluster.application(number))
    found = sorted(n for (n,) in ask_database(stream, "select n from t"))
    check(found == list(range(rows)), f"{len(found)} rows, {len(set(found))} different, of {rows}")
    lines = sorted(json.loads(line)["n"] for line in (stream.folder / "out.ndjson").read_text().splitlines())
    check(lines == list(range(rows)), f"{len(lines)} lines, {len(set(lines))} different, of {rows}")
    totals = sorted(ask_database(stream, "select k, c, s from totals"))
    wanted = [(k, len(range(k, rows, 7)), sum(range(k, rows, 7))) for k in range(7)]
    check(totals == wanted, totals)


def supervisors(cluster, number):
    return [pid for pid, command in cluster.processes(number) if "/stream run " in command]


kill = Stream.kill


def test_what_is_wrong_is_refused(stream):
    good = COPY.format(folder=stream.folder, rows=1, rate=1)
    stream.write("far.yaml", good)
    stream.write("hosts.yaml", good + "hosts: {b: 10.0.0.2}\n")
    stream.write("nowhere.yaml", good.replace(f", path: {stream.folder}/shared", ""))
    for args, said in ((["far.yaml"], "--yarn URL submits it"), (["hosts.yaml", "--render"], "leave 'hosts' out"),
                       (["nowhere.yaml", "--render"], "a folder that all nodes have"), (["far.yaml", "--render", "--cpus", "500m"], "--cpus: '500m'"),
                       (["far.yaml", "--render", "--image", "x"], "--image is for --on kubernetes"),
                       (["far.yaml", "--yarn", "x"], "is no address"), (["generate 1 | print", "--render"], "needs a manifest in a file")):
        printed = stream.run("stream", "deploy", *args, "--on", "yarn", expect=100)
        check(printed == "" and said in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "deploy", "far.yaml", "--on", "yarn", "--yarn", "http://127.0.0.1:1", expect=111)
    check("does YARN's ResourceManager run there?" in stream.last_stderr, stream.last_stderr)


@on_yarn
def test_a_job_outlives_whatever_is_killed_and_finishes_once(stream, cluster):
    number = deploy(stream, cluster, rows=30000)
    rows = more_rows(stream)
    # An instance, which its supervisor starts again.
    kill([pid for pid, command in cluster.processes(number) if "stream-filter" in command][:1])
    rows = more_rows(stream, rows)
    # The supervisor, which the container starts again.
    first = supervisors(cluster, number)
    kill(first)
    wait_until("another supervisor", lambda: set(supervisors(cluster, number)) - set(first), timeout=60, interval=0.1)
    rows = more_rows(stream, rows)
    # All of the container, which YARN replaces.
    containers = cluster.containers(number)
    kill([pid for pid, _ in cluster.processes(number)])
    wait_until("another container", lambda: cluster.containers(number) - containers, timeout=120, interval=0.1)
    more_rows(stream, rows)
    finish(stream, cluster, number, 30000)
    check(cluster.said(number).count("far: leads, term") == 3, cluster.said(number))
    # It has finished: deployed again, it is not run again.
    number = deploy(stream, cluster, rows=30000)
    finish(stream, cluster, number, 30000)
    check("far: leads, term" not in cluster.said(number) or "has finished" in cluster.said(number), cluster.said(number))


@on_yarn
def test_a_job_outlives_the_resource_manager_the_node_manager_and_the_master(stream, cluster):
    number = deploy(stream, cluster, rows=60000)
    rows = more_rows(stream)
    first = supervisors(cluster, number)
    cluster.kill("rm")
    rows = more_rows(stream, rows)
    cluster.kill("nm")
    rows = more_rows(stream, rows)
    check(supervisors(cluster, number) == first, "the job was touched")
    cluster.start("rm")
    cluster.start("nm")
    cluster.wait_until_ready()
    kill([pid for pid, _ in cluster.processes(number, master=True)])
    wait_until("another master", lambda: cluster.attempts(number) > 1 and cluster.application(number)["state"] == "RUNNING", timeout=120, interval=0.2)
    rows = more_rows(stream, rows)
    check(supervisors(cluster, number) == first, "the job was touched")
    # Both, as when their node is lost.
    containers = cluster.containers(number)
    kill([pid for master in (True, False) for pid, _ in cluster.processes(number, master)])
    wait_until("another container", lambda: cluster.containers(number) - containers, timeout=180, interval=0.1)
    more_rows(stream, rows)
    finish(stream, cluster, number, 60000)


@on_yarn
def test_a_job_whose_node_is_lost_goes_on_on_another(stream, cluster):
    cluster.start("nm2")
    cluster.wait_until_ready()
    number = deploy(stream, cluster, rows=60000)
    rows = more_rows(stream)
    node = cluster.node_of(number)
    cluster.lose(node)
    rows = more_rows(stream, rows + 3000)  # which are more than were on their way
    check(cluster.node_of(number) != node, f"{node} is lost")
    finish(stream, cluster, number, 60000)


@on_yarn
def test_it_stops_with_a_checkpoint_and_goes_on_as_it_is_deployed_again(stream, cluster):
    first = deploy(stream, cluster, rows=60000)
    more_rows(stream)
    # The service that runs is stopped, and the next one goes on from there.
    second = deploy(stream, cluster, rows=60000, options=["--set", "stages.numbers.rate=20000"])
    check(first != second, second)
    check("interrupted: stops with a final checkpoint" in cluster.said(first), cluster.said(first))
    finish(stream, cluster, second, 60000)
    check("continues from" in cluster.said(second), cluster.said(second))


@on_yarn
def test_programs_may_come_with_the_service(stream, cluster):
    archive = stream.folder / "programs.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for name in ("bin", "lib"):
            tar.add(stream.programs.parent / name, name)
    number = deploy(stream, cluster, rows=3000, options=["--archive", f"file://{archive}"])
    more_rows(stream)
    check(all("/lib/bin/stream" in command for _, command in cluster.processes(number) if "stream run" in command and "conf/run.sh" not in command),
          cluster.processes(number))
    finish(stream, cluster, number, 3000)


@on_yarn
def test_a_job_that_cannot_run_is_given_up(stream, cluster):
    if not LONG:  # YARN takes three minutes
        return
    stream.write("far.yaml", COPY.format(folder=stream.folder, rows=1, rate=1))
    number = json.loads(stream.run("stream", "deploy", "far.yaml", "--on", "yarn", "--yarn", cluster.url, "--json"))["job"]
    (stream.folder / "far.yaml").unlink()  # it is read in the container
    wait_until("the end", lambda: cluster.application(number)["state"] in ("FINISHED", "FAILED", "KILLED"), timeout=300, interval=0.3)
    check(cluster.application(number)["finalStatus"] == "FAILED", cluster.application(number))
    check(len(cluster.containers(number)) > 1 and "far.yaml" in cluster.said(number), cluster.said(number))


@on_yarn
def test_what_yarn_says_is_told(stream, cluster):
    stream.write("far.yaml", COPY.format(folder=stream.folder, rows=1, rate=1))
    for options, said in ((["--queue", "nowhere"], "nowhere"), (["--set", "memory=900GiB"], "YARN refuses it")):
        stream.run("stream", "deploy", "far.yaml", "--on", "yarn", "--yarn", cluster.url, *options, expect=1, timeout=120)
        check(said in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "deploy", "far.yaml", "--on", "yarn", "--yarn", cluster.url + "/else", expect=100)
    rendered = json.loads(stream.run("stream", "deploy", "far.yaml", "--on", "yarn", "--render", "--queue", "default", "--cpus", "2"))
    check(rendered["queue"] == "default" and rendered["components"][0]["resource"] == {"cpus": 2, "memory": "768"}, rendered)


if __name__ == "__main__":
    main([test for name, test in globals().items() if name.startswith("test_")])
