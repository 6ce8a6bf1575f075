"""A job with windows, sessions, a join and ranks in flight, and its results: what the tests of savepoints compare.

Its input is made at RATE rows a second, so that it can be caught anywhere in it.
"""

import json
import sqlite3
import subprocess

from harness import check, wait_until

ROWS = 12_000
SLOW, FAST = 900, 1_000_000  # to be caught while it runs; to come to its end
MANIFEST = f"""
pipeline: job
checkpoint: {{interval: 50ms}}
restart: {{strategy: fixed-delay, delay: 10ms, attempts: 20}}
stages:
  made:
    run: generate
    columns: "n, n % 7 as k, (n * 7919) % 1000 as v, (n * n + n / 50) % 97 as u, to_timestamp(n / 100.0) as ts"
    rows: {ROWS}
    rate: RATE
    time: ts
  kept: {{run: filter, from: made, where: FILTER}}
  lines: {{run: write-file, from: kept, path: OUT/lines.ndjson}}
  parts: {{run: write-file, from: kept, path: OUT/parts/, roll-size: 4KiB}}
  rows: {{run: write-sqlite, from: kept, path: OUT/rows.db, table: rows}}
  hours: {{run: aggregate, from: kept, by: k, window: tumble 20s, compute: {{many: count(*), highest: max(n)}}}}
  windows: {{run: write-sqlite, path: OUT/windows.db, table: windows}}
  slides: {{run: aggregate, from: kept, by: k, window: hop 20s every 5s, compute: {{many: count(*)}}}}
  hops: {{run: write-sqlite, path: OUT/hops.db, table: hops}}
  visits: {{run: aggregate, from: kept, by: u, window: session 2s, compute: {{many: count(*)}}}}
  sessions: {{run: write-sqlite, path: OUT/sessions.db, table: sessions}}
  best: {{run: top-n, from: kept, by: k, order: "v desc, n", limit: 5, rank: place}}
  ranks: {{run: write-sqlite, path: OUT/ranks.db, table: ranks}}
  tens: {{run: filter, from: kept, where: v % 10 = 3}}
  pairs:
    run: join
    from: {{a: tens, b: tens}}
    columns: a.n as an, b.n as bn
    on: a.v = b.v and b.n > a.n and b.ts between a.ts and a.ts + interval '30 seconds'
  joined: {{run: write-sqlite, path: OUT/joined.db, table: joined}}
"""
TABLES = ("rows", "windows", "hops", "sessions", "ranks", "joined")
ALL = "n >= 0"
NEVER = (("interval: 50ms", "interval: none"),)  # but the last one


def manifest(*changes, rate=SLOW, where=ALL, out="."):
    text = MANIFEST.replace("RATE", str(rate)).replace("OUT", out).replace("FILTER", where)
    for old, new in changes:
        check(old in text, f"nothing to change: {old}")
        text = text.replace(old, new)
    return text


def results(folder, leave=()):
    """Every row of every sink, sorted: what comes twice stands there twice."""
    found = {"lines": sorted(json.loads(line)["n"] for line in (folder / "lines.ndjson").read_text().splitlines())}
    found["parts"] = sorted(json.loads(line)["n"] for path in (folder / "parts").glob("*.ndjson") for line in path.read_text().splitlines())
    for name in set(TABLES) - set(leave):
        with sqlite3.connect(f"file:{folder}/{name}.db?mode=ro", uri=True) as db:
            found[name] = sorted(db.execute(f"select * from {name}").fetchall())
    return found


KNOWN = {}  # results of runs that nothing happened to: they are the same for each test of a script


def expected(stream, *changes, where=ALL, leave=(), name="undisturbed"):
    """What a run that nothing happens to gives."""
    key = (changes, where, leave, name)
    if key not in KNOWN:
        out = stream.folder / name
        out.mkdir()
        stream.write(f"{name}.yaml", manifest(*changes, rate=FAST, where=where, out=str(out)))
        stream.run("stream", "run", f"{name}.yaml", "--name", name)
        KNOWN[key] = results(out, leave)
    return KNOWN[key]


def compare(found, wanted, what=""):
    for name, rows in wanted.items():
        few, many = sorted(set(rows) - set(found[name]))[:3], sorted(set(found[name]) - set(rows))[:3]
        check(found[name] == rows, f"{what}: {name}: {len(found[name])} rows, not {len(rows)}; missing {few}, too many {many}")


def past(stream, least, name="lines.ndjson"):
    """Waits until the file holds that many rows, and the job is in the middle of its windows."""
    def rows():
        path = stream.folder / name
        return path.exists() and path.read_bytes().count(b"\n") >= least
    wait_until(f"{least} rows in {name}", rows)


def rows_of(folder):
    path = folder / "lines.ndjson"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def bounded(stream, rows):
    """What a job gives whose input ends behind so many rows."""
    return expected(stream, (f"rows: {ROWS}", f"rows: {rows}"), name=f"bounded-{rows}")


def shown(stream, job="job"):
    return json.loads(stream.run("stream", "show", "--json", job))


def checkpoints(stream, job="job"):
    return {int(path.parent.name) for path in stream.home(job).glob("checkpoints/*/checkpoint.sqlite")}


def dead(stream, job="job"):
    """Waits until nothing of the job runs any more."""
    wait_until("every process to end", lambda: not stream.processes(job))


def killed_meanwhile(stream, pick, verb, moment):
    """Starts a verb and kills somebody when it has run for so long; the verb, over, and who it was."""
    whom = pick.choice(("supervisor", "verb", "an instance", "all"))
    supervisor, instances = shown(stream)["supervisor_pid"], sorted(stream.instances("job").values())
    verb = stream.start("stream", *verb, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        verb.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        pass
    stream.kill({"supervisor": [supervisor], "verb": [verb.pid], "an instance": instances[pick.randrange(16):][:1], "all": stream.processes("job")}[whom])
    verb.said, verb.talk = (text.strip() for text in verb.communicate(timeout=60))
    return verb, whom


def at_rest(stream):
    """The state of the job once it does not change by itself: RUNNING, DEAD, STOPPED or FINISHED."""
    def settled():
        state = shown(stream)["state"]
        return state if state in ("RUNNING", "DEAD", "STOPPED", "FINISHED") else None
    state = wait_until("a state that lasts", settled)
    if state == "DEAD":
        dead(stream)
    return state


def catalogue(stream):
    return [json.loads(line)["path"] for line in stream.run("stream", "savepoint", "--list", "--json", "job").splitlines()]


def whole(stream, path):
    return stream.succeeds("stream", "state", "query", path, "select count(*) from hours")
