"""What pipelines are made of: fragments, several in a file, tests in the manifest, and looking into running ones."""

import json
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]

TESTED = """
pipeline: tested
stages:
  orders: {run: read-file, path: nothing.csv, format: csv, schema: "at timestamp, who varchar, price decimal(10,2)", time: at, follow: true}
  dear:
    run: filter
    where: price > 10
  hourly:
    run: aggregate
    by: who
    window: tumble 1h
    compute: {n: count(*), total: sum(price)}
    parallelism: 2
  names: {run: read-file, path: nobody.ndjson}
  named:
    run: join
    from: {h: hourly, n: names}
    on: h.who = n.who
    columns: h.who, h.n, n.name
  table: {run: write-sqlite, path: /nowhere/at/all.db, table: t}
tests:
  - name: right
    given:
      orders:
        - {at: "2026-01-31 12:00", who: a, price: 10.01}
        - 2026-01-31T12:10:00Z,a,20
        - 2026-01-31T12:10:00Z,a,dear
        - {at: "2026-01-31 13:00", who: b, price: 9}
      names: [{who: a, name: Anna}]
    expect:
      hourly: [{who: a, window_start: "2026-01-31T13:00:00+01:00", n: 2, total: 30.01}]
      table: [{who: a, n: 2, name: Anna}]
      orders.errors: [{record: "2026-01-31T12:10:00Z,a,dear"}]
  - name: inputs
    given:
      named.h: [{_op: +I, who: a, n: 1}, {_op: -D, who: a, n: 1}, {who: b, n: 4}]
      named.n: [{who: b, name: Bert}, {who: a, name: Anna}]
    expect:
      named: [{who: b, n: 4, name: Bert}]
  - name: event time
    given:
      orders:
        - {at: "2026-01-31 12:00", who: a, price: 20}
        - watermark: 2026-01-31 13:00
        - {at: "2026-01-31 12:30", who: a, price: 20}
        - {at: "2026-01-31 13:30", who: a, price: 20}
    expect:
      hourly: {rows: [{n: 1}, {n: 1}], ordered: true}
      hourly.late: [{who: a, at: "2026-01-31 12:30"}]
"""


def tests_run_the_real_stages_without_sources_and_sinks(stream):
    path = stream.write("tested.yaml", TESTED)
    out = stream.run("stream", "test", path)
    check(out.endswith("3 passed, 0 failed\n"), out)
    check(not stream.jobs(), "a test leaves a job behind")
    one = [json.loads(line) for line in stream.run("stream", "test", "--json", "--name", "inputs", path).splitlines()]
    check([(t["test"], t["passed"]) for t in one] == [("inputs", True)], one)


def a_test_that_fails_shows_the_rows_that_differ(stream):
    path = stream.write("wrong.yaml", TESTED.replace("n: 2, total: 30.01", "n: 3, total: 30.01").replace("name: Bert}]\n  - name: event", "name: Bart}]\n  - name: event"))
    out = stream.run("stream", "test", path, expect=1)
    check('- who: "a", window_start: "2026-01-31T13:00:00+01:00", n: 3, total: 30.01\n'
          '      + who: "a", window_start: "2026-01-31T12:00:00Z", n: 2, total: "30.01"\n' in out, out)
    check('- who: "b", n: 4, name: "Bart"\n      + who: "b", n: 4, name: "Bert"\n' in out, out)
    check("1 passed, 2 failed" in out and "\033" not in out, out)
    lines = [json.loads(line) for line in stream.run("stream", "test", "--json", path, expect=1).splitlines()]
    difference = lines[0]["rows"][0]["differences"][0]
    check(difference["kind"] == "changed" and difference["columns"] == ["n"] and difference["actual"]["n"] == 2, lines[0])


def the_same_test_gives_the_same_lateness(stream):
    path = stream.write("late.yaml", TESTED)
    for _ in range(15):
        stream.run("stream", "test", "--name", "event time", path)


def tests_are_checked(stream):
    stream.write("in.ndjson", '{"a":1}\n')
    head = "pipeline: p\nstages:\n  in: {run: read-file, path: in.ndjson}\n  b: {run: filter, where: a > 0}\n  out: {run: print}\n"
    for tests, message in [
            ("tests: [{name: t, given: {in: [{a: 1}]}, expect: {b: [{aa: 1}]}}]", ":6:55: 'b' has no column 'aa'; did you mean 'a'?"),
            ("tests: [{name: t, given: {in: []}, expect: {b: []}}]", "give a schema"),
            ("tests: [{name: t, given: {in: [{a: 1}]}, expect: {b.late: []}}]", ":6:51: stage 'b' has no output 'late'; it has out, errors"),
            ("tests: [{name: t, given: {in: [{a: x}]}, expect: {b: []}}]", "option 'where'"),
            ("tests: [{name: t, expect: {b: []}}]", "gives no rows to the source 'in'")]:
        path = stream.write("checked.yaml", head + tests + "\n")
        stream.run("stream", "check", path, expect=1)
        check(message in stream.last_stderr, f"{tests}: {stream.last_stderr}")
        stream.run("stream", "test", path, expect=100)
        check(message in stream.last_stderr, f"test {tests}: {stream.last_stderr}")
    stream.run("stream", "test", stream.write("none.yaml", head), expect=100)
    check("has no 'tests'" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "test", "--name", "nix", stream.write("some.yaml", TESTED), expect=100)
    check("there is no such test; there are 'right', 'inputs', 'event time'" in stream.last_stderr, stream.last_stderr)


COUNT = """
fragment: count
parameters: {least: {type: bigint}}
stages:
  big: {run: filter, where: "n >= ${least}"}
  counted: {run: aggregate, by: [k], compute: {c: count(*)}}
output: counted
"""
INCLUDING = """
pipeline: including
checkpoint: {interval: 50ms}
include:
  few: {file: parts/count.yaml, from: made, parameters: {least: 15000}}
  all: {file: parts/count.yaml, from: made, parameters: {least: 0}}
stages:
  made: {run: generate, columns: "n, n % 5 as k", rows: 20000, rate: 6000}
  f: {run: write-sqlite, from: few, path: out.db, table: few}
  a: {run: write-sqlite, from: all, path: out.db, table: all_rows}
"""


def counts(stream):
    with sqlite3.connect(stream.folder / "out.db") as db:
        return [db.execute(f"select k, c from {table} order by k").fetchall() for table in ("few", "all_rows")]


def a_fragment_is_recorded_whole_in_its_job(stream):
    path = stream.write("including.yaml", INCLUDING)
    fragment = stream.write("parts/count.yaml", COUNT)
    stream.run("stream", "run", "-d", path)
    stream.run("stream", "wait", "including", "--for", "checkpoint")
    savepoint = stream.run("stream", "stop", "including").strip()
    check((pathlib.Path(savepoint) / "few").exists() or list(pathlib.Path(savepoint).rglob("*counted*")), "state of an included stage")
    stream.write("parts/count.yaml", COUNT.replace("[k]", "[n]"))
    stream.run("stream", "run", path, expect=1)
    check("does not fit" in stream.last_stderr and "few/counted" in stream.last_stderr, stream.last_stderr)
    fragment.unlink()
    stream.run("stream", "resume", "including")
    stream.kill([stream.instances("including").get("few/counted.0", 0)] if stream.instances("including").get("few/counted.0") else [])
    stream.run("stream", "wait", "including", "--for", "finished", timeout=60)
    check(counts(stream) == [[(k, 1000) for k in range(5)], [(k, 4000) for k in range(5)]], counts(stream))


COUNTED_FEW = """
tests:
  - name: by the name of the include
    given: {made: [{n: 14999, k: 1}, {n: 15000, k: 1}, {n: 15001, k: 2}]}
    expect:
      few: [{k: 1, c: 1}, {k: 2, c: 1}]
      all: [{k: 1, c: 2}, {k: 2, c: 1}]
      few/big: [{n: 15000}, {n: 15001}]
      f: [{k: 1, c: 1}, {k: 2, c: 1}]
  - name: given to a stage inside
    given: {few/counted: [{n: 1, k: 7}, {n: 2, k: 7}]}
    expect: {few: [{k: 7, c: 2}]}
"""


def includes_are_tested_by_their_names(stream):
    stream.write("parts/count.yaml", COUNT)
    path = stream.write("including.yaml", INCLUDING + COUNTED_FEW)
    out = stream.run("stream", "test", path)
    check(out.endswith("2 passed, 0 failed\n"), out)
    wrong = stream.write("wrong.yaml", INCLUDING + COUNTED_FEW.replace("few: [{k: 1, c: 1}", "few: [{k: 1, c: 2}", 1))
    out = stream.run("stream", "test", wrong, expect=1)
    check("few/counted: 1 of 2 rows as expected" in out, out)
    for name, words in (("few.late", "include 'few' has no such output; it has out"), ("fwe", "no stage 'fwe'; did you mean 'few'?")):
        stream.run("stream", "check", stream.write("wrong.yaml", INCLUDING + COUNTED_FEW.replace("      few:", f"      {name}:")), expect=1)
        check(words in stream.last_stderr, stream.last_stderr)


BY_CLOCK = """
pipeline: by-clock
stages:
  seen: {run: read-file, path: nothing.ndjson, schema: "who varchar", follow: true}
  minutes: {run: aggregate, by: who, window: tumble 1m, clock: processing, compute: {n: count(*)}}
  out: {run: write-sqlite, path: /nowhere/x.db, table: t}
tests:
  - name: windows of the clock
    given:
      seen:
        - watermark: 2026-01-31 12:00:10
        - {who: a}
        - {who: b}
        - watermark: 2026-01-31 12:00:50
        - {who: a}
        - watermark: 2026-01-31 12:01:00
        - {who: a}
        - watermark: 2026-01-31 12:10:00
        - {who: b}
    expect:
      minutes:
        - {who: a, window_start: "2026-01-31 12:00", window_end: "2026-01-31 12:01", n: 2}
        - {who: b, window_start: "2026-01-31 12:00", n: 1}
        - {who: a, window_start: "2026-01-31 12:01", n: 1}
        - {who: b, window_start: "2026-01-31 12:10", n: 1}
"""


def tests_set_the_clock(stream):
    """What goes by the clock of the machine gives the same results each time, however long the test takes."""
    path = stream.write("by-clock.yaml", BY_CLOCK)
    for _ in range(4):
        out = stream.run("stream", "test", path)
        check(out.endswith("1 passed, 0 failed\n"), out)
    early = BY_CLOCK.replace("clock: processing", "early: 20s").replace('"who varchar"', '"who varchar, at timestamp", time: at').replace("{who: a}", "{who: a, at: 2026-01-31 12:00:30}", 1)
    rows = "given:\n      seen: [{who: a, at: 2026-01-31 12:00:05}, {watermark: 2026-01-31 12:00:25}, {who: a, at: 2026-01-31 12:00:40}]\n    expect:\n      minutes: [{_op: +I, n: 1}, {_op: -U, n: 1}, {_op: +U, n: 2}]\n"
    path = stream.write("early.yaml", early[:early.index("given:")] + rows)
    for _ in range(4):
        out = stream.run("stream", "test", path)
        check(out.endswith("1 passed, 0 failed\n"), out)


def several_pipelines_of_a_file(stream):
    text = "\n---\n".join(f"pipeline: {name}\nstages:\n  a: {{run: generate, rate: 10, columns: n}}\n  b: {{run: write-null}}" for name in ("one", "two"))
    path = stream.write("two.yaml", text)
    for verb in ("check", "explain", "graph"):
        out = stream.run("stream", verb, path)
        check("one" in out and "two" in out, f"{verb}: {out}")
        check("two" not in stream.run("stream", verb, path, "--name", "one"), f"{verb} --name")
    stream.run("stream", "run", path, expect=100)
    check("holds the pipelines one, two: choose one with --name, or start all with --detach" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "-d", path)
    check({job["job"] for job in map(json.loads, stream.run("stream", "ps", "--json").splitlines())} == {"one", "two"}, "both run")
    stream.run("stream", "cancel", "one")
    stream.run("stream", "run", "-d", path, "--name", "one")


def start_tapped(stream):
    stream.run("stream", "run", "-d", "generate --rate 500 'n, n % 4 as k' | filter 'n % 2 = 0' | aggregate --by k 'count(*) as c, max(n) as m' "
               "| write-null", "--name", "tapped", "--parallelism", "2")


def taps_show_rows_of_every_instance(stream):
    start_tapped(stream)
    rows = [json.loads(line) for line in stream.run("stream", "tap", "tapped", "filter", "--limit", "20").splitlines()]
    check(len(rows) == 20 and all(row["n"] % 2 == 0 for row in rows), rows)
    seen = [json.loads(line) for line in stream.run("stream", "tap", "--json", "tapped", "filter", "--limit", "60").splitlines()]
    check({row["instance"] for row in seen} == {"filter.0", "filter.1"}, seen)
    some = [json.loads(line) for line in stream.run("stream", "tap", "tapped", "write-null", "--where", "k = 2", "--limit", "5").splitlines()]
    check(all(row["k"] == 2 and row["_op"] in ("+I", "-U", "+U") for row in some), some)
    for args, message in [(["filtr"], "did you mean 'filter'"), (["filter.late"], "it has out, errors"), (["filter", "--where", "nn > 1"], "no column 'nn'"),
                          (["filter", "--where", "n + 1"], "is no condition"), (["filter.errors"], "nothing reads the output 'errors'")]:
        stream.run("stream", "tap", "tapped", *args, expect=None)
        check(message in stream.last_stderr, f"{args}: {stream.last_stderr}")


def a_tap_ends_with_its_reader(stream):
    start_tapped(stream)
    done = subprocess.run("stream tap tapped filter | head -2", shell=True, env=stream.environment, timeout=60, capture_output=True, text=True, check=False)
    check(done.stdout.count("\n") == 2 and not done.stderr, done)


def a_tap_goes_on_after_a_restart_and_ends_with_the_job(stream):
    start_tapped(stream)
    taps = [stream.start("stream", "tap", "tapped", "aggregate", stdout=subprocess.PIPE) for _ in range(2)]
    for tap in taps:
        check(tap.stdout.readline(), "a row")
    before = stream.pid("tapped", "aggregate.1")
    stream.kill([stream.pid("tapped", "aggregate.0")])
    wait_until("the next attempt", lambda: stream.instances("tapped").get("aggregate.1", before) != before)
    newest = max(json.loads(line)["m"] for line in stream.run("stream", "tap", "tapped", "aggregate", "--limit", "8").splitlines())
    for tap in taps:
        wait_until("rows of the new attempt", lambda t=tap: json.loads(t.stdout.readline())["m"] > newest)
    stream.run("stream", "cancel", "tapped")
    for tap in taps:
        tap.stdout.read()
        check(tap.wait(timeout=60) == 0, "a tap ends with its job")


def a_reader_that_stands_still_holds_nothing_up(stream):
    stream.run("stream", "run", "-d", "generate 'n, n % 4 as k' | filter 'n >= 0' | write-null", "--name", "fast")
    told = stream.folder / "told"
    with open(told, "w", encoding="utf-8") as stderr:
        tap = stream.start("stream", "tap", "fast", "generate", stdout=subprocess.PIPE, stderr=stderr)
    check(tap.stdout.readline(), "a row")
    tap.send_signal(signal.SIGSTOP)

    def written():
        return sum(i["records_in"] for i in stream.stats("fast")["instances"] if i["stage"] == "write-null")
    first = written()
    wait_until("a million rows more", lambda: written() > first + 1_000_000)
    tap.send_signal(signal.SIGCONT)
    # What it says of the gap comes with the rows behind it, or soon after.
    check(any(json.loads(line)["n"] > 1_000_000 and told.read_text() for line in tap.stdout), "rows behind those not shown")
    stream.run("stream", "cancel", "fast")
    tap.communicate(timeout=60)
    errors = told.read_text()
    lines = errors.splitlines()
    check(lines and all(line.startswith("stream tap: generate.0: ") and line.endswith(" rows not shown") for line in lines), errors[-500:])
    check(sum(int(line.split()[3]) for line in lines) > 500_000 and len(lines) < 60, errors[-500:])


def the_first_manifest_of_the_manual_works(stream):
    for name in ("web-errors.yaml", "access.ndjson"):
        shutil.copy(TOP / "manifests" / name, stream.folder)
    check("3 passed" in stream.run("stream", "test", "web-errors.yaml"), "its tests")
    access = stream.folder / "access.ndjson"
    lines = access.read_text().splitlines(keepends=True)
    access.write_text("".join(lines[:-1]))  # the last one is late, if it comes later
    stream.run("stream", "run", "-d", "web-errors.yaml")
    requests = []
    for line in lines:
        try:
            requests.append(json.loads(line))
        except ValueError:
            continue
    errors = [r for r in requests if r["status"] >= 500]
    late = errors[-1]

    def on_time():
        try:
            with sqlite3.connect(stream.folder / "errors.db") as db:
                return db.execute("select sum(errors), max(slowest) from errors").fetchone()
        except sqlite3.OperationalError:
            return None
    # The windows that end before the last record have fired; that one's own is still open.
    wait_until("every window", lambda: on_time() == (len(errors) - 2, max(e["ms"] or 0 for e in errors[:-2])))
    with access.open("a") as more:
        more.write(lines[-1])
    wait_until("the late row", lambda: sum(i["late_records"] for i in stream.stats("web-errors")["instances"]))
    stream.run("stream", "stop", "--drain", "web-errors")
    bad = [json.loads(line)["record"] for line in (stream.folder / "bad.ndjson").read_text().splitlines()]
    check(len(bad) == 2 and "GET /index.html HTTP/1.1" in bad, bad)
    parts = [json.loads(line) for part in (stream.folder / "late").rglob("*") if part.is_file() for line in part.read_text().splitlines()]
    check([(p["host"], p["ms"]) for p in parts] == [(late["host"], late["ms"])], parts)


def stages_chain_with_ordinary_tools(stream):
    done = subprocess.run([TOP / "manifests" / "top-talkers.sh", TOP / "manifests" / "access.ndjson"], env=stream.environment, cwd=stream.folder,
                          timeout=60, capture_output=True, text=True, check=False)
    check(done.returncode == 0 and not done.stderr, done)
    errors = {}
    for line in (TOP / "manifests" / "access.ndjson").read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["status"] >= 500:
            errors[row["path"]] = errors.get(row["path"], 0) + 1
    wanted = sorted(errors.items(), key=lambda item: (-item[1], item[0]))[:3]
    got = [(line.split()[1], int(line.split()[0])) for line in done.stdout.splitlines()]
    check(got == wanted, f"{got} is not {wanted}")


main([tests_run_the_real_stages_without_sources_and_sinks, a_test_that_fails_shows_the_rows_that_differ,
      the_same_test_gives_the_same_lateness, tests_are_checked, includes_are_tested_by_their_names, tests_set_the_clock,
      a_fragment_is_recorded_whole_in_its_job, several_pipelines_of_a_file,
      taps_show_rows_of_every_instance, a_tap_ends_with_its_reader, a_tap_goes_on_after_a_restart_and_ends_with_the_job,
      a_reader_that_stands_still_holds_nothing_up, the_first_manifest_of_the_manual_works, stages_chain_with_ordinary_tools])
