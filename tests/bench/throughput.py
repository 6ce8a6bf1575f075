"""Filter and keyed aggregate over one NDJSON file, beside other tools."""

import json
import os
import pathlib
import shutil
import subprocess

from measure import Cost, median_cost
from report import Part, millions

HERE = pathlib.Path(__file__).resolve().parent
DUCKDB = HERE.parent.parent / "build" / "npm"  # where `./dev setup bench` installs it
COLUMNS = ("n, random % 65536 as k, random % 1000 as v, 'host-' || (random % 100) as host, "
           "uniform as u, 'a text of some length' as t")
DUCKDB_COLUMNS = "n BIGINT, k BIGINT, v BIGINT, host VARCHAR, u DOUBLE, t VARCHAR"
AGGREGATES = "'count(*) as n, sum(v) as total'"

FILTERS = {
    "stream, plain": "stream-filter 'v >= 900' < in.ndjson",
    "stream, supervised": "stream run --fresh --name f \"read-file in.ndjson | filter 'v >= 900' | write-null\"",
    "mawk (regular expression)": "mawk -F'\"v\":' '$2 + 0 >= 900' < in.ndjson",
    "jq": "jq -c 'select(.v >= 900)' in.ndjson",
    "mlr": "mlr --ijsonl --ojsonl filter '$v >= 900' in.ndjson",
}
KEYED = {
    "stream, plain": f"stream-aggregate --by k {AGGREGATES} < in.ndjson",
    "stream, supervised": f"stream run --fresh --name a \"read-file in.ndjson | aggregate --emit final --by k {AGGREGATES} | write-null\"",
    "mawk (regular expression)": "mawk -F'[:,]' '{ n[$4]++; s[$4] += $6 } END { for (k in n) print k, n[k], s[k] }' in.ndjson",
    # With setpath, because an update with |= copies the whole object each time: hours instead of seconds.
    "jq": "jq -n 'reduce inputs as $r ({}; ($r.k | tostring) as $k | setpath([$k, \"n\"]; getpath([$k, \"n\"]) + 1) "
          "| setpath([$k, \"total\"]; getpath([$k, \"total\"]) + $r.v))' in.ndjson",
    "mlr": "mlr --ijsonl --ojsonl stats1 -a count,sum -f v -g k in.ndjson",
}
DUCKDB_QUERIES = {
    "filter": "SELECT * FROM rows WHERE v >= 900",
    "keyed": "SELECT k, count(*) AS n, sum(v) AS total FROM rows GROUP BY k",
}


def duckdb(stream, query):
    """Cost of one query inside the process of node, whose start is not counted; None if DuckDB is absent."""
    if shutil.which("node") is None or not (DUCKDB / "node_modules").exists():
        return None
    argv = ["node", HERE / "duckdb.mjs", DUCKDB, "in.ndjson", DUCKDB_COLUMNS, DUCKDB_QUERIES[query]]
    done = subprocess.run([str(a) for a in argv], env=stream.environment, cwd=stream.folder, capture_output=True,
                          text=True, timeout=600, check=False)
    if done.returncode != 0:
        return None
    answer = json.loads(done.stdout)
    return Cost(answer["wall"], answer["cpu"])


def costs_of(stream, commands, query, missing):
    costs = {}
    for name, command in commands.items():
        program = name.split()[0].rstrip(",")
        if program != "stream" and shutil.which(program) is None:
            missing.add(program)
        else:
            costs[name] = median_cost(stream, command)
    if (cost := duckdb(stream, query)) is not None:
        costs["DuckDB, 1 thread, typed columns"] = cost
    else:
        missing.add("DuckDB (from npm)")
    return costs


def comparison(part, title, costs, records):
    ours = costs["stream, plain"].wall
    part.heading(title)
    part.table(["tool", "seconds", "records/s", "records/s a core", "times the time of ours"],
               [[name, cost.wall, millions(records / cost.wall), millions(records / cost.cpu), cost.wall / ours]
                for name, cost in costs.items()])
    return records / costs["stream, plain"].cpu


def measure(stream, records):
    part = Part()
    missing = set()
    with open(stream.folder / "in.ndjson", "wb") as out:
        subprocess.run(["stream-generate", "--rows", str(records), COLUMNS], env=stream.environment, stdout=out,
                       timeout=600, check=True)
    size = os.path.getsize(stream.folder / "in.ndjson")
    part.text(f"{records:,} records, {size / 1e6:.0f} MB of NDJSON: six columns, {size // records} bytes a record, warm "
              "cache. Wall clock, and CPU of all processes and threads; starts included but for DuckDB, whose process "
              "runs already.")
    filtered = comparison(part, "Filter (a tenth passes)", costs_of(stream, FILTERS, "filter", missing), records)
    keyed = comparison(part, "Count and sum by key, 65,536 keys", costs_of(stream, KEYED, "keyed", missing), records)
    if missing:
        part.text(f"Not installed, left out: {', '.join(sorted(missing))}.")
    goal = "≥ 8 M records/s a core"
    part.goal("NDJSON in, filter", goal, millions(filtered), filtered >= 8e6)
    part.goal("NDJSON in, keyed aggregate", goal, millions(keyed), keyed >= 8e6)
    (stream.folder / "in.ndjson").unlink()
    return part
