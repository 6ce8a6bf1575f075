"""`stream deploy --on slurm` on a real Slurm that these tests start themselves; see stream-slurm(7)."""

import json
import os
import pathlib
import re
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import s3_server  # noqa: E402
from harness import Failure, check, main, query_so_far, wait_until  # noqa: E402
from slurm_cluster import Cluster, command_of, kill_all, missing  # noqa: E402

LONG = bool(os.environ.get("STREAM_LONG"))
NODES = ["n1", "n2", "n3"]
# Every row once, as it came: two writers would show as rows that are there twice.
COPY = """pipeline: far
checkpoint: {{interval: 50ms, path: {folder}/shared}}
restart: {{heartbeat: 2s, initial: 10ms, max: 500ms, attempts: 100}}
slurm: {{memory: 1GiB, cpus: 2, {slurm}}}
stages:
  numbers: {{run: generate, columns: n, rows: {rows}, rate: {rate}}}
  same: {{run: filter, where: n >= 0, parallelism: 3}}
  sums: {{run: aggregate, by: k, compute: "count(*) as c, sum(n) as s", from: keyed, parallelism: 2}}
  table: {{run: write-sqlite, from: same, path: {folder}/out.db, table: t, parallelism: 2}}
  file: {{run: write-file, from: same, path: {folder}/out.ndjson}}
  totals: {{run: write-sqlite, from: sums, path: {folder}/out.db, table: totals}}
""".replace("  sums:", "  keyed: {{run: select, from: same, columns: \"n, n % 7 as k\"}}\n  sums:")
GROWS = """pipeline: far
checkpoint: {{interval: 50ms, path: {folder}/shared}}
restart: {{heartbeat: 2s, initial: 10ms, max: 500ms, attempts: 100}}
autoscale: {{interval: 500ms}}
slurm: {{memory: 1GiB, cpus: 2, nodes: 2-3}}
stages:
  numbers: {{run: generate, columns: n, rows: {rows}, rate: 1000}}
  same: {{run: filter, where: n >= 0, parallelism: {{min: 1, max: 4}}}}
  table: {{run: write-sqlite, path: {folder}/out.db, table: t}}
"""
STARTED = []


def on_slurm(test):
    def run(stream):
        why = missing()
        if why:
            print(f"skipped: no Slurm here: {why}")
            return
        if not STARTED:
            STARTED.append(Cluster(NODES))
        cluster = STARTED[0]
        stream.environment["SLURM_CONF"] = str(cluster.conf)
        try:
            test(stream, cluster)
        except (Failure, OSError, KeyError, ValueError):
            for text in sorted(stream.folder.glob("stream-*.out")):
                print(f"{text.name}:\n{text.read_text()[-6000:]}", flush=True)
            print(cluster.ask("squeue", "-a"), cluster.ask("sinfo", "-N"), flush=True)
            raise
        finally:
            cluster.mend()
    run.__name__ = test.__name__
    return run


def deploy(stream, *options, slurm="nodes: 2", rows=3000, rate=1000):
    (stream.folder / "shared").mkdir(exist_ok=True)
    stream.write("far.yaml", COPY.format(folder=stream.folder, rows=rows, rate=rate, slurm=slurm))
    return stream.run("stream", "deploy", "far.yaml", "--on", "slurm", *options).strip()


def lose(cluster, node):
    """It is gone with all that runs there; the controller finds out by itself, or is told, which takes less time."""
    cluster.kill_node(node)
    if not LONG:
        cluster.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=power")


def said(stream):
    return "".join(text.read_text() for text in stream.folder.glob("stream-far-*.out"))


def committed(stream):
    """Rows there are."""
    return sum(number for (number,) in query_so_far(stream.folder / "out.db", "select count(*) from t"))


def more_rows(stream, than=0, timeout=60):
    return wait_until("rows", lambda: committed(stream) > than and committed(stream), timeout=timeout, interval=0.05)


ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "BOOT_FAIL", "DEADLINE")


def finish(stream, cluster, number, timeout=90):
    # One that is between two states is for a moment in others than those that last.
    state = wait_until("the end of the job", lambda: (now := cluster.job(number)["JobState"]) in ENDED and now, timeout=timeout, interval=0.1)
    check(state == "COMPLETED", f"the job is {state}")
    wait_until("no process of it", lambda: not cluster.processes(), timeout=60)


def check_results(stream, rows=3000):
    """Each of the sinks has every row once."""
    with sqlite3.connect(stream.folder / "out.db") as database:
        table = sorted(n for (n,) in database.execute("select n from t"))
        totals = database.execute("select k, c, s from totals order by k").fetchall()
    lines = (stream.folder / "out.ndjson").read_text().splitlines()
    found = {"t": table, "file": sorted(json.loads(line)["n"] for line in lines)}
    for name, numbers in found.items():
        check(numbers == list(range(rows)), f"{name}: {len(numbers)} rows, {len(set(numbers))} different, of {rows}")
    check(totals == [(k, len(range(k, rows, 7)), sum(range(k, rows, 7))) for k in range(7)], totals)


@on_slurm
def test_a_job_runs_as_steps_of_a_batch_job(stream, cluster):
    number = deploy(stream, rows=4000)
    check(re.fullmatch("[0-9]+", number), number)
    wait_until("a step on each node", lambda: sorted(cluster.steps(number).values()) == ["n1", "n2"], timeout=60)
    finish(stream, cluster, number)
    check_results(stream, 4000)


@on_slurm
def test_a_second_batch_job_stands_by_with_nodes_of_its_own(stream, cluster):
    first = deploy(stream, slurm="nodes: 1", rows=12000)
    more_rows(stream)
    other = [node for node in NODES if node != cluster.job(first)["BatchHost"]]
    second = deploy(stream, slurm=f"nodes: 2, options: [--job-name=stand-by, '--nodelist={','.join(other)}']", rows=12000)
    wait_until("it stands by", lambda: "stands by" in said(stream), timeout=60)
    cluster.ask("scancel", first)
    wait_until("steps on its nodes", lambda: {*cluster.steps(second).values()} == {*other}, timeout=60)
    finish(stream, cluster, second)
    check_results(stream, 12000)


@on_slurm
def test_a_step_that_is_cancelled_is_started_again(stream, cluster):
    number = deploy(stream, slurm="nodes: 2", rows=9000)
    rows = more_rows(stream)
    for node in ("n2", "n1"):
        step = wait_until(f"a step on {node}", lambda node=node: next((s for s, n in cluster.steps(number).items() if n == node), None), timeout=60)
        cluster.ask("scancel", step)
        wait_until("another", lambda node=node, step=step: any(n == node and s != step for s, n in cluster.steps(number).items()), timeout=60)
        rows = more_rows(stream, rows)
    finish(stream, cluster, number)
    check_results(stream, 9000)
    for node in ("n1", "n2"):
        check(f"host '{node}' is lost: " in said(stream), said(stream))


@on_slurm
def test_a_supervisor_that_is_killed_goes_on(stream, cluster):
    number = deploy(stream, slurm="nodes: 2", rows=6000)
    rows = more_rows(stream)
    kill_all([pid for pid in cluster.processes("n1") if command_of(pid).startswith(f"{stream.programs}/stream\0run")])
    more_rows(stream, rows)
    finish(stream, cluster, number)
    check_results(stream, 6000)
    check(cluster.job(number)["Restarts"] == "0" and said(stream).count(": leads, term") >= 2, said(stream))


@on_slurm
def test_a_node_that_is_lost_is_left_out(stream, cluster):
    number = deploy(stream, slurm="nodes: 3", rows=8000)
    rows = more_rows(stream)
    first = cluster.job(number)["BatchHost"]
    lose(cluster, next(node for node in NODES if node != first))
    more_rows(stream, rows)
    finish(stream, cluster, number)
    check_results(stream, 8000)
    check(cluster.job(number)["Restarts"] == "0", "it was requeued")
    check(" is lost: " in said(stream), said(stream))


@on_slurm
def test_when_the_supervisors_node_is_lost_the_job_goes_on_elsewhere(stream, cluster):
    number = deploy(stream, slurm="nodes: 2", rows=9000)
    more_rows(stream)
    first = cluster.job(number)["BatchHost"]
    lose(cluster, first)
    wait_until("the job on other nodes", lambda: cluster.job(number)["Restarts"] == "1" and cluster.job(number)["JobState"] == "RUNNING", timeout=90)
    check(first not in cluster.job(number)["NodeList"] and cluster.job(number)["BatchHost"] != first, cluster.job(number))
    wait_until("steps on the nodes it has now", lambda: {*cluster.steps(number).values()} == {*NODES} - {first}, timeout=60)
    finish(stream, cluster, number)
    check_results(stream, 9000)


@on_slurm
def test_a_job_on_one_node_goes_on_on_another(stream, cluster):
    if not LONG:
        return
    number = deploy(stream, slurm="nodes: 1", rows=9000)
    more_rows(stream)
    first = cluster.job(number)["BatchHost"]
    lose(cluster, first)
    wait_until("the job on another node", lambda: cluster.job(number)["Restarts"] == "1" and cluster.job(number)["JobState"] == "RUNNING", timeout=90)
    check(cluster.job(number)["BatchHost"] != first, cluster.job(number))
    finish(stream, cluster, number)
    check_results(stream, 9000)


@on_slurm
def test_a_job_that_is_requeued_goes_on_from_its_newest_checkpoint(stream, cluster):
    number = deploy(stream, slurm="nodes: 2", rows=6000)
    rows = more_rows(stream)
    cluster.ask("scontrol", "requeue", number)
    wait_until("it runs again", lambda: cluster.job(number)["Restarts"] == "1" and cluster.job(number)["JobState"] == "RUNNING", timeout=60)
    check("continues from" in said(stream) or more_rows(stream, rows), "it did not go on")
    finish(stream, cluster, number)
    check_results(stream, 6000)


@on_slurm
def test_the_controller_may_be_gone_for_a_while(stream, cluster):
    began = time.time()
    number = deploy(stream, slurm="nodes: 2", rows=12000)
    rows = more_rows(stream)
    wait_until("the controller to save what it knows", lambda: cluster.saved() > began + 1)
    step = next(step for step, node in cluster.steps(number).items() if node == "n2")
    agents = [pid for pid in cluster.processes("n2") if "stream-agent" in command_of(pid)]
    cluster.kill_controller()
    kill_all(agents)  # and nobody to start another
    rows = more_rows(stream, rows)
    cluster.start_controller()
    wait_until("another step", lambda: any(node == "n2" and other != step for other, node in cluster.steps(number).items()), timeout=60)
    finish(stream, cluster, number)
    check_results(stream, 12000)


@on_slurm
def test_before_its_time_limit_it_stops_with_a_savepoint(stream, cluster):
    number = deploy(stream, slurm="nodes: 1, time: 60s, grace: 40s", rows=60000)
    finish(stream, cluster, number)
    rows = committed(stream)
    check(0 < rows < 60000, f"{rows} rows")
    check(f"the time limit of Slurm job {number} is near" in said(stream), said(stream))
    savepoints = list((stream.folder / "shared" / "far.savepoints").iterdir())
    check(len(savepoints) == 1, savepoints)
    number = deploy(stream, "--set", "stages.numbers.rate=100000", rows=60000)
    finish(stream, cluster, number)
    check_results(stream, 60000)
    check("far: continues from " in said(stream), said(stream))


@on_slurm
def test_at_its_time_limit_it_may_wait_for_another_turn(stream, cluster):
    if not LONG:
        return
    number = deploy(stream, slurm="nodes: 1, time: 60s, grace: 40s, at-limit: requeue", rows=40000)
    wait_until("another turn", lambda: cluster.job(number)["Restarts"] == "1" and cluster.job(number)["JobState"] == "RUNNING", timeout=120)
    rows = more_rows(stream, committed(stream))
    check(rows < 40000, "it was over before")
    cluster.ask("scontrol", "update", f"JobId={number}", "TimeLimit=10")
    finish(stream, cluster, number)
    check_results(stream, 40000)


@on_slurm
def test_a_node_that_is_drained_is_left(stream, cluster):
    rows = 40000 if LONG else 14000
    number = deploy(stream, slurm="nodes: 2", rows=rows)
    more_rows(stream)
    cluster.ask("scontrol", "update", "NodeName=n2", "State=DRAIN", "Reason=disk")
    wait_until("no step there", lambda: [*cluster.steps(number).values()] == ["n1"], timeout=60)
    more_rows(stream, committed(stream))
    check("host 'n2' is left at the next checkpoint: Slurm drains it" in said(stream), said(stream))
    check("host 'n2' is lost: Slurm drains it" in said(stream), said(stream))
    cluster.ask("scontrol", "update", "NodeName=n2", "State=RESUME")
    if LONG:
        wait_until("a step there again", lambda: "n2" in cluster.steps(number).values(), timeout=60)
    finish(stream, cluster, number)
    check_results(stream, rows)


@on_slurm
def test_a_job_may_shrink(stream, cluster):
    number = deploy(stream, slurm="nodes: 3", rows=9000)
    rows = more_rows(stream)
    cluster.ask("scontrol", "update", f"JobId={number}", "NumNodes=2")
    wait_until("two steps", lambda: len(cluster.steps(number)) == 2, timeout=60)
    more_rows(stream, rows)
    finish(stream, cluster, number)
    check_results(stream, 9000)


def more_jobs(cluster, number):
    """Those that get it more nodes: state and node by number."""
    lines = cluster.ask("squeue", "-h", "--name", f"stream-far-more-{number}", "-o", "%i %T %N").splitlines()
    return {words[0]: (words[1], "".join(words[2:])) for words in map(str.split, lines)}


def instances_there(cluster, node):
    return sum("stream-filter" in command_of(pid) for pid in cluster.processes(node))


@on_slurm
def test_a_job_grows_when_a_node_is_free(stream, cluster):
    rows = 30000
    other = cluster.ask("sbatch", "--parsable", "--nodelist=n3", "--exclusive", "--output=/dev/null", "--wrap=exec sleep 600").strip()
    wait_until("the node to be taken", lambda: cluster.job(other)["JobState"] == "RUNNING", timeout=60)
    (stream.folder / "shared").mkdir()
    stream.write("far.yaml", GROWS.format(folder=stream.folder, rows=rows))
    number = stream.run("stream", "deploy", "far.yaml", "--on", "slurm").strip()
    waiting = wait_until("it to wait for another node", lambda: more_jobs(cluster, number), timeout=60)
    check([state for state, _ in waiting.values()] == ["PENDING"], waiting)
    more_rows(stream)
    check(sum(instances_there(cluster, node) for node in ("n1", "n2")) == 2, "two nodes with two processors have room for two filters beside the others")
    cluster.ask("scancel", other)
    wait_until("filters on the node it has been given", lambda: instances_there(cluster, "n3") == 2, timeout=60)
    check("host 'more-1' is there: node 'n3'" in said(stream), said(stream))
    # It goes as it came, and another is asked for.
    rows_then = more_rows(stream, committed(stream))
    (given,) = more_jobs(cluster, number)
    cluster.ask("scancel", given)
    wait_until("the next", lambda: any(job != given and state == "RUNNING" for job, (state, _) in more_jobs(cluster, number).items()), timeout=60)
    wait_until("filters on it", lambda: instances_there(cluster, "n3") == 2, timeout=60)
    more_rows(stream, rows_then)
    finish(stream, cluster, number)
    with sqlite3.connect(stream.folder / "out.db") as database:
        check([n for (n,) in database.execute("select n from t order by n")] == list(range(rows)), "the results differ")
    wait_until("nothing of it in the queue", lambda: not more_jobs(cluster, number), timeout=30)


@on_slurm
def test_a_job_that_ends_waits_for_no_more_nodes(stream, cluster):
    cluster.ask("scontrol", "update", "NodeName=n3", "State=DRAIN", "Reason=test")
    (stream.folder / "shared").mkdir()
    stream.write("far.yaml", GROWS.format(folder=stream.folder, rows=100000))
    number = stream.run("stream", "deploy", "far.yaml", "--on", "slurm").strip()
    first = wait_until("it to wait for another node", lambda: more_jobs(cluster, number), timeout=60)
    more_rows(stream)
    kill_all([pid for pid in cluster.processes() if command_of(pid).startswith(f"{stream.programs}/stream\0run")])
    wait_until("its successor to wait in its place", lambda: (now := more_jobs(cluster, number)) and len(now) == 1 and now != first, timeout=60)
    more_rows(stream, committed(stream))
    cluster.ask("scancel", number)
    wait_until("nothing of it in the queue", lambda: not cluster.ask("squeue", "-h"), timeout=60)


@on_slurm
def test_checkpoints_may_be_in_object_storage(stream, cluster):
    why = s3_server.absent()
    if why:
        print(f"skipped: {why}")
        return
    with s3_server.S3Server() as server:
        stream.environment.update(AWS_ACCESS_KEY_ID=s3_server.ACCESS, AWS_SECRET_ACCESS_KEY=s3_server.SECRET)
        text = COPY.format(folder=stream.folder, rows=6000, rate=1000, slurm="nodes: 2")
        stream.write("far.yaml", text.replace(f"{stream.folder}/shared", f'"s3://bucket/jobs?endpoint=http://127.0.0.1:{server.port}"'))
        number = stream.run("stream", "deploy", "far.yaml", "--on", "slurm").strip()
        rows = more_rows(stream)
        cluster.ask("scontrol", "requeue", number)
        wait_until("it runs again", lambda: cluster.job(number)["Restarts"] == "1" and cluster.job(number)["JobState"] == "RUNNING", timeout=60)
        more_rows(stream, rows)
        check("continues from" in said(stream), said(stream))
        finish(stream, cluster, number)
        check_results(stream, 6000)


@on_slurm
def test_what_prints_does_so_with_the_supervisor(stream, cluster):
    (stream.folder / "shared").mkdir()
    stream.write("small.yaml", f"""pipeline: small
checkpoint: {{path: {stream.folder}/shared}}
slurm: {{nodes: 2}}
stages:
  numbers: {{run: generate, columns: n, rows: 5, hosts: of-n2}}
  out: {{run: print}}
""")
    number = stream.run("stream", "deploy", "small.yaml", "--on", "slurm", "--json")
    number = json.loads(number)["job"]
    finish(stream, cluster, number)
    printed = (stream.folder / f"stream-small-{number}.out").read_text()
    check(all(f'{{"n":{n}}}' in printed for n in range(5)), printed)
    check("places numbers on n2; out on n1" in printed, printed)


def test_what_cannot_be_is_refused(stream):
    stages = "stages:\n  numbers: {run: generate, columns: n, rows: 1}\n  out: {run: print}\n"
    wrong = {
        "with several hosts 'checkpoint' needs a 'path'": f"pipeline: a\n{stages}",
        "'nodes' must be a number of nodes": f"pipeline: a\ncheckpoint: {{path: /x}}\nslurm: {{nodes: 4-2}}\n{stages}",
        "'--qos high' is no name": f"pipeline: a\ncheckpoint: {{path: /x}}\nslurm: {{partition: --qos high}}\n{stages}",
        "'qos' is no option of sbatch": f"pipeline: a\ncheckpoint: {{path: /x}}\nslurm: {{options: qos}}\n{stages}",
        "'time' must be longer than 'grace'": f"pipeline: a\ncheckpoint: {{path: /x}}\nslurm: {{time: 1m}}\n{stages}",
        "'grace' must be from 10s": f"pipeline: a\ncheckpoint: {{path: /x}}\nslurm: {{grace: 1s}}\n{stages}",
        "did you mean 'partition'": f"pipeline: a\ncheckpoint: {{path: /x}}\nslurm: {{partitoin: x}}\n{stages}",
    }
    for why, text in wrong.items():
        stream.write("wrong.yaml", text)
        stream.run("stream", "deploy", "wrong.yaml", "--on", "slurm", "--render", expect=100)
        check(why in stream.last_stderr, f"{stream.last_stderr} does not say: {why}")
    stream.run("stream", "deploy", "generate 1 | print", "--on", "slurm", "--render", expect=100)
    check("needs a manifest in a file" in stream.last_stderr, stream.last_stderr)
    stream.write("right.yaml", f"pipeline: a\ncheckpoint: {{path: {stream.folder}}}\nhosts: slurm\n{stages}")
    stream.run("stream", "check", "right.yaml")
    stream.run("stream", "run", "right.yaml", expect=1)
    check("this is none: submit the manifest with 'stream deploy --on slurm'" in stream.last_stderr, stream.last_stderr)
    stream.environment["PATH"] = str(stream.programs)
    stream.run("stream", "deploy", "right.yaml", "--on", "slurm", expect=1)
    check("unable to run 'sbatch': it is not installed here" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([test for name, test in sorted(globals().items()) if name.startswith("test_")])
