"""What a job was stays readable when it has ended, by the same verbs, until it runs again."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

FINISHES = """pipeline: done
checkpoint: {interval: 50ms}
stages:
  made: {run: generate, columns: "n, n % 7 as k", rows: 3000, rate: 6000}
  totals: {run: aggregate, by: k, compute: count(*) as c, parallelism: 2}
  out: {run: write-null}
"""
RUNS = FINISHES.replace("pipeline: done", "pipeline: runs").replace("rows: 3000, ", "")


def by_stage(stats, field):
    sums = {}
    for instance in stats["instances"]:
        sums[instance["stage"]] = sums.get(instance["stage"], 0) + instance[field]
    return sums


def a_finished_job_tells_its_last_numbers(stream):
    stream.write("done.yaml", FINISHES)
    stream.run("stream", "run", "done.yaml")
    stats = stream.stats("done")
    check(stats["job"]["state"] == "FINISHED" and stats["job"]["supervisor_pid"] is None, f"{stats['job']}")
    check(by_stage(stats, "records_in")["totals"] == 3000, f"{stats['instances']}")
    check(by_stage(stats, "records_out")["made"] == 3000, f"{stats['instances']}")
    check(len(stats["instances"]) == 4 and all(i["pid"] == 0 for i in stats["instances"]), f"{stats['instances']}")
    check(stats["checkpoint"]["status"] == "committed", f"{stats['checkpoint']}")
    table = stream.run("stream", "stats", "done")
    check(table.startswith("done  FINISHED  attempt 1") and "totals.1" in table, table)
    check(stream.run("stream", "stats", "--csv", "done").count("\n") == 5, "a line an instance, and the head")
    check({event["kind"] for event in stream.events("done")} >= {"started", "running", "finished"}, "events")
    check("committed" in stream.run("stream", "checkpoint", "--list", "done"), "checkpoints")
    check("job finished" in stream.run("stream", "logs", "done"), "logs")
    stream.run("stream", "stats", "--watch", "done", expect=1)


def whatever_ends_it(stream):
    """Cancelled, stopped or failed; then it runs again, and is asked itself."""
    stream.write("runs.yaml", RUNS)
    stream.run("stream", "run", "-d", "runs.yaml")
    wait_until("rows", lambda: by_stage(stream.stats("runs"), "records_in").get("totals", 0) > 100)
    stream.run("stream", "stop", "runs")
    stopped = by_stage(stream.stats("runs"), "records_in")["totals"]
    check(stopped > 100, f"{stopped}")
    stream.run("stream", "resume", "runs")
    check(stream.stats("runs")["job"]["state"] in ("RUNNING", "STARTING") and stream.stats("runs")["job"]["supervisor_pid"], "it runs")
    check(not (stream.home("runs") / "last.json").exists(), "numbers of another run are kept")
    wait_until("rows", lambda: by_stage(stream.stats("runs"), "records_in").get("totals", 0) > 100)
    stream.run("stream", "cancel", "runs")
    check(by_stage(stream.stats("runs"), "records_in")["totals"] > 100, "of the cancelled one")
    (stream.home("runs") / "last.json").write_text("{ damaged")
    check(stream.stats("runs")["instances"] == [], "a damaged file is none")
    stream.write("bad.ndjson", '{"a":1}\nno record\n')
    stream.write("bad.yaml", "pipeline: bad\nstages:\n  in: {run: read-file, path: bad.ndjson, schema: a bigint, on-error: fail}\n  out: {run: write-null}\n")
    stream.run("stream", "run", "bad.yaml", expect=1)
    stats = stream.stats("bad")
    check(stats["job"]["state"] == "FAILED" and [i["stage"] for i in stats["instances"]] == ["in", "out"], json.dumps(stats))


if __name__ == "__main__":
    main([a_finished_job_tells_its_last_numbers, whatever_ends_it])
