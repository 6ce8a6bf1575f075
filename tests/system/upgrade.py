"""A running job becomes another version of itself, or stays what it was: the results are those of a run left alone."""

import json
import pathlib
import random
import signal
import sqlite3
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
# A stage that the evolved version has no more …
SEEN = (("  tens: {run", "  seen: {run: dedup, from: kept, by: u}\n  seen-table: {run: write-sqlite, path: OUT/seen.db, table: seen}\n  tens: {run"),)
# … while another is renamed, as is a column, and one is added. The sinks get what they got before.
EVOLVED = (("  best: {run", "  leaders: {run"),
           ("{many: count(*), highest: max(n)}}", "{number: count(*), highest: max(n)}}\n"
            "  as-before: {run: select, columns: 'k, window_start, window_end, number as many, highest'}"),
           ("window: session 2s, compute: {many: count(*)}}", "window: session 2s, compute: {many: count(*), lowest: min(n)}}\n"
            "  starts: {run: write-sqlite, path: OUT/starts.db, table: starts}\n"
            "  without: {run: select, from: visits, columns: 'u, window_start, window_end, many'}"))
EVOLVE = """
evolve:
  leaders: {was: best}
  hours: {columns: {number: {was: many}}}
  visits: {columns: {lowest: {default: -5}}}
  seen: {drop: true}
"""


def to(out, changes):
    """What is changed in a manifest that writes there."""
    return tuple((old, new.replace("OUT", str(out))) for old, new in changes)


def begun(stream, *changes, rows=500):
    stream.write("job.yaml", manifest(*changes))
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, rows)


def finish(stream, *changes, more=""):
    """To the end, as fast as it goes, by the version that is there."""
    stream.run("stream", "wait", "job", "--for", "checkpoint")  # whoever was killed last has been missed by then
    stream.run("stream", "stop", "job")
    stream.write("last.yaml", manifest(*changes, rate=FAST) + more)
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


def a_killed_upgrade(stream, until, trial):
    """Killed with everything once `until` holds; the version that 'resume' goes on with."""
    stream.write("second.yaml", manifest(*SECOND))
    upgrade = stream.start(*UPGRADE, "--trial", trial, "second.yaml", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
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
    check(a_killed_upgrade(stream, runs_on_trial, "1h") == "first", "nothing of the second was published")
    check("rolled-back" in kinds(stream), str(kinds(stream)))
    first = max(int(path.name) for path in stream.home("job").glob("checkpoints/*"))

    def published():
        newest = max((int(path.parent.name) for path in stream.home("job").glob("checkpoints/*/checkpoint.sqlite")), default=0)
        return runs_on_trial() and newest > first and newest > int(savepoints(stream)[-1])
    check(a_killed_upgrade(stream, published, "300ms") == "second", "its first checkpoint was published")
    check("upgraded" in kinds(stream), str(kinds(stream)))
    finish(stream, *SECOND)
    compare(results(stream.folder), wanted)


def savepoints(stream):
    return sorted((path.name for path in stream.home("job").glob("savepoints/[0-9]*")), key=int) or ["0"]


def rows_of(path, table):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return sorted(db.execute(f"select * from {table}").fetchall())


def check_evolved(stream, wanted):
    """The results are as ever; sessions that were open at the upgrade have the default of the column that was added."""
    compare(results(stream.folder), wanted)
    starts, known = rows_of(stream.folder / "starts.db", "starts"), {}
    for u, begins, ends, many, lowest in rows_of(stream.folder / "evolved/starts.db", "starts"):
        known[u, begins, ends, many] = lowest
    given = [row[:4] for row in starts if row[4] == -5]
    check(given and len(given) <= 97, f"{len(given)} rows have the default")
    other = [row for row in starts if row[4] != known[row[:4]] and row[4] != -5]
    check(not other and len(starts) > len(given), f"{len(starts)} rows; neither computed nor given: {other[:4]}")


def begun_to_evolve(stream):
    """The results of a run left alone; a job that keeps what another version of it will not know."""
    wanted = expected(stream)
    (stream.folder / "evolved").mkdir()
    stream.write("alone.yaml", manifest(*to(stream.folder / "evolved", EVOLVED), rate=FAST, out=str(stream.folder / "evolved")))
    stream.run("stream", "run", "alone.yaml", "--name", "alone")
    compare(results(stream.folder / "evolved"), wanted, "the evolved version alone")
    begun(stream, *to(".", SEEN))
    stream.write("evolved.yaml", manifest(*to(".", EVOLVED)) + EVOLVE)
    return wanted


def an_upgrade_evolves_what_is_in_flight(stream):
    wanted = begun_to_evolve(stream)
    stream.run(*UPGRADE, "evolved.yaml")
    past(stream, 1500)
    stream.run(*UPGRADE, "evolved.yaml")  # what was done is not done again
    finish(stream, *to(".", EVOLVED), more=EVOLVE)
    check_evolved(stream, wanted)


def an_upgrade_that_fails_to_evolve_leaves_the_state_as_it_was(stream):
    """It has been converted, and fails only when rows come; or cannot be converted at all."""
    wanted = begun_to_evolve(stream)
    stream.write("breaks.yaml", manifest(*to(".", EVOLVED), *BREAKS) + EVOLVE)
    stream.run(*UPGRADE, "--trial", "20s", "breaks.yaml", expect=1)
    check("stays what it was: kept.0 ended with exit code 98" in stream.last_stderr, stream.last_stderr)
    stream.write("fails.yaml", manifest(*to(".", EVOLVED)) + EVOLVE.replace("{number: {was: many}}", "{number: {convert: many / (many - many)}}"))
    stream.run(*UPGRADE, "fails.yaml", expect=1)
    check("division by zero" in stream.last_stderr, stream.last_stderr)
    stream.write("loses.yaml", manifest(*to(".", EVOLVED)) + EVOLVE.replace("  seen: {drop: true}\n", ""))
    stream.run(*UPGRADE, "loses.yaml", expect=1)
    check("seen" in stream.last_stderr and "which runs on as it is" in stream.last_stderr, stream.last_stderr)
    finish(stream, *to(".", SEEN))
    compare(results(stream.folder), wanted)
    check(len(rows_of(stream.folder / "seen.db", "seen")) == 97, "what had been seen was forgotten")


# What an upgrade says, one after the other: then somebody is killed.
STEPS = ("the old version stops", "savepoint /", "the new version starts", "the new version runs", "the new version is complete")


def died_at(stream, step, whom):
    """Starts an upgrade, and kills the supervisor, everything or an instance when that has been said; whether it upgraded."""
    supervisor = json.loads(stream.run("stream", "show", "--json", "job"))["supervisor_pid"]
    trial = "1h" if whom == "supervisor" and step != STEPS[4] else "50ms"  # it dies on trial, however late
    upgrade = stream.start(*UPGRADE, "--trial", trial, "evolved.yaml", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    check(any(step in line for line in upgrade.stderr), f"it did not come to say '{step}'")
    pids = [] if whom == "supervisor" else stream.processes("job")
    stream.kill({"supervisor": [supervisor], "all": pids, "instance": [pid for pid in pids if pid != supervisor][:1]}[whom])
    upgrade.stderr.read()
    return upgrade.wait() == 0


def whoever_is_killed_while_it_evolves_the_results_are_the_same(stream):
    wanted = begun_to_evolve(stream)
    pick, evolved = random.Random(6), False
    for step in (*STEPS, STEPS[2]):
        whom = pick.choice(("supervisor", "all", "instance"))
        upgraded = died_at(stream, step, whom)
        check(going_on(stream, f"{whom} at '{step}'"), "it was over")
        shown = json.loads(stream.run("stream", "show", "--json", "job"))
        before, evolved = evolved, any(stage["stage"] == "leaders" for stage in shown["stages"])
        check(evolved or not (before or upgraded), f"'{step}', {whom}: the old version is back")
        check(evolved or step != STEPS[4], f"'{step}', {whom}: its first checkpoint was lost")
        check(not evolved or before or step in STEPS[3:] or whom != "supervisor", f"'{step}': it has evolved without a checkpoint")
    finish(stream, *to(".", EVOLVED), more=EVOLVE)
    check_evolved(stream, wanted)


if __name__ == "__main__":
    main([an_upgrade_goes_on_with_everything_in_flight, an_upgrade_that_fails_is_taken_back, what_does_not_fit_stops_nothing,
          a_version_without_a_checkpoint_in_time_is_taken_back, a_job_in_the_foreground_stays_there, a_stop_meets_an_upgrade,
          the_first_checkpoint_decides_which_version_goes_on, whoever_is_killed_in_an_upgrade_the_results_are_the_same,
          an_upgrade_evolves_what_is_in_flight, an_upgrade_that_fails_to_evolve_leaves_the_state_as_it_was,
          whoever_is_killed_while_it_evolves_the_results_are_the_same])
