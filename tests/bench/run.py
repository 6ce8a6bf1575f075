"""Compares with other tools on the same file in the same run; writes RESULTS.md beside itself.

usage: run.py PROGRAMS [RECORDS]
Wall-clock medians of three runs, warm cache. Tools that are not installed are left out, and named.
"""

import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from harness import Stream, wait_until  # noqa: E402

RUNS = 3


def median_seconds(stream, command, runs=RUNS):
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(["bash", "-c", command], env=stream.environment, cwd=stream.folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def tools(stream, commands, missing):
    results = {}
    for name, command in commands.items():
        program = name.split()[0].rstrip(',')
        if program != "stream" and shutil.which(program) is None:
            missing.add(program)
            continue
        results[name] = median_seconds(stream, command)
    return results


def comparison(title, results, records):
    ours = min(seconds for name, seconds in results.items() if name.startswith("stream"))
    lines = [f"### {title}", "", "| tool | seconds | records/s | times ours |", "|---|---|---|---|"]
    for name, seconds in results.items():
        lines.append(f"| {name} | {seconds:.2f} | {records / seconds / 1e6:.2f} M | {seconds / ours:.1f} |")
    return lines + [""]


def throughput(stream, records):
    missing = set()
    stream.run("bash", "-c", f"stream-generate --rows {records} \"n, random % 65536 as k, random % 1000 as v, 'host-' || (random % 100) as host, "
               "uniform as u, 'a text of some length' as t\" > in.ndjson", timeout=600)
    size = (stream.folder / "in.ndjson").stat().st_size
    lines = [f"{records} records, {size / 1e6:.0f} MB of NDJSON: six columns, {size // records} bytes a record.", ""]
    filters = {
        "stream, plain": "stream-filter 'v >= 900' < in.ndjson",
        "stream, supervised": "stream run --fresh --name f \"read-file in.ndjson | filter 'v >= 900' | write-null\"",
        "mawk (regular expression)": "mawk -F'\"v\":' '$2 + 0 >= 900' < in.ndjson",
        "jq": "jq -c 'select(.v >= 900)' in.ndjson",
        "mlr": "mlr --ijsonl --ojsonl filter '$v >= 900' in.ndjson",
    }
    lines += comparison("Filter", tools(stream, filters, missing), records)
    aggregates = {
        "stream, plain": "stream-aggregate --by k 'count(*) as n, sum(v) as total' < in.ndjson",
        "stream, supervised": "rm -rf out.ndjson; stream run --fresh --name a \"read-file in.ndjson | aggregate --emit final --by k "
                              "'count(*) as n, sum(v) as total' | write-null\"",
        "mawk (regular expression)": "mawk -F'[:,]' '{ n[$4]++; s[$4] += $6 } END { for (k in n) print k, n[k], s[k] }' in.ndjson",
        "mlr": "mlr --ijsonl --ojsonl stats1 -a count,sum -f v -g k in.ndjson",
    }
    lines += comparison("Count and sum by key, 65,536 keys", tools(stream, aggregates, missing), records)
    if missing:
        lines += [f"Not installed, left out: {', '.join(sorted(missing))}.", ""]
    return lines


def startup(stream):
    lines = ["### Start", "", "| what | ms |", "|---|---|"]
    one = median_seconds(stream, "for i in $(seq 50); do stream-filter --version; done", 5) / 50
    empty = median_seconds(stream, "for i in $(seq 50); do true; done", 5) / 50
    lines.append(f"| stage process, start to end (`--version`) | {1000 * (one - empty):.1f} |")
    stream.run("stream", "run", "-d", "--name", "five", "generate --rate 10 'n' | filter 'n >= 0' | select 'n' | filter 'n >= 0' | write-null")
    events = {e["kind"]: e["at_us"] for e in stream.events("five")}
    lines.append(f"| five stages, from the supervisor's start to running | {(events['running'] - events['started']) / 1000:.1f} |")
    stats = stream.stats("five")
    resident = max(i["resident_bytes"] for i in stats["instances"])
    lines.append(f"| resident memory of the largest idle stage, MB | {resident / 1e6:.1f} |")
    stream.run("stream", "cancel", "five")
    return lines + [""]


MILLION = """
pipeline: million
checkpoint: {interval: 1s}
stages:
  made: {run: generate, columns: "n % 1000000 as k, random % 97 as v", rate: 100000}
  first: {run: generate, columns: "n as k, 1 as v", rows: 1000000}
  totals: {run: aggregate, from: [made, first], by: [k], compute: {n: count(*), total: sum(v), top: max(v)}, emit: final}
  out: {run: write-null}
"""


def checkpoints(stream):
    stream.write("million.yaml", MILLION)
    stream.run("stream", "run", "-d", "million.yaml")

    def settled():
        instances = stream.stats("million")["instances"]
        return next(i["state_rows"] for i in instances if i["stage"] == "totals") >= 1_000_000
    wait_until("a million rows of state", settled, 60)
    rows = []
    for _ in range(7):
        stream.run("stream", "wait", "--for", "checkpoint", "million")
        checkpoint = stream.stats("million")["checkpoint"]
        totals = next(d for d in checkpoint["detail"] if d["instance"] == "totals.0")
        rows.append((totals["rows"], totals["sync_us"] / 1000, totals["async_us"] / 1000, checkpoint["duration_us"] / 1000))
    rows = [row for row in rows if row[0] < 500_000] or rows
    middle = [statistics.median(column) for column in zip(*rows)]
    lines = ["### Checkpoint: 1 M rows of state, about 100 K changed between two", "", "| changed rows | pause, ms | durable after, ms | whole checkpoint, ms |",
             "|---|---|---|---|", f"| {middle[0]:.0f} | {middle[1]:.1f} | {middle[2]:.1f} | {middle[3]:.1f} |", ""]
    return lines + recovery(stream)


def recovery(stream):
    times = []
    for _ in range(5):
        before = stream.stats("million")["job"]["attempt"]
        victim = stream.instances("million")["totals.0"]
        stream.kill([victim])
        wait_until("the next attempt", lambda: stream.stats("million")["job"]["attempt"] > before
                   and stream.stats("million")["job"]["state"] == "RUNNING", 30)
        events = stream.events("million")
        failed = [e["at_us"] for e in events if e["kind"] == "failed"][-1]
        running = [e["at_us"] for e in events if e["kind"] == "running"][-1]
        times.append((running - failed) / 1000)
        stream.run("stream", "wait", "--for", "checkpoint", "million")
    state = sum(i["state_bytes"] for i in stream.stats("million")["instances"])
    stream.run("stream", "cancel", "million")
    return [f"### Recovery: kill -9 of the aggregate, {state / 1e6:.0f} MB of state", "", "| from the death noticed to running again, ms | |", "|---|---|",
            f"| median of {len(times)} (100 ms of it is the restart delay) | {statistics.median(times):.0f} |", ""]


def main():
    programs = sys.argv[1]
    records = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with Stream(programs) as stream:
        lines = ["# Results", "", "Written by `./dev bench`; do not edit.", "",
                 f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}; {time.strftime('%Y-%m-%d')}.", ""]
        for part in (lambda: throughput(stream, records), lambda: startup(stream), lambda: checkpoints(stream)):
            lines += part()
        notes = HERE / "NOTES.md"
        if notes.exists():
            lines += [notes.read_text()]
        text = "\n".join(lines)
        (HERE / "RESULTS.md").write_text(text)
        print(text)


if __name__ == "__main__":
    main()
