"""`stream profile` and the flame graph of a vertex: what a stage does is seen, by name, and the job does not notice."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from rest import Client, Server  # noqa: E402

BUSY = """pipeline: busy
stages:
  made: {run: generate, columns: "n, n % 1000 as k", rate: 3000000}
  totals: {run: aggregate, by: k, compute: count(*) as c, parallelism: 2}
  out: {run: write-null}
"""


def start(stream):
    stream.write("busy.yaml", BUSY)
    stream.run("stream", "run", "-d", "busy.yaml")
    wait_until("rows", lambda: any(i["records_in"] > 10_000 for i in stream.stats("busy")["instances"]))


def stacks(text):
    """Frames and samples of each folded line."""
    lines = [line.rsplit(" ", 1) for line in text.splitlines()]
    return [(frames.split(";"), int(samples)) for frames, samples in lines]


def profile(stream, *args):
    return stacks(stream.run("stream", "profile", "--folded", "--for", "1s", *args, "busy", "totals"))


def what_a_stage_does_is_seen_by_name(stream):
    start(stream)
    before = stream.instances("busy")
    found = []

    def seen():  # on a busy machine a second may not be enough
        found.extend(profile(stream))
        names = {frame for frames, _ in found for frame in frames}
        return {"totals.0", "totals.1", "stream::RunLoop::run"} <= names and any("Aggregate" in name for name in names)
    wait_until("the functions of the stage", seen)
    check({frames[0] for frames, _ in found} == {"totals.0", "totals.1"}, f"instances: {found[:5]}")
    check(all(frames[1] for frames, _ in found), "a thread has no name")
    check("samples of running threads" in stream.last_stderr, stream.last_stderr)
    alone = wait_until("samples of one instance", lambda: profile(stream, "--instance", "1"))
    check({frames[0] for frames, _ in alone} == {"totals.1"}, "other instances than asked for")
    waits = {frames[-1].lstrip("_") for frames, _ in profile(stream, "--off-cpu")}
    check(any("poll" in name for name in waits) or any("epoll" in name for name in waits), f"waits: {waits}")
    check(stream.instances("busy") == before and stream.stats("busy")["job"]["attempt"] == 1, "the job was disturbed")


def a_picture_is_svg(stream):
    start(stream)

    def drawn():
        stream.run("stream", "profile", "--for", "500ms", "--output", "totals.svg", "busy", "totals")
        tree = xml.etree.ElementTree.parse(stream.folder / "totals.svg").getroot()
        texts = [text.text or "" for text in tree.iter("{http://www.w3.org/2000/svg}title")]
        check(any(text.startswith("all — ") and text.endswith("100.00%") for text in texts), f"{texts[:5]}")
        return any("stream::RunLoop::run" in text for text in texts)  # else nobody ran while it looked
    wait_until("the functions of the stage in a picture", drawn)
    check("http" not in (stream.folder / "totals.svg").read_text().replace("http://www.w3.org/2000/svg", ""), "it needs another host")
    piped = stream.run("bash", "-c", "stream profile --for 200ms busy totals | head -c 40")
    check(piped.startswith("<?xml"), piped)


def programs_without_symbols_are_seen_as_far_as_can_be(stream):
    """As a distribution builds them: what a library shows to others has a name, and stacks are whole."""
    programs = stream.programs
    library = next(programs.parent.glob("lib/**/stream/libstream.so*")).parent
    bare = stream.folder / "bare"
    for name in ("stream", "stream-generate", "stream-aggregate", "stream-write-null"):
        (bare / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(programs / name, bare / "bin" / name)
    target = bare / library.relative_to(programs.parent)
    target.mkdir(parents=True)
    for path in library.iterdir():
        if path.name.startswith("libstream.so") or path.name == "stream-profiler":
            shutil.copy(path, target / path.name)
    subprocess.run(["strip", *(path for path in bare.rglob("*") if path.is_file())], check=True)
    stream.environment["PATH"] = f"{bare / 'bin'}:{stream.environment['PATH']}"
    start(stream)
    names = set()

    def seen():
        names.update(frame for frames, _ in profile(stream) for frame in frames)
        return "stream::RunLoop::run" in names
    wait_until("what a library shows", seen)
    check("[stream-aggregate]" in names or any("Aggregate" in name for name in names), f"names: {sorted(names)}")


def who_is_asked_for_what_is_not_there_says_so(stream):
    start(stream)
    for args, said in ((["busy", "total"], "did you mean 'totals'"), (["--instance", "2", "busy", "totals"], "no instance 2; it has 2, from 0"),
                       (["busi", "totals"], "did you mean 'busy'")):
        stream.run("stream", "profile", "--folded", "--for", "100ms", *args, expect=100)
        check(said in stream.last_stderr and stream.last_stderr.count("\n") == 1, f"{args}: {stream.last_stderr}")
    stream.run("stream", "cancel", "busy")
    stream.run("stream", "profile", "--folded", "busy", "totals", expect=1)
    check("does not run" in stream.last_stderr, stream.last_stderr)


def what_dies_meanwhile_is_no_fault(stream):
    """An instance that is killed goes as ever; a profiler that is killed leaves the job as it was."""
    start(stream)
    asked = stream.start("stream", "profile", "--folded", "--for", "3s", "busy", "totals", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until("the profiler", lambda: profilers_of(asked.pid))
    os.kill(stream.pid("busy", "totals.0"), signal.SIGKILL)
    talk = asked.communicate(timeout=60)[1]
    check(asked.returncode == 0 or (asked.returncode == 1 and "has ended" in talk), f"{asked.returncode}: {talk}")
    wait_until("the next attempt", lambda: stream.stats("busy")["job"]["attempt"] == 2 and stream.stats("busy")["job"]["state"] == "RUNNING")
    asked = stream.start("stream", "profile", "--folded", "--for", "60s", "busy", "totals", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.kill(wait_until("the profiler", lambda: profilers_of(asked.pid))[0], signal.SIGKILL)
    talk = asked.communicate(timeout=60)[1]
    check(asked.returncode == 1 and "has ended without a result" in talk, f"{asked.returncode}: {talk}")
    before = stream.stats("busy")["instances"][-1]["records_in"]
    wait_until("rows", lambda: stream.stats("busy")["instances"][-1]["records_in"] > before)
    check(stream.stats("busy")["job"]["attempt"] == 2, "the job was disturbed")


def profilers_of(parent):
    children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    pids = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    return [pid for pid in pids if b"stream-profiler" in command_line(pid)]


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # gone meanwhile
        return b""


def a_flame_graph_is_made_when_it_is_asked_for(stream):
    start(stream)
    with Server(stream) as server:
        client = Client(server.url)
        path = "/jobs/busy/vertices/totals/flamegraph?type=full"
        check(client.get(path) == {"endTimestamp": -3}, "the first answer")
        graph = wait_until("the graph", lambda: (lambda answer: answer if answer["endTimestamp"] > 0 else None)(client.get(path)))
        check(client.get(path) == graph, "it is kept")
        data = graph["data"]
        check(sorted(child["name"] for child in data["children"]) == ["totals.0", "totals.1"], f"{data['children']}")
        check(data["value"] == sum(child["value"] for child in data["children"]), "values do not add up")
        check("stream::RunLoop::run" in json.dumps(data), "names")
        client.refused("GET", "/jobs/busy/vertices/totals/flamegraph?type=some", 400, "none of full, on_cpu and off_cpu")
        stream.run("stream", "cancel", "busy")
        wait_until("its end", lambda: client.get(path) == {"endTimestamp": -1})


if __name__ == "__main__":
    main([what_a_stage_does_is_seen_by_name, a_picture_is_svg, programs_without_symbols_are_seen_as_far_as_can_be,
          who_is_asked_for_what_is_not_there_says_so, what_dies_meanwhile_is_no_fault, a_flame_graph_is_made_when_it_is_asked_for])
