"""One columnar hop between two processes, beside bare ZeroMQ moving the same bytes."""

import pathlib
import statistics
import subprocess

from measure import RUNS, gauge, median_of
from report import Part, millions

MANIFEST = """
pipeline: hop
stages:
  rows: {{run: flood, rows: {rows}, columns: {columns}}}
  seen: {{run: gauge, path: GAUGE}}
"""
NARROW = {"rows": 100_000_000, "columns": 1}  # 16 bytes a row
WIDE = {"rows": 24_000_000, "columns": 31}  # 256 bytes a row


def measure(stream, tools):
    narrow, wide, ceiling = [], [], []
    for _ in range(RUNS):  # in turn, so that a busy machine disturbs all three alike
        ceiling.append(float(subprocess.run([pathlib.Path(tools) / "bench-zmq-ceiling"], check=True, capture_output=True,
                                            text=True, timeout=300).stdout))
        narrow.append(gauge(stream, MANIFEST.format(**NARROW)))
        wide.append(gauge(stream, MANIFEST.format(**WIDE)))
    rows = statistics.median(run["rows"] / run["us"] * 1e6 for run in narrow)
    narrow_bytes = statistics.median(run["bytes"] / run["us"] / 1e3 for run in narrow)
    wide_bytes = statistics.median(run["bytes"] / run["us"] / 1e3 for run in wide)
    bare = statistics.median(ceiling)
    part = Part()
    part.heading("One hop between two processes")
    part.text("Supervised, exactly once, checkpoints every second; the receiver reads every value. Bare ZeroMQ: one DEALER "
              "to another over ipc, messages of 256 KiB without a copy at the sender, nobody looks at the bytes.")
    part.table(["what", "rows/s", "GB/s", "share of bare ZeroMQ"],
               [["narrow rows, 2 BIGINT columns", millions(rows), narrow_bytes, f"{narrow_bytes / bare:.0%}"],
                ["wide rows, 32 BIGINT columns", millions(median_of(wide, "rows") / median_of(wide, "us") * 1e6), wide_bytes,
                 f"{wide_bytes / bare:.0%}"],
                ["bare ZeroMQ", "", bare, "100%"]])
    part.goal("one columnar hop, narrow rows", "≥ 25 M rows/s", millions(rows) + " rows/s", rows >= 25e6)
    part.goal("one columnar hop, wide rows", "≥ 2 GB/s", f"{wide_bytes:.2f} GB/s ({wide_bytes / bare:.0%} of bare ZeroMQ)",
              wide_bytes >= 2)
    return part
