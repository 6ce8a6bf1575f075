"""The life of a job: start, look, checkpoint, savepoint, stop, go on; each with exact results."""

import csv
import io
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

MANIFEST = """
pipeline: totals
checkpoint: {interval: 100ms, keep: 3}
stages:
  in:
    run: read-file
    path: in.ndjson
    follow: true
    schema: k bigint, v bigint
  sums:
    run: aggregate
    by: [k]
    compute:
      n: count(*)
      total: sum(v)
    parallelism: PARALLELISM
  out: {run: write-sqlite, path: out.db, table: totals, parallelism: PARALLELISM}
"""
KEYS = 23


class Feed:
    """The input file and the totals it must lead to."""

    def __init__(self, stream, parallelism=1):
        self.stream = stream
        self.next = 0
        self.totals = {}
        self.file = open(stream.folder / "in.ndjson", "w", encoding="utf-8")  # noqa: SIM115
        stream.write("totals.yaml", MANIFEST.replace("PARALLELISM", str(parallelism)))

    def grow(self, count=1000):
        for i in range(self.next, self.next + count):
            n, total = self.totals.get(i % KEYS, (0, 0))
            self.totals[i % KEYS] = (n + 1, total + i)
            self.file.write(f'{{"k":{i % KEYS},"v":{i}}}\n')
        self.next += count
        self.file.flush()

    def table(self):
        if not (self.stream.folder / "out.db").exists():
            return {}
        with sqlite3.connect(f"file:{self.stream.folder}/out.db?mode=ro", uri=True) as db:
            try:
                return {k: (n, total) for k, n, total in db.execute("select k, n, total from totals")}
            except sqlite3.OperationalError:  # not made yet
                return {}

    def arrive(self):
        wait_until("the table to hold what was fed", lambda: self.table() == self.totals)


def state_of(savepoint):
    """The totals in a savepoint, read with SQLite alone."""
    savepoint = pathlib.Path(savepoint)
    files = sorted(savepoint.glob("sums.*.sqlite")) if savepoint.is_dir() else [savepoint]
    totals = {}
    for file in files:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            totals.update({k: (n, total) for k, n, total in db.execute("select k, n, total from sums")})
    return totals


def start(stream, *args):
    stream.run("stream", "run", "-d", "totals.yaml", *args)
    return stream.last_stderr


def refused(stream, code, says, *args):
    stream.run(*args, expect=code)
    check(says in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{args}: {stream.last_stderr!r}")


def a_job_is_seen_by_every_reading_verb(stream):
    feed = Feed(stream)
    feed.grow()
    check("totals: running" in start(stream), stream.last_stderr)
    feed.arrive()
    row = json.loads(stream.run("stream", "ps", "--json"))
    check((row["job"], row["state"]) == ("totals", "RUNNING"), str(row))
    check(stream.run("stream", "ps").splitlines()[1].split()[0] == "totals", "ps")
    check(json.loads(stream.run("stream", "show", "--json", row["id"][:6]))["job"] == "totals", "an id prefix names the job")
    check("RUNNING" in stream.run("stream", "show"), "the only job needs no name")
    stats = wait_until("the counters", lambda: counted(stream, feed))
    check({i["stage"] for i in stats["instances"]} == {"in", "sums", "out"}, str(stats))
    epoch = int(stream.run("stream", "checkpoint", "totals"))
    check(stream.stats("totals")["job"]["checkpoint"] >= epoch, "checkpoint waits for its completion")
    check([e["kind"] for e in stream.events("totals")][:2] == ["started", "running"], "events")
    stream.run("stream", "cancel", "totals")
    check(stream.run("stream", "ps", "--json") == "", "ps shows what runs")
    check(json.loads(stream.run("stream", "ps", "--all", "--json"))["state"] == "CANCELLED", "ps --all shows the rest")


def counted(stream, feed):
    stats = stream.stats("totals")
    read = [i["records_out"] for i in stats["instances"] if i["stage"] == "in"]
    return stats if read == [feed.next] else None


def a_savepoint_opens_with_sqlite_and_is_found_by_its_label(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    labelled = stream.run("stream", "savepoint", "totals", "--label", "first").strip()
    check(state_of(labelled) == feed.totals, "a folder")
    folder = stream.run("stream", "savepoint", "totals", "--to", "here").strip()
    check(folder == str(stream.folder / "here") and state_of(folder) == feed.totals, folder)
    single = stream.run("stream", "savepoint", "totals", "--single-file", "--to", "one.db").strip()
    check(single == str(stream.folder / "one.db") and state_of(single) == feed.totals, single)
    refused(stream, 1, "here", "stream", "savepoint", "totals", "--to", "here")
    check(state_of(folder) == feed.totals, "an existing savepoint is not touched")
    listed = [json.loads(line) for line in stream.run("stream", "savepoint", "--list", "--json", "totals").splitlines()]
    check([(s["label"], s["path"]) for s in listed] == [("first", labelled), ("", folder), ("", single)], str(listed))
    feed.grow()
    feed.arrive()
    stream.run("stream", "cancel", "totals")
    for ref, *how in (("totals@first", "--outputs", "rewind"), (single, "--accept-duplicates")):
        for file in stream.folder.glob("out.db*"):
            file.unlink()
        check("continues from" in start(stream, "--from", ref, *how), stream.last_stderr)
        wait_until("all rows", lambda: settled(stream, feed))
        stream.run("stream", "cancel", "totals")
    stream.run("stream", "savepoint", "--delete", "totals@first")
    check(not pathlib.Path(labelled).exists(), "deleted")
    check("first" not in stream.run("stream", "savepoint", "--list", "totals"), "not listed any more")


def nothing_but_a_savepoint_is_deleted(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    outside = pathlib.Path(stream.run("stream", "savepoint", "totals", "--to", "here", "--label", "mine").strip())
    stream.run("mkdir", "folder")
    stream.write("folder/kept", "kept")
    stream.write("kept", "kept")
    os.symlink(outside, stream.folder / "link")
    home = stream.home("totals")
    for path, why in (("folder", "is not a savepoint"), ("kept", "is not a savepoint"), (".", "is not a savepoint"), (home, "is not a savepoint"),
                      (home / "checkpoints", "is not a savepoint"), (home / "job.sqlite", "is not a savepoint"), ("link", "symbolic link"),
                      ("totals@9999", "there is no savepoint")):
        refused(stream, 100, why, "stream", "savepoint", "--delete", path)
    for reference, why in (("totals@9999", "stream run: fatal: there is no savepoint 'totals@9999'"), ("folder", "is no savepoint: there is no savepoint.sqlite in it"),
                           ("nowhere", "stream run: fatal: there is no savepoint 'nowhere'")):
        refused(stream, None, why, "stream", "run", "totals.yaml", "--name", "other", "--from", reference)
    stream.write("here/notes", "kept")
    refused(stream, 1, "'notes'", "stream", "savepoint", "--delete", "totals@mine")
    check(state_of(outside) == feed.totals, "still whole")
    (outside / "notes").unlink()
    stream.run("stream", "savepoint", "--delete", "totals@mine")
    check(not outside.exists() and (stream.folder / "folder/kept").exists() and (stream.folder / "kept").exists(), "just the savepoint")
    check(stream.run("stream", "savepoint", "--list", "--json", "totals") == "", "not listed, though it was elsewhere")
    stream.run("stream", "checkpoint", "totals")


def a_label_names_one_savepoint(stream):
    Feed(stream)
    start(stream)
    for label in ("latest", "5", "bad label", "a@b", "Upper"):
        refused(stream, 100, f"'{label}' cannot be a label", "stream", "savepoint", "totals", "--label", label)
    stream.run("stream", "savepoint", "totals", "--label", "once")
    refused(stream, 1, "'once' is taken", "stream", "savepoint", "totals", "--label", "once")
    stream.run("stream", "savepoint", "--delete", "totals@once")
    stream.run("stream", "savepoint", "totals", "--label", "once")
    stream.run("stream", "cancel", "totals")


def savepoints_asked_for_at_once_are_all_made(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    asking = [stream.start("stream", "savepoint", "totals", *to, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
              for to in ([], [], [], ["--to", "here"], ["--single-file"], ["--single-file"])]
    answers = [job.communicate(timeout=60) for job in asking]
    paths = [out.strip() for out, _ in answers]
    check(len(set(paths)) == 6 and all(job.returncode == 0 for job in asking), str(answers))
    check(paths[3] == str(stream.folder / "here"), paths[3])
    for path in paths[:4]:
        check(state_of(path) == feed.totals, path)
    stream.run("stream", "cancel", "totals")


def settled(stream, feed):
    """True once the state of the job holds what was fed."""
    path = stream.folder / "look.db"
    path.unlink(missing_ok=True)
    stream.run("stream", "savepoint", "totals", "--single-file", "--to", path)
    return state_of(path) == feed.totals


def a_stopped_job_goes_on_exactly(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    path = stream.run("stream", "stop", "totals").strip()
    check(state_of(path) == feed.totals, "the savepoint of stop")
    check(not stream.processes("totals"), "nobody is left")
    feed.grow()
    stream.run("stream", "resume", "totals")
    feed.arrive()
    check(stream.run("stream", "stop", "--no-savepoint", "totals") == "", "no savepoint, no path")
    said = stream.last_stderr
    check(said.startswith("totals: stopped: final checkpoint ") and "'stream resume totals' goes on" in said, said)
    feed.grow()
    check("continues from checkpoint" in start(stream), stream.last_stderr)
    feed.arrive()
    to = stream.run("stream", "stop", "--to", "aside", "totals").strip()
    check(to == str(stream.folder / "aside") and state_of(to) == feed.totals, to)


def a_drained_job_wants_a_word_to_go_on(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    path = stream.run("stream", "stop", "--drain", "totals").strip()
    check(state_of(path) == feed.totals, path)
    refused(stream, 1, "--accept-drained", "stream", "resume", "totals")
    feed.grow()
    stream.run("stream", "resume", "--accept-drained", "totals")
    feed.arrive()
    stream.run("stream", "cancel", "totals")


def fresh_and_cancel_start_anew(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    stream.run("stream", "stop", "totals")
    check("continues" not in start(stream, "--fresh"), stream.last_stderr)
    wait_until("all rows again", lambda: settled(stream, feed))
    check(stream.run("stream", "cancel", "totals") == "", "no answer")
    check(stream.last_stderr == "totals: cancelled; the next run starts anew\n", stream.last_stderr)
    check("continues" not in start(stream), stream.last_stderr)
    wait_until("all rows again", lambda: settled(stream, feed))
    stream.run("stream", "cancel", "totals")


def wait_ends_when_its_condition_holds(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    stream.run("stream", "wait", "--for", "running", "totals")
    stream.run("stream", "wait", "--for", "checkpoint", "totals")
    stream.run("stream", "wait", "--for", "finished", "--timeout", "100ms", "totals", expect=1)
    waiting = stream.start("stream", "wait", "--for", "finished", "totals", stderr=subprocess.PIPE)
    stream.run("stream", "stop", "totals")
    waiting.communicate(timeout=60)
    check(waiting.returncode == 1, f"a stopped job has not finished: {waiting.returncode}")
    stream.run("stream", "run", "-d", "generate --rows 3 | write-null", "--name", "short")
    stream.run("stream", "wait", "--for", "finished", "short")
    check(stream.events("short")[-1]["text"] == "3 records written", f"{stream.events('short')[-1]}")
    stream.run("stream", "run", "generate --rows 3 | filter '1 / n > 0' | write-null", "--name", "bad")
    check(stream.events("bad")[-1]["text"] == "1 record written, 1 bad", f"{stream.events('bad')[-1]}")


def a_stage_that_never_waits_is_busy(stream):
    stream.run("stream", "run", "-d", "generate | filter \"md5(n::text || 'x') like '%abcdef%'\" | write-null", "--name", "busy")

    def filter_of():
        return next(i for i in stream.stats("busy")["instances"] if i["stage"] == "filter")

    wait_until("its numbers", lambda: filter_of()["busy"] > 0.5 and filter_of()["records_in_rate"] > 0)
    stream.run("stream", "cancel", "busy")


def a_restart_is_waited_for(stream):
    stream.write("job.yaml", """
pipeline: job
restart: {strategy: fixed-delay, delay: 2s}
stages:
  made: {run: generate, rate: 100}
  out: {run: write-null}
""")
    stream.run("stream", "run", "-d", "job.yaml")
    for again in (1, 2):  # the first time it starts again at once
        pid = wait_until("the instance", lambda: stream.instances("job").get("made.0"))
        os.kill(pid, signal.SIGKILL)
        wait_until("its end to be seen",
                   lambda: sum(event["kind"] == "restarting" for event in stream.events("job")) == again)
    began = time.monotonic()
    stream.run("stream", "wait", "--for", "running", "job", timeout=60)
    check(time.monotonic() - began > 0.2, "it ran already")
    check(stream.events("job")[-1]["kind"] == "running", "it does not run")
    stream.run("stream", "cancel", "job")


def interrupted_runs_go_on_where_they_stopped(stream):
    feed = Feed(stream)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        feed.grow()
        run = stream.start("stream", "run", "totals.yaml", stderr=subprocess.PIPE)
        feed.arrive()
        run.send_signal(number)
        talk = run.communicate(timeout=60)[1]
        check(run.returncode == 0 and "stopped: final checkpoint" in talk, f"exit {run.returncode}: {talk}")
        check(not stream.processes("totals"), "nobody is left")
    check("continues from checkpoint" in talk, talk)


def a_second_interrupt_kills(stream):
    feed = Feed(stream)
    feed.grow()
    run = stream.start("stream", "run", "totals.yaml", stderr=subprocess.PIPE)
    feed.arrive()
    stream.kill([stream.pid("totals", "sums.0")], signal.SIGSTOP)  # the final checkpoint cannot come
    run.send_signal(signal.SIGINT)
    wait_until("the first to be noticed", lambda: "interrupted" in stream.run("stream", "logs", "totals"))
    check(run.poll() is None, "it waits for the final checkpoint")
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    check(not stream.processes("totals"), "nobody is left")
    feed.grow()
    start(stream)
    feed.arrive()
    stream.run("stream", "cancel", "totals")


def a_killed_supervisor_takes_its_job_along_and_the_next_run_goes_on(stream):
    feed = Feed(stream)
    feed.grow()
    run = stream.start("stream", "run", "totals.yaml", stderr=subprocess.DEVNULL)
    feed.arrive()
    stream.run("stream", "checkpoint", "totals")
    run.kill()
    run.wait(timeout=60)
    wait_until("the instances to end", lambda: not stream.processes("totals"))
    check(json.loads(stream.run("stream", "ps", "--all", "--json"))["state"] == "DEAD", "ps --all")
    check("was killed" in stream.run("stream", "show", "totals"), "show says why")
    feed.grow()
    check("continues from checkpoint" in start(stream), stream.last_stderr)
    feed.arrive()
    stream.run("stream", "cancel", "totals")


def logs_are_filtered_and_followed(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    follow = stream.start("stream", "logs", "-f", "totals", stdout=subprocess.PIPE)
    feed.file.write("no record\n")
    feed.grow(1)
    bad = wait_until("the warning", lambda: stream.run("stream", "logs", "--level", "warning", "totals"))
    check("bad record" in bad and bad.count("\n") == 1, bad)
    check(stream.run("stream", "logs", "--stage", "in", "--grep", "bad rec", "totals") == bad, "--stage and --grep")
    check(stream.run("stream", "logs", "--stage", "out", "totals") == "", "another stage is silent")
    refused(stream, 100, "job 'totals' has no stage 'smus'; did you mean 'sums'?", "stream", "logs", "--stage", "smus", "totals")
    refused(stream, 100, "it has in, sums, out", "stream", "logs", "-f", "--stage", "nothing", "totals")
    check("running" in stream.run("stream", "logs", "--since", "1h", "totals"), "--since")
    check(stream.run("stream", "logs", "--since", "1us", "totals") == "", "nothing in the last microsecond")
    check(stream.run("sh", "-c", "stream logs -f totals | head -1", timeout=60).count("\n") == 1, "it ends with its reader, though the job is quiet")
    line = json.loads(stream.run("stream", "logs", "--json", "--stage", "in", "totals"))
    check(line["stage"] == "in" and line["level"] == "warning", str(line))
    stream.run("stream", "stop", "totals")
    text = follow.communicate(timeout=60)[0]
    check("running" in text and bad in text and "stopped" in text, text)
    refused(stream, 100, "has no stage 'smus'", "stream", "logs", "--stage", "smus", "totals")
    stream.write("totals.yaml", MANIFEST.replace("PARALLELISM", "1").replace("  in:", "  other:"))
    stream.run("stream", "run", "-d", "--fresh", "totals.yaml", "--set", "stages.out.if-exists=replace")
    check(stream.run("stream", "logs", "--stage", "in", "--grep", "bad rec", "totals") == bad, "a stage of an earlier manifest")
    stream.run("stream", "cancel", "totals")
    letters = stream.run("stream", "dead-letter", "totals").splitlines()
    check([json.loads(l)["record"] for l in letters] == ["no record"], str(letters))
    check(stream.run("stream", "dead-letter", "--replay", "totals") == "no record\n", "the record alone")
    check(stream.run("stream", "dead-letter", "--replay", "--stage", "in", "totals") == "no record\n", "of its stage")
    check(stream.run("stream", "dead-letter", "--stage", "smus", "totals") == "", "of another stage")
    refused(stream, 100, "--replay prints records as they are", "stream", "dead-letter", "--replay", "--json", "totals")


def the_level_of_a_log_changes_while_the_job_runs(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)

    def bad_record(told):
        before = stream.run("stream", "logs", "--grep", "bad record", "totals")
        feed.file.write("no record\n")
        feed.grow(1)
        count = len(before.splitlines())
        if told:
            wait_until("a warning", lambda: len(stream.run("stream", "logs", "--grep", "bad record", "totals").splitlines()) > count)
        else:
            feed.arrive()
            stream.run("stream", "checkpoint", "totals")
            check(stream.run("stream", "logs", "--grep", "bad record", "totals") == before, "it was to be silent")
    bad_record(True)
    stream.run("stream", "logs", "--set-level", "error", "--stage", "in", "totals")
    bad_record(False)
    stream.run("stream", "logs", "--set-level", "info", "totals")
    bad_record(True)
    refused(stream, 1, "job 'totals' has no stage 'inn'", "stream", "logs", "--set-level", "info", "--stage", "inn", "totals")
    stream.run("stream", "stop", "totals")
    refused(stream, 1, "job 'totals' does not run", "stream", "logs", "--set-level", "info", "totals")


def stats_are_a_table_for_other_programs(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    stats = stream.run("stream", "stats", "--csv", "totals")
    rows = list(csv.DictReader(io.StringIO(stats)))
    check([f"{row['stage']}.{row['instance']}" for row in rows] == ["in.0", "sums.0", "out.0"], stats)
    check(all(int(row["pid"]) > 0 and int(row["records_in"]) >= 0 for row in rows), stats)
    twice = stream.run("sh", "-c", "stream stats --csv --watch totals | head -7").splitlines()
    check(sum(line.startswith("at_us,stage") for line in twice) == 1 and len(twice) == 7, str(twice))
    stream.run("stream", "cancel", "totals")


def a_plan_follows_the_data_and_the_rest_is_remembered(stream):
    for value, kind in [("1", "BIGINT"), ('"x"', "VARCHAR"), ("2", "BIGINT")]:
        stream.write("data.ndjson", f'{{"a":{value}}}\n')
        plan = json.loads(stream.run("stream", "explain", "--json", "read-file data.ndjson | select 'a as b' | write-null"))
        types = [stage["outputs"][0]["schema"]["fields"][0]["type"] for stage in plan["stages"][:2]]
        check(types == [kind, kind], f"{value}: {types}")
    kept = [path.read_text() for path in (stream.folder / "cache" / "stream").glob("plan-*")]
    check(kept and not any("stream-read-file" in text for text in kept), "what was sampled is not remembered")
    for options, cacheable in [({"path": "data.ndjson"}, False), ({"path": "data.ndjson", "schema": "a bigint"}, True)]:
        request = json.dumps({"protocol": 1, "folder": str(stream.folder), "options": options})
        answer = json.loads(stream.run("stream-read-file", "--plan", stdin=request))
        check(answer["cacheable"] is cacheable and not answer["errors"], f"{options}: {answer}")


def jobs_that_ended_long_ago_are_forgotten(stream):
    for name in ("done", "kept", "lives"):
        stream.write(f"{name}.yaml", f"pipeline: {name}\nstages:\n  made: {{run: generate, columns: n, {'rows: 3' if name == 'done' else 'rate: 10'}}}\n  out: {{run: write-null}}\n")
    stream.run("stream", "run", "done.yaml")
    for name in ("kept", "lives"):
        stream.run("stream", "run", "-d", f"{name}.yaml")
    stream.run("stream", "savepoint", "kept")
    stream.run("stream", "cancel", "kept")
    check(stream.run("stream", "gc", "--ended-for", "1h") == "" and sorted(stream.jobs()) == ["done", "kept", "lives"], "it has just ended")
    said = stream.run("stream", "gc", "--ended-for", "1us", "--dry-run")
    check(said.splitlines() == [str(stream.home("done"))] and "kept: kept for its savepoints" in stream.last_stderr, f"{said} {stream.last_stderr}")
    check(stream.succeeds("stream", "logs", "done"), "what has ended is not readable any more")
    line, = stream.run("stream", "gc", "--ended-for", "1us", "--json").splitlines()
    check(json.loads(line) == {"job": "done", "path": str(stream.home("done"))}, line)
    check(not stream.home("done").exists() and sorted(stream.jobs()) == ["kept", "lives"], f"{stream.jobs()}")
    stream.run("stream", "show", "done", expect=100)
    stream.run("stream", "savepoint", "--delete", "kept@latest")
    stream.run("stream", "gc", "--ended-for", "1us")
    check(stream.jobs() == ["lives"], f"{stream.jobs()}")


def gc_says_what_it_would_delete_and_deletes_that(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    stream.run("stream", "stop", "--no-savepoint", "totals")
    stray = stream.home("totals") / "checkpoints" / "1" / "stray.0.a1.sqlite"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("left by a crash")
    said = stream.run("stream", "gc", "--dry-run", "totals")
    check("stray.0.a1.sqlite" in said and stray.exists(), said)
    stream.run("stream", "gc", "totals")
    check(not stray.exists() and stream.run("stream", "gc", "--dry-run", "totals") == "", "gone")
    feed.grow()
    start(stream)
    feed.arrive()
    stream.run("stream", "cancel", "totals")


def a_savepoint_restores_at_any_parallelism(stream):
    feed = Feed(stream)
    feed.grow()
    start(stream)
    feed.arrive()
    origin = stream.run("stream", "stop", "totals").strip()
    stream.run("stream", "cancel", "totals")  # gives up the table that the others go on with
    feed.grow()
    for parallelism in (1, 2, 3):
        stream.write("totals.yaml", MANIFEST.replace("PARALLELISM", str(parallelism)))
        name = f"wide-{parallelism}"
        stream.run("stream", "run", "-d", "totals.yaml", "--name", name, "--from", origin)
        wait_until("all rows", lambda: [i for i in stream.stats(name)["instances"] if i["stage"] == "in"][0]["records_out"] == 1000)
        path = stream.run("stream", "stop", name).strip()
        check(len(list(pathlib.Path(path).glob("sums.*"))) == parallelism, path)
        check(state_of(path) == feed.totals, f"parallelism {parallelism}")
        check(feed.table() == feed.totals, f"the table with parallelism {parallelism}")


if __name__ == "__main__":
    main([a_job_is_seen_by_every_reading_verb, a_savepoint_opens_with_sqlite_and_is_found_by_its_label,
          nothing_but_a_savepoint_is_deleted, a_label_names_one_savepoint, savepoints_asked_for_at_once_are_all_made,
          a_stopped_job_goes_on_exactly, a_drained_job_wants_a_word_to_go_on, fresh_and_cancel_start_anew,
          wait_ends_when_its_condition_holds, a_stage_that_never_waits_is_busy, a_restart_is_waited_for, interrupted_runs_go_on_where_they_stopped, a_second_interrupt_kills,
          a_killed_supervisor_takes_its_job_along_and_the_next_run_goes_on, logs_are_filtered_and_followed, the_level_of_a_log_changes_while_the_job_runs, stats_are_a_table_for_other_programs,
          a_plan_follows_the_data_and_the_rest_is_remembered, gc_says_what_it_would_delete_and_deletes_that, jobs_that_ended_long_ago_are_forgotten, a_savepoint_restores_at_any_parallelism])
