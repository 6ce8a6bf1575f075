"""How long a stage stands still while it gets another number of processes."""

import json
import statistics

from harness import wait_until
from report import Part

# `first` makes every key once, and `made` changes some of them, so that rows are on their way all the time.
MANIFEST = """
pipeline: rescaled
checkpoint: {{interval: 1s}}
stages:
  made: {{run: generate, columns: "random % {keys} as k, n % 97 as v", rate: 100000}}
  first: {{run: generate, columns: "n as k, 1 as v", rows: {keys}}}
  totals: {{run: aggregate, from: [made, first], by: [k], compute: {{n: count(*), total: sum(v)}}, parallelism: 2}}
  out: {{run: write-null}}
"""
KEYS = [0, 1_000_000, 10_000_000]  # the last is about 1 GB; restoring is counted in
STEPS = [3, 1, 2]
ROUNDS = 3


def downtimes(stream, keys):
    """Of 2 -> 3, 3 -> 1 and 1 -> 2, in ms; and the bytes of state."""
    stream.write("rescaled.yaml", MANIFEST.format(keys=max(keys, 1)))
    stream.run("stream", "run", "-d", "--fresh", "rescaled.yaml")

    def totals(field):
        return sum(i[field] for i in stream.stats("rescaled")["instances"] if i["stage"] == "totals")

    wait_until("all keys", lambda: totals("state_rows") >= keys, 600, 0.1)
    times = {step: [] for step in STEPS}
    for _ in range(ROUNDS):
        for step in STEPS:
            stream.run("stream", "wait", "--for", "checkpoint", "rescaled")
            told = json.loads(stream.run("stream", "rescale", "--json", "rescaled", f"totals={step}", timeout=600))
            times[step].append(told["downtime_us"] / 1000)
    size = totals("state_bytes")
    stream.run("stream", "cancel", "rescaled")
    return [statistics.median(times[step]) for step in STEPS], size


def measure(stream):
    part = Part()
    rows = []
    for keys in KEYS:
        found, size = downtimes(stream, keys)
        rows.append([keys, size / 1e6, *found])
        if keys == 0:
            part.goal("rescale of one stage without state, 2 to 3 to 1: the longest it stands still", "≤ 1 s",
                      f"{max(found):.0f} ms", max(found) <= 1000)
    part.heading("Rescale of an aggregate while rows come at 100,000 a second: how long it stands still")
    part.table(["keys", "state, MB", "2 to 3, ms", "3 to 1, ms", "1 to 2, ms"], rows)
    return part
