"""A job that gives its stages as many processes as they need, or as there is room for; see stream-autoscale(7)."""

import json
import os
import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

# A script that takes its time for each row without using a processor. Rows come faster than one instance takes them, and
# are wide, so that few are on their way.
MANIFEST = """
pipeline: scaled
checkpoint: {{interval: 50ms}}
restart: {{strategy: fixed-delay, delay: 10ms, attempts: 50}}
autoscale:
  mode: {mode}
  interval: 100ms
  metrics-window: 800ms
  stabilization-interval: 200ms
  scale-up-grace-period: 0s
  scale-down-interval: 500ms
  catch-up-duration: 3s
  restart-time: 100ms
  effectiveness-threshold: 0
{more}
stages:
  made: {{run: generate, rate: {rate}, rows: {rows}, columns: "n, n % 97 as k, repeat('x', 2000) as pad"}}
  slow:
    run: lua
    trusted: true
    schema: n bigint, k bigint
    code: |
      local ffi = require('ffi')
      ffi.cdef('int usleep(unsigned)')
      function on_row(row, state, emit) ffi.C.usleep({pause}) emit(row.n, row.k) end
    parallelism: {bounds}
  sums: {{run: aggregate, by: k, compute: {{n: count(*), s: sum(n)}}}}
  table: {{run: write-sqlite, path: out.db, table: sums, if-exists: replace}}
  all: {{run: write-sqlite, from: slow, path: all.db, table: rows, if-exists: replace}}
"""


def manifest(mode="on", rate=2400, rows=1000000, pause=1000, bounds="{min: 1, max: 4}", more=""):
    return MANIFEST.format(mode=mode, rate=rate, rows=rows, pause=pause, bounds=bounds, more=more)


def start(stream, **how):
    stream.write("scaled.yaml", manifest(**how))
    stream.run("stream", "run", "-d", "scaled.yaml")


def shown(stream):
    return json.loads(stream.run("stream", "show", "--json", "scaled"))


def number(stream, stage="slow"):
    return next(s["parallelism"] for s in shown(stream)["stages"] if s["stage"] == stage)


def kinds(stream):
    return [e["kind"] for e in stream.events("scaled")]


def text_of(stream, kind, part=""):
    return next((e["text"] for e in stream.events("scaled") if e["kind"] == kind and part in e["text"]), "")


def check_results(stream, rows=None):
    """Every row once, and sums over the same rows."""
    with sqlite3.connect(stream.folder / "all.db") as all_rows, sqlite3.connect(stream.folder / "out.db") as out:
        count, different, last = all_rows.execute("select count(*), count(distinct n), max(n) from rows").fetchone()
        check(count == different == last + 1, f"{count} rows, {different} of them different, the last is {last}")
        check(rows is None or count == rows, f"{count} rows, not {rows}")
        wanted = sorted(all_rows.execute("select k, count(*), sum(n) from rows group by k"))
        check(sorted(out.execute("select k, n, s from sums")) == wanted, "sums differ")


def finish(stream):
    stream.run("stream", "stop", "--drain", "--no-savepoint", "scaled")
    check_results(stream)


def a_stage_that_is_too_slow_gets_more_processes_and_gives_some_back(stream):
    start(stream, rows=8000)
    wait_until("more processes", lambda: number(stream) > 1)
    text = text_of(stream, "autoscale")
    for part in ("slow 1 -> ", "more are needed", "busy ", "should take ", "come in"):
        check(part in text, text)
    scaling = shown(stream)["autoscale"]
    check(scaling["mode"] == "on" and scaling["stages"][0]["stage"] == "slow", scaling)
    check((scaling["stages"][0]["min"], scaling["stages"][0]["max"]) == (1, 4), scaling)
    check("autoscale   on: slow " in stream.run("stream", "show", "scaled"), stream.run("stream", "show", "scaled"))
    stream.run("stream", "wait", "scaled", "--for", "finished", "--timeout", "100s")
    check_results(stream, 8000)
    check("restarting" not in kinds(stream), kinds(stream))


def a_light_load_gives_processes_back(stream):
    start(stream, rate=20, pause=100, bounds="{min: 2, max: 6}")
    told = json.loads(stream.run("stream", "rescale", "--json", "scaled", "slow=5"))  # from which it may go down at once
    check([s["to"] for s in told["stages"]] == [5], told)
    wait_until("the least it may have", lambda: number(stream) == 2)
    check("fewer are enough" in text_of(stream, "autoscale"), stream.events("scaled"))
    stream.run("stream", "rescale", "scaled", "slow=1..6")
    wait_until("one of its new bounds", lambda: number(stream) == 1)
    finish(stream)


def advice_is_only_advice(stream):
    began = time.monotonic()
    start(stream, mode="advice")
    # It may begin with less, as long as rows pile up between the stages.
    text = wait_until("advice", lambda: text_of(stream, "autoscale-advice", "slow 1 -> 4"))
    check("'stream rescale scaled slow=4' does it" in text, text)
    check(number(stream) == 1, "it was done")

    def has_numbers():
        stage = shown(stream)["autoscale"]["stages"][0]
        return stage.get("verdict") == "up" and stage["target"] == 4 and stage["busy"] > 0.9 and stage["demand"] > stage["true_rate"] > 0
    wait_until("numbers", has_numbers)
    wait_until("rows that wait", lambda: next(i for i in stream.stats("scaled")["instances"] if i["stage"] == "made")["pending_records"] > 0)
    stream.run("stream", "rescale", "scaled", "slow=4")
    check(number(stream) == 4, "4 were asked for")
    told = kinds(stream).count("autoscale-advice")
    took = time.monotonic() - began
    check(told <= 4 + took, f"it was told {told} times within {took:.1f} s, at ten looks a second")
    finish(stream)


def bounds_hold_and_change_while_it_runs(stream):
    start(stream, rate=2000, bounds="1..2")
    wait_until("two", lambda: number(stream) == 2)
    wait_until("it wants more", lambda: shown(stream)["autoscale"]["stages"][0].get("verdict") == "bounded")
    refused = stream.run("stream", "rescale", "scaled", "slow=3", expect=1)
    check("its bounds are 1..2; give it others, as slow=1..3" in stream.last_stderr, refused + stream.last_stderr)
    told = json.loads(stream.run("stream", "rescale", "--json", "scaled", "slow=1..3"))
    check(told == {"bounds": [{"stage": "slow", "min": 1, "max": 3}], "stages": []}, told)
    wait_until("three", lambda: number(stream) == 3)
    told = json.loads(stream.run("stream", "rescale", "--json", "scaled", "slow=1..1"))
    check(told["stages"] == [{"stage": "slow", "from": 3, "to": 1}], told)
    # What was chosen while it ran holds for the same manifest, in a new supervisor.
    stream.run("stream", "stop", "--no-savepoint", "scaled")
    stream.run("stream", "run", "-d", "scaled.yaml")
    check("1..1 instances" in stream.last_stderr, stream.last_stderr)
    check(shown(stream)["autoscale"]["stages"][0]["max"] == 1, shown(stream))
    finish(stream)


def without_numbers_it_takes_the_room_there_is(stream):
    start(stream, mode="off", rate=100, pause=1, bounds="{min: 1, max: 3}")
    check(number(stream) == min(3, len(os.sched_getaffinity(0))), shown(stream))
    stream.run("stream", "rescale", "scaled", "slow=2..5")
    check(number(stream) == 5, "the upper bound that was asked for")
    stream.run("stream", "cancel", "scaled")
    start(stream, mode="off", rate=100, pause=1, bounds="{min: 1, max: 9}",
          more="hosts:\n  here: {address: 127.0.0.1, via: local, slots: 7}")
    check(number(stream) == 3, f"seven slots, four of them taken: {shown(stream)}")
    stream.run("stream", "rescale", "scaled", "slow=8", expect=1)
    check("every host it may use is full" in stream.last_stderr, stream.last_stderr)
    check(number(stream) == 3 and "restarting" not in kinds(stream), kinds(stream))
    finish(stream)


def supervisor_of(stream):
    return shown(stream)["supervisor_pid"]


def whoever_is_killed_while_it_scales_the_results_are_the_same(stream):
    for who in ("supervisor", "slow.0", "sums.0"):
        start(stream, rows=5000)
        wait_until("a decision", lambda: "autoscale" in kinds(stream), interval=0.001)
        pids = [supervisor_of(stream)] if who == "supervisor" else [stream.instances("scaled").get(who)]
        stream.kill([pid for pid in pids if pid])
        if who == "supervisor":
            wait_until("it is gone", lambda: not stream.processes("scaled"))
            stream.run("stream", "resume", "scaled")
            check(number(stream) > 1, "the decision was forgotten")
        stream.run("stream", "wait", "scaled", "--for", "finished", "--timeout", "100s")
        wait_until("its supervisor to go", lambda: not stream.processes("scaled"))
        check_results(stream, 5000)


def what_is_wrong_is_said(stream):
    for wrong, said in (
            ({"bounds": "{min: 3, max: 2}"}, "'min' of 'parallelism' is more than its 'max'"),
            ({"bounds": "{min: 1}"}, "'parallelism' needs 'max'"),
            ({"bounds": "4..2"}, "is not MIN..MAX"),
            ({"bounds": "{min: 1, maximum: 2}"}, "'parallelism' has no key 'maximum'"),
            ({"bounds": "2"}, "'autoscale' has nothing to change: no stage has bounds"),
            ({"mode": "maybe"}, "'maybe' is not one of off, advice, on"),
            ({"more": "  target-utilization: 1.5"}, "'target-utilization' must be from 0 to 1"),
            ({"more": "  excluded-periods: [9-17]"}, "'9-17' is no period")):
        stream.write("wrong.yaml", manifest(**wrong))
        stream.run("stream", "check", "wrong.yaml", expect=1)
        check(said in stream.last_stderr and "wrong.yaml:" in stream.last_stderr, f"{said}: {stream.last_stderr}")
    stream.write("wrong.yaml", "pipeline: p\nstages:\n  a: {run: generate}\n  b: {run: write-file, path: x, parallelism: 1..9}\n")
    stream.run("stream", "check", "wrong.yaml", expect=1)
    check("1 instance" in stream.last_stderr or "allows 1" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([a_stage_that_is_too_slow_gets_more_processes_and_gives_some_back, a_light_load_gives_processes_back,
          advice_is_only_advice, bounds_hold_and_change_while_it_runs, without_numbers_it_takes_the_room_there_is,
          whoever_is_killed_while_it_scales_the_results_are_the_same, what_is_wrong_is_said])
