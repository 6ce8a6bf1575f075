"""Jobs that end while something is killed: by a stop, a drain or the end of their input. What there was is gone on from, and the end can be had again."""

import json
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from in_flight import FAST, ROWS, SLOW, bounded, compare, expected, manifest, past, results, rows_of  # noqa: E402


def shown(stream, job="job"):
    return json.loads(stream.run("stream", "show", "--json", job))


def checkpoints(stream, job="job"):
    return {int(path.parent.name) for path in stream.home(job).glob("checkpoints/*/checkpoint.sqlite")}


def dead(stream, job="job"):
    """Waits until nothing of the job runs any more."""
    wait_until("every process to end", lambda: not stream.processes(job))


def published_and_no_more(stream, how, act):
    """Stops the job, and acts when its last checkpoint is published and a sink cannot commit it yet; what the verb says."""
    before = checkpoints(stream)
    with sqlite3.connect(stream.folder / "windows.db", isolation_level=None) as db:
        db.execute("begin exclusive")
        stop = stream.start("stream", "stop", *how, "job", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until("its last checkpoint", lambda: checkpoints(stream) - before)
        act()
        db.execute("rollback")
    stop.talk = stop.communicate(timeout=30)[1]
    return stop


NEVER = (("interval: 50ms", "interval: none"),)  # but the last one


def slowly(stream):
    stream.write("job.yaml", manifest(*NEVER, rate=4000))
    stream.run("stream", "run", "-d", "job.yaml")
    wait_until("rows", lambda: any(i["stage"] == "hours" and i["records_in"] > 2500 for i in stream.stats("job")["instances"]))


def a_drain_whose_instance_dies_reads_no_further(stream):
    """Its windows have fired in a checkpoint that is published and not committed: what was read later would fire them again."""
    slowly(stream)
    stop = published_and_no_more(stream, ["--drain"], lambda: stream.kill([stream.instances("job")["ranks.0"]]))
    check(stop.returncode == 0, stop.talk)
    compare(results(stream.folder), bounded(stream, rows_of(stream.folder)))


def a_drain_whose_supervisor_dies_is_finished_by_the_next(stream):
    slowly(stream)
    stop = published_and_no_more(stream, ["--drain"], lambda: stream.kill([shown(stream)["supervisor_pid"]]) or dead(stream))
    check(stop.returncode != 0 and shown(stream)["state"] == "DEAD", stop.talk)
    stream.run("stream", "resume", "job")
    wait_until("its end", lambda: shown(stream)["state"] == "STOPPED")
    compare(results(stream.folder), bounded(stream, rows_of(stream.folder)))
    check("savepoint " in shown(stream)["reason"], str(shown(stream)))
    stream.run("stream", "resume", "job", expect=1)
    check("was drained" in stream.last_stderr, stream.last_stderr)




def killed_meanwhile(stream, pick, verb, moment):
    """Starts a verb and kills somebody when it has run for so long; the verb, over, and who it was."""
    whom = pick.choice(("supervisor", "verb", "an instance", "all"))
    supervisor, instances = shown(stream)["supervisor_pid"], sorted(stream.instances("job").values())
    verb = stream.start("stream", *verb, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        verb.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        pass
    stream.kill({"supervisor": [supervisor], "verb": [verb.pid], "an instance": instances[pick.randrange(16):][:1], "all": stream.processes("job")}[whom])
    verb.said, verb.talk = (text.strip() for text in verb.communicate(timeout=30))
    return verb, whom


def at_rest(stream):
    """The state of the job once it does not change by itself: RUNNING, DEAD, STOPPED or FINISHED."""
    def settled():
        state = shown(stream)["state"]
        return state if state in ("RUNNING", "DEAD", "STOPPED", "FINISHED") else None
    state = wait_until("a state that lasts", settled)
    if state == "DEAD":
        dead(stream)
    return state


def catalogue(stream):
    return [json.loads(line)["path"] for line in stream.run("stream", "savepoint", "--list", "--json", "job").splitlines()]


def whole(stream, path):
    return stream.succeeds("stream", "state", "query", path, "select count(*) from hours")


def whoever_is_killed_in_a_stop_nothing_is_lost(stream):
    """Whatever was promised is there, whatever is listed is whole, and it can be stopped again."""
    wanted, pick, promised, states = expected(stream), random.Random(9), [], set()
    stream.write("job.yaml", manifest(rate=SLOW))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 300)
    for turn in range(6):
        how = ([], ["--no-savepoint"], ["--to", stream.folder / "aside" / str(turn)])[turn % 3]
        stop, whom = killed_meanwhile(stream, pick, ["stop", "job", *how], pick.uniform(0, 0.25))
        state = at_rest(stream)
        states.add(state)
        what = f"turn {turn}, {whom}, {how}: {state}: {stop.talk}"
        check(stop.returncode != 0 or state == "STOPPED", what)
        promised += [stop.said] if stop.said else []
        if state == "DEAD":
            stream.run("stream", "resume", "job")
        if state != "STOPPED":
            promised += [stream.run("stream", "stop", "job", expect=None).strip() or promised[-1]]  # what was asked for may come just now
            check(at_rest(stream) == "STOPPED", what)
        stream.run("stream", "resume", "job")
    stream.run("stream", "stop", "--no-savepoint", "job")
    check(len(states) > 1, f"always {states}")
    listed = catalogue(stream)
    check(set(promised) <= set(listed), f"promised {promised}, listed {listed}")
    for path in listed:
        check(whole(stream, path), path)
    left = [path for folder in ("aside", "home/job/savepoints") for path in (stream.folder / folder).glob("*") if str(path) not in listed]
    check(not left, f"left over: {left}")
    check(rows_of(stream.folder) < ROWS, "it was over before")
    stream.write("last.yaml", manifest(rate=FAST))
    stream.run("stream", "run", "last.yaml")
    compare(results(stream.folder), wanted)


def whoever_is_killed_in_a_drain_every_window_fires_once(stream):
    pick = random.Random(3)
    for turn in range(4):
        folder = stream.folder / str(turn)
        stream.write(f"{turn}/job.yaml", manifest(rate=4000))
        stream.run("stream", "run", "-d", "--fresh", folder / "job.yaml")
        wait_until("rows", lambda: rows_of(folder) > 1000)
        drain, whom = killed_meanwhile(stream, pick, ["stop", "--drain", "job"], pick.uniform(0.02, 0.3))
        state = at_rest(stream)
        what = f"turn {turn}, {whom}: {state}: {drain.talk}"
        check(drain.returncode != 0 or state == "STOPPED", what)
        if state == "DEAD":
            stream.run("stream", "resume", "job")  # goes on, or ends what was begun
            stream.run("stream", "stop", "--drain", "job", expect=None)
        elif state == "RUNNING":
            stream.run("stream", "stop", "--drain", "job", expect=None)
        wait_until("its end", lambda: shown(stream)["state"] == "STOPPED")
        check(whole(stream, catalogue(stream)[-1]), what)
        compare(results(folder), bounded(stream, rows_of(folder)), what)
        stream.run("stream", "resume", "job", expect=1)


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
        wait_until("it to run", lambda: stream.jobs() and stream.succeeds("stream", "wait", "job", "--for", "running"))
        source = stream.instances("job")["made.0"]
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
    stream.write("job.yaml", manifest(rate=FAST))
    states = set()
    for turn in range(4):
        anew(stream)
        whom = pick.choice(("the supervisor", "an instance", "all"))
        job = stream.start("stream", "run", "job.yaml", stderr=subprocess.DEVNULL)
        near = pick.choice((1, 2000, 6000, ROWS))
        wait_until(f"{near} rows", lambda: rows_of(stream.folder) >= near or job.poll() is not None)
        instances = sorted(stream.instances("job").values())
        stream.kill({"the supervisor": [job.pid], "an instance": instances[pick.randrange(16):][:1], "all": stream.processes("job")}[whom])
        job.wait(timeout=30)
        states.add(shown(stream)["state"])
        ran_to_its_end(stream, wanted, f"turn {turn}, {whom} at {near}")
    check(states == {"DEAD", "FINISHED"}, f"{states}")


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


if __name__ == "__main__":
    main([a_drain_whose_instance_dies_reads_no_further, a_drain_whose_supervisor_dies_is_finished_by_the_next,
          whoever_is_killed_in_a_stop_nothing_is_lost, whoever_is_killed_in_a_drain_every_window_fires_once,
          a_supervisor_that_dies_at_the_very_end_has_ended_it_once, whoever_is_killed_near_the_end_of_the_input_it_ends_once,
          what_gc_is_killed_in_can_be_done_again])
