"""Matches equal those of a brute-force oracle, and those of Apache Flink where it is installed."""

import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import oracle  # noqa: E402
from harness import check, main, wait_until  # noqa: E402
from patterns import CASES  # noqa: E402

KEYS = 250  # each a case of its own
FLINK = pathlib.Path(os.environ.get("STREAM_FLINK", HERE.parent.parent / "build" / "flink-venv"))


def made_rows(seed):
    """Rows of many keys, in the order of time but for a few seconds; some at the same time."""
    pick = random.Random(seed)
    rows = []
    for key in range(KEYS):
        time = pick.randrange(100)
        for n in range(pick.randrange(1, 15)):
            time += pick.choice((0, 1, 1, 2))
            rows.append({"k": key, "n": n, "ts": time, "v": pick.randrange(10), "c": pick.choice("aabbbc")})
    rows.sort(key=lambda row: row["ts"] + pick.random() * 4)
    return rows


def stamp(seconds):
    return f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z"


def measures_of(case):
    """What tells which row matches which variable, and what the case asks for besides."""
    out = {}
    for name in case.variables():
        out[f"n_{name}"] = (f"count({name}.n)", lambda m, name=name: len(m.of(name)))
        out[f"sum_{name}"] = (f"sum({name}.n)", lambda m, name=name: sum(r["n"] for r in m.of(name)) if m.of(name) else None)
        out[f"first_{name}"] = (f"first({name}.n)", lambda m, name=name: (m.first_of(name) or {}).get("n"))
        out[f"last_{name}"] = (f"{name}.n", lambda m, name=name: (m.last(name) or {}).get("n"))
    return out | case.measures


def wanted(case, rows):
    conditions = {name: holds for name, (_, holds) in case.define.items()}
    measures = measures_of(case)
    out = []
    for key in range(KEYS):
        own = sorted((row for row in rows if row["k"] == key), key=lambda row: row["n"])
        for match in oracle.matches(own, case.pattern, conditions, case.within, case.skip):
            out.append((key, *(value(match) for _, value in measures.values())))
    return sorted(out, key=repr)


def found(stream, case, lines):
    command = ["stream-match", "--time", "ts", "--out-of-order", "5s", "--by", "k", "--order", "n", "--schema",
               "k bigint, n bigint, ts timestamp, v bigint, c varchar", "--skip", case.skip, case.pattern]
    for name, (sql, _) in case.define.items():
        command += ["--define", f"{sql} as {name}"]
    for name, (sql, _) in measures_of(case).items():
        command += ["--measures", f"{sql} as {name}"]
    if case.within:
        command += ["--within", f"{case.within}s"]
    return sorted((tuple(number(value) for value in json.loads(line).values()) for line in stream.run(*command, stdin=lines).splitlines()), key=repr)


def number(value):
    """A DECIMAL is text."""
    return float(value) if isinstance(value, str) else value


def differ(name, one, other, who):
    missing, surplus = [row for row in one if row not in other], [row for row in other if row not in one]
    check(one == other, f"{name}: {who} gives {len(one)} matches, stream-match {len(other)}; only the one {missing[:3]}, only the other {surplus[:3]}")


def every_pattern_matches_what_brute_force_finds(stream):
    none = []
    for number_of, (name, case) in enumerate(CASES.items()):
        rows = made_rows(number_of)
        lines = "".join(json.dumps(row | {"ts": stamp(row["ts"])}) + "\n" for row in rows)
        expected = wanted(case, rows)
        differ(name, expected, found(stream, case, lines), "brute force")
        if len(expected) < 5:
            none.append((name, len(expected)))
    check(not none, f"patterns that match hardly anything prove nothing: {none}")


def flink_sql(name, case, path):
    define = ", ".join(f"{variable} AS {sql.replace('c = ', variable + '.c = ') if sql.startswith('c ') else sql}" for variable, (sql, _) in case.define.items())
    measures = ", ".join(f"{sql} AS {measure}" for measure, (sql, _) in measures_of(case).items())
    mode, _, variable = case.skip.partition(" ")
    skip = {"past-last-row": "PAST LAST ROW", "to-next-row": "TO NEXT ROW", "to-first": f"TO FIRST {variable}", "to-last": f"TO LAST {variable}"}[mode]
    within = f" WITHIN INTERVAL '{case.within}' SECOND" if case.within else ""
    return {"name": name, "path": str(path), "sql":
            f"SELECT * FROM made MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts, n MEASURES {measures} ONE ROW PER MATCH AFTER MATCH SKIP {skip} "
            f"PATTERN ({case.pattern}){within} DEFINE {define})"}


def flink_finds_the_same(stream):
    python = FLINK / "bin" / "python3"
    if not python.exists() or shutil.which("java") is None:
        if not os.environ.get("STREAM_LONG") or shutil.which("java") is None:
            print(f"skipped: no Flink in {FLINK}; STREAM_LONG=1 gets it from PyPI, and needs a Java runtime", flush=True)
            return
        subprocess.run([sys.executable, "-m", "venv", FLINK], check=True)
        subprocess.run([FLINK / "bin" / "pip", "install", "--quiet", "apache-flink==1.20.0"], check=True, timeout=1800)
    asked = [(number_of, name, case) for number_of, (name, case) in enumerate(CASES.items()) if not case.flink]
    check(len(asked) >= 20, f"only {len(asked)} patterns")
    jobs = []
    for number_of, name, case in asked:
        path = stream.folder / f"{number_of}.json"
        # The last row drives the watermark past all others.
        rows = made_rows(number_of) + [{"k": KEYS, "n": 0, "ts": 3000, "v": 0, "c": "z"}]
        path.write_text("".join(json.dumps(row | {"ts": stamp(row["ts"]).replace("T", " ").replace("Z", "")}) + "\n" for row in rows))
        jobs.append(flink_sql(name, case, path))
    (stream.folder / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run([python, HERE / "flink.py", stream.folder / "jobs.json", stream.folder / "found.json"], capture_output=True,
                          text=True, timeout=1200, check=False)
    check(done.returncode == 0, f"flink.py: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    results = json.loads((stream.folder / "found.json").read_text())
    faults = []
    for number_of, name, case in asked:
        if isinstance(results[name], str):
            faults.append(f"{name}: Flink says {results[name][:600]}")
            continue
        rows = made_rows(number_of)
        lines = "".join(json.dumps(row | {"ts": stamp(row["ts"])}) + "\n" for row in rows)
        ours = found(stream, case, lines)
        theirs = sorted((tuple(number(value) for value in row) for row in results[name]), key=repr)
        if ours != theirs:
            faults.append(f"{name}: {len(theirs)} by Flink, {len(ours)} by us; only Flink {[r for r in theirs if r not in ours][:3]}, only we {[r for r in ours if r not in theirs][:3]}")
    check(not faults, "\n".join(faults))
    print(f"{len(asked)} patterns equal Flink's", flush=True)


KILLED = """
pipeline: killed
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  made:
    run: generate
    rows: 30000
    rate: 10000
    columns: "n, random % 300 as k, random / 8 % 10 as v, to_timestamp((n + random / 128 % 200) / 100) as ts"
    time: ts
    out-of-order: 3s
  all: {run: write-sqlite, path: in.db, table: made}
  found:
    run: match
    from: made
    by: k
    order: n
    pattern: PATTERN
    define:
      A: A.v < 4
      B: B.v < 8 and B.v <> last(B.v, 1)  or last(B.v, 1) is null
      C: C.v > 6 and C.v > avg(B.v)
    measures: {first: first(A.n), bs: count(B.n), total: sum(B.n), last: C.n}
    within: 20s
    parallelism: INSTANCES
  out: {run: write-sqlite, path: out.db, table: found}
"""
PATTERN = "A B* C"


def check_killed(stream):
    with sqlite3.connect(stream.folder / "in.db") as db:
        rows = [dict(zip(("n", "k", "v", "ts"), row)) for row in db.execute("select n, k, v, unixepoch(ts) from made")]
    by_key = {}
    for row in sorted(rows, key=lambda row: (row["ts"], row["n"])):
        by_key.setdefault(row["k"], []).append(row)
    conditions = {"A": lambda m: m.last()["v"] < 4,
                  "B": lambda m: m.last("B", 1) is None or (m.last()["v"] < 8 and m.last()["v"] != m.last("B", 1)["v"]),
                  "C": lambda m: m.last()["v"] > 6 and bool(m.of("B")) and m.last()["v"] > sum(r["v"] for r in m.of("B")) / len(m.of("B"))}
    expected = sorted((key, m.of("A")[0]["n"], len(m.of("B")), sum(r["n"] for r in m.of("B")), m.last("C")["n"])
                      for key, own in by_key.items() for m in oracle.matches(own, PATTERN, conditions, 20))
    with sqlite3.connect(stream.folder / "out.db") as db:
        result = sorted(db.execute("select k, first, bs, total, last from found"))
    check(len(rows) == 30000 and len(expected) > 1000, f"{len(rows)} rows, {len(expected)} matches to compare")
    check(result == expected, f"{len(result)} matches, {len(expected)} wanted; too many {sorted(set(result) - set(expected))[:3]}, missing {sorted(set(expected) - set(result))[:3]}")


def start(stream, instances):
    stream.write("killed.yaml", KILLED.replace("PATTERN", PATTERN).replace("INSTANCES", str(instances)))
    return stream.start("stream", "run", "killed.yaml", stderr=subprocess.PIPE)


def newer_checkpoint(stream, job):
    def newest():
        return max((int(path.parent.name) for path in stream.home("killed").glob("checkpoints/*/checkpoint.sqlite")), default=0)
    known = newest()
    wait_until("checkpoints", lambda: job.poll() is not None or newest() > known + 1)
    check(job.poll() is None, f"the job has ended: {job.communicate()[1] if job.poll() is not None else ''}")


def a_job_that_is_killed_and_goes_on_with_other_instances_finds_the_same(stream):
    job = start(stream, 2)
    for victim in ("found.0", "found.1", "made.0"):
        newer_checkpoint(stream, job)
        running = wait_until("all to run", lambda: stream.instances("killed"))
        stream.kill([running[victim]])
    newer_checkpoint(stream, job)
    stream.run("stream", "stop", "killed")
    job.communicate(timeout=30)
    job = start(stream, 3)
    newer_checkpoint(stream, job)
    stream.kill([wait_until("all to run", lambda: stream.instances("killed"))["found.2"]])
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check_killed(stream)


TRIED = [("0815", "2026-03-02T09:00:40Z", 3, "899.00", "2026-03-02T09:03:10Z"), ("3003", "2026-03-02T10:31:00Z", 3, "1200.00", "2026-03-02T10:36:00Z")]
FAR_APART = [("2342", "BR", "IT", "2026-03-02T09:40:00Z"), ("2342", "IT", "BR", "2026-03-02T09:21:00Z"), ("3003", "PL", "SE", "2026-03-02T10:36:00Z")]


def the_example_of_card_fraud_runs(stream):
    manifests = HERE.parent.parent / "manifests"
    stream.run("stream", "check", manifests / "card-fraud.yaml", "-p", f"out={stream.folder}/alerts.db")
    check("warning" not in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", manifests / "card-fraud.yaml", "-p", f"out={stream.folder}/alerts.db")
    with sqlite3.connect(stream.folder / "alerts.db") as db:
        check(sorted(db.execute("select card, began, tries, amount, at from tried")) == TRIED, list(db.execute("select * from tried")))
        check(sorted(db.execute("select card, country, next_country, at from far_apart")) == FAR_APART, list(db.execute("select * from far_apart")))


def every_spelling_gives_the_same(stream):
    """Plain, quoted, a manifest, by hand; and the example of the manual as it is printed."""
    rows = "".join(json.dumps({"ts": stamp(n), "k": 1, "v": n * 7 % 10}) + "\n" for n in range(20))
    match = ["match", "--by", "k", "--within", "10s", "--define", "v < A.v as B", "--measures", "A.v as a, last(B.v) as b", "A B+"]
    words = " ".join(f"'{word}'" if " " in word else word for word in match)
    plain = stream.run("stream-match", "--time", "ts", *match[1:], stdin=rows)
    check(len(plain.splitlines()) > 3, plain)
    stream.write("rows.ndjson", rows)
    check(stream.run("stream", "run", f"read-file rows.ndjson --time ts | {words} | print --format ndjson") == plain, "quoted")
    stream.write("job.yaml", "pipeline: job\nstages:\n  rows: {run: read-file, path: rows.ndjson, time: ts}\n  found:\n    run: match\n    by: [k]\n    within: 10s\n"
                 "    pattern: A B+\n    define:\n      B: v < A.v\n    measures:\n      a: A.v\n      b: last(B.v)\n  shown: {run: print, format: ndjson}\n")
    check(stream.run("stream", "run", "job.yaml") == plain, "manifest")
    found = stream.start("stream-match", "--in", f"ipc://{stream.folder}/a", *match[1:], stdout=subprocess.PIPE)
    stream.run("stream-read-file", "rows.ndjson", "--time", "ts", "--out", f"ipc://{stream.folder}/a")
    check(found.communicate(timeout=30)[0] == plain, "by hand")
    examples = [line.strip() for line in stream.run("stream-match", "--help").splitlines() if line.strip().startswith("printf")]
    check(len(examples) == 1, f"{len(examples)} examples")
    for example in examples:
        done = stream.run("bash", "-euo", "pipefail", "-c", example)
        check(done == '{"card":7,"began":"2026-01-01T00:00:01Z","tries":2,"amount":900}\n', done)


def what_is_wrong_is_said_with_its_place(stream):
    for words, message in ((["A B", "--define", "A.v > 3 as C"], "option 'define': the pattern has no variable 'C'"),
                           (["A (B"], "option 'pattern' at character 3: the parenthesis is not closed"),
                           (["A B", "--measures", "sum(A.v + B.v) as x"], "option 'measures' at character 11: columns inside of one call must be of one variable"),
                           (["A", "--skip", "to-last B"], "option 'skip': the pattern has no variable 'B'")):
        stream.run("stream-match", "--time", "ts", "--by", "k", "--schema", "k bigint, ts timestamp, v bigint", *words, stdin="", expect=100)
        check(message in stream.last_stderr, stream.last_stderr)
    stream.run("stream-match", "A", "--by", "k", "--measures", "v", stdin='{"k":1,"v":2}\n', expect=100)
    check("rows are matched in the order of event time, and the input has none" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([every_spelling_gives_the_same, what_is_wrong_is_said_with_its_place, the_example_of_card_fraud_runs, every_pattern_matches_what_brute_force_finds,
          a_job_that_is_killed_and_goes_on_with_other_instances_finds_the_same, flink_finds_the_same])
