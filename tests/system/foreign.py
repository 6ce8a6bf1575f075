"""A stage in another language, written from the manual pages alone: tests/foreign/stream-tally, in Python."""

import json
import pathlib
import random
import sqlite3
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "support"))
from harness import check, main, wait_until  # noqa: E402

FOREIGN = TOP / "foreign"
PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for

PIPELINE = """
pipeline: tally
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  made: {run: generate, rows: ROWS, rate: RATE, columns: "n, random % 40 as lane, case when random % 7 > 0 then 'k' || n % 3 end as name"}
  more: {run: generate, rows: ROWS, rate: RATE, seed: 7, columns: "n, random % 40 as lane, 'k' || random % 4 as name"}
  later: {run: filter, where: n >= 0}
  tally: {run: tally, from: [made, later], by: [lane, name], sum: n, parallelism: 2}
  out: {run: write-sqlite, path: out.db, table: tallies, if-exists: replace}
  large: {run: filter, from: tally, where: n > 10}
  groups: {run: aggregate, by: name, compute: {lanes: count(*), all: sum(total)}, parallelism: 3}
  groups-table: {run: write-sqlite, path: out.db, table: groups, if-exists: replace}
  counted: {run: aggregate, from: [made, more], by: [lane, name], compute: {n: count(*), total: sum(n)}}
  wanted: {run: write-sqlite, path: out.db, table: wanted, if-exists: replace}
"""
GROUPS = "select name, count(*), sum(total) from wanted where n > 10 group by name"


def prepared(stream, rows, rate):
    stream.environment["STREAM_STAGE_PATH"] = str(FOREIGN)
    return stream.write("tally.yaml", PIPELINE.replace("ROWS", str(rows)).replace("RATE", str(rate)))


def check_tables(stream):
    with sqlite3.connect(stream.folder / "out.db") as out:
        for found, wanted in (("select * from tallies", "select * from wanted"), ("select * from groups", GROUPS)):
            rows, others = set(out.execute(found)), set(out.execute(wanted))
            check(rows == others, f"{found}: {len(rows)} rows, {len(others)} wanted: {list(rows ^ others)[:4]}")
            check(rows, f"{found}: nothing to compare")


def it_counts_as_our_own_stage_does(stream):
    prepared(stream, 30000, 1000000)
    stream.run("stream", "run", "tally.yaml")
    check_tables(stream)


def beside_it_all_start_anew_when_something_is_rescaled(stream):
    """It knows nothing of that, and is asked for nothing."""
    prepared(stream, 30000, 6000)
    stream.run("stream", "run", "-d", "tally.yaml")
    wait_until("a checkpoint", lambda: checkpoints(stream) > 0)
    for wish in ("tally=3", "large=2"):
        told = json.loads(stream.run("stream", "rescale", "--json", "tally", wish))
        check(told["kept_processes"] == 0 and told["stages"][0]["to"] == int(wish[-1]), told)
    told = json.loads(stream.run("stream", "rescale", "--json", "tally", "groups-table=2"))
    check(told["kept_processes"] > 5, told)  # there it is no neighbour
    stream.run("stream", "wait", "tally", "--timeout", "100s")
    check_tables(stream)


def checkpoints(stream):
    """How many there were."""
    done = subprocess.run(["stream", "checkpoint", "--list", "--json", "tally"], env=stream.environment, capture_output=True, text=True,
                          timeout=60, check=False)
    return sum(json.loads(line)["status"] in ("complete", "committed") for line in done.stdout.splitlines())


def killed_at_random_it_counts_the_same(stream):
    """Each time behind another checkpoint, whose barriers come one after the other."""
    prepared(stream, 60000, 30000)
    job = stream.start("stream", "run", "tally.yaml", stderr=subprocess.PIPE)
    pick, kills, seen = random.Random(3), 0, 0
    while kills < 4:
        wait_until("a checkpoint", lambda: job.poll() is not None or (checkpoints(stream) > seen and stream.instances("tally")))
        if job.poll() is not None:
            break
        seen, instances = checkpoints(stream), stream.instances("tally")
        stream.kill([instances[name] for name in pick.sample(sorted(instances), min(1, len(instances)))])
        kills += 1
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check(kills >= 2, f"only {kills} kills")
    check_tables(stream)


def its_savepoint_is_a_table_and_restores_at_another_parallelism(stream):
    path = prepared(stream, 60000, 10000)
    stream.run("stream", "run", "-d", path)
    wait_until("half of the rows", lambda: records(stream) > 40000)
    savepoint = pathlib.Path(stream.run("stream", "stop", "tally").strip())
    kept = 0
    for file in savepoint.glob("tally.*.sqlite"):
        with sqlite3.connect(file) as state:
            kept += state.execute("select sum(n) from tallies").fetchone()[0]
    check(40000 < kept < 120000, f"{kept} rows in {savepoint}")
    path.write_text(path.read_text().replace("sum: n, parallelism: 2", "sum: n, parallelism: 3"))
    stream.run("stream", "run", path, "--from", savepoint)
    check_tables(stream)


def records(stream):
    return max((i["records_in"] for i in stream.stats("tally")["instances"] if i["stage"] == "tally"), default=0) * 2


def what_its_plan_refuses_has_a_place_in_the_manifest(stream):
    path = prepared(stream, 1, 1)
    path.write_text(path.read_text().replace("by: [lane, name], sum: n,", "by: [lain, name], sum: name,"))
    done = subprocess.run(["stream", "check", path], env=stream.environment, capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 1, f"exit {done.returncode}")
    for expected in ("tally.yaml:9:", "unknown column 'lain'", "there is no BIGINT column 'name'"):
        check(expected in done.stderr, f"'{expected}' is not in {done.stderr}")


def it_is_shown_like_any_other(stream):
    prepared(stream, 1, 1)
    check("rows and sums of each key" in stream.run("stream", "stages"), "it is not listed")
    shown = json.loads(stream.run("stream", "stages", "--json", "tally").splitlines()[0])
    check(shown["name"] == "tally", shown)


if subprocess.run([PYTHON, "-c", "import zmq, xxhash"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
    print("skipped: python3-zmq and python3-xxhash are not installed")
    sys.exit(0)

if __name__ == "__main__":
    main([it_counts_as_our_own_stage_does, killed_at_random_it_counts_the_same,
          beside_it_all_start_anew_when_something_is_rescaled,
          its_savepoint_is_a_table_and_restores_at_another_parallelism,
          what_its_plan_refuses_has_a_place_in_the_manifest, it_is_shown_like_any_other])
