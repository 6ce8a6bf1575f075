"""State is tables: stream state looks into savepoints and checkpoints, of jobs that run too."""

import csv
import io
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

MANIFEST = """pipeline: counts
checkpoint: {interval: 100ms}
stages:
  visits: {run: read-file, path: in.ndjson, follow: true, schema: "host varchar, ms bigint"}
  totals: {run: aggregate, by: host, compute: "count(*) as n, sum(ms) as ms", parallelism: 3}
  slow:
    run: aggregate
    from: visits
    by: host
    compute: {slowest: max(ms)}
  out: {run: write-null, from: totals}
  also: {run: write-null, from: slow}
"""
HOSTS = 50


def visits(first, count):
    return [{"host": f"h{n % HOSTS}", "ms": n} for n in range(first, first + count)]


def add(stream, rows):
    with open(stream.folder / "in.ndjson", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def start(stream, count=1000):
    stream.write("counts.yaml", MANIFEST)
    add(stream, visits(0, count))
    stream.run("stream", "run", "-d", "counts.yaml")
    wait_until("all rows", lambda: total(stream) == count)


def ask(stream, ref, sql, **more):
    return [json.loads(line) for line in stream.run("stream", "state", "query", "--json", ref, sql, **more).splitlines()]


def total(stream, ref="counts"):
    if not list(stream.home("counts").glob("checkpoints/*/checkpoint.sqlite")):
        return None
    return ask(stream, ref, "select sum(n) as n from totals")[0]["n"]


def expected(count):
    rows = visits(0, count)
    return {host: {"host": host, "n": sum(row["host"] == host for row in rows), "ms": sum(row["ms"] for row in rows if row["host"] == host)}
            for host in {row["host"] for row in rows}}


def a_running_job_answers_from_its_newest_checkpoint(stream):
    start(stream)
    rows = ask(stream, "counts", "select host, n, ms from totals")
    check({row["host"]: row for row in rows} == expected(1000), f"{rows[:3]}")
    add(stream, visits(1000, 500))
    wait_until("the new rows", lambda: total(stream) == 1500)
    check(ask(stream, "counts", "select n from totals where host = 'h7'") == [{"n": 30}], "one key")
    joined = ask(stream, "counts", "select t.host, s.slowest from totals t join slow s using (host) order by s.slowest desc limit 1")
    check(joined == [{"host": f"h{1499 % HOSTS}", "slowest": 1499}], f"{joined}")
    said = stream.run("stream", "state", "query", "counts", "select 1 as one")
    check(said.split() == ["one", "1"] and "of job 'counts'" in stream.last_stderr, f"{said} {stream.last_stderr}")
    stream.run("stream", "cancel", "counts")


def snapshots_are_listed_shown_and_exported(stream):
    start(stream)
    path = stream.run("stream", "savepoint", "counts", "--label", "first").strip()
    for ref in ("counts", "counts@first", "counts@latest", path, stream.home("counts") / "savepoints" / pathlib.Path(path).name):
        listed = [json.loads(line) for line in stream.run("stream", "state", "ls", "--json", ref).splitlines()]
        names = {table["table"]: table.get("rows") for table in listed}
        check(names.items() >= {"totals": HOSTS, "slow": HOSTS}.items(), f"{ref}: {names}")
        check(not any("kit_" in name for name in names), f"{names}")
    check("kit_progress" in stream.run("stream", "state", "ls", "--all", "counts"), "--all")
    shown = stream.run("stream", "state", "show", "counts@first", "totals", "--largest", "1")
    for part in ("key    host VARCHAR", "= count(*)", f"rows   {HOSTS}", "of instance 2", "large  host=h"):
        check(part in shown, f"{part!r} is not in {shown}")
    table = list(csv.DictReader(io.StringIO(stream.run("stream", "state", "export", "counts@first", "totals", "--format", "csv"))))
    check({row["host"]: int(row["ms"]) for row in table} == {h: row["ms"] for h, row in expected(1000).items()}, f"{table[:2]}")
    stream.run("stream", "cancel", "counts")


def savepoints_differ_by_what_came_between(stream):
    start(stream)
    stream.run("stream", "savepoint", "counts", "--label", "before")
    add(stream, [{"host": "h3", "ms": 1}, {"host": "new", "ms": 7}])
    wait_until("the new rows", lambda: total(stream) == 1002)
    stream.run("stream", "savepoint", "counts", "--label", "after")
    lines = stream.run("stream", "state", "diff", "counts@before", "counts@after", expect=1).splitlines()
    lines = [line for line in lines if " splits " not in line]  # the position in the file
    check("~ totals host=h3  n: 20 -> 21  ms: 9560 -> 9561" in lines and "+ totals host=new n=1 ms=7" in lines, f"{lines}")
    check({line.split()[1] for line in lines} == {"totals", "slow"} and len(lines) == 3, f"{lines}")
    stream.run("stream", "state", "diff", "counts@after", "counts@after")
    counted = [json.loads(line) for line in stream.run("stream", "state", "diff", "--json", "--count", "counts@after", "counts@before", expect=1).splitlines()]
    check({"table": "totals", "removed": 1, "added": 0, "changed": 1} in counted, f"{counted}")
    stream.run("stream", "cancel", "counts")


def questions_that_cannot_be_answered_say_why(stream):
    start(stream, 100)
    for args, words in [(["query", "counts", "select * from total"], "did you mean 'totals'?"),
                        (["query", "counts", "delete from totals"], "a query of state reads"),
                        (["query", "count", "select 1"], "did you mean 'counts'?"),
                        (["query", "counts@99999", "select 1"], "counts@99999"),
                        (["show", "counts", "nothing"], "there is no state table 'nothing'"),
                        (["dif", "counts", "counts"], "did you mean 'diff'?"), ([], "diff, edit, export, ls, merge, new, query, reshard, show, split")]:
        stream.run("stream", "state", *args, expect=100)
        check(words in stream.last_stderr, f"{args}: {stream.last_stderr}")
    stream.run("stream", "cancel", "counts")


def an_edited_savepoint_is_gone_on_from(stream):
    start(stream)
    path = stream.run("stream", "stop", "counts").strip()
    stream.run("stream", "state", "edit", path, "update totals set n = n + 1000 where host = 'h3'; delete from totals where host = 'h4'; "
               "insert into totals (host, n, ms) values ('new', 5, 50)", "--to", "mended", "--label", "mended")
    check("3 rows changed" in stream.last_stderr, stream.last_stderr)
    changes = stream.run("stream", "state", "diff", "--all", path, "mended", expect=1).splitlines()
    check({line.split()[0] + line.split()[2] for line in changes} == {"~host=h3", "-host=h4", "+host=new"} and len(changes) == 3, f"{changes}")
    stream.run("stream", "run", "-d", "counts.yaml", "--from", "mended")
    add(stream, [{"host": host, "ms": 0} for host in ("h3", "h4", "new", "h5")])
    wait_until("the new rows", lambda: total(stream) == 1000 + 1000 - 20 + 5 + 4)
    found = {row["host"]: row["n"] for row in ask(stream, "counts", "select host, n from totals where host in ('h3', 'h4', 'new', 'h5')")}
    check(found == {"h3": 1021, "h4": 1, "new": 6, "h5": 21}, f"{found}")
    stream.run("stream", "cancel", "counts")


def edits_that_make_impossible_state_are_refused(stream):
    start(stream, 100)
    path = stream.run("stream", "stop", "counts").strip()
    for sql, words in [("update totals set n = 'many'", "n holds BIGINT"), ("insert into totals values ('h1', 1, 1)", "UNIQUE"),
                       ("drop table totals", "INSERT, UPDATE and DELETE"), ("update total set n = 1", "no such table"),
                       ("update totals set n = 1 where host = 'none'", "no row was changed"), ("pragma user_version = 3", "INSERT"),
                       ("update totals set n = 1; update totals set ms = x'00'", "ms holds BIGINT")]:
        stream.run("stream", "state", "edit", path, sql, "--to", "edited", expect=None)
        check(words in stream.last_stderr, f"{sql}: {stream.last_stderr}")
        left = [entry.name for entry in stream.folder.iterdir() if "edited" in entry.name]
        check(not left, f"{sql}: left {left}")
    stream.run("stream", "state", "edit", path, "delete from slow", "--to", path, expect=100)
    check("replaces nothing" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "cancel", "counts", expect=None)
    stream.run("stream", "state", "edit", "counts@1", "delete from slow", "--to", "edited", expect=100)


def a_resharded_savepoint_is_gone_on_from(stream):
    start(stream)
    path = stream.run("stream", "stop", "counts").strip()
    for groups, parallelism in ((37, 2), (4096, 3)):
        stream.run("stream", "state", "reshard", path, "--key-groups", groups, "--to", f"sharded-{groups}")
        stream.run("stream", "state", "diff", "--all", path, f"sharded-{groups}")
        text = MANIFEST.replace("parallelism: 3", f"parallelism: {parallelism}")
        stream.write("sharded.yaml", text.replace("pipeline: counts", f"pipeline: sharded\nkey-groups: {groups}"))
        stream.run("stream", "run", "-d", "sharded.yaml", "--fresh", "--from", f"sharded-{groups}", expect=None)
        check("excludes" in stream.last_stderr, stream.last_stderr)
        stream.run("stream", "run", "-d", "sharded.yaml", "--from", f"sharded-{groups}")
        begun = sum(1 for _ in open(stream.folder / "in.ndjson", encoding="utf-8"))
        add(stream, visits(begun, 100))
        wait_until("the new rows", lambda: list(stream.home("sharded").glob("checkpoints/*/checkpoint.sqlite")) and
                   ask(stream, "sharded", "select sum(n) as n from totals")[0]["n"] == begun + 100)
        rows = {row["host"]: row for row in ask(stream, "sharded", "select * from totals")}
        check(rows == expected(begun + 100), f"{list(rows.items())[:3]}")
        stream.run("stream", "cancel", "sharded")
    stream.run("stream", "run", "-d", "counts.yaml", "--from", "sharded-37", expect=1)
    check("stream state reshard" in stream.last_stderr, stream.last_stderr)


def a_running_job_is_asked_for_single_rows(stream):
    """As they are now, of whichever instance has them: what the newest checkpoint does not know yet."""
    stream.write("counts.yaml", MANIFEST.replace("interval: 100ms", "interval: 1h"))
    add(stream, visits(0, 1000))
    stream.run("stream", "run", "-d", "counts.yaml")

    def live(sql, *more):
        return [json.loads(line) for line in stream.run("stream", "state", "query", "counts", "--live", "--json", sql, *more).splitlines()]
    wanted = expected(1000)
    for host in ("h0", "h7", "h31", "h49"):  # of all three instances
        wait_until(host, lambda: live(f"select * from totals where host = '{host}'") == [wanted[host]])
    check(live("select n + 1 as more from totals where host = 'nobody'") == [], "no such row")
    check(live("select t.n, s.slowest from totals t join slow s on s.host = t.host where t.host in ('h3', 'h4') order by s.slowest") ==
          [{"n": 20, "slowest": 953}, {"n": 20, "slowest": 954}], "two tables")
    row = stream.run("stream", "state", "query", "counts", "--live", "--table", "totals", "--key", "host = 'h7'", "--csv")
    check(row == "host,n,ms\nh7,20,9640\n", row)
    add(stream, visits(1007, 1))
    wait_until("the new row", lambda: live("select n from totals where host = 'h7'") == [{"n": 21}])
    stream.run("stream", "state", "query", "counts", "select 1", expect=1)
    check("has no checkpoint yet" in stream.last_stderr, stream.last_stderr)
    for args, code, words in [(["select * from totals"], 100, "give each key column of a table with '=' (splits: path, begin; totals: host; slow: host"),
                              (["select * from totals where host > 'a'"], 100, "without --live its newest checkpoint answers"),
                              (["select * from totals where n = 3"], 100, "a job that runs is asked for single rows"),
                              (["select * from total where host = 'a'"], 100, "did you mean 'totals'?"), (["delete from totals"], 100, "a query of state reads"),
                              (["select host from totals where host = 7"], 0, ""), (["select host from totals where host = x'00'"], 100, "never equals"),
                              (["--table", "totals"], 100, "or --table and --key"), ([], 100, "argument SQL is missing")]:
        stream.run("stream", "state", "query", "counts", "--live", *args, expect=code)
        check(words in stream.last_stderr, f"{args}: {stream.last_stderr}")
    before = stream.instances("counts")
    for n in range(50):
        live(f"select n from totals where host = 'h{n}'")
    check(stream.instances("counts") == before, "nobody was disturbed")
    stream.run("stream", "stop", "counts")
    stream.run("stream", "state", "query", "counts", "--live", "select n from totals where host = 'h7'", expect=1)
    check("does not run; without --live" in stream.last_stderr, stream.last_stderr)
    check(ask(stream, "counts", "select n from totals where host = 'h7'") == [{"n": 21}], "as it was seen")


def a_lookup_meets_a_crash(stream):
    """It is answered, or refused with the reason; the next one is answered."""
    start(stream)
    answers = 0
    for _ in range(3):
        stream.kill([stream.pid("counts", "totals.1")])

        def answered():
            printed = stream.run("stream", "state", "query", "counts", "--live", "--json", "select n from totals where host = 'h7'", expect=None)
            check(printed in ('{"n":20}\n', ""), printed)
            check(printed or stream.last_stderr.startswith("stream state query: fatal: "), f"no answer: {stream.last_stderr}")
            return bool(printed)
        wait_until("an answer", answered)
        answers += 1
    check(answers == 3, "three crashes")
    stream.run("stream", "cancel", "counts")


def a_question_meets_retention(stream):
    """Files are open before the job deletes them."""
    start(stream)
    for n in range(30):
        add(stream, visits(1000 + n, 1))
        check(total(stream) >= 1000, "an answer, whatever is deleted meanwhile")
    stream.run("stream", "cancel", "counts")


if __name__ == "__main__":
    main([a_running_job_answers_from_its_newest_checkpoint, snapshots_are_listed_shown_and_exported,
          savepoints_differ_by_what_came_between, questions_that_cannot_be_answered_say_why, an_edited_savepoint_is_gone_on_from,
          edits_that_make_impossible_state_are_refused, a_resharded_savepoint_is_gone_on_from,
          a_running_job_is_asked_for_single_rows, a_lookup_meets_a_crash, a_question_meets_retention])
