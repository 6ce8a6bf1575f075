"""A running job gets another number of processes: results are those of SQL over the same rows, whatever happens."""

import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

# One source, and behind it a window, a join of the stream with itself, ranks, and first rows: all have state.
MANIFEST = """
pipeline: scaled
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  made: {run: generate, rate: 2000, columns: "n, random % 300 as k, random % 10000 as v, to_timestamp(n / 1000) as ts", time: ts}
  all: {run: write-sqlite, path: in.db, table: made, if-exists: replace}
  some: {run: filter, from: made, where: n >= 0}
  seconds: {run: aggregate, from: some, window: tumble 5s, by: k, compute: {n: count(*), v: sum(v)}, parallelism: 2}
  seconds-table: {run: write-sqlite, path: out.db, table: seconds, if-exists: replace}
  visits: {run: aggregate, from: some, window: session 1500ms, by: k, compute: {n: count(*), v: sum(v)}, parallelism: 2}
  visits-table: {run: write-sqlite, path: out.db, table: visits, if-exists: replace}
  top: {run: top-n, from: made, by: k, order: "v desc, n", limit: 5, rank: place, parallelism: 2}
  top-table: {run: write-sqlite, path: out.db, table: top, if-exists: replace}
  first: {run: dedup, from: made, by: k, parallelism: 2}
  first-table: {run: write-sqlite, path: out.db, table: first, key: n, if-exists: replace}
  pairs:
    run: join
    from: {a: made, b: made}
    columns: a.n as an, b.n as bn
    on: a.k = b.k and a.n < b.n and b.ts between a.ts and a.ts + interval '1 second'
    parallelism: 2
  pairs-table: {run: write-sqlite, path: out.db, table: pairs, key: [an, bn], if-exists: replace}
"""
SQL = {
    "visits": ("k, n, v", "with begun as (select k, ts, n, v, unixepoch(ts) - lag(unixepoch(ts), 1, -9) over w > 1 as new from made "
               "window w as (partition by k order by n)), numbered as (select k, v, sum(new) over (partition by k order by n) as number from begun) "
               "select k, count(*), sum(v) from numbered group by k, number"),
    "seconds": ("unixepoch(window_start), k, n, v", "select unixepoch(ts) / 5 * 5, k, count(*), sum(v) from made group by 1, 2"),
    "top": ("n, k, v, place", "select n, k, v, place from (select *, row_number() over (partition by k order by v desc, n) "
            "as place from made) where place <= 5"),
    "first": ("k", "select distinct k from made"),
    "pairs": ("an, bn", "select a.n, b.n from made a join made b on a.k = b.k and b.n > a.n and b.n < a.n + 2000 and "
              "unixepoch(b.ts) between unixepoch(a.ts) and unixepoch(a.ts) + 1"),
}


def check_results(stream):
    with sqlite3.connect(stream.folder / "in.db") as made, sqlite3.connect(stream.folder / "out.db") as out:
        count, different, last = made.execute("select count(*), count(distinct n), max(n) from made").fetchone()
        check(count == different == last + 1, f"{count} rows, {different} of them different, the last is {last}")
        made.execute("create index if not exists by_k on made (k, n)")
        for table, (columns, sql) in SQL.items():
            found, wanted = sorted(out.execute(f"select {columns} from {table}")), sorted(made.execute(sql))
            check(found == wanted, f"{table}: {len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")
            check(found, f"{table}: nothing to compare")


def start(stream):
    stream.write("scaled.yaml", MANIFEST)
    stream.run("stream", "run", "-d", "scaled.yaml")


def rescale(stream, *wishes, job="scaled"):
    return json.loads(stream.run("stream", "rescale", "--json", job, *wishes))


def parallelism(stream, job="scaled"):
    return {s["stage"]: s["parallelism"] for s in json.loads(stream.run("stream", "show", "--json", job))["stages"]}


def finish(stream, job="scaled"):
    """Drains the job, so that all windows fire."""
    stream.run("stream", "stop", "--drain", "--no-savepoint", job)
    check_results(stream)


def number_of(instances):
    """How many instances of each stage there are."""
    out = {}
    for name in instances:
        out[name.split(".")[0]] = out.get(name.split(".")[0], 0) + 1
    return out


def up_and_down_several_times_and_all_others_run_on(stream):
    start(stream)
    wait_until("a checkpoint", lambda: stream.stats("scaled")["job"]["checkpoint"] > 0)
    for wishes in ({"seconds": 3}, {"seconds": 1, "top": 3}, {"pairs": 3}, {"first": 1, "pairs": 1, "pairs-table": 2},
                   {"seconds": 2, "some": 2, "made": 2}, {"made": 1, "pairs-table": 1}):
        before = stream.instances("scaled")
        told = rescale(stream, *(f"{stage}={n}" for stage, n in wishes.items()))
        check({s["stage"]: s["to"] for s in told["stages"]} == wishes, told)
        after = stream.instances("scaled")
        check(number_of(after) == parallelism(stream) and wishes.items() <= number_of(after).items(), after)
        # Where instance i fed instance i, and does no longer, that one begins anew too.
        check(told["also_anew"] == (["some"] if wishes.get("made") == 1 else []), told)
        others = {name: pid for name, pid in before.items() if name.split(".")[0] not in {*wishes, *told["also_anew"]}}
        check(others.items() <= after.items(), f"{others} did not all run on: {after}")
        check(len(others) == told["kept_processes"], told)
        check(not set(before.values()) - set(others.values()) & set(after.values()), f"some were not replaced: {before}, {after}")
    epoch = int(stream.run("stream", "checkpoint", "scaled"))
    check(epoch > told["epoch"], f"{epoch} after {told}")
    check([e["kind"] for e in stream.events("scaled")].count("rescaled") == 6, "events")
    check(stream.stats("scaled")["job"]["restarts"] == 0, "it was restarted")
    finish(stream)


# Of an old job's instances each is fed by its own source, and hears of event time only from it.
APART = """
pipeline: apart
checkpoint: {interval: 1h}
stages:
  made: {run: generate, rate: 2000, columns: "n, n % 8 as k, to_timestamp(n / 1000.0) as ts", time: ts, parallelism: 2}
  some: {run: filter, from: made, where: n >= 0, parallelism: 2}
  same: {run: filter, from: some, where: n >= 0, parallelism: 2}
  short: {run: aggregate, window: tumble 16ms, by: k, compute: "count(*) as c", parallelism: 2}
  table: {run: write-sqlite, path: out.db, table: short, if-exists: replace}
"""


def with_one_behind(stream, begun, *command):
    """Runs the command while one source is behind the other, until it has `begun`."""
    stream.write("apart.yaml", APART)
    stream.run("stream", "run", "-d", "apart.yaml")
    wait_until("the job", lambda: "made.1" in stream.instances("apart"))
    wait_until("rows", lambda: rows_out(stream, "apart", "made.1") > 0)
    behind = stream.instances("apart")["made.1"]
    os.kill(behind, signal.SIGSTOP)
    far = rows_out(stream, "apart", "made.0") + 1000
    wait_until("the other to be ahead", lambda: rows_out(stream, "apart", "made.0") > far)
    verb = stream.start(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until("it to have begun", begun)
    os.kill(behind, signal.SIGCONT)
    talk = verb.communicate(timeout=60)[1]
    check(verb.returncode == 0, talk)


def check_all_windows(stream, job):
    """What was behind comes through both filters, one of which is slow."""
    slow = stream.instances(job)["some.0"]
    at = rows_out(stream, job, "some.1")
    os.kill(slow, signal.SIGSTOP)
    wait_until("the other to go on", lambda: rows_out(stream, job, "some.1") > at + 50)
    os.kill(slow, signal.SIGCONT)
    at = rows_out(stream, job, "some.0")
    wait_until("rows of it", lambda: rows_out(stream, job, "some.0") > at + 1000)
    stream.run("stream", "stop", "--drain", "--no-savepoint", job)
    with sqlite3.connect(stream.folder / "out.db") as out:
        counts = [c for (c,) in out.execute("select c from short order by window_start, k")][:-16]
    check(set(counts) == {2}, f"{counts.count(2)} of {len(counts)} windows are whole")


def no_row_is_late_where_one_source_was_behind_the_other(stream):
    with_one_behind(stream, lambda: "rescaling" in [e["kind"] for e in stream.events("apart")], "stream", "rescale", "apart", "made=1")
    check_all_windows(stream, "apart")


def no_row_is_late_where_it_goes_on_with_one_source_of_two(stream):
    # The part of the one that is ahead: the other's is cut 1,000 rows before.
    with_one_behind(stream, lambda: list(stream.home("apart").glob("checkpoints/*/*made.0*")), "stream", "savepoint", "apart", "--label", "two")
    stream.run("stream", "cancel", "apart")
    (stream.folder / "out.db").unlink()
    stream.run("stream", "run", "-d", "apart.yaml", "--name", "one", "--from", "apart@two", "--set", "stages.made.parallelism=1")
    wait_until("the job", lambda: "some.0" in stream.instances("one"))
    check_all_windows(stream, "one")


def rows_out(stream, job, instance):
    return next(i["records_out"] for i in stream.stats(job)["instances"] if f"{i['stage']}.{i['instance']}" == instance)


def attempt_rescale(stream, wishes):
    """The process of the verb, while it is at work."""
    return stream.start("stream", "rescale", "--json", "scaled", *(f"{stage}={n}" for stage, n in wishes.items()),
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until_it_runs(stream):
    wait_until("the job to run", lambda: stream.succeeds("stream", "wait", "scaled", "--for", "running", "--timeout", "20s"), 60)


def files_below(folder, since):
    return {path for path in folder.rglob("*")} - since


# What is seen of a rescale from outside, one after the other: then somebody is killed.
MOMENTS = {
    "it was asked for": lambda stream, before: True,
    "its checkpoint has begun": lambda stream, before: len(list((stream.home("scaled") / "checkpoints").iterdir())) != before["epochs"],
    "new processes start": lambda stream, before: set(stream.processes("scaled")) - before["processes"],
    "it is over": lambda stream, before: before["verb"].poll() is not None,
}


def victims(stream, who):
    """pids of what is to be killed."""
    if who == "supervisor":
        return [json.loads(stream.run("stream", "show", "--json", "scaled"))["supervisor_pid"]]
    if who == "all":
        return stream.processes("scaled")
    return [pid for name, pid in stream.instances("scaled").items() if name.startswith(who)]


def as_many(stream, many, gone):
    """Whether the job runs with so many instances, none of which is one that was killed."""
    instances = stream.instances("scaled")
    return number_of(instances).get("seconds") == many and not gone & set(instances.values())


def whoever_is_killed_at_whatever_moment_it_has_the_old_number_or_the_new(stream):
    start(stream)
    wait_until("a checkpoint", lambda: stream.stats("scaled")["job"]["checkpoint"] > 0)
    pick = random.Random(11)
    number, outcomes = 2, []
    whom = ["supervisor", "all", "new"] + pick.sample(["seconds.0", "some", "seconds-table", "made", "top"], 1)
    for moment, seen in MOMENTS.items():
        for who in whom if moment == "new processes start" else pick.sample(whom, 2):
            wanted = pick.choice([n for n in (1, 2, 3) if n != number])
            wait_until_it_runs(stream)
            processes = set(stream.processes("scaled"))
            pids = [] if who == "new" else victims(stream, who)
            verb = attempt_rescale(stream, {"seconds": wanted})
            before = {"verb": verb, "processes": processes, "epochs": len(list((stream.home("scaled") / "checkpoints").iterdir()))}
            wait_until(moment, lambda: seen(stream, before) or verb.poll() is not None)
            killed = pids if pids else list(set(stream.processes("scaled")) - processes)[:1]
            stream.kill(killed)
            out, talk = verb.communicate(timeout=60)
            if who in ("supervisor", "all"):
                wait_until("its processes to go", lambda: not stream.processes("scaled"))
                stream.run("stream", "resume", "scaled")
            wait_until_it_runs(stream)
            found = parallelism(stream)["seconds"]
            check(found in (number, wanted), f"{found} instances, neither {number} nor {wanted}")
            check(verb.returncode != 0 or found == wanted, f"{moment}, {who}: {found} instances after {out}")
            check(verb.returncode == 0 or who in ("supervisor", "all") or found == number, f"{moment}, {who}: {found} instances after {talk}")
            check(verb.returncode == 0 or "rescale: fatal: " in talk, talk)
            # Who was killed just now may not have been missed yet.
            wait_until("as many processes", lambda many=found, gone=frozenset(killed): as_many(stream, many, gone))
            outcomes.append(verb.returncode)
            number = found
    check(0 in outcomes and any(outcomes), f"always the same: {outcomes}")
    wait_until_it_runs(stream)
    finish(stream)


def what_cannot_be_is_refused_with_advice(stream):
    stream.write("in.ndjson", '{"a": 1}\n')
    stream.run("stream", "run", "-d", "read-file in.ndjson --follow | dedup a | write-file out.ndjson", "--name", "small")
    for wishes, advice in ((["dedupe=2"], "no stage 'dedupe'; did you mean 'dedup'?"), (["write-file=2"], "one file has one writer"),
                           (["dedup=0"], "at least one instance"), (["dedup=2000"], "key groups"), (["dedup"], "is not STAGE=N"),
                           (["dedup=x"], "is not STAGE=N"), (["dedup=2", "dedup=3"], "given twice")):
        stream.run("stream", "rescale", "small", *wishes, expect=None)
        check(advice in stream.last_stderr and stream.last_stderr.count("\n") == 1, stream.last_stderr)
    stream.run("stream", "rescale", "small", "dedup=1")
    check("already" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "stop", "small")
    stream.run("stream", "rescale", "small", "dedup=2", expect=1)
    check("STOPPED" in stream.last_stderr and "--set stages.STAGE.parallelism=N" in stream.last_stderr, stream.last_stderr)


def the_number_is_kept_until_another_is_given(stream):
    start(stream)
    rescale(stream, "seconds=3", "top=1")
    chosen = parallelism(stream)
    check((chosen["seconds"], chosen["top"]) == (3, 1), chosen)
    stream.kill(stream.processes("scaled"))
    wait_until("its processes to go", lambda: not stream.processes("scaled"))
    check(parallelism(stream) == chosen, "what is stored")
    stream.run("stream", "run", "-d", "scaled.yaml")
    check(parallelism(stream) == chosen, "run again as it was")
    stream.run("stream", "stop", "scaled")
    stream.run("stream", "resume", "scaled")
    check(parallelism(stream) == chosen, "resumed")
    stream.run("stream", "stop", "scaled")
    stream.run("stream", "run", "-d", "scaled.yaml", "--set", "stages.seconds.parallelism=1")
    check(parallelism(stream) == dict(chosen, seconds=1), "another number was given")
    finish(stream)


def an_aborted_checkpoint_leaves_it_as_it_was(stream):
    stream.write("scaled.yaml", MANIFEST.replace("interval: 50ms", "interval: none"))
    stream.run("stream", "run", "-d", "scaled.yaml")
    epoch = int(stream.run("stream", "checkpoint", "scaled"))
    in_its_way = stream.home("scaled") / "checkpoints" / str(epoch + 1)
    in_its_way.write_text("no folder")
    before = stream.instances("scaled")
    stream.run("stream", "rescale", "scaled", "seconds=3", expect=1)
    check("was not rescaled: checkpoint" in stream.last_stderr and "runs on as it was" in stream.last_stderr, stream.last_stderr)
    check(stream.instances("scaled") == before, "somebody was started anew")
    in_its_way.unlink(missing_ok=True)
    rescale(stream, "seconds=3")
    check(number_of(stream.instances("scaled"))["seconds"] == 3, "the second time")
    finish(stream)


ENDED = """
pipeline: scaled
checkpoint: {interval: 50ms}
stages:
  short: {run: generate, rows: 1000, columns: "n, n % 10 as k"}
  long: {run: generate, rate: 2000, columns: "n + 1000 as n, n % 10 as k"}
  shorter: {run: filter, from: short, where: n % 2 = 0, parallelism: 2}
  both: {run: filter, from: [short, long], where: n >= 0, parallelism: 2}
  table: {run: write-sqlite, path: out.db, table: rows, key: n, if-exists: replace}
  half: {run: write-sqlite, from: shorter, path: out.db, table: half, key: n, if-exists: replace}
"""


def what_has_ended_stays_ended(stream):
    """Rows and the end of an input come once, whether it is the new instances, those before or those behind that have ended."""
    stream.write("ended.yaml", ENDED)
    stream.run("stream", "run", "-d", "ended.yaml")
    ended = lambda: {f"{i['stage']}.{i['instance']}": i["ended"] for i in stream.stats("scaled")["instances"]}
    wait_until("the end of the short one", lambda: ended()["half.0"])
    for wishes in (["both=3"], ["shorter=1"], ["short=2"], ["half=2", "both=1"]):
        rescale(stream, *wishes)
        wait_until("the same to have ended", lambda: all(done for name, done in ended().items() if name.split(".")[0] in ("short", "shorter", "half")))
    check(not ended()["both.0"], "it has not")
    stream.run("stream", "stop", "--drain", "--no-savepoint", "scaled")
    with sqlite3.connect(stream.folder / "out.db") as out:
        count, last = out.execute("select count(*), max(n) from rows").fetchone()
        check(count == last + 1 and count > 1000, f"{count} rows, the last is {last}")
        check(out.execute("select count(*), sum(n) from half").fetchone() == (500, sum(range(0, 1000, 2))), "the half")


SPLITS = """
pipeline: scaled
checkpoint: {interval: 50ms}
stages:
  lines: {run: read-file, path: "in/*.ndjson", format: ndjson, schema: "n bigint, k varchar, pad varchar", split-size: 256KiB}
  paced: {run: throttle, rate: 3500}
  parts: {run: write-file, path: parts/}
  table: {run: write-sqlite, from: paced, path: out.db, table: rows, key: n, if-exists: replace}
  counted: {run: aggregate, from: paced, by: k, compute: {n: count(*), total: sum(n)}}
  totals: {run: write-sqlite, path: out.db, table: totals, if-exists: replace}
"""


def splits_and_commits_rescale_too(stream):
    """Files are read to their ends and not twice, rows are committed once, while sources and sinks change in number."""
    rows = 25_000
    for name in range(5):
        stream.write(f"in/{name}.ndjson", "".join(json.dumps({"n": n, "k": f"k{n % 5}", "pad": "x" * 400}) + "\n" for n in range(name, rows, 5)))
    stream.write("splits.yaml", SPLITS)
    stream.run("stream", "run", "-d", "splits.yaml")
    wait_until("a checkpoint", lambda: stream.stats("scaled")["job"]["checkpoint"] > 0)
    for wishes in (["lines=3", "table=2"], ["parts=3"], ["counted=2", "totals=2", "lines=2"], ["lines=1", "parts=1", "table=3"]):
        check(not all(i["ended"] for i in stream.stats("scaled")["instances"] if i["stage"] == "lines"), "all is read already")
        rescale(stream, *wishes)
    stream.run("stream", "wait", "scaled", "--timeout", "100s")
    with sqlite3.connect(stream.folder / "out.db") as out:
        check(out.execute("select count(*), sum(n) from rows").fetchone() == (rows, rows * (rows - 1) // 2), "rows")
        wanted = [(f"k{k}", len(range(k, rows, 5)), sum(range(k, rows, 5))) for k in range(5)]
        check(sorted(out.execute("select k, n, total from totals")) == wanted, "totals")
    found = [json.loads(line)["n"] for path in (stream.folder / "parts").iterdir() for line in path.read_text().splitlines()]
    check(sorted(found) == list(range(rows)), f"{len(found)} rows in the parts, {len(set(found))} different, not {rows}")


def a_stop_meanwhile_comes_afterwards_and_a_second_one_is_refused(stream):
    start(stream)
    wait_until("a checkpoint", lambda: stream.stats("scaled")["job"]["checkpoint"] > 0)
    verb = attempt_rescale(stream, {"seconds": 3})
    state = lambda: json.loads(stream.run("stream", "show", "--json", "scaled"))["state"]
    wait_until("it to begin", lambda: state() == "RESCALING" or verb.poll() is not None)
    stream.run("stream", "rescale", "scaled", "top=3", expect=None)
    second = stream.last_stderr
    stream.run("stream", "stop", "--no-savepoint", "scaled")
    verb.communicate(timeout=60)
    check("is being rescaled already" in second or "rescaled at checkpoint" in second, second)
    check(verb.returncode == 0 and parallelism(stream)["seconds"] == 3, parallelism(stream))
    stream.run("stream", "resume", "scaled")
    check(number_of(stream.instances("scaled"))["seconds"] == 3, stream.instances("scaled"))
    finish(stream)


if __name__ == "__main__":
    main([no_row_is_late_where_one_source_was_behind_the_other, no_row_is_late_where_it_goes_on_with_one_source_of_two,
          up_and_down_several_times_and_all_others_run_on, whoever_is_killed_at_whatever_moment_it_has_the_old_number_or_the_new,
          what_cannot_be_is_refused_with_advice, the_number_is_kept_until_another_is_given, an_aborted_checkpoint_leaves_it_as_it_was,
          what_has_ended_stays_ended, splits_and_commits_rescale_too, a_stop_meanwhile_comes_afterwards_and_a_second_one_is_refused])
