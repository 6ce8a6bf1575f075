"""Matches equal those of a brute-force oracle, and those of Apache Flink where it is installed."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import oracle  # noqa: E402
from harness import check, main  # noqa: E402
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


if __name__ == "__main__":
    main([every_pattern_matches_what_brute_force_finds, flink_finds_the_same])
