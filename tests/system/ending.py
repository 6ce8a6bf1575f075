"""Jobs that end while something is killed: by a stop or the end of their input. What there was is gone on from, and the end can be had again."""

import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from in_flight import FAST, NEVER, ROWS, SLOW, at_rest, catalogue, checkpoints, compare, dead, expected, killed_meanwhile, manifest, past, results, rows_of, shown, whole  # noqa: E402


def a_job_that_ends_by_itself_is_finished_and_not_stopped(stream):
    stream.write("job.yaml", "pipeline: job\ncheckpoint: {interval: 1h}\nstages:\n  made: {run: generate, columns: n, rows: 300, rate: 150}\n"
                 "  rows: {run: write-sqlite, path: rows.db, table: rows}\n")
    stream.run("stream", "run", "-d", "job.yaml")
    with sqlite3.connect(stream.folder / "rows.db", isolation_level=None) as db:
        db.execute("begin exclusive")
        wait_until("its last checkpoint", lambda: checkpoints(stream))
        stop = stream.start("stream", "stop", "--drain", "--no-savepoint", "job", stderr=subprocess.PIPE)
        wait_until("the stop", lambda: shown(stream)["state"] == "STOPPING")
        db.execute("rollback")
    talk = stop.communicate(timeout=60)[1]
    check(stop.returncode == 1 and "job 'job' is FINISHED: it ended by itself" in talk, f"exit {stop.returncode}: {talk}")
    check(shown(stream)["state"] == "FINISHED", str(shown(stream)))


def a_savepoint_that_was_not_finished_leaves_nothing_where_it_was_to_be(stream):
    stream.write("job.yaml", manifest(rate=SLOW))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 300)
    folder, unfinished = stream.folder / "elsewhere", 0
    folder.mkdir()
    for turn in range(10):
        supervisor = shown(stream)["supervisor_pid"]
        asking = stream.start("stream", "savepoint", "job", "--to", folder / str(turn), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("its files", lambda: list(folder.glob(f"*{turn}*")) or asking.poll() is not None, interval=0.001)
        stream.kill([supervisor])
        asking.wait(timeout=60)
        dead(stream)
        unfinished += bool(list(folder.glob(".*")))
        stream.run("stream", "resume", "job")
        check(not list(folder.glob(".*")), f"turn {turn}: {list(folder.iterdir())}")
        if unfinished == 2:
            break
    check(unfinished, "it was always there before")
    listed = catalogue(stream)
    check({str(path) for path in folder.iterdir()} == set(listed) and all(whole(stream, path) for path in listed), str(listed))


def a_savepoint_that_is_being_made_when_the_job_stops_is_made(stream):
    stream.write("job.yaml", "pipeline: job\ncheckpoint: {interval: none}\nstages:\n  made: {run: generate, columns: n, rows: 300000}\n"
                 "  more: {run: generate, columns: n, rate: 10}\n"
                 "  hours: {run: aggregate, from: [made, more], by: n, compute: {many: count(*)}}\n  gone: {run: write-null}\n")
    stream.run("stream", "run", "-d", "job.yaml")
    wait_until("its state", lambda: any(i["state_rows"] >= 300000 for i in stream.stats("job")["instances"]))
    savepoint = stream.start("stream", "savepoint", "job", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until("that it is being made", lambda: list((stream.home("job") / "savepoints").glob(".*")), interval=0.001)
    stream.run("stream", "stop", "--no-savepoint", "job")
    said, talk = savepoint.communicate(timeout=60)
    check(savepoint.returncode == 0 and catalogue(stream) == [said.strip()] and whole(stream, said.strip()), f"{said}{talk}{catalogue(stream)}")


def whoever_is_killed_in_a_stop_or_savepoint_nothing_is_lost(stream):
    """Whatever was promised is there, whatever is listed is whole, and it can be asked for again."""
    wanted, pick, promised = expected(stream), random.Random(9), []
    stream.write("job.yaml", manifest(rate=300))  # not over before it is stopped for the last time
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 100)
    aside = stream.folder / "aside"
    for turn, how in enumerate((["stop"], ["savepoint"], ["stop", "--no-savepoint"], ["savepoint", "--archive"], ["stop", "--to", aside / "2"],
                                ["savepoint", "--single-file", "--to", aside / "3"], ["stop"], ["savepoint", "--to", aside / "4"])):
        verb, whom = killed_meanwhile(stream, pick, [*how, "job"], pick.uniform(0, 0.25))
        state = at_rest(stream)
        what = f"turn {turn}, {whom}, {how}: {state}: {verb.talk}"
        check(verb.returncode != 0 or how[0] == "savepoint" or state == "STOPPED", what)
        promised += [verb.said] if verb.said else []
        if state == "DEAD":
            stream.run("stream", "resume", "job")
        if state != "STOPPED":  # what was asked for may come just now
            promised += stream.run("stream", *how[:1], "job", expect=None).split()
        if at_rest(stream) == "STOPPED":
            stream.run("stream", "resume", "job")
    stream.run("stream", "stop", "--no-savepoint", "job")
    listed = catalogue(stream)
    check(set(promised) <= set(listed), f"promised {promised}, listed {listed}")
    for path in listed:
        check(whole(stream, path), path)
    left = [path for folder in (aside, stream.home("job") / "savepoints") for path in folder.glob("*") if str(path) not in listed]
    check(not left, f"left over: {left}")
    check(rows_of(stream.folder) < ROWS, "it was over before")
    stream.write("last.yaml", manifest(rate=FAST))
    stream.run("stream", "run", "last.yaml")
    compare(results(stream.folder), wanted)


def ran_to_its_end(stream, wanted, what):
    """Whatever was killed: it goes on to its end, and once there it goes on no more."""
    if at_rest(stream) == "DEAD":
        stream.run("stream", "resume", "job", expect=None)
    wait_until("its end", lambda: shown(stream)["state"] == "FINISHED")
    compare(results(stream.folder), wanted, what)
    stream.run("stream", "resume", "job", expect=1)
    check("is FINISHED; 'stream run' starts it anew" in stream.last_stderr, stream.last_stderr)


def anew(stream):
    """Without what the run before has written."""
    for name in ("rows", "windows", "hops", "sessions", "ranks", "joined"):
        for path in stream.folder.glob(f"{name}.db*"):
            path.unlink()
    shutil.rmtree(stream.folder / "parts", ignore_errors=True)
    (stream.folder / "lines.ndjson").unlink(missing_ok=True)


def a_supervisor_that_dies_at_the_very_end_has_ended_it_once(stream):
    """Its last checkpoint is published and not committed; everything is committed and it does not know that it has finished."""
    wanted = expected(stream)
    stream.write("job.yaml", manifest(*NEVER, rate=8000))
    for committed in (False, True):
        anew(stream)
        before = checkpoints(stream)
        job = stream.start("stream", "run", "job.yaml", stderr=subprocess.DEVNULL)
        wait_until("it to run", lambda: stream.jobs() and shown(stream)["state"] == "RUNNING")
        source = stream.pid("job", "made.0")
        with sqlite3.connect(stream.folder / "windows.db", isolation_level=None) as db:
            db.execute("begin exclusive")
            wait_until("its last checkpoint", lambda: checkpoints(stream) - before)
            if committed:  # the source has nothing to commit, and has said so when another has committed
                wait_until("a commit", lambda: rows_of(stream.folder) == ROWS)
            stream.kill([source] if committed else stream.processes("job"), signal.SIGSTOP if committed else signal.SIGKILL)
            db.execute("rollback")
        if committed:
            wait_until("all others to leave", lambda: set(stream.processes("job")) <= {job.pid, source})
            compare(results(stream.folder), wanted, "committed")
            job.kill()
        job.wait()
        dead(stream)
        check(shown(stream)["state"] == "DEAD", str(shown(stream)))
        ran_to_its_end(stream, wanted, f"committed: {committed}")


def whoever_is_killed_near_the_end_of_the_input_it_ends_once(stream):
    wanted, pick = expected(stream), random.Random(2)
    stream.write("job.yaml", manifest(rate=8000))
    states = set()
    for near, whom in ((ROWS, "all"), (ROWS - 4000, "the supervisor"), (1, "an instance")):
        anew(stream)
        job = stream.start("stream", "run", "job.yaml", stderr=subprocess.DEVNULL)
        wait_until(f"{near} rows", lambda: rows_of(stream.folder) >= near or job.poll() is not None)
        instances = sorted(stream.instances("job").values())
        stream.kill({"the supervisor": [job.pid], "an instance": instances[pick.randrange(16):][:1], "all": stream.processes("job")}[whom])
        job.wait(timeout=60)
        states.add(shown(stream)["state"])
        ran_to_its_end(stream, wanted, f"{whom} at {near}")
    check(states <= {"DEAD", "FINISHED"}, f"{states}")  # a busy machine may be too late for one of them


def what_gc_is_killed_in_can_be_done_again(stream):
    """Of a job that has stopped: what crashes left, and savepoints that its rules let go; the others and its checkpoints stay."""
    wanted, pick = expected(stream), random.Random(8)
    stream.write("job.yaml", manifest(rate=SLOW))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 300)
    kept = stream.run("stream", "savepoint", "job", "--label", "kept").strip()
    for _ in range(2):
        stream.run("stream", "savepoint", "job")
    newest = stream.run("stream", "stop", "job").strip()
    folder = stream.home("job")
    stream.run("stream", "savepoint", "job", "--every", "1h", "--keep", "1")
    for turn in range(5):
        for name in ("checkpoints/1/stray.0.a1.sqlite", "checkpoints/77/index.partial", "savepoints/.9.savepoint-partial/hours.0.sqlite"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("left by a crash")
        gc = stream.start("stream", "gc", *([] if turn % 2 else ["job"]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            gc.wait(timeout=pick.uniform(0, 0.03))
        except subprocess.TimeoutExpired:
            gc.kill()
            gc.wait()
        there = [path for path in catalogue(stream) if pathlib.Path(path).exists()]
        check({kept, newest} <= set(there) and all(whole(stream, path) for path in there), f"turn {turn}: {there}")
        check(shown(stream)["state"] == "STOPPED", str(shown(stream)))
    stream.run("stream", "gc")
    check(not stream.run("stream", "gc", "--dry-run"), "something is left over")
    check(catalogue(stream) == [kept, newest], str(catalogue(stream)))
    check({path.name for path in (folder / "savepoints").iterdir()} == {pathlib.Path(path).name for path in (kept, newest)}, "leftovers")
    stream.run("stream", "savepoint", "job", "--every", "off")
    stream.write("last.yaml", manifest(rate=FAST))
    stream.run("stream", "run", "last.yaml")
    compare(results(stream.folder), wanted)


def who_is_killed_while_gc_clears_a_running_job_loses_nothing(stream):
    """gc itself, the supervisor, or everything."""
    wanted, pick = expected(stream), random.Random(21)
    stream.write("job.yaml", manifest(rate=SLOW))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 300)
    kept = stream.run("stream", "savepoint", "job", "--label", "kept").strip()
    stream.run("stream", "savepoint", "job", "--every", "1h", "--keep", "1")
    for turn, whom in enumerate(["gc", "supervisor", "all"] * 2):
        newest = stream.run("stream", "savepoint", "job").strip()
        stray = stream.home("job") / "checkpoints/1/stray.0.a1.sqlite"
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_text("left by a crash")
        victims = {"gc": [], "supervisor": [shown(stream)["supervisor_pid"]], "all": stream.processes("job")}[whom]
        gc = stream.start("stream", "gc", "job", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            gc.wait(timeout=pick.uniform(0, 0.03))
        except subprocess.TimeoutExpired:
            pass
        if whom != "supervisor":
            gc.kill()
        stream.kill(victims)
        gc.wait(timeout=30)
        if victims:
            dead(stream)
            check(shown(stream)["state"] == "DEAD", str(shown(stream)))
        there = [path for path in catalogue(stream) if pathlib.Path(path).exists()]
        check({kept, newest} <= set(there) and all(whole(stream, path) for path in there), f"turn {turn}: {there}")
        if victims:
            stream.run("stream", "gc", "job")
            stream.run("stream", "resume", "job")
            stream.run("stream", "wait", "job", "--for", "running")
    stream.run("stream", "stop", "job")
    stream.write("last.yaml", manifest(rate=FAST))
    stream.run("stream", "run", "last.yaml")
    compare(results(stream.folder), wanted)


if __name__ == "__main__":
    main([a_savepoint_that_is_being_made_when_the_job_stops_is_made, whoever_is_killed_in_a_stop_or_savepoint_nothing_is_lost, a_job_that_ends_by_itself_is_finished_and_not_stopped,
          a_savepoint_that_was_not_finished_leaves_nothing_where_it_was_to_be, a_supervisor_that_dies_at_the_very_end_has_ended_it_once,
          whoever_is_killed_near_the_end_of_the_input_it_ends_once, what_gc_is_killed_in_can_be_done_again, who_is_killed_while_gc_clears_a_running_job_loses_nothing])
