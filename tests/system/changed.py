"""A changed manifest: what may go on from the state that is there, what is refused, and that nothing is lost by it."""

import json
import pathlib
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

ROWS = 40_000
SLOW, FAST = 2_000, 1_000_000  # to be caught while it runs; to come to its end
MANIFEST = f"""
pipeline: job
checkpoint: {{interval: 50ms}}
stages:
  made:
    run: generate
    columns: {{n: n, k: n % 7, at: "timestamp '2026-01-01' + n * interval '1 second'"}}
    rows: {ROWS}
    rate: RATE
    time: at
  lines: {{run: write-file, from: made, path: lines.ndjson}}
  totals:
    run: aggregate
    from: made
    by: [k]
    compute: count(*) as many, max(n) as highest
  table: {{run: write-sqlite, path: totals.db, table: totals}}
  hours:
    run: aggregate
    from: made
    by: [k]
    window: tumble 1h
    compute: count(*) as n
  windows: {{run: write-sqlite, path: hours.db, table: hours}}
"""


def write(stream, *changes, rate=SLOW):
    text = MANIFEST.replace("RATE", str(rate))
    for old, new in changes:
        check(old in text, f"nothing to change: {old}")
        text = text.replace(old, new)
    stream.write("job.yaml", text)


def checkpointed(stream):
    def published():
        lines = stream.folder / "lines.ndjson"
        return any(stream.home("job").glob("checkpoints/*/checkpoint.sqlite")) and lines.exists() and lines.stat().st_size > 0

    wait_until("a checkpoint with rows", published)


def stopped(stream, *options):
    """A job in the middle of its input, stopped."""
    write(stream)
    stream.run("stream", "run", "-d", "job.yaml")
    checkpointed(stream)
    stream.run("stream", "stop", "job", *options)


def killed(stream):
    write(stream)
    job = stream.start("stream", "run", "job.yaml", stderr=subprocess.PIPE)
    checkpointed(stream)
    job.kill()
    job.communicate()
    wait_until("every instance to end", lambda: not stream.processes("job"))


def refused(stream, *whys, options=()):
    stream.run("stream", "run", "job.yaml", *options, expect=1)
    run = stream.last_stderr
    check("does not fit the state of" in run, run)
    answer = stream.run("stream", "check", "--json", "job.yaml", "--against", "job", expect=1)
    fit = json.loads(answer)["against"]
    against = "\n".join(fit["misfits"] + fit["lost"] + fit["remedies"])
    for text in (run, against):
        for why in whys:
            check(why in text, f"{why}\nis not in\n{text}")


def finish(stream, *changes, options=()):
    write(stream, *changes, rate=FAST)
    stream.run("stream", "run", "job.yaml", *options)
    check("continues from" in stream.last_stderr, stream.last_stderr)
    return stream.last_stderr


def rows(stream, database, query):
    with sqlite3.connect(f"file:{stream.folder}/{database}?mode=ro", uri=True) as db:
        return db.execute(query).fetchall()


def numbers(stream, name="lines.ndjson"):
    return [json.loads(line)["n"] for line in (stream.folder / name).read_text().splitlines()]


def exact(stream, highest="highest"):
    check(sorted(numbers(stream)) == list(range(ROWS)), "lines.ndjson is not what a run left alone writes")
    expected = [(k, len(range(k, ROWS, 7)), max(range(k, ROWS, 7))) for k in range(7)]
    got = rows(stream, "totals.db", f"select k, many, {highest} from totals order by k")
    check(got == expected, f"{got}\nis not\n{expected}")
    check(rows(stream, "hours.db", "select sum(n) from hours") == [(ROWS,)], "hours.db holds not every row once")


def what_means_something_else_is_refused_and_the_job_as_it_was_goes_on(stream):
    stopped(stream, "--no-savepoint")
    write(stream, ("count(*) as many", "sum(n) as many"))
    refused(stream, "stage 'totals': state table 'totals': column 'many' was count(*) and is sum(n) now")
    write(stream, ("max(n) as highest", "max(n) filter (where n > 5) as highest"))
    refused(stream, "column 'highest' was max(n) and is max(n) filter(where n > 5) now")
    write(stream, ("tumble 1h", "tumble 2h"))
    refused(stream, "state table 'hours': it was tumble 1h of at and is tumble 2h of at now")
    write(stream, ("    compute: count(*) as n", "    zone: Europe/Berlin\n    compute: count(*) as n"))
    refused(stream, "it was tumble 1h of at and is tumble 1h of at in Europe/Berlin now")
    write(stream, ("by: [k]\n    compute", "by: [n]\n    compute"))
    refused(stream, "its key was (k BIGINT) and is (n BIGINT) now")
    write(stream, ("checkpoint:", "key-groups: 64\ncheckpoint:"))
    refused(stream, "key-groups was 1024 and is 64 now")
    finish(stream, ("count(*) as many", "COUNT( * ) AS many"))  # the same in other words
    exact(stream)


def a_stage_that_is_gone_is_missed_unless_its_state_may_be_lost(stream):
    stopped(stream)
    gone = ("  totals:\n", "  per-k:\n")
    write(stream, gone)
    refused(stream, "evolve: {per-k: {was: totals}}")
    talk = finish(stream, gone, options=("--allow-non-restored-state",))
    check("stage 'per-k' is new: it begins without state" in talk, talk)
    check(sorted(numbers(stream)) == list(range(ROWS)), "lines.ndjson is not what a run left alone writes")
    check(rows(stream, "totals.db", "select sum(many) from totals")[0][0] < ROWS, "it counted from the savepoint on")


def a_sink_writes_elsewhere_only_when_it_has_nothing_left_to_write(stream):
    elsewhere = ("lines.ndjson", "more.ndjson")
    killed(stream)
    write(stream, elsewhere)
    refused(stream, "stage 'lines': it wrote to '", "has rows to write still; 'stream resume' the job as it was")
    stream.run("stream", "resume", "job")
    stream.run("stream", "stop", "job")
    before = numbers(stream)
    finish(stream, elsewhere)
    check(numbers(stream) == before, "the file of before has changed")
    check(sorted(before + numbers(stream, "more.ndjson")) == list(range(ROWS)), "rows are lost or twice")


def a_column_may_be_renamed(stream):
    stopped(stream)
    talk = finish(stream, ("max(n) as highest", "max(n) as top"))
    check("is new" not in talk, talk)
    exact(stream, "top")


def an_added_column_counts_from_there_on(stream):
    stopped(stream)
    already = rows(stream, "totals.db", "select k, many from totals order by k")
    added = "count(n) as late, sum(1) as added, avg(n) as mean"
    talk = finish(stream, ("max(n) as highest", "max(n) as highest, " + added))
    check("column 'late' of state table 'totals' is new: it counts from here on" in talk, talk)
    exact(stream)
    got = rows(stream, "totals.db", "select k, many - late, many - added from totals order by k")
    check(got == [(k, n, n) for k, n in already], f"{got} besides {already}")


def a_sampled_schema_holds_for_as_long_as_the_job_does(stream):
    """Files that are rotated begin with other records than those sampled, or there are none at all."""
    stream.write("in/a.ndjson", "".join(f'{{"id": {n}, "v": 1}}\n' for n in range(1000)))
    stream.write("job.yaml", """
pipeline: job
checkpoint: {interval: 50ms}
stages:
  read: {run: read-file, path: in/*.ndjson, follow: true}
  totals: {run: aggregate, by: [id], compute: sum(v) as v}
  table: {run: write-sqlite, path: totals.db, table: totals}
""")

    def sum_is(expected):
        try:
            return rows(stream, "totals.db", "select sum(v) from totals") == [(expected,)]
        except sqlite3.OperationalError:
            return False  # not there yet

    def total(expected):
        wait_until(f"a total of {expected}", lambda: sum_is(expected))

    def once_more(text, expected):
        stream.write("in/b.ndjson", text)
        stream.run("stream", "check", "job.yaml", "--against", "job")
        stream.run("stream", "run", "-d", "job.yaml")
        total(expected)
        stream.run("stream", "stop", "job")

    stream.run("stream", "run", "-d", "job.yaml")
    total(1000)
    stream.run("stream", "stop", "job")
    (stream.folder / "in/a.ndjson").unlink()
    once_more("", 1000)
    once_more('{"id": "x", "v": 1.5}\n{"id": 1, "v": 2}\n', 1002)


def a_file_is_not_gone_on_with_as_something_else(stream):
    """Neither with other columns under its header, nor in another format: what stands there stays readable."""
    manifest = """
pipeline: file
checkpoint: {interval: 20ms}
stages:
  made: {run: generate, columns: "n, n % 7 as k", rate: 2000, rows: 100000}
  some: {run: select, columns: "COLUMNS"}
  out: {run: write-file, path: FILE}
"""

    def text(columns, file):
        return manifest.replace("COLUMNS", columns).replace("FILE", file)

    for path, changed in (("o.csv", ("k, n", "o.csv")), ("o.csv", ("n, k, n as m", "o.csv")), ("o.avro", ("k, n", "o.avro")),
                          ("o.csv", ("n, k", "o.csv, format: ndjson")), ("o.ndjson", ("n, k", "o.ndjson, format: csv"))):
        stream.write("file.yaml", text("n, k", path))
        stream.run("stream", "run", "-d", "--fresh", "file.yaml")
        wait_until("rows", lambda p=path: (stream.folder / p).exists() and (stream.folder / p).stat().st_size > 0)
        stream.run("stream", "stop", "file")
        before = (stream.folder / path).read_bytes()
        stream.write("file.yaml", text(*changed))
        stream.run("stream", "run", "file.yaml", expect=None)
        check("give another path" in stream.last_stderr, f"{path} {changed}: {stream.last_stderr}")
        check((stream.folder / path).read_bytes() == before, f"{path} {changed}: written to")
        stream.write("file.yaml", text(changed[0], "other-" + path))
        stream.run("stream", "run", "-d", "file.yaml")
        stream.run("stream", "cancel", "file")
        for left in stream.folder.glob("*o.*"):
            left.unlink()


if __name__ == "__main__":
    main([what_means_something_else_is_refused_and_the_job_as_it_was_goes_on,
          a_stage_that_is_gone_is_missed_unless_its_state_may_be_lost,
          a_sink_writes_elsewhere_only_when_it_has_nothing_left_to_write,
          a_column_may_be_renamed,
          an_added_column_counts_from_there_on, a_file_is_not_gone_on_with_as_something_else,
          a_sampled_schema_holds_for_as_long_as_the_job_does])
