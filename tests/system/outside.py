"""A stage in a tree of its own, built with what `cmake --install` has installed, is a stage like any other."""

import json
import pathlib
import random
import sqlite3
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "support"))
from harness import Stream, check, kill_while_it_runs, main, wait_until  # noqa: E402

LINES = '{"host":"a","up":1}\n{"host":"a","up":1}\n{"host":"b","up":1}\n{"host":"a","up":0}\n{"host":"a","up":null}\n{"host":"a","up":null}\n'
STREAKS = [1, 2, 1, 1, 1, 2]

PIPELINE = """
pipeline: streaks
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 20}
stages:
  made: {run: generate, rows: 60000, rate: 30000, columns: "n, random % 200 as host, random / 1000 % 5 = 0 as up"}
  all: {run: write-sqlite, path: out.db, table: made, if-exists: replace}
  streak: {run: streak, from: made, by: host, of: up, parallelism: 2}
  out: {run: write-sqlite, path: out.db, table: streaks, if-exists: replace}
"""
# Rows since the value changed last: by the difference of two row numbers.
ORACLE = """
    select n, host, up, row_number() over (partition by host, up, island order by n)
    from (select *, row_number() over (partition by host order by n) - row_number() over (partition by host, up order by n) as island
          from made)"""


def build(folder, *arguments):
    done = subprocess.run(["cmake", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    check(done.returncode == 0, f"cmake {arguments}: {done.stdout}{done.stderr}")


def installed(stream):
    """The prefix where the project and the stage are, each installed from its own build."""
    prefix = stream.folder / "prefix"
    build(stream.folder, "--install", stream.programs.parent, "--prefix", prefix)
    outside = stream.folder / "outside"
    build(stream.folder, "-S", TOP / "outside", "-B", outside, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug",
          f"-DCMAKE_INSTALL_PREFIX={stream.folder / 'own'}")
    build(stream.folder, "--build", outside)
    build(stream.folder, "--install", outside)
    return prefix, stream.folder / "own"


def streaks_of(text):
    return [json.loads(line)["streak"] for line in text.splitlines()]


def every_spelling(stream):
    check(streaks_of(stream.run("stream-streak", "--of", "up", "host", stdin=LINES)) == STREAKS, "plain")
    quoted = stream.run("stream", "run", "streak --of up host", stdin=LINES)
    check(streaks_of(quoted) == STREAKS, f"quoted: {quoted}")
    inlet, outlet = (f"ipc://{stream.folder}/{name}" for name in ("in", "out"))
    stages = [stream.start("stream-streak", "--of", "up", "host", "--in", inlet, "--out", outlet),
              stream.start("stream-select", "--in", outlet, "streak", stdout=subprocess.PIPE)]
    stream.run("stream-filter", "--out", inlet, "true", stdin=LINES)
    by_hand = stages[1].communicate(timeout=60)[0]
    check(stages[0].wait(timeout=60) == 0, "by hand")
    check(streaks_of(by_hand) == STREAKS, f"by hand: {by_hand}")


def check_streaks(stream):
    with sqlite3.connect(stream.folder / "out.db") as out:
        found, wanted = set(out.execute("select * from streaks")), set(out.execute(ORACLE))
    check(found == wanted, f"{len(found)} rows, {len(wanted)} wanted: {sorted(found ^ wanted)[:4]}")
    check(len(found) == 60000, f"{len(found)} rows")


def killed(stream):
    stream.write("streaks.yaml", PIPELINE)
    job = stream.start("stream", "run", "streaks.yaml", stderr=subprocess.PIPE)
    check(kill_while_it_runs(stream, job, "streaks", random.Random(2), 4) >= 2, "hardly a kill")
    check_streaks(stream)


def rescaled(stream):
    stream.write("streaks.yaml", PIPELINE)
    stream.run("stream", "run", "-d", "--fresh", "streaks.yaml")
    wait_until("some rows", lambda: any(i["records_in"] > 10000 for i in stream.stats("streaks")["instances"] if i["stage"] == "streak"))
    savepoint = pathlib.Path(stream.run("stream", "stop", "streaks").strip())
    with sqlite3.connect(savepoint / "streak.1.sqlite") as state:
        names = [column[1] for column in state.execute("pragma table_info(streak)")]
    check(set(names) == {"_key_group", "host", "last_value", "streak"}, names)
    stream.write("streaks.yaml", PIPELINE.replace("parallelism: 2", "parallelism: 3"))
    stream.run("stream", "run", "streaks.yaml", "--from", savepoint)
    check_streaks(stream)


def a_stage_of_ones_own_is_like_any_other(stream):
    prefix, own = installed(stream)
    with Stream(prefix / "bin") as user:
        user.environment["PATH"] = f"{own / 'bin'}:{user.environment['PATH']}"
        user.environment["STREAM_STAGE_PATH"] = str(own / "bin")
        every_spelling(user)
        killed(user)
        rescaled(user)
        refused = subprocess.run(["stream", "run", "streak --of down host"], env=user.environment, input=LINES, capture_output=True,
                                 text=True, timeout=60, check=False)
        check(refused.returncode == 100 and "down" in refused.stderr, refused.stderr)
    page = (own / "share/man/man1/stream-streak.1").read_text()
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, capture_output=True, text=True, check=False)
    check(not [line for line in lint.stdout.splitlines() if "outdated mandoc.db" not in line], lint.stdout)


if __name__ == "__main__":
    main([a_stage_of_ones_own_is_like_any_other])
