"""A running job becomes another version of itself, or stays what it was: the results are those of a run left alone."""

import json
import pathlib
import random
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from in_flight import FAST, compare, expected, manifest, past, results  # noqa: E402

# The same results by other means.
SECOND = (("  kept: {run: filter, from: made, where:", "  more: {run: select, from: made, columns: '*'}\n  kept: {run: filter, parallelism: 2, where:"),
          ("tumble 20s, ", "tumble 20s, parallelism: 2, "))
# It works until n is 3000, by which nothing of it has been committed.
BREAKS = (("where: n >= 0", "where: \"n >= cast(case when n < 4000 then '0' else 'x' end as bigint)\", on-error: fail"),)
UPGRADE = ["stream", "upgrade", "job"]


def begun(stream, rows=500):
    stream.write("job.yaml", manifest())
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, rows)


def finish(stream, *changes):
    """To the end, as fast as it goes, by the version that is there."""
    stream.run("stream", "stop", "job")
    stream.write("last.yaml", manifest(*changes, rate=FAST))
    stream.run("stream", "run", "last.yaml")


def kinds(stream):
    return [event["kind"] for event in stream.events("job")]


def an_upgrade_goes_on_with_everything_in_flight(stream):
    wanted = expected(stream)
    begun(stream)
    stream.write("second.yaml", manifest(*SECOND))
    answer = json.loads(stream.run(*UPGRADE, "--json", "--label", "before", "second.yaml"))
    check(answer["upgraded"] and not answer["reason"], str(answer))
    said = stream.last_stderr
    for step in ("checked", "the old version stops", "savepoint /", "the new version starts", "the new version runs", "is complete", "upgraded"):
        check(step in said, f"{step!r} is not in\n{said}")
    check(len([name for name in stream.instances("job") if name.startswith("kept.")]) == 2, "it has two instances of 'kept'")
    path = stream.run(*UPGRADE, "job.yaml").strip()
    check(pathlib.Path(path, "savepoint.sqlite").exists(), f"no savepoint at {path!r}")
    finish(stream)
    compare(results(stream.folder), wanted)


def an_upgrade_that_fails_is_taken_back(stream):
    wanted = expected(stream)
    begun(stream)
    stream.write("breaks.yaml", manifest(*BREAKS))
    path = stream.run(*UPGRADE, "--trial", "20s", "breaks.yaml", expect=1).strip()
    said = stream.last_stderr
    check("stays what it was: kept.0 ended with exit code 98" in said and "invalid text for BIGINT" in said, said)
    check("the old version starts again from checkpoint" in said, said)
    check(pathlib.Path(path, "savepoint.sqlite").exists(), f"no savepoint at {path!r}")
    check(kinds(stream)[-2:] == ["rolled-back", "running"], str(kinds(stream)))
    finish(stream)
    compare(results(stream.folder), wanted)


def what_does_not_fit_stops_nothing(stream):
    begun(stream)
    attempt = stream.stats("job")["job"]["attempt"]
    stream.write("other.yaml", manifest(("tumble 20s", "tumble 10s")))
    stream.run(*UPGRADE, "other.yaml", expect=1)
    check("which runs on as it is" in stream.last_stderr and "it was tumble 20s of ts and is tumble 10s of ts now" in stream.last_stderr, stream.last_stderr)
    stream.write("wrong.yaml", manifest(("count(*)", "cuont(*)")))
    stream.run(*UPGRADE, "wrong.yaml", expect=100)
    check(stream.stats("job")["job"]["attempt"] == attempt, "it was left alone")
    stream.run("stream", "stop", "job")
    stream.run(*UPGRADE, "job.yaml", expect=1)
    check("does not run; 'stream run' goes on with it by a changed manifest" in stream.last_stderr, stream.last_stderr)


def a_version_without_a_checkpoint_in_time_is_taken_back(stream):
    begun(stream)
    stream.write("second.yaml", manifest(*SECOND))
    stream.run(*UPGRADE, "--trial", "1h", "--timeout", "300ms", "second.yaml", expect=1)
    check("no checkpoint of the new version within 300ms" in stream.last_stderr, stream.last_stderr)
    check(not [name for name in stream.instances("job") if name.startswith("more.")], "it is the old version")
    stream.run("stream", "cancel", "job")


def a_job_in_the_foreground_stays_there(stream):
    wanted = expected(stream)
    stream.write("job.yaml", manifest())
    job = stream.start("stream", "run", "job.yaml", stderr=subprocess.PIPE)
    past(stream, 500)
    stream.write("second.yaml", manifest(*SECOND))
    stream.run(*UPGRADE, "second.yaml")
    past(stream, 1500)
    job.send_signal(signal.SIGINT)
    talk = job.communicate()[1]
    check(job.returncode == 0 and "stopped: final checkpoint" in talk, talk)
    stream.run("stream", "resume", "job")
    check("more 1" in stream.run("stream", "show", "job"), "'resume' goes on with the new version")
    finish(stream)
    compare(results(stream.folder), wanted)


def a_stop_meets_an_upgrade(stream):
    begun(stream)
    stream.write("second.yaml", manifest(*SECOND))
    upgrade = stream.start(*UPGRADE, "--trial", "1h", "second.yaml", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_until("the trial", lambda: stream.stats("job")["job"]["state"] == "RUNNING" and any(name.startswith("more.") for name in stream.instances("job")))
    stream.run("stream", "checkpoint", "job", expect=1)
    check("is being upgraded" in stream.last_stderr, stream.last_stderr)
    stream.run(*UPGRADE, "second.yaml", expect=1)
    check("is being upgraded already" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "cancel", "job")
    talk = upgrade.communicate()[1]
    check(upgrade.returncode == 1 and "is CANCELLED" in talk, talk)


def died_in_an_upgrade(stream, pick, moment):
    """Starts an upgrade, and kills the supervisor, the verb or an instance when it has run for that long."""
    changes, whom = pick.choice((SECOND, ())), pick.choice(("supervisor", "supervisor", "verb", "instance"))
    stream.write("next.yaml", manifest(*changes))
    supervisor = json.loads(stream.run("stream", "show", "--json", "job"))["supervisor_pid"]
    upgrade = stream.start(*UPGRADE, "--trial", f"{pick.randrange(80)}ms", "next.yaml", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        upgrade.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        pass
    if whom == "verb":
        upgrade.kill()
    elif whom == "instance":
        stream.kill(sorted(stream.instances("job").values())[:1])
    elif supervisor:
        stream.kill([supervisor])
    return f"{whom}: {upgrade.communicate()[1]}"


def going_on(stream, what):
    """Whatever was killed: the job runs, or is DEAD and goes on as the version that is said. False: it has finished."""
    def settled():
        shown = json.loads(stream.run("stream", "show", "--json", "job"))
        return shown if shown["state"] in ("RUNNING", "DEAD", "FINISHED") else None
    shown = wait_until(f"a state after {what}", settled)
    if shown["state"] == "DEAD":
        wait_until("the instances to end", lambda: not stream.processes("job"))
        stream.run("stream", "resume", "job")
    return shown["state"] != "FINISHED"


def whoever_is_killed_in_an_upgrade_the_results_are_the_same(stream):
    wanted = expected(stream)
    pick = random.Random(4)
    begun(stream)
    turns = 0
    while turns < 12 and going_on(stream, died_in_an_upgrade(stream, pick, 0.05 + turns % 6 * 0.08)):
        turns += 1
    check(turns >= 5, f"it was over after {turns} turns")
    for savepoint in (stream.home("job") / "savepoints").glob("[0-9]*"):
        stream.run("stream", "state", "ls", savepoint)
    if kinds(stream)[-1] != "finished":
        finish(stream)
    compare(results(stream.folder), wanted)


def a_killed_upgrade(stream, until):
    """Killed with everything once `until` holds; the version that 'resume' goes on with."""
    stream.write("second.yaml", manifest(*SECOND))
    upgrade = stream.start(*UPGRADE, "--trial", "300ms", "second.yaml", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_until("the moment", until)
    stream.kill(stream.processes("job"))
    talk = upgrade.communicate()[1]
    wait_until("every process to end", lambda: not stream.processes("job"))
    said = "is DEAD: its supervisor ended during the upgrade" in talk if upgrade.returncode == 1 else "upgraded" in talk
    check(said, talk)
    stream.run("stream", "resume", "job")
    return "second" if any(name.startswith("more.") for name in stream.instances("job")) else "first"


def the_first_checkpoint_decides_which_version_goes_on(stream):
    wanted = expected(stream)
    begun(stream)

    def runs_on_trial():
        return any(name.startswith("more.") for name in stream.instances("job"))
    check(a_killed_upgrade(stream, runs_on_trial) == "first", "nothing of the second was published")
    check("rolled-back" in kinds(stream), str(kinds(stream)))
    first = max(int(path.name) for path in stream.home("job").glob("checkpoints/*"))

    def published():
        newest = max((int(path.parent.name) for path in stream.home("job").glob("checkpoints/*/checkpoint.sqlite")), default=0)
        return runs_on_trial() and newest > first and newest > int(savepoints(stream)[-1])
    check(a_killed_upgrade(stream, published) == "second", "its first checkpoint was published")
    check("upgraded" in kinds(stream), str(kinds(stream)))
    finish(stream, *SECOND)
    compare(results(stream.folder), wanted)


def savepoints(stream):
    return sorted((path.name for path in stream.home("job").glob("savepoints/[0-9]*")), key=int) or ["0"]


if __name__ == "__main__":
    main([an_upgrade_goes_on_with_everything_in_flight, an_upgrade_that_fails_is_taken_back, what_does_not_fit_stops_nothing,
          a_version_without_a_checkpoint_in_time_is_taken_back, a_job_in_the_foreground_stays_there, a_stop_meets_an_upgrade,
          the_first_checkpoint_decides_which_version_goes_on, whoever_is_killed_in_an_upgrade_the_results_are_the_same])
