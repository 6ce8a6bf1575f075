#!/usr/bin/env python3
"""What fuzzers begin with: seeds.py FOLDER writes FOLDER/fuzz-http, FOLDER/fuzz-manifest and a dictionary beside each.

Requests are those of the paths that stream-rest(7) lists, manifests those of this tree and of its pages."""

import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
import manual  # noqa: E402

# Of the job that tests/unit/http/fakes.h makes up.
VALUES = {"jobid": "live", "vertexid": "totals", "subtaskindex": "1", "attempt": "1", "checkpointid": "2", "taskmanagerid": "here", "filename": "live.stream.log",
          "triggerid": "a" * 32, "operationid": "a" * 32, "savepoint": "latest"}
QUERIES = {"/jobs/{jobid}": "mode=cancel", "/jobs/{jobid}/taps": "stage=made&output=x&where=n%20%3E%201&limit=3", "/jobs/{jobid}/history": "metric=stateSize&vertex=totals&subtask=all&from=1&to=2&points=3",
           "/jobs/{jobid}/vertices/{vertexid}/subtasks/metrics": "get=numRecordsIn&agg=min,max,sum,avg,skew&subtasks=0,1-1", "/jobs/metrics": "get=uptime&agg=sum&jobs=live",
           "/jobs/{jobid}/exceptions": "maxExceptions=3", "/jobs/{jobid}/vertices/{vertexid}/flamegraph": "type=on_cpu&subtaskindex=1", "/operations": "limit=3",
           "/pipelines": "name=x&p.day=monday&savepointPath=live@latest&allowNonRestoredState=true", "/jobs/{jobid}/upgrade": "trial=1s&timeout=1m&label=x&p.a=b",
           "/stream": "jobs=live&topics=jobs,stats,events,checkpoints,logs&stage=made&level=info&grep=x.*y&lastEventId=12"}
BODIES = {"/commands": {"arguments": ["savepoint", "--list", "live"], "files": {"a.yaml": "pipeline: a", "-": "x"},
                        "terminal": {"columns": 80, "rows": 24, "error-columns": 80, "color": True, "live": False}},
          "/jobs/{jobid}/savepoints": {"target-directory": "/allowed", "cancel-job": True, "formatType": "NATIVE", "triggerId": "b" * 32},
          "/jobs/{jobid}/stop": {"targetDirectory": "/allowed", "drain": True, "triggerId": "b" * 32}, "/jobs/{jobid}/checkpoints": {"checkpointType": "FULL", "triggerId": "c" * 32},
          "/jobs/{jobid}/resource-requirements": {"totals": {"parallelism": {"lowerBound": 1, "upperBound": 3}}}, "/savepoint-disposal": {"savepoint-path": "/somewhere/2"},
          "/jobs/{jobid}/state/query": {"sql": "select 1", "live": True, "limit": 7}}
MANIFEST = "pipeline: x\nstages: {made: {run: generate, rows: 1}}\n"
TOKENS = ("", "Bearer r", "Bearer o")  # none, read, operate: of http_fuzz.cc


def word(text):
    return '"' + "".join(c if c.isprintable() and c not in '"\\' and ord(c) < 128 else f"\\x{ord(c):02x}" for c in text) + '"\n'


def write(folder, name, seeds, words):
    at = folder / name
    at.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (at / f"seed-{number:03}").write_bytes(seed.encode())
    (folder / f"{name}.dict").write_text("".join(map(word, sorted(set(words)))))


def requests():
    page = (TOP / "man" / "stream-rest.7").read_text()
    for method, path in re.findall(r"^\.It Li ([A-Z]+) (/\S*)", page, re.M):
        target = re.sub(r"{(\w+)}", lambda found: VALUES[found[1]], path)
        query = QUERIES.get(path)
        takes = method in ("POST", "PUT")
        yaml = path.startswith("/pipelines") or path.endswith("/upgrade")
        body = MANIFEST if yaml else json.dumps(BODIES.get(path, {}))
        kind = ("application/yaml" if yaml else "application/json") if takes else ""
        for token in TOKENS:
            yield ("\1" if token else "\0") + "\n".join([method, f"{target}?{query}" if query else target, "localhost:8081", "", token, kind, body if takes else ""])


def main():
    folder = pathlib.Path(sys.argv[1])
    asked = list(requests())
    values = [*VALUES.values(), *(part for query in QUERIES.values() for part in re.split("[&=]", query))]
    keys = re.findall(r'"([\w-]+)":', json.dumps(list(BODIES.values())))
    write(folder, "fuzz-http", asked, [*values, *keys, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "/v1", "Bearer ", "..", "%2e%2e%2f", "%00", "application/json", "application/yaml",
                                       *(part for seed in asked for part in re.findall(r"/[\w-]+", seed))])
    manifests = [path.read_text() for path in sorted((TOP / "manifests").glob("*.yaml"))]
    manifests += [block for path in sorted((TOP / "man").glob("*.[57]")) for block in manual.blocks(path.read_text()) if "pipeline:" in block or "stages:" in block]
    code = (TOP / "supervisor" / "manifest_keys.cc").read_text()
    write(folder, "fuzz-manifest", manifests, [*re.findall(r'"([a-z][a-z-]+)"', code), "any", "in", "out", "${", "}", "${env:X}", "- ", "{", "[", "*x", "&x", "<<: *x", "!!binary ", "1h", "100ms", "64 MiB", "\1"])


if __name__ == "__main__":
    main()
