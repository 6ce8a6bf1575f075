"""stream compare: results, states, jobs and runs, row by row."""

import json
import os
import pathlib
import re
import shutil
import signal
import sys
import time
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402
import in_flight  # noqa: E402

ROWS = [{"id": n, "host": f"h{n % 7}", "ms": n * 3, "ratio": n / 8, "ok": n % 2 == 0, "note": None if n % 5 == 0 else f"n\u00e4 {n}"}
        for n in range(200)]
MANIFEST = """pipeline: counts
checkpoint: {interval: 50ms}
stages:
  visits: {run: read-file, path: in.ndjson, follow: true, schema: "ts timestamp, host varchar, ms bigint", time: ts, out-of-order: 2s}
  slow: {run: filter, where: ms >= 10}
  per-minute: {run: aggregate, by: host, window: tumble 1m, compute: "count(*) as n, sum(ms) as total"}
  minutes: {run: write-sqlite, path: out.db, table: minutes}
  totals: {run: aggregate, from: slow, by: host, compute: "count(*) as n, max(ms) as slowest"}
  table: {run: write-sqlite, path: out.db, table: totals}
  raw: {run: write-file, from: slow, path: raw.ndjson}
"""
PAGE = (pathlib.Path(__file__).resolve().parents[2] / "man/stream-json.7").read_text(encoding="utf-8")
BOUNDED = ("--set", "stages.visits.follow=false")


def compare(stream, *args, expect=None, **more):
    """What was printed as JSON: the differences, and the last line."""
    lines = [json.loads(line) for line in stream.run("stream", "compare", "--json", *args, expect=expect, **more).splitlines()]
    check(lines, f"nothing was printed: {stream.last_stderr}")
    unknown = {key for line in lines for key in line if key not in ("key", "row", "a", "b")} - documented()
    check(not unknown, f"stream-json(7) says nothing of {unknown}")
    check(lines[-1]["equal"] == (not any("difference" in line for line in lines)), f"{lines[-1]}")
    return lines[:-1], lines[-1]


def documented():
    return {word for words in re.findall(r"^\.(?:It )?Cm (.*)$", PAGE, re.M) for word in words.split()}


def counts(last, of="rows"):
    line = next(line for line in last["results"] if line["of"] == of)
    return line["rows_a"], line["rows_b"], line["only_in_a"], line["only_in_b"], line["differing"]


def write_ndjson(stream, name, rows):
    stream.write(name, "".join(json.dumps(row) + "\n" for row in rows))


def write_csv(stream, name, rows):
    def cell(value):
        if value is None:
            return ""
        return f'"{value}"' if isinstance(value, str) else json.dumps(value)
    stream.write(name, "".join(",".join(line) + "\n" for line in [list(rows[0])] + [[cell(v) for v in row.values()] for row in rows]))


def write_sqlite(stream, name, rows):
    import sqlite3
    with sqlite3.connect(stream.folder / name) as db:
        db.execute("create table t (id integer, host text, ms integer, ratio real, ok boolean, note text, unique (id))")
        db.executemany("insert into t values (?, ?, ?, ?, ?, ?)", [list(row.values()) for row in rows])
    db.close()


def write_folder(stream, name, rows):
    for part in range(3):
        write_ndjson(stream, f"{name}/host={part}/part-{part}.ndjson", rows[part::3])
    stream.write(f"{name}/host=0/_SUCCESS", "")
    stream.write(f"{name}/.part-9.ndjson.inprogress", '{"id": 999}\n')


FORMS = {"ndjson": write_ndjson, "csv": write_csv, "db": write_sqlite, "dir": write_folder}


def seeded():
    """Rows of B: 7 and 8 are gone, 500 is new, 11 and 12 differ."""
    b = [dict(row) for row in ROWS if row["id"] not in (7, 8)]
    b.append(dict(ROWS[0], id=500))
    next(row for row in b if row["id"] == 11)["ms"] = -1
    next(row for row in b if row["id"] == 12).update(note=None, ratio=1.5000001)
    return b[::-1]


def results_of_every_form_are_compared_by_key(stream):
    for name, write in FORMS.items():
        write(stream, f"a.{name}", ROWS)
        write(stream, f"b.{name}", seeded())
        write(stream, f"same.{name}", ROWS[::-1])
    pairs = [(a, b) for a in FORMS for b in FORMS if a == b or "dir" not in (a, b)]
    for a, b in pairs:
        of = "t" if (a, b) == ("db", "db") else "rows"
        differences, last = compare(stream, f"a.{a}", f"same.{b}", "--key", "id", expect=0)
        check(not differences and counts(last, of) == (200, 200, 0, 0, 0), f"{a} {b}: {last}")
        differences, last = compare(stream, f"a.{a}", f"b.{b}", "--key", "id", expect=1)
        check(counts(last, of) == (200, 199, 2, 1, 2), f"{a} {b}: {last}")
        found = sorted((line["difference"], line["key"]["id"], line.get("columns")) for line in differences)
        check(found == [("differs", 11, ["ms"]), ("differs", 12, found[1][2]), ("only-in-a", 7, None), ("only-in-a", 8, None), ("only-in-b", 500, None)]
              and sorted(found[1][2]) == ["note", "ratio"], f"{a} {b}: {found}")
        _, last = compare(stream, f"a.{a}", f"b.{b}", "--key", "id", "--tolerance", "1e-3", "--ignore", "note,ms", expect=1)
        check(counts(last, of) == (200, 199, 2, 1, 0), f"{a} {b}: {last}")


def rows_without_a_key_are_a_multiset(stream):
    a = [{"x": 1}, {"x": 1}, {"x": 1}, {"x": 2}, {"x": None}]
    write_ndjson(stream, "a.ndjson", a)
    write_ndjson(stream, "b.ndjson", [{"x": 2}, {"x": 1}, {"x": 2}, {"x": None}])
    differences, last = compare(stream, "a.ndjson", "b.ndjson", expect=1)
    check(counts(last) == (5, 4, 2, 1, 0), f"{last}")
    check([(line["difference"], line["row"], line.get("times")) for line in differences]
          == [("only-in-a", {"x": 1}, 2), ("only-in-b", {"x": 2}, None)], f"{differences}")
    write_ndjson(stream, "changes.ndjson", [{"_op": "+I", "x": 2}, {"_op": "-U", "x": 2}, {"_op": "+U", "x": 1}, {"_op": "+I", "x": 9}, {"_op": "-D", "x": 9}])
    write_ndjson(stream, "one.ndjson", [{"x": 1}])
    compare(stream, "changes.ndjson", "one.ndjson", expect=0)
    write_ndjson(stream, "near.ndjson", [{"x": 0.5, "h": "a"}, {"x": 1.25, "h": "a"}, {"x": 1, "h": "b"}])
    write_ndjson(stream, "nearer.ndjson", [{"x": 1.2500001, "h": "a"}, {"x": 0.5, "h": "a"}, {"x": 1.0000001, "h": "b"}])
    compare(stream, "near.ndjson", "nearer.ndjson", "--tolerance", "1e-6", expect=0)
    compare(stream, "near.ndjson", "nearer.ndjson", expect=1)


def text_and_limits(stream):
    write_ndjson(stream, "a.ndjson", ROWS)
    write_ndjson(stream, "b.ndjson", seeded())
    printed = stream.run("stream", "compare", "a.ndjson", "b.ndjson", "--key", "id", "--ignore", "note", "--limit", "2", expect=1).splitlines()
    check(printed[0].startswith("- rows id=7 host=h0 ms=21 ") and printed[-2].startswith("… 3 more"), f"{printed}")
    check(printed[-1] == "rows: 200 rows in A, 199 in B: 2 only in A, 1 only in B, 2 differ", f"{printed}")
    check("~ rows id=11  ms: 33 -> -1" in stream.run("stream", "compare", "a.ndjson", "b.ndjson", "--key", "id", expect=1), "the line")
    write_ndjson(stream, "other.ndjson", [dict(row, more=1) for row in ROWS])
    printed = stream.run("stream", "compare", "a.ndjson", "other.ndjson", expect=1)
    check(printed == "! rows: column 'more' is only in B\nrows: 200 rows in A, 200 in B: equal in the columns that both have\n", printed)


def what_is_wrong_is_said(stream):
    write_ndjson(stream, "a.ndjson", ROWS)
    stream.write("bad.ndjson", '{"id": 1}\nnonsense\n')
    stream.write("short.csv", "a,b\n1\n")
    stream.write("in.ndjson", "")
    stream.write("counts.yaml", MANIFEST)
    for args, code, words in [
            (["a.ndjson", "nowhere.ndjson"], 100, "nowhere.ndjson"), (["a.ndjson", "bad.ndjson"], 100, "bad.ndjson:2"),
            (["short.csv", "a.ndjson"], 100, "short.csv:2"), (["a.ndjson", "a.ndjson", "--key", "idd"], 100, "did you mean 'id'"),
            (["a.ndjson", "a.ndjson", "--ignore", "hots"], 100, "did you mean 'host'"), (["a.ndjson", "counts.yaml"], 100, "two of a sort"), (["a.ndjson", "a.ndjson", "--from", "x@1"], 100, "--from is for pipelines"),
            (["a.ndjson", "a.ndjson", "--tolerance", "much"], 100, "tolerance"), (["counts.yaml", "counts.yaml", "--stage", "tabel"], 100, "tabel"),
            (["counts.yaml", "counts.yaml", "--from", "counts@3"], 100, "counts"),
            (["counts.yaml", "counts.yaml", "--set-b", "stages.slow.where=mss > 1"], 100, "mss"),
            (["filter 'a > 0'", "filter 'a > 1'"], 100, "standard input")]:
        stream.run("stream", "compare", *args, expect=code)
        check(words in stream.last_stderr, f"{args}: {stream.last_stderr}")
    check(not list(stream.folder.glob("tmp/*")), "folders are left")


def visits(first, last):
    return [{"ts": f"2026-01-01T00:{n // 60:02d}:{n % 60:02d}Z", "host": f"h{n % 7}", "ms": n * 13 % 40} for n in range(first, last)]


def add(stream, rows):
    with open(stream.folder / "in.ndjson", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def minutes_of(rows, least):
    """What per-minute makes of rows."""
    out = {}
    for row in rows:
        if row["ms"] >= least:
            n, total = out.get((row["host"], row["ts"][:17]), (0, 0))
            out[row["host"], row["ts"][:17]] = (n + 1, total + row["ms"])
    return out


def own_temporary_folder(stream):
    (stream.folder / "tmp").mkdir(exist_ok=True)
    stream.environment["TMPDIR"] = str(stream.folder / "tmp")


def runs_are_compared_and_leave_nothing(stream):
    own_temporary_folder(stream)
    stream.write("counts.yaml", MANIFEST)
    add(stream, visits(0, 600))
    differences, last = compare(stream, "counts.yaml", "counts.yaml", *BOUNDED, expect=0)
    check(not differences and counts(last, "raw")[:2] == (450, 450), f"{last}")
    for side in last["performance"]["a"], last["performance"]["b"]:
        check(side["state"] == "FINISHED" and side["records"] == 450 and side["cpu_us"] > 0 and side["memory_bytes"] > 0
              and side["checkpoints"] >= 1 and side["latency_us"] is not None, f"{side}")
    differences, last = compare(stream, "counts.yaml", "counts.yaml", *BOUNDED, "--set-b", "stages.slow.where=ms >= 20", "--one-after-the-other", expect=1)
    a, b = minutes_of(visits(0, 600), 10), minutes_of(visits(0, 600), 20)
    check(counts(last, "minutes") == (len(a), len(b), 0, 0, sum(a[key] != b[key] for key in a)), f"{last}")
    check(counts(last, "raw") == (450, 300, 150, 0, 0), f"{last}")
    found = {line["key"]["host"]: (line["a"], line["b"]) for line in differences if line["of"] == "table"}
    check(len(found) == 7 and all(x["slowest"] == y["slowest"] and x["n"] > y["n"] for x, y in found.values()), f"{found}")
    _, last = compare(stream, "counts.yaml", "counts.yaml", *BOUNDED, "--set-b", "stages.slow.where=ms >= 20", "--stage", "table", "--ignore", "n", expect=0)
    check([line["of"] for line in last["results"]] == ["table"], f"{last}")
    for long in ("1500ms", "15s"):  # a busy machine may need more to read it all
        _, last = compare(stream, "counts.yaml", "counts.yaml", "--set-b", "stages.slow.where=ms >= 20", "--for", long, "--state")
        if counts(last, "raw")[:2] == (450, 300):
            break
    check(counts(last, "raw") == (450, 300, 150, 0, 0) and last["performance"]["a"]["state"] == "STOPPED", f"{last}")
    check(any(line["of"].startswith("totals") and line["differing"] == 7 for line in last["results"]), f"{last}")
    check(not list((stream.folder / "tmp").iterdir()) and not stream.jobs(), "something is left")
    check(not (stream.folder / "out.db").exists() and not (stream.folder / "raw.ndjson").exists(), "the real sinks have written")


def a_what_if_from_a_savepoint_with_windows_in_flight(stream):
    own_temporary_folder(stream)
    stream.write("counts.yaml", MANIFEST)
    add(stream, visits(0, 330))
    stream.run("stream", "run", "-d", "counts.yaml")
    raw = stream.folder / "raw.ndjson"
    wait_until("its rows", lambda: raw.exists() and len(raw.read_text().splitlines()) == sum(v["ms"] >= 10 for v in visits(0, 330)))
    stream.run("stream", "savepoint", "--label", "fork", "counts")
    before = {path: path.read_bytes() for path in (raw,)}
    stream.run("stream", "cancel", "counts")
    add(stream, visits(330, 600))
    _, last = compare(stream, "counts.yaml", "counts.yaml", "--from", "counts@fork", *BOUNDED, expect=0)
    later = [v for v in visits(330, 600) if v["ms"] >= 10]
    check(counts(last, "raw") == (len(later), len(later), 0, 0, 0), f"{last}")
    differences, last = compare(stream, "counts.yaml", "counts.yaml", "--from", "counts@fork", *BOUNDED, "--set-b", "stages.slow.where=ms >= 20", expect=1)
    a = minutes_of(visits(0, 600), 10)
    b = minutes_of([v for n, v in enumerate(visits(0, 600)) if v["ms"] >= (10 if n < 330 else 20)], 10)
    fired = {key for key in a if key[1] < "2026-01-01T00:05"}  # before the fork
    changed = {key for key in a if key not in fired and b.get(key) != a[key]}
    found = {(line["key"]["host"], line["key"]["window_start"][:17]): (line["b"]["n"], line["b"]["total"]) for line in differences if line["of"] == "minutes"}
    check(found == {key: b[key] for key in changed}, f"{found}")
    check(counts(last, "minutes")[0] == len(set(a) - fired), f"{last}")
    # A's totals go on from the savepoint: what it takes back was there before, and cancels out.
    totals = {line["key"]["host"]: (line["a"]["n"], line["b"]["n"]) for line in differences if line["of"] == "table"}
    n_of = lambda rows, host: sum(n for (h, _), (n, _) in rows.items() if h == host)  # noqa: E731
    check(totals == {f"h{h}": (n_of(a, f"h{h}"), n_of(b, f"h{h}")) for h in range(7)}, f"{totals}")
    check(before == {path: path.read_bytes() for path in before}, "what the job had written has changed")
    check(not list((stream.folder / "tmp").iterdir()), "folders are left")


def a_what_if_with_everything_in_flight(stream):
    """What it says of windows, sessions, ranks and a join is what two runs left alone show."""
    own_temporary_folder(stream)
    stream.write("job.yaml", in_flight.manifest())
    stream.run("stream", "run", "-d", "job.yaml")
    in_flight.past(stream, 3000)
    stream.run("stream", "stop", "job")
    found = {}
    for side, where in (("a", in_flight.ALL), ("b", "n % 3 > 0")):
        out = stream.folder / side
        out.mkdir()
        shutil.copy(stream.folder / "ranks.db", out)  # whose rows change: those of before are taken back
        stream.write(f"{side}.yaml", in_flight.manifest(rate=in_flight.FAST, where=where, out=side))
        stream.run("stream", "run", f"{side}.yaml", "--name", side, "--from", "job@latest")
        found[side] = in_flight.results(out)
    _, last = compare(stream, "a.yaml", "b.yaml", "--from", "job@latest", expect=1)
    for line in last["results"]:
        a, b = (Counter(found[side][line["of"]]) for side in "ab")
        check(line["only_in_a"] + line["differing"] == (a - b).total() > 0, f"{line}: {(a - b).total()}")
        check(line["only_in_b"] + line["differing"] == (b - a).total(), f"{line}: {(b - a).total()}")
        check(line["of"] == "ranks" or (line["rows_a"], line["rows_b"]) == (a.total(), b.total()), f"{line}")
        check(line["rows_a"] > 0 and line["rows_b"] > 0, f"{line}")  # also of ranks, each of which takes back another
    check({line["of"] for line in last["results"]} == set(found["a"]), f"{last}")



def processes_below(folder):
    """Processes that have a file of the folder open, or name it."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and any(str(folder) in os.readlink(fd) for fd in (entry / "fd").iterdir()):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def killed_at_any_moment_it_leaves_nothing(stream):
    own_temporary_folder(stream)
    tmp = stream.folder / "tmp"
    stream.write("counts.yaml", MANIFEST)
    add(stream, visits(0, 600))
    clean = lambda: not list(tmp.iterdir()) and not processes_below(tmp)  # noqa: E731
    homes = lambda name: list(tmp.glob(f"stream-compare-*/{name}"))  # noqa: E731
    moments = {"its folder is there": lambda: list(tmp.iterdir()), "a run begins": lambda: homes("home/a/job.sqlite"),
               "it has a checkpoint": lambda: homes("home/b/checkpoints/*/checkpoint.sqlite"), "it has results": lambda: homes("a/raw.ndjson")}
    for what, reached in moments.items():
        for number in (signal.SIGKILL, signal.SIGTERM):
            process = stream.start("stream", "compare", "--json", "counts.yaml", "counts.yaml", stdout=-3, stderr=-3)
            wait_until(what, reached)
            process.send_signal(number)
            if number == signal.SIGTERM:
                time.sleep(0.01)
                process.send_signal(number)
            process.wait(timeout=60)
            wait_until(f"nothing is left when killed as {what}", clean)


def stopped_it_reports(stream):
    own_temporary_folder(stream)
    stream.write("counts.yaml", MANIFEST)
    add(stream, visits(0, 600))
    process = stream.start("stream", "compare", "--json", "counts.yaml", "counts.yaml", stdout=-1)
    files = lambda: [file for side in "ab" for file in (stream.folder / "tmp").glob(f"stream-compare-*/{side}/raw.ndjson")]  # noqa: E731
    wait_until("results of both", lambda: [len(file.read_text().splitlines()) for file in files()] == [450, 450])
    process.send_signal(signal.SIGINT)
    last = json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
    check(process.returncode == 0 and counts(last, "raw") == (450, 450, 0, 0, 0), f"{last}")


def a_run_that_fails_is_told_of(stream):
    stream.write("counts.yaml", MANIFEST + "restart: {strategy: none}\n")
    stream.write("in.ndjson", '{"ts": "2026-01-01T00:00:00Z", "host": "a", "ms": "much"}\n')
    stream.run("stream", "compare", "counts.yaml", "counts.yaml", *BOUNDED, "--set-b", "stages.visits.on-error=fail", expect=1)
    check("B has failed: " in stream.last_stderr, stream.last_stderr)


def jobs_are_compared_and_go_on(stream):
    stream.write("counts.yaml", MANIFEST)
    stream.write("other.yaml", MANIFEST.replace("pipeline: counts", "pipeline: other").replace("out.db", "b/out.db").replace("raw.nd", "b/raw.nd")
                 .replace("ms >= 10", "ms >= 20"))
    (stream.folder / "b").mkdir()
    add(stream, visits(0, 600))
    for name in ("counts", "other"):
        stream.run("stream", "run", "-d", f"{name}.yaml")
    lines = lambda path: len((stream.folder / path).read_text().splitlines()) if (stream.folder / path).exists() else 0  # noqa: E731
    wait_until("all rows", lambda: (lines("raw.ndjson"), lines("b/raw.ndjson")) == (450, 300))
    process = stream.start("stream", "compare", "counts", "other")
    wait_until("it looks", lambda: process_looks(process))
    process.kill()
    process.wait()
    differences, last = compare(stream, "counts", "other", "--for", "1200ms", expect=1)
    check(counts(last, "raw") == (450, 300, 150, 0, 0) and counts(last, "table")[4] == 7, f"{last}")
    check(last["performance"]["a"]["state"] == "RUNNING" and last["performance"]["b"]["checkpoint_us"] > 0, f"{last}")
    check(any("remark" in line for line in differences), "it is not said that they go on")
    for job in ("counts", "other"):
        check(stream.stats(job)["job"]["state"] == "RUNNING" and stream.stats(job)["job"]["attempt"] == 1, f"{job} is not as it was")
    stream.run("stream", "compare", "counts", "counts", expect=100)
    stream.run("stream", "savepoint", "--label", "here", "counts")
    stream.run("stream", "stop", "other")
    stream.run("stream", "cancel", "counts")
    _, last = compare(stream, "counts", "other", "--stage", "table", "--ignore", "n", expect=0)
    check("performance" not in last, f"{last}")
    differences, last = compare(stream, "counts@here", "other@latest", "--stage", "totals", expect=1)
    check([line["differing"] for line in last["results"]] == [7] and all(set(line["columns"]) <= {"n", "count"} for line in differences if "columns" in line), f"{differences} {last}")
    compare(stream, "counts@here", "counts@here", expect=0)
    compare(stream, "counts@here", "other@latest", "--stage", "totals", "--tolerance", "1000", expect=0)


def process_looks(process):
    """It has asked a job already: it has a socket."""
    try:
        return any("socket:" in os.readlink(fd) for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir())
    except OSError as gone:
        raise Failure("compare has ended by itself") from gone


if __name__ == "__main__":
    main([results_of_every_form_are_compared_by_key, rows_without_a_key_are_a_multiset, text_and_limits, what_is_wrong_is_said,
          runs_are_compared_and_leave_nothing, a_what_if_from_a_savepoint_with_windows_in_flight, a_what_if_with_everything_in_flight, killed_at_any_moment_it_leaves_nothing,
          stopped_it_reports, a_run_that_fails_is_told_of, jobs_are_compared_and_go_on])
