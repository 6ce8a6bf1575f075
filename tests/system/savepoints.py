#!/usr/bin/env python3
"""Savepoints as things to hold: archives, taking them elsewhere, the catalogue, and kills at any moment.

usage: savepoints.py PROGRAMS [TEST]...
"""

import fcntl
import json
import os
import pathlib
import re
import random
import shutil
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "corpus")]

from harness import check, main, wait_until  # noqa: E402
import pipeline  # noqa: E402

STAGES = list(pipeline.STAGES)
SMALL = """pipeline: small
checkpoint: {interval: 200ms}
stages:
  rows: {run: generate, rows: 100000000, rate: 2000, columns: 'n % 50 as k, n'}
  totals: {run: aggregate, by: [k], compute: 'count(*) as c'}
  gone: {run: write-null}
"""


def sql(path, text):
    return subprocess.run(["sqlite3", "-list", path, text], capture_output=True, text=True, check=False).stdout


def tables(folder):
    return {name: sorted(sql(folder / "out.db", f"select * from {name}").splitlines()) for name in STAGES}


def counted(folder, rows):
    wait_until(f"{rows} rows", lambda: sql(folder / "out.db", "select sum(c) from totals").strip() == str(rows))


def begin(stream, folder, rows):
    stream.write(f"{folder.name}/in.ndjson", pipeline.rows(0, rows))
    stream.write(f"{folder.name}/kept.yaml", pipeline.manifest(STAGES))
    stream.run("stream", "run", "-d", folder / "kept.yaml")
    counted(folder, rows)


def finish(stream, folder):
    counted(folder, pipeline.ROWS)
    stream.run("stream", "stop", "--drain", "--no-savepoint", "kept")


def catalogue(stream, job="small"):
    return [json.loads(line) for line in stream.run("stream", "savepoint", "--list", "--json", job).splitlines()]


def start_small(stream):
    stream.write("small.yaml", SMALL)
    stream.run("stream", "run", "-d", "small.yaml")
    stream.run("stream", "wait", "small", "--for", "checkpoint")


def an_archive_taken_elsewhere_goes_on_as_if_nothing_had_happened(stream):
    """Windows, sessions, joins, ranks and patterns in flight; where it was made is gone, as is the job."""
    never = stream.folder / "never"
    begin(stream, never, pipeline.ROWS)
    finish(stream, never)
    stream.run("rm", "-rf", stream.home("kept"))
    here, there = stream.folder / "here", stream.folder / "there"
    begin(stream, here, pipeline.HALF)
    stopped = stream.run("stream", "stop", "kept").strip()
    archive = stream.run("stream", "savepoint", "--pack", stopped, "--to", stream.folder / "carried.tar.zst").strip()
    there.mkdir()
    for name in ("out.db", "kept.yaml"):
        shutil.copy(here / name, there / name)
    shutil.rmtree(here)
    stream.run("rm", "-rf", stream.home("kept"))
    stream.write("there/in.ndjson", pipeline.rows(0, pipeline.ROWS))
    stream.run("stream", "check", there / "kept.yaml", "--against", archive)
    stream.run("stream", "run", "-d", there / "kept.yaml", "--from", archive)
    finish(stream, there)
    expected, got = tables(never), tables(there)
    for name in STAGES:
        check(got[name] == expected[name], f"{name}: {len(got[name])} rows, not {len(expected[name])}")
    check(not os.listdir(stream.folder / "home" / ".unpacked"), "the archive is still unpacked")


def ordinary_tools_open_it_and_it_lies_read_only(stream):
    """tar and sqlite3 read an archive; every verb does from a folder nobody can write to; another user can, too."""
    start_small(stream)
    archive = pathlib.Path(stream.run("stream", "savepoint", "small", "--archive", "--to", stream.folder / "ro/a.tar.zst").strip())
    stream.run("tar", "--zstd", "-xf", archive, "-C", stream.folder)
    check(int(sql(stream.folder / "a/totals.0.sqlite", "select count(*) from totals")) == 50, "rows of the unpacked table")
    folder = pathlib.Path(stream.run("stream", "savepoint", "--unpack", archive).strip())
    check(folder == archive.parent / "a", folder)
    archive.parent.chmod(0o555)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    home = stream.folder / "nobody"
    home.mkdir()
    home.chmod(0o777)
    stream.folder.chmod(0o755)
    environment = dict(stream.environment, STREAM_HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
    for reference in (archive, folder):
        done = subprocess.run([*user, str(stream.programs / "stream"), "state", "query", str(reference), "select count(*) as n from totals"],
                              env=environment, cwd=home, capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == 0 and "50" in done.stdout, f"{reference}: {done.stdout}{done.stderr}")
    archive.parent.chmod(0o755)
    stream.run("stream", "cancel", "small")


def checkpoints_go_on_while_a_savepoint_is_built(stream):
    """However long it takes: here somebody keeps the folder that it goes to."""
    start_small(stream)
    folder = stream.folder / "kept"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    asked = stream.start("stream", "savepoint", "small", "--to", folder / "one", stdout=subprocess.PIPE)
    begun = "select count(*) from savepoint_facts where building"
    wait_until("the savepoint to be begun", lambda: sql(stream.home("small") / "job.sqlite", begun).strip() == "1")
    for _ in range(3):
        stream.run("stream", "wait", "small", "--for", "checkpoint", "--timeout", "100s")
    check(asked.poll() is None, "the savepoint did not wait for its folder")
    os.close(handle)
    check(asked.communicate(timeout=60)[0].strip() == str(folder / "one"), "it was made elsewhere")
    stream.run("stream", "cancel", "small")


def the_catalogue_says_what_there_is(stream):
    """Labels, notes, sizes, forms; what is gone is said to be."""
    start_small(stream)
    first = stream.run("stream", "savepoint", "small", "--label", "one", "--note", "before the change").strip()
    second = stream.run("stream", "savepoint", "small", "--archive").strip()
    check(second.endswith(".tar.zst"), second)
    listed = catalogue(stream)
    check([s["path"] for s in listed] == [first, second], listed)
    check(listed[0]["note"] == "before the change" and listed[0]["label"] == "one" and listed[0]["written_by"], listed)
    check(listed[0]["bytes"] > listed[1]["bytes"] > 0, listed)
    check(json.loads(stream.run("stream", "savepoint", "--list", "--json").splitlines()[0])["job"] == "small", "of all jobs")
    check("50" in stream.run("stream", "state", "query", "small@one", "select count(*) as n from totals"), "small@one")
    check("50" in stream.run("stream", "state", "query", "small@latest", "select count(*) as n from totals"), "small@latest")
    os.unlink(second)
    check([s["there"] for s in catalogue(stream)] == [True, False], "the archive is gone")
    stream.run("stream", "savepoint", "--delete", f"small@{listed[1]['epoch']}")
    stream.run("stream", "savepoint", "--delete", "small@one")
    check(not catalogue(stream) and not os.path.exists(first), "both are deleted")
    stream.run("stream", "cancel", "small")


def savepoints_that_make_themselves(stream):
    """They go on over a kill of the supervisor, the oldest go, those with a label stay, and 'off' stops them."""
    start_small(stream)
    stream.run("stream", "savepoint", "small", "--label", "mine")
    stream.run("stream", "savepoint", "small", "--every", "1s", "--keep", "2")
    own = lambda: [s["epoch"] for s in catalogue(stream) if not s["label"]]  # noqa: E731
    seen = wait_until("two savepoints", lambda: len(own()) >= 2 and own())
    stream.kill(stream.processes("small"))
    stream.run("stream", "run", "-d", "small.yaml")
    wait_until("two newer ones", lambda: len(own()) == 2 and min(own()) > max(seen))
    check([s["label"] for s in catalogue(stream)].count("mine") == 1, "the one with a label is gone")
    stream.run("stream", "savepoint", "small", "--every", "off")
    stream.run("stream", "checkpoint", "small")  # what was under way is over
    last = own()
    stream.run("stream", "savepoint", "small", "--label", "later")
    check(own() in (last, last[1:], last[:2]) or len(own()) <= 3, f"{own()} after {last}")
    for wrong in (["--every", "0s"], ["--every", "soon"], ["--keep", "2"], ["--every", "1h", "--list"], ["--every", "off", "--keep", "2"]):
        stream.run("stream", "savepoint", "small", *wrong, expect=100)
    stream.run("stream", "stop", "--no-savepoint", "small")
    stream.run("stream", "savepoint", "small", "--every", "1h", "--keep-for", "30d")
    stream.run("stream", "savepoint", "--list", "small")
    check("every 1h" in stream.last_stderr, stream.last_stderr)


def verified(stream, path):
    """Whether the savepoint is whole and can be asked."""
    done = subprocess.run(["stream", "state", "query", str(path), "select count(*) as n from totals"], env=stream.environment,
                          cwd=stream.folder, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0 and "50" in done.stdout


def the_supervisor_killed_at_any_moment_loses_no_savepoint(stream):
    """Whatever was listed before is listed and whole; what is listed is whole; nothing half-written stays."""
    start_small(stream)
    pick = random.Random(7)
    promised = []
    for round_number in range(8):
        form = [[], ["--archive"], ["--single-file"]][round_number % 3]
        asking = stream.start("stream", "savepoint", "small", *form, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            asking.wait(timeout=pick.uniform(0, 0.15))
        except subprocess.TimeoutExpired:
            pass
        supervisor = json.loads(stream.run("stream", "show", "--json", "small"))["supervisor_pid"] if round_number == 0 else None
        stream.kill([supervisor] if supervisor else stream.processes("small"))
        path = asking.communicate(timeout=60)[0].strip()
        promised += [path] if path else []
        wait_until("the death of all", lambda: not stream.processes("small"))
        stream.run("stream", "run", "-d", "small.yaml")
        stream.run("stream", "wait", "small", "--for", "running")
    listed = [s["path"] for s in catalogue(stream)]
    check(set(promised) <= set(listed), f"promised {promised}, listed {listed}")
    for path in listed:
        check(verified(stream, path), path)
    folder = stream.home("small") / "savepoints"
    check({str(folder / name) for name in os.listdir(folder)} == {p for p in listed if p.startswith(str(folder))}, os.listdir(folder))
    stream.run("stream", "cancel", "small")


def packing_and_deleting_killed_at_any_moment_can_be_done_again(stream):
    """The verbs of a job that does not run: there is a whole archive or none, a whole savepoint or none."""
    start_small(stream)
    stream.run("stream", "savepoint", "small", "--label", "one")
    stream.run("stream", "stop", "--no-savepoint", "small")
    source = catalogue(stream)[0]["path"]
    target = source + ".tar.zst"
    pick = random.Random(11)
    for _ in range(12):
        packing = stream.start("stream", "savepoint", "--pack", "small@one", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            packing.wait(timeout=pick.uniform(0, 0.08))
        except subprocess.TimeoutExpired:
            packing.kill()
            packing.wait()
        check(not os.path.exists(target) or verified(stream, target), "a half-written archive")
        if os.path.exists(target):
            os.unlink(target)
    stream.run("stream", "savepoint", "--pack", "small@one")
    for _ in range(6):
        unpacked = stream.folder / "again"
        unpacking = stream.start("stream", "savepoint", "--unpack", target, "--to", unpacked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            unpacking.wait(timeout=pick.uniform(0, 0.08))
        except subprocess.TimeoutExpired:
            unpacking.kill()
            unpacking.wait()
        check(not unpacked.exists() or verified(stream, unpacked), "half unpacked")
        shutil.rmtree(unpacked, ignore_errors=True)
    while os.path.exists(source):
        deleting = stream.start("stream", "savepoint", "--delete", "small@one", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deleting.wait(timeout=pick.uniform(0, 0.05))
        except subprocess.TimeoutExpired:
            deleting.kill()
            deleting.wait()
        check(not os.path.exists(source) or verified(stream, source), "half deleted")
    stream.run("stream", "savepoint", "--delete", "small@one", expect=None)
    check(not [s for s in catalogue(stream) if s["label"] == "one"], "it is still listed")
    os.unlink(target)
    stream.run("stream", "gc")
    check(not stream.run("stream", "gc", "--dry-run"), "something is left over")
    check(not os.listdir(stream.home("small") / "savepoints"), "leftovers")


def nothing_is_made_of_what_is_altered(stream, single):
    """What is made of a savepoint is sealed anew, so that nobody would see any more that it was altered."""
    start_small(stream)
    made = pathlib.Path(stream.run("stream", "savepoint", "small", *single, "--to", stream.folder / f"s{len(single)}").strip())
    stream.run("stream", "cancel", "small")
    path = made if single else next(file for file in made.iterdir() if file.name.startswith("totals"))
    path.chmod(0o644)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    for command in (["state", "edit", made, "delete from counts", "--to", "y"], ["state", "reshard", made, "--key-groups", "64", "--to", "y"],
                    ["state", "merge", made, made, "--to", "y"], ["state", "split", made, "--to", "y", "--to", "z"],
                    ["check", "small.yaml", "--against", made], ["run", "-d", "--name", "other", "small.yaml", "--from", made]):
        stream.run("stream", *command, expect=None)
        check(re.search("SHA-256|hash", stream.last_stderr), f"{command}: {stream.last_stderr}")
        check(not (stream.folder / "y").exists(), f"{command}: made nevertheless")


def what_is_altered_is_refused_by_every_verb(stream):
    """One byte of an archive; run, check, state and unpack say so, and delete does not touch what is no savepoint."""
    start_small(stream)
    archive = pathlib.Path(stream.run("stream", "savepoint", "small", "--archive", "--to", stream.folder / "a.tar.zst").strip())
    stream.run("stream", "cancel", "small")
    whole = archive.read_bytes()
    middle = len(whole) * 2 // 3
    archive.unlink()
    archive.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:])
    for command in (["state", "ls", archive], ["run", "-d", "small.yaml", "--from", archive], ["savepoint", "--unpack", archive, "--to", "x"]):
        stream.run("stream", *command, expect=None)
        check("fatal" in stream.last_stderr and str(archive) in stream.last_stderr, f"{command}: {stream.last_stderr}")
    check(not (stream.folder / "x").exists(), "unpacked nevertheless")
    for single in ((), ("--single-file",)):
        nothing_is_made_of_what_is_altered(stream, single)
    stream.write("notes.txt", "not a savepoint")
    stream.run("tar", "--zstd", "-cf", "notes.tar.zst", "notes.txt")
    stream.run("stream", "savepoint", "--delete", "./notes.tar.zst", expect=100)
    check((stream.folder / "notes.tar.zst").exists(), "a stranger's file was deleted")


if __name__ == "__main__":
    main([an_archive_taken_elsewhere_goes_on_as_if_nothing_had_happened, ordinary_tools_open_it_and_it_lies_read_only,
          checkpoints_go_on_while_a_savepoint_is_built, the_catalogue_says_what_there_is, savepoints_that_make_themselves,
          the_supervisor_killed_at_any_moment_loses_no_savepoint, packing_and_deleting_killed_at_any_moment_can_be_done_again,
          what_is_altered_is_refused_by_every_verb])
