"""A job goes back to an earlier savepoint or checkpoint, or is cloned from one: what its sinks wrote since is taken back or left alone."""

import json
import pathlib
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from in_flight import FAST, compare, expected, manifest, past, results  # noqa: E402

# Without the table whose rows are replaced.
NO_RANKS = (("  best: {run: top-n, from: kept, by: k, order: \"v desc, n\", limit: 5, rank: place}\n  ranks: {run: write-sqlite, path: OUT/ranks.db, table: ranks}\n", ""),)
WRONG = "n % 5 <> 0"
MANY_KEPT = (("interval: 50ms", "interval: 50ms, keep: 100"),)


def write(stream, name="job.yaml", changes=(), rate=2_000, **options):
    stream.write(name, manifest(*without("."), *changes, rate=rate, **options))


def without(out):
    return tuple((old.replace("OUT", out), new) for old, new in NO_RANKS)


def wanted_of(stream):
    out = str(stream.folder / "undisturbed")
    found = expected(stream, *without(out), leave=("ranks",))
    return found


def found_in(stream):
    return results(stream.folder, leave=("ranks",))


def savepoint_then_wrong(stream):
    """A job that was right up to a savepoint and wrong after it, stopped; the savepoint."""
    write(stream)
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 500)
    path = stream.run("stream", "savepoint", "job").strip()
    stream.run("stream", "stop", "job")
    write(stream, where=WRONG)
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 3000)
    stream.run("stream", "stop", "job")
    write(stream, rate=FAST)
    return path


def stopped(stream, rows=500, changes=()):
    """A job that has been stopped after so many rows, and its savepoint."""
    write(stream, changes=changes)
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, rows)
    return stream.run("stream", "stop", "job").strip()


def kept_checkpoints(stream):
    return sorted(int(path.parent.name) for path in stream.home("job").glob("checkpoints/*/checkpoint.sqlite"))


def the_savepoint_a_job_stopped_with_is_simply_gone_on_from(stream):
    wanted = wanted_of(stream)
    path = stopped(stream)
    write(stream, rate=FAST)
    (stream.folder / "elsewhere").mkdir()
    stream.write("elsewhere.yaml", manifest(*without("elsewhere"), rate=FAST, out="elsewhere"))
    stream.run("stream", "run", "elsewhere.yaml", "--name", "clone", "--from", path)
    stream.run("stream", "run", "job.yaml", "--from", path)
    compare(found_in(stream), wanted)
    lines = [json.loads(line)["n"] for line in (stream.folder / "elsewhere/lines.ndjson").read_text().splitlines()]
    check(lines == list(range(12_000 - len(lines), 12_000)) and 0 < len(lines) <= 11_500, f"{len(lines)} rows from {lines[:1]} on")


def results_are_mended_by_going_back(stream):
    wanted = wanted_of(stream)
    path = savepoint_then_wrong(stream)
    before = found_in(stream)
    stream.run("stream", "run", "job.yaml", "--from", path, expect=1)
    said = stream.last_stderr
    check("is behind checkpoint" in said and "--outputs rewind" in said and "'lines' can" in said and "--outputs beside" in said, said)
    check(found_in(stream) == before, "a refused run changes nothing")
    stream.run("stream", "run", "job.yaml", "--from", path, "--outputs", "rewind")
    compare(found_in(stream), wanted)


def a_checkpoint_that_is_kept_is_gone_back_to(stream):
    wanted = wanted_of(stream)
    write(stream)
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 1500)
    stream.run("stream", "stop", "job", "--no-savepoint")
    oldest = kept_checkpoints(stream)[0]
    write(stream, rate=FAST)
    stream.run("stream", "run", "job.yaml", "--from", f"job@{oldest}", expect=1)
    check(f"checkpoint {oldest} is behind checkpoint" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "job.yaml", "--from", f"job@{oldest}", "--name", "other", expect=100)
    check("and no savepoint: make one with 'stream savepoint job'" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "job.yaml", "--from", f"job@{oldest}", "--outputs", "rewind")
    check(f"continues from checkpoint {oldest}\n" in stream.last_stderr and "damaged" not in stream.last_stderr, stream.last_stderr)
    compare(found_in(stream), wanted)


def rows_that_were_replaced_are_not_taken_back_unasked(stream):
    stream.write("job.yaml", manifest())
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 500)
    path = stream.run("stream", "savepoint", "job").strip()
    past(stream, 2500)
    stream.run("stream", "stop", "job")
    stream.write("job.yaml", manifest(rate=FAST))
    stream.run("stream", "run", "job.yaml", "--from", path, "--outputs", "rewind", expect=1)
    check("unable to give rows of table 'ranks' in" in stream.last_stderr and "--accept-duplicates" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "job.yaml", "--accept-duplicates")
    compare(results(stream.folder), expected(stream))  # the same rows came again, so here they are right


def a_run_writes_beside(stream):
    path = savepoint_then_wrong(stream)
    before = found_in(stream)
    epoch = int(pathlib.Path(path).name)
    stream.run("stream", "run", "job.yaml", "--from", path, "--outputs", "beside")
    check(found_in(stream) == before, "what was written stays")
    lines = [json.loads(line)["n"] for line in (stream.folder / f"lines.from-{epoch}.ndjson").read_text().splitlines()]
    check(lines == list(range(12_000 - len(lines), 12_000)) and 0 < len(lines) < 11_500, f"{len(lines)} rows from {lines[:1]} on")
    check(list((stream.folder / f"parts.from-{epoch}").glob("*.ndjson")) and (stream.folder / f"rows.from-{epoch}.db").exists(), "the other sinks")


def a_clone_writes_nowhere_that_the_other_does(stream):
    wanted = wanted_of(stream)
    write(stream, rate=700)  # it runs all the while
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 200)
    stream.run("stream", "savepoint", "job", "--label", "fork")
    clone = ["stream", "run", "job.yaml", "--from", "job@fork", "--name", "clone"]
    stream.run(*clone, expect=1)
    check("stage 'lines' would write to" in stream.last_stderr and "job 'job'" in stream.last_stderr and "--outputs beside" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "job.yaml", "--name", "again", expect=1)
    check("which job 'job' is writing" in stream.last_stderr, stream.last_stderr)
    write(stream, "clone.yaml", rate=FAST)
    stream.run(*clone[:2], "clone.yaml", *clone[3:], "--outputs", "beside")
    stream.run("stream", "stop", "job")
    write(stream, rate=FAST)
    stream.run("stream", "run", "job.yaml")
    compare(found_in(stream), wanted)
    lines = [json.loads(line)["n"] for line in (stream.folder / "lines.clone.ndjson").read_text().splitlines()]
    check(lines == list(range(12_000 - len(lines), 12_000)), f"{len(lines)} rows from {lines[:1]} on")


def what_was_taken_back_is_not_gone_on_from(stream):
    write(stream)
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 500)
    early = stream.run("stream", "savepoint", "job").strip()
    past(stream, 1500)
    late = stream.run("stream", "stop", "job").strip()
    stream.run("stream", "run", "-d", "job.yaml", "--from", early, "--outputs", "rewind")
    stream.run("stream", "stop", "job")
    stream.run("stream", "run", "-d", "job.yaml", "--from", late, "--outputs", "rewind", expect=1)
    check("is not of what 'job' has come from since" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "-d", "job.yaml", "--from", early, "--outputs", "rewind")  # once more
    stream.run("stream", "cancel", "job")


def what_going_back_to_a_checkpoint_took_back_is_not_gone_on_from(stream):
    write(stream, changes=MANY_KEPT)
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 500)
    late = stream.run("stream", "savepoint", "job").strip()
    stream.run("stream", "stop", "job", "--no-savepoint")
    oldest = kept_checkpoints(stream)[0]
    check(oldest < int(pathlib.Path(late).name), "an earlier one is kept")
    stream.run("stream", "run", "-d", "job.yaml", "--from", f"job@{oldest}", "--outputs", "rewind")
    stream.run("stream", "stop", "job")
    stream.run("stream", "run", "-d", "job.yaml", "--from", late, "--outputs", "rewind", expect=1)
    check("is not of what 'job' has come from since" in stream.last_stderr, stream.last_stderr)


def a_going_back_that_had_only_been_noted_takes_back_no_more_than_comes_again(stream):
    """As if the supervisor had died between saying so and taking the newer checkpoints out of use."""
    wanted = wanted_of(stream)
    stopped(stream, changes=MANY_KEPT)
    with sqlite3.connect(stream.home("job") / "job.sqlite") as db:
        db.execute("update job set must_rewind = 1, rewind_after = ?", (kept_checkpoints(stream)[0],))
    write(stream, rate=FAST)
    stream.run("stream", "run", "job.yaml")
    compare(found_in(stream), wanted)


def a_claimed_savepoint_goes_when_checkpoints_have_taken_its_place(stream):
    stream.write("small.yaml", "pipeline: small\ncheckpoint: {interval: 1h, keep: 3}\nstages:\n"
                 "  made: {run: generate, columns: n, rate: 1000}\n  out: {run: write-file, path: small.ndjson}\n")
    stream.run("stream", "run", "-d", "small.yaml")
    for how in ("--no-claim", "--claim"):
        path = pathlib.Path(stream.run("stream", "stop", "small").strip())
        stream.run("stream", "run", "-d", "small.yaml", "--from", path, how)
        stream.run("stream", "checkpoint", "small")
        check(path.exists(), f"{how}: it may be needed")
        for _ in range(4):
            stream.run("stream", "checkpoint", "small")
        if how == "--no-claim":
            check(path.exists(), "it is the user's")
        else:
            wait_until("it to be deleted", lambda: not path.exists())
            wait_until("the event", lambda: any(e["kind"] == "savepoint-deleted" for e in stream.events("small")))
            listed = stream.run("stream", "savepoint", "--list", "--json", "small")
            check(str(path) not in listed, listed)
    stream.run("stream", "run", "small.yaml", "--claim", expect=100)
    check("--claim goes with --from" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "small.yaml", "--outputs", "rewind", expect=100)
    check("--outputs goes with --from" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "stop", "small")
    stream.run("stream", "run", "-d", "small.yaml")
    stream.run("stream", "stop", "small")
    lines = [json.loads(line)["n"] for line in (stream.folder / "small.ndjson").read_text().splitlines()]
    check(lines == list(range(len(lines))), f"{len(lines)} rows")


def a_sink_that_is_called_otherwise_goes_on_behind_what_is_there(stream):
    wanted = wanted_of(stream)
    write(stream)
    stream.run("stream", "run", "-d", "job.yaml")
    past(stream, 500)
    stream.run("stream", "stop", "job")
    write(stream, rate=FAST)
    text = (stream.folder / "job.yaml").read_text()
    begun = (stream.folder / "lines.ndjson").read_bytes()
    stream.write("job.yaml", text.replace("  lines: {", "  written: {"))
    stream.run("stream", "run", "job.yaml", expect=1)
    check("lines.ndjson' exists; give --if-exists append or replace" in stream.last_stderr, stream.last_stderr)
    check((stream.folder / "lines.ndjson").read_bytes() == begun, "it was cut")
    stream.write("job.yaml", text.replace("  lines: {", "  written: {if-exists: append, ").replace("  rows: {", "  stored: {if-exists: append, "))
    stream.run("stream", "run", "job.yaml")
    compare(found_in(stream), wanted)


def whoever_is_killed_in_going_back_it_can_be_said_again(stream):
    wanted = wanted_of(stream)
    path = savepoint_then_wrong(stream)
    pick = random.Random(7)
    again = ["stream", "run", "job.yaml", "--from", path, "--outputs", "rewind"]
    for turn in range(8):
        write(stream, where=pick.choice((WRONG, "n >= 0")))
        job = stream.start(*again, stderr=subprocess.PIPE)
        try:
            job.wait(timeout=0.03 + turn * 0.05)
        except subprocess.TimeoutExpired:
            pass
        job.kill()
        job.communicate()
        wait_until("every instance to end", lambda: not stream.processes("job"))
        if turn % 3 == 2:  # what there is goes on, too
            job = stream.start("stream", "run", "job.yaml", stderr=subprocess.PIPE)
            wait_until("it to run or end", lambda: job.poll() is not None or stream.instances("job"))
            job.kill()
            job.communicate()
            wait_until("every instance to end", lambda: not stream.processes("job"))
        shown = json.loads(stream.run("stream", "show", "--json", "job"))
        check(shown["state"] in ("DEAD", "STOPPED"), str(shown))
    write(stream, rate=FAST)
    stream.run(*again)
    compare(found_in(stream), wanted)


if __name__ == "__main__":
    main([the_savepoint_a_job_stopped_with_is_simply_gone_on_from, results_are_mended_by_going_back, a_checkpoint_that_is_kept_is_gone_back_to,
          rows_that_were_replaced_are_not_taken_back_unasked, a_run_writes_beside, a_clone_writes_nowhere_that_the_other_does,
          what_was_taken_back_is_not_gone_on_from, what_going_back_to_a_checkpoint_took_back_is_not_gone_on_from,
          a_going_back_that_had_only_been_noted_takes_back_no_more_than_comes_again,
          a_claimed_savepoint_goes_when_checkpoints_have_taken_its_place,
          a_sink_that_is_called_otherwise_goes_on_behind_what_is_there, whoever_is_killed_in_going_back_it_can_be_said_again])
