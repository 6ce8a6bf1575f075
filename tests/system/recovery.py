"""What a job goes back to when it cannot go on from where it stood, and when it must not go on at all."""

import gzip
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

ROWS = 60_000
MANIFEST = """
pipeline: NAME
checkpoint: {interval: 50ms, keep: 2}
restart: {strategy: fixed-delay, delay: DELAY, attempts: 20}
stages:
  made: {run: generate, columns: "n", rows: %d, rate: RATE}
  one: {run: write-file, from: made, path: one.ndjson}
  rows: {run: write-sqlite, from: made, path: rows.db, table: rows}
""" % ROWS


SLOW, FAST = 4_000, 1_000_000  # to be caught while it runs; to come to its end


def start(stream, *args, name="job", delay="10ms", interval="50ms", rate=SLOW):
    text = MANIFEST.replace("NAME", name).replace("DELAY", delay).replace("50ms", interval).replace("RATE", str(rate))
    stream.write(f"{name}.yaml", text)
    return stream.start("stream", "run", f"{name}.yaml", *args, stderr=subprocess.PIPE)


def finish(stream, *args, **options):
    job = start(stream, *args, rate=FAST, **options)
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    return talk


def checkpoints(stream, name="job"):
    folder = stream.home(name) / "checkpoints"
    return sorted(int(p.parent.name) for p in folder.glob("*/checkpoint.sqlite")) if folder.exists() else []


def killed_after(stream, some, *args):
    """The job of a supervisor that was killed once there were some checkpoints."""
    job = start(stream, *args)
    wait_until("checkpoints", lambda: len(checkpoints(stream)) >= 2 and checkpoints(stream)[-1] >= some)
    job.kill()
    job.communicate()
    wait_until("every instance to end", lambda: not stream.processes("job"))


def check_rows(stream):
    lines = [json.loads(line)["n"] for line in (stream.folder / "one.ndjson").read_text().splitlines()]
    with sqlite3.connect(f"file:{stream.folder}/rows.db?mode=ro", uri=True) as db:
        rows = [n for n, in db.execute("select n from rows order by n")]
    for where, found in (("one.ndjson", sorted(lines)), ("rows.db", rows)):
        check(found == list(range(ROWS)), f"{where}: {len(found)} rows, {len(set(found))} different, {ROWS} wanted")


def kinds(stream, name="job"):
    return [event["kind"] for event in stream.events(name)]


def a_refused_checkpoint_stays_refused_when_the_supervisor_dies(stream):
    """The checkpoint checks, yet a sink cannot start from it; others have taken rows back when the supervisor dies."""
    killed_after(stream, 6)
    newest = checkpoints(stream)[-1]
    os.truncate(stream.folder / "one.ndjson", 3)
    job = start(stream, delay="1h")
    wait_until("the refusal", lambda: "restarting" in kinds(stream)[kinds(stream).index("checkpoint-damaged"):]
               if "checkpoint-damaged" in kinds(stream) else False)
    job.kill()
    job.communicate()
    check(newest not in checkpoints(stream), f"checkpoint {newest} was refused and is {checkpoints(stream)}")
    talk = finish(stream)
    check("a stage could not start from it" in talk, talk)
    check_rows(stream)


def a_run_from_a_savepoint_falls_back_to_it(stream):
    job = start(stream)
    wait_until("checkpoints", lambda: len(checkpoints(stream)) >= 2)
    stream.run("stream", "stop", "job", "--to", "save")
    job.communicate()
    kept = (stream.folder / "one.ndjson").read_bytes()
    killed_after(stream, checkpoints(stream)[-1] + 4, "--from", "save")
    os.truncate(stream.folder / "one.ndjson", len(kept))
    finish(stream)
    restarts = [e["text"] for e in stream.events("job") if e["kind"] == "restarting"]
    check(any("from savepoint" in text for text in restarts), str(restarts))
    check_rows(stream)


def a_savepoint_that_cannot_be_used_ends_the_job(stream):
    job = start(stream)
    wait_until("checkpoints", lambda: len(checkpoints(stream)) >= 2)
    stream.run("stream", "stop", "job", "--to", "save")
    job.communicate()
    os.truncate(stream.folder / "one.ndjson", 3)
    job = start(stream, "--from", "save")
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 1 and "save', which the job went on from, cannot be used" in talk and "--fresh" in talk, talk)
    check("one.ndjson" in talk, f"it does not say what is wrong: {talk}")


def a_savepoint_of_another_job_begins_a_job(stream):
    job = start(stream, name="first")
    wait_until("checkpoints", lambda: len(checkpoints(stream, "first")) >= 2 and checkpoints(stream, "first")[-1] > 5)
    stream.run("stream", "stop", "first", "--to", "save")
    job.communicate()
    stream.run("stream", "cancel", "first")  # gives up what both write
    cut = json.loads(stream.run("stream", "savepoint", "--list", "--json", "first"))["epoch"]
    talk = finish(stream, "--from", "save", name="second")
    check("failed" not in kinds(stream, "second"), talk)
    check(checkpoints(stream, "second")[0] > cut, f"epochs go on behind {cut}: {checkpoints(stream, 'second')}")
    check_rows(stream)


def damaged_compressed_input_ends_the_job(stream):
    whole = gzip.compress(b'{"n":1}\n' * 100_000)
    (stream.folder / "in.ndjson.gz").write_bytes(whole[:len(whole) // 2])
    stream.run("stream", "run", "read-file in.ndjson.gz --schema 'n bigint' | write-null", "--name", "cut", expect=1)
    check("gzip data ends too early" in stream.last_stderr and "in.ndjson.gz" in stream.last_stderr, stream.last_stderr)
    check("checkpoint-damaged" not in kinds(stream, "cut") and "restarting" not in kinds(stream, "cut"), str(kinds(stream, "cut")))


def commits_that_always_fail_use_up_the_attempts(stream):
    with sqlite3.connect(stream.folder / "rows.db") as db:
        db.execute("create table rows (n integer)")
        # Unlike a constraint, which refuses the row for good, this might be another thing next time.
        db.execute("create trigger no before insert on rows begin select abs(-9223372036854775807 - 1); end")
    stream.write("stuck.yaml", "pipeline: stuck\ncheckpoint: {interval: 20ms}\nrestart: {strategy: fixed-delay, delay: 5ms, attempts: 3}\n"
                 "stages:\n  made: {run: generate, columns: n, rate: 1000}\n"
                 "  rows: {run: write-sqlite, path: rows.db, table: rows, if-exists: append}\n")
    stream.run("stream", "run", "stuck.yaml", expect=1)
    check("integer overflow" in stream.last_stderr, stream.last_stderr)
    check(kinds(stream, "stuck").count("restarting") == 2, str(kinds(stream, "stuck")))


def stop_a_sink(stream):
    """A process that answers nothing, so that no checkpoint ends until it goes on."""
    sink = stream.pid("job", "rows.0")
    os.kill(sink, signal.SIGSTOP)
    return sink


def a_second_stop_waits_for_the_first(stream):
    job = start(stream)
    wait_until("checkpoints", lambda: len(checkpoints(stream)) >= 2)
    sink = stop_a_sink(stream)
    stops = [stream.start("stream", "stop", "job", stdout=subprocess.PIPE) for _ in range(2)]
    wait_until("the stop", lambda: "STOPPING" in stream.run("stream", "ps"))
    job.send_signal(signal.SIGINT)
    stops.append(stream.start("stream", "stop", "job", stdout=subprocess.PIPE))
    os.kill(sink, signal.SIGCONT)
    paths = {stop.communicate(timeout=60)[0].strip() for stop in stops}
    job.communicate(timeout=60)
    check(len(paths) == 1 and pathlib.Path(paths.pop()).is_dir(), f"one savepoint for all: {paths}")
    check(job.returncode == 0, f"exit {job.returncode}")


def a_savepoint_that_dies_with_its_attempt_is_answered(stream):
    job = start(stream, interval="1h", rate=ROWS // 2)
    wait_until("the job", lambda: len(stream.instances("job")) == 3 and "running" in kinds(stream))
    sink = stop_a_sink(stream)
    asking = stream.start("stream", "savepoint", "job", stderr=subprocess.PIPE)
    wait_until("its checkpoint to be under way", lambda: list((stream.home("job") / "checkpoints").iterdir()))
    os.kill(sink, signal.SIGKILL)
    talk = asking.communicate(timeout=60)[1]
    check(asking.returncode == 1 and "aborted: rows.0 was killed by SIGKILL" in talk, f"exit {asking.returncode}: {talk}")
    check(job.communicate(timeout=60) and job.returncode == 0, "the job goes on")
    check_rows(stream)


def a_job_that_ends_by_itself_needs_no_stop(stream):
    """Its last checkpoint is being committed when the stop comes: the target is locked so long."""
    job = start(stream, interval="1h", rate=ROWS // 2)
    wait_until("the job", lambda: stream.jobs() and "running" in kinds(stream) and (stream.folder / "rows.db").exists())
    with sqlite3.connect(stream.folder / "rows.db", isolation_level=None) as db:
        db.execute("begin exclusive")
        wait_until("the last checkpoint", lambda: checkpoints(stream))
        stop = stream.start("stream", "stop", "job", stderr=subprocess.PIPE)
        wait_until("the stop", lambda: "STOPPING" in stream.run("stream", "ps"))
        db.execute("rollback")
    talk = stop.communicate(timeout=60)[1]
    check(stop.returncode == 1 and "job 'job' is FINISHED: it ended by itself" in talk, f"exit {stop.returncode}: {talk}")
    check(job.communicate(timeout=60) and job.returncode == 0, f"exit {job.returncode}")
    check_rows(stream)


def what_a_savepoint_will_be_made_of_is_kept(stream):
    """It waits for its commit, while a newer checkpoint is all that is kept."""
    stream.write("held.yaml", "pipeline: held\ncheckpoint: {interval: 1h, keep: 1}\nstages:\n"
                 "  made: {run: generate, columns: n, rate: 1000}\n  rows: {run: write-sqlite, path: rows.db, table: rows}\n")
    job = stream.start("stream", "run", "held.yaml", stderr=subprocess.PIPE)
    wait_until("the job", lambda: stream.jobs() and "running" in kinds(stream, "held") and (stream.folder / "rows.db").exists())
    with sqlite3.connect(stream.folder / "rows.db", isolation_level=None) as db:
        db.execute("begin exclusive")
        saving = stream.start("stream", "savepoint", "held", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until("its checkpoint", lambda: len(checkpoints(stream, "held")) == 1)
        newer = stream.start("stream", "checkpoint", "held", stdout=subprocess.PIPE)
        wait_until("a newer checkpoint", lambda: len(checkpoints(stream, "held")) == 2)
        rubbish = stream.home("held") / "checkpoints" / "0" / "rubbish"
        rubbish.parent.mkdir()
        rubbish.touch()
        stream.run("stream", "gc", "held")
        wait_until("what is left over to go", lambda: not rubbish.exists())
        db.execute("rollback")
    path, talk = saving.communicate(timeout=60)
    check(saving.returncode == 0 and pathlib.Path(path.strip()).is_dir(), talk)
    newer.communicate(timeout=60)
    stream.run("stream", "cancel", "held")
    job.communicate(timeout=60)


def a_flood_of_dead_letters_is_kept_once_whatever_is_killed(stream):
    bad = 150_000
    with open(stream.folder / "bad.ndjson", "w") as out:
        for n in range(bad):
            out.write(f"no record {n} {'x' * 150}\n")
        out.write('{"n":1}\n')
    stream.write("flood.yaml", "pipeline: flood\ncheckpoint: {interval: 30ms}\nrestart: {strategy: fixed-delay, delay: 5ms, attempts: 20}\n"
                 "stages:\n  in: {run: read-file, path: bad.ndjson, schema: n bigint}\n  out: {run: write-file, path: good.ndjson}\n")
    job = stream.start("stream", "run", "flood.yaml", stderr=subprocess.PIPE)
    letters = stream.home("flood") / "dead-letter"
    kills = 0
    while job.poll() is None and kills < 4:
        files = len(list(letters.glob("*"))) if letters.exists() else 0
        wait_until("progress", lambda n=files: job.poll() is not None or (letters.exists() and len(list(letters.glob("*"))) > n))
        pid = stream.instances("flood").get("in.0") if job.poll() is None else None
        if pid:
            os.kill(pid, signal.SIGKILL)
            kills += 1
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0 and kills > 0, f"exit {job.returncode}, {kills} kills: {talk[-2000:]}")
    check(max(path.stat().st_size for path in letters.iterdir()) > 1 << 20, "one is larger than what memory holds")
    records = [json.loads(line)["record"].split()[2] for line in stream.run("stream", "dead-letter", "flood").splitlines()]
    check(sorted(map(int, records)) == list(range(bad)), f"{len(records)} letters, {len(set(records))} different, {bad} wanted")
    check(all(path.name.endswith(".ndjson") for path in letters.iterdir()), "nothing is left over")


def sockets_of_earlier_attempts_are_removed(stream):
    job = start(stream)
    for attempt in range(1, 4):
        wait_until(f"attempt {attempt}", lambda n=attempt: stream.jobs() and stream.stats("job")["job"]["attempt"] == n
                   and stream.instances("job") and kinds(stream).count("running") == n)
        if attempt < 3:
            os.kill(stream.pid("job", "made.0"), signal.SIGKILL)
    show = stream.run("stream", "show", "job")
    control = {pathlib.Path(line.split("ipc://")[1].split("#")[0]).parent
               for p in stream.processes("job") for line in [pathlib.Path(f"/proc/{p}/cmdline").read_text().replace("\0", " ")]
               if "ipc://" in line}
    check(len(control) == 1, f"{control} {show}")
    old = [p.name for p in control.pop().iterdir() if p.name[0].isdigit() and not p.name.startswith("3-")]
    check(old == [], f"sockets of earlier attempts: {old}")
    stream.run("stream", "cancel", "job")
    job.communicate()


if __name__ == "__main__":
    main([a_refused_checkpoint_stays_refused_when_the_supervisor_dies, a_run_from_a_savepoint_falls_back_to_it,
          a_savepoint_that_cannot_be_used_ends_the_job, a_savepoint_of_another_job_begins_a_job,
          damaged_compressed_input_ends_the_job, commits_that_always_fail_use_up_the_attempts, a_second_stop_waits_for_the_first,
          a_savepoint_that_dies_with_its_attempt_is_answered, a_job_that_ends_by_itself_needs_no_stop,
          what_a_savepoint_will_be_made_of_is_kept,
          a_flood_of_dead_letters_is_kept_once_whatever_is_killed, sockets_of_earlier_attempts_are_removed])
