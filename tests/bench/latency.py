"""Latency through a chain of three processes: source, filter, last operator; beside bare ZeroMQ doing the same."""

import json
import pathlib
import subprocess

from measure import RUNS, gauge, median_of
from report import Part

# The condition might fail, so it is not pushed to the source: the filter does its work itself.
MANIFEST = """
pipeline: latency
stages:
  made: {{run: flood, rows: {rows}, rate: {rate}}}
  kept: {{run: filter, where: 10 / (c1 + 1) >= 0}}
  seen: {{run: gauge, path: GAUGE}}
"""
SHARES = ["p50", "p90", "p99", "p999", "max"]
FRAMES_MOST = 10_000  # a second: the source makes records every 100 us
RATES = {"1,000": (1_000, 8_000), "100,000": (100_000, 800_000), "maximum": (0, 500_000_000)}


def bare_chain(tools, rate):
    """The same hops without us: percentiles of the whole chain, and of how late its timer alone was."""
    done = subprocess.run([pathlib.Path(tools) / "bench-zmq-chain", str(rate), "6"], check=True, capture_output=True, text=True,
                          timeout=60)
    return json.loads(done.stdout)


def measure(stream, tools):
    part = Part()
    part.heading("Latency of a chain of three processes")
    part.text("From the time a record was due at the source to its arrival in the last operator, behind a filter; exactly "
              f"once, checkpoints every second; the first second is left out. Medians of {RUNS} runs, in microseconds. At "
              "the maximum the queues are full, and what is measured is how much they hold. Below each rate: three "
              "processes that pass on small messages with bare ZeroMQ, and how late the timer that paces them wakes.")
    rows = []
    for name, (rate, count) in RATES.items():
        runs, bare = [], []
        for _ in range(RUNS):  # in turn, so that a busy machine disturbs both alike
            runs.append(gauge(stream, MANIFEST.format(rate=rate, rows=count)))
            if rate:
                bare.append(bare_chain(tools, min(rate, FRAMES_MOST)))
        found = {share: int(median_of(runs, share)) for share in SHARES}
        rows.append([name, f"{median_of(runs, 'rows') / median_of(runs, 'us') * 1e6:,.0f}", *found.values()])
        for what, label in (("chain", f"bare ZeroMQ, {min(rate, FRAMES_MOST):,} messages/s"), ("timer", "its timer alone")):
            if bare:
                rows.append([label, "", *(int(median_of([run[what] for run in bare], share)) for share in SHARES)])
        if rate == 100_000:
            part.goal("latency at 100 K records/s, p50", "≤ 250 µs", f"{found['p50']} µs", found["p50"] <= 250)
            part.goal("latency at 100 K records/s, p99", "≤ 1 ms", f"{found['p99'] / 1000:.2f} ms", found["p99"] <= 1000)
    part.table(["records/s wanted", "records/s", "p50", "p90", "p99", "p99.9", "max"], rows)
    return part
