"""Measures everything of the table of goals in one run; writes RESULTS.md beside itself.

usage: run.py PROGRAMS TOOLS [PART]…
PROGRAMS: folder of the stages; TOOLS: folder of the bare ZeroMQ programs and, in stages/, the stages that only
measure. Parts: throughput, hop, latency, state, footprint; by name only, each with a file of its own, nexmark,
rescale, operate and hosts.
With other parts named, RESULTS.md stays as it is.

usage: run.py PROGRAMS TOOLS large-state [changes|savepoints|growth]…
Measures these pieces, or all; LARGE_STATE.md is made of what each of them has found last, whenever that was.
"""

import os
import pathlib
import platform
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import footprint  # noqa: E402
import hop  # noqa: E402
import hosts  # noqa: E402
import large_state  # noqa: E402
import latency  # noqa: E402
import nexmark  # noqa: E402
import operate  # noqa: E402
import rescale  # noqa: E402
import state  # noqa: E402
import throughput  # noqa: E402
from harness import Stream  # noqa: E402
from report import goal_table  # noqa: E402

RECORDS = 2_000_000
OWN_FILES = {"nexmark": "NEXMARK.md", "rescale": "RESCALE.md", "operate": "OPERATE.md",
             "hosts": "HOSTS.md"}  # of parts run by name alone


def parts_of(tools):
    return {
        "throughput": lambda stream: throughput.measure(stream, RECORDS),
        "hop": lambda stream: hop.measure(stream, tools),
        "latency": lambda stream: latency.measure(stream, tools),
        "state": state.measure,
        "footprint": footprint.measure,
        "nexmark": nexmark.measure,
        "rescale": rescale.measure,
        "operate": operate.measure,
        "hosts": lambda stream: hosts.measure(stream, tools),
    }


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def circumstances():
    return f"on {os.cpu_count()} cores ({processor()}), Linux {platform.release()}, {time.strftime('%Y-%m-%d')}"


def load():
    return f"{os.getloadavg()[0]:.1f}"


def measured(programs, tools, names):
    """Lines and goals of the parts, each with a home of its own."""
    lines, goals = [], []
    for name in names:
        with Stream(programs) as stream:
            stream.environment["STREAM_STAGE_PATH"] = str(pathlib.Path(tools).resolve() / "stages")
            part = parts_of(tools)[name](stream)
        lines += part.lines
        goals += part.goals
        print(f"{name}: done", file=sys.stderr, flush=True)
    return lines, goals


def file_of(wanted):
    """Where the text goes, if anywhere."""
    if not wanted:
        return "RESULTS.md"
    if large_state.SCALE != 1:
        return None
    return OWN_FILES.get(wanted[0]) if len(wanted) == 1 else None


def measure_large_state(programs, tools, wanted):
    found_before = pathlib.Path(tools) / "large-state"
    for piece in wanted or large_state.PIECES:
        with Stream(programs) as stream:
            part = large_state.measure_piece(stream, piece, circumstances)
        print("\n".join(goal_table(part.goals) + part.lines), flush=True)
        if large_state.SCALE == 1:
            large_state.keep(found_before, piece, part)
    if large_state.SCALE == 1:
        (HERE / "LARGE_STATE.md").write_text(text_of_large_state(found_before))


def text_of_large_state(found_before):
    found = {piece: large_state.kept(found_before, piece) for piece in large_state.PIECES}
    lines = ["# Results: large-state", "",
             "Written by `./dev bench large-state`; do not edit. How long a stage stands still while it is rescaled: RESCALE.md.", ""]
    missing = [piece for piece, part in found.items() if part is None]
    if missing:
        lines += [f"Not measured yet: {', '.join(missing)}.", ""]
    parts = [part for part in found.values() if part]
    lines += goal_table([goal for part in parts for goal in part.goals]) + ["## Details", ""]
    return "\n".join(lines + [line for part in parts for line in part.lines])


def main():
    programs, tools, *wanted = sys.argv[1:]
    if wanted[:1] == ["large-state"]:
        measure_large_state(programs, tools, wanted[1:])
        return
    before = load()
    parts = wanted or [name for name in parts_of(tools) if name not in OWN_FILES]
    lines, goals = measured(programs, tools, parts)
    title = "# Results" if not wanted else f"# Results: {', '.join(wanted)}"
    head = [title, "", f"Written by `./dev bench{' ' if wanted else ''}{' '.join(wanted)}`; do not edit.", "",
            f"{os.cpu_count()} cores ({processor()}), Linux {platform.release()}; {time.strftime('%Y-%m-%d')}. Processes wanting "
            f"a core (load average) before: {before}, at the end: {load()}; what is above the number of cores at the start is other "
            "work, and makes every number worse.", ""]
    text = "\n".join(head + goal_table(goals) + ["## Details", ""] + lines)
    if not wanted:
        text += "\n" + (HERE / "NOTES.md").read_text()
    if file_of(wanted):
        (HERE / file_of(wanted)).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
