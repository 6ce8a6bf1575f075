"""Start, idle memory, and sizes of the programs as they are installed."""

import pathlib
import re
import shutil
import statistics
import subprocess

from measure import process_milliseconds
from report import Part

FIVE = "generate --rate 10 'n' | filter 'n >= 0' | select 'n' | aggregate --by n 'count(*) as c' | write-null"


def five_stages(stream):
    """Milliseconds to running (median), then the memory of each idle stage."""
    times = []
    for _ in range(7):
        stream.run("stream", "run", "-d", "--fresh", "--name", "five", FIVE)
        at = {e["kind"]: e["at_us"] for e in stream.events("five")}
        times.append((at["running"] - at["started"]) / 1000)
        if len(times) < 7:
            stream.run("stream", "cancel", "five")
    stream.run("stream", "wait", "--for", "checkpoint", "five")
    stages = stream.stats("five")["instances"]
    memory = {i["stage"]: memory_of(i["pid"]) for i in stages}
    stream.run("stream", "cancel", "five")
    return statistics.median(times), memory


def memory_of(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) * 1024 / 1e6 for name in ("Rss", "Pss", "Anonymous")}


def sizes(stream):
    """Bytes of each program without symbols, and the shared libraries it loads."""
    found = {}
    folder = stream.folder / "stripped"
    folder.mkdir()
    for program in sorted(stream.programs.glob("stream*")):
        copy = folder / program.name
        shutil.copy(program, copy)
        subprocess.run(["strip", copy], check=True)
        libraries = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout.splitlines()
        found[program.name] = (copy.stat().st_size / 1e6, len([line for line in libraries if "=>" in line]))
    return found


def measure(stream):
    part = Part()
    program = str(stream.programs / "stream-filter")
    start = process_milliseconds([program, "--version"], stream.environment)
    nothing = process_milliseconds([shutil.which("true")], stream.environment)
    running, memory = five_stages(stream)
    part.heading("Start")
    part.table(["what", "ms"], [["stage process, start to end (`stream-filter --version`)", start],
                                ["the same of `true`, for comparison", nothing],
                                ["five stages, from the supervisor's start to running", running]])
    part.heading("Memory of idle stages, MB")
    part.table(["stage", "resident", "its share (pages used by n processes count 1/n)", "not from files"],
               [[stage, m["Rss"], m["Pss"], m["Anonymous"]] for stage, m in memory.items()])
    programs = sizes(stream)
    part.heading("Programs, stripped")
    part.table(["program", "MB", "shared libraries"], [[name, size, count] for name, (size, count) in programs.items()])
    largest = max(size for name, (size, _) in programs.items() if name != "stream")
    resident = max(m["Rss"] for m in memory.values())
    part.goal("process start", "≤ 5 ms", f"{start:.1f} ms", start <= 5)
    part.goal("5-stage pipeline ready", "≤ 50 ms", f"{running:.0f} ms", running <= 50)
    part.goal("idle stage, resident (largest)", "≤ 10 MB", f"{resident:.1f} MB", resident <= 10)
    part.goal("executable, stripped (largest)", "≤ 2 MB", f"{largest:.1f} MB", largest <= 2)
    return part
