#!/usr/bin/env python3
"""The catalogue of savepoints: made by rules of the manifest, marked, copied, let go; and kills at any moment of that.

usage: savepoint_catalogue.py PROGRAMS [TEST]...
"""

import hashlib
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "support"))

from harness import check, main, wait_until  # noqa: E402

SMALL = """pipeline: small
checkpoint: {interval: 200ms}
SAVEPOINTS
stages:
  rows: {run: generate, rows: 100000000, rate: 2000, columns: 'n % 50 as k, n'}
  totals: {run: aggregate, by: [k], compute: 'count(*) as c'}
  gone: {run: write-null}
"""


def catalogue(stream):
    return [json.loads(line) for line in stream.run("stream", "savepoint", "--list", "--json", "small").splitlines()]


def rules_said(stream):
    stream.run("stream", "savepoint", "--list", "small")
    return stream.last_stderr


def begin(stream, savepoints=""):
    stream.write("small.yaml", SMALL.replace("SAVEPOINTS", savepoints))
    stream.run("stream", "run", "-d", "small.yaml")
    said = stream.last_stderr
    stream.run("stream", "wait", "small", "--for", "checkpoint")
    return said


def make(stream, *options):
    return stream.run("stream", "savepoint", "small", *options).strip()


def verified(stream, path):
    """Whether the savepoint is whole and can be asked."""
    done = subprocess.run(["stream", "state", "query", str(path), "select count(*) as n from totals"], env=stream.environment,
                          cwd=stream.folder, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0 and "50" in done.stdout


def bytes_of(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in pathlib.Path(folder).iterdir()}


def killed_soon(stream, pick, most, *args):
    """Starts a verb and kills it within so many seconds, unless it was faster."""
    verb = stream.start("stream", *args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        verb.wait(timeout=pick.uniform(0, most))
    except subprocess.TimeoutExpired:
        verb.kill()
        verb.wait()


def the_manifest_says_when_and_where(stream):
    """In another folder, as archives; a reason for failing is told once; the supervisor's death changes nothing."""
    begin(stream, "savepoints: {every: 1s, keep: 2, archive: true, to: kept}")
    check("savepoints: one every 1s; keeps 2" in stream.run("stream", "explain", "small.yaml"), "explain")
    kept = stream.folder / "kept" / "small"
    failed = lambda: [e for e in stream.events("small") if e["kind"] == "savepoint-failed"]  # noqa: E731
    wait_until("the failure", failed)
    check("kept' does not exist" in failed()[0]["text"], failed())
    said = rules_said(stream)
    check("one every 1s; keeps 2; as archives; in" in said and "--every'" not in said, said)
    wait_until("the next time, twice", lambda: rules_said(stream) != said)
    said = rules_said(stream)
    wait_until("the next time, twice", lambda: rules_said(stream) != said)
    check(len(failed()) == 1, failed())
    check(not kept.parent.exists(), "the folder was made, where a disk may be missing")
    kept.parent.mkdir()
    first = wait_until("an archive", lambda: kept.exists() and [n for n in os.listdir(kept) if n.endswith(".tar.zst") and n[0] != "."])[0]
    stream.kill(stream.processes("small"))
    wait_until("the death of all", lambda: not stream.processes("small"))
    stream.run("stream", "resume", "small")
    wait_until("the first to go", lambda: not (kept / first).exists(), timeout=60)
    listed = [s["path"] for s in catalogue(stream) if s["there"]]
    check(listed and all(path.startswith(f"{kept}/") for path in listed), listed)
    stream.run("stream", "stop", "--no-savepoint", "small")
    listed = [s["path"] for s in catalogue(stream) if s["there"]]
    check(len(listed) <= 3 and verified(stream, listed[-1]), listed)
    check(verified(stream, "small@latest"), "small@latest")


def the_last_word_about_savepoints_holds(stream):
    """The verb's, until a manifest is run that says something else than it did before."""
    begin(stream, "savepoints: {every: 1h, keep: 5}")
    check("one every 1h; keeps 5; the next at" in rules_said(stream), stream.last_stderr)
    make(stream, "--every", "2h")
    check("this holds until the manifest says something else than now: one every 1h; keeps 5" in stream.last_stderr, stream.last_stderr)
    check("one every 2h; the next at" in rules_said(stream) and "said by 'stream savepoint --every'" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "stop", "--no-savepoint", "small")
    said = begin(stream, "savepoints: {every: 1h, keep: 5}")
    check("as 'stream savepoint --every' has said: one every 2h; the manifest says one every 1h; keeps 5" in said, said)
    stream.write("small.yaml", SMALL.replace("SAVEPOINTS", "savepoints: {every: 3h}"))
    stream.run("stream", "upgrade", "small", "small.yaml")
    check("one every 3h; the next" in rules_said(stream) and "--every'" not in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "stop", "--no-savepoint", "small")
    make(stream, "--every", "off")
    check("none by itself; said by" in rules_said(stream) or "one every" not in stream.last_stderr, stream.last_stderr)
    begin(stream, "savepoints: {every: 4h, to: ., single-file: true}")
    check(f"one every 4h; as single files; in {stream.folder}/small; the next" in rules_said(stream).replace("//", "/"), stream.last_stderr)
    begin_again = stream.run("stream", "stop", "--no-savepoint", "small")
    check(not begin_again, begin_again)
    begin(stream)
    check("one every" not in rules_said(stream), "the manifest says nothing any more")
    stream.run("stream", "cancel", "small")


def what_is_said_of_a_savepoint_can_be_changed(stream):
    """Of a job that runs and of one that does not; not a byte of the savepoint changes."""
    begin(stream)
    first, second = make(stream, "--label", "one"), make(stream)
    whole = bytes_of(first)
    mark = lambda *args, **kwargs: stream.run("stream", "savepoint", "--mark", *args, **kwargs)  # noqa: E731
    for state in ("it runs", "it does not"):
        mark("small@one", "--note", "the figures were checked")
        mark("small@one", "--label", "good")
        said = {s["path"]: (s["label"], s["note"]) for s in catalogue(stream)}
        check(said[first] == ("good", "the figures were checked"), f"{state}: {said}")
        check("the figures were checked" in stream.run("stream", "savepoint", "--list", "small"), "--list")
        mark(second, "--label", "good", expect=1)
        check("label 'good' is taken by another savepoint" in stream.last_stderr, stream.last_stderr)
        mark("small@good", "--label", "good")
        mark("small@good", "--label", "", "--note", "")
        check({s["path"]: (s["label"], s["note"]) for s in catalogue(stream)}[first] == ("", ""), state)
        mark(first, "--label", "one")
        for wrong in (["small@one"], ["small@one", "--label", "Not This"], ["small@one", "--label", "latest"], ["small@none", "--note", "x"],
                      ["small@one", "--note", "x", "--list"], ["small@one", "--note", "x", "--archive"]):
            mark(*wrong, expect=100)
        check(bytes_of(first) == whole and verified(stream, "small@one"), "the savepoint was changed")
        shutil.copytree(first, stream.folder / f"copy {state}")
        mark(stream.folder / f"copy {state}", "--note", "x", expect=100)
        check("in the catalogue of no job" in stream.last_stderr, stream.last_stderr)
        if state == "it runs":
            stream.run("stream", "stop", "--no-savepoint", "small")
    stream.run("stream", "check", "small.yaml", "--against", "small@one")
    pick = random.Random(3)
    for turn in range(8):
        killed_soon(stream, pick, 0.03, "savepoint", "--mark", first, "--label", f"l{turn}", "--note", f"n{turn}")
        now = {s["path"]: (s["label"], s["note"]) for s in catalogue(stream)}[first]
        check(now == ("one", "") or now[0][1:] == now[1][1:], f"half of it was said: {now}")


def what_is_marked_stays_and_what_is_not_goes(stream):
    begin(stream)
    paths = [make(stream) for _ in range(4)]
    stream.run("stream", "savepoint", "--mark", paths[0], "--note", "the first")
    make(stream, "--every", "1h", "--keep", "1")
    wait_until("two to go", lambda: [s["path"] for s in catalogue(stream)] == [paths[0], paths[3]])
    stream.run("stream", "savepoint", "--mark", paths[0], "--note", "")
    stream.run("stream", "gc", "small")
    wait_until("the first to go", lambda: [s["path"] for s in catalogue(stream)] == [paths[3]])
    check(not os.path.exists(paths[0]) and os.path.exists(paths[3]), "not deleted")
    stream.run("stream", "cancel", "small")


def a_copy_is_in_the_catalogue_too(stream):
    """--pack and --unpack, of a job that runs and of one that does not; both forms are one to retention."""
    begin(stream)
    first = make(stream, "--label", "one", "--note", "of friday")
    packed = stream.run("stream", "savepoint", "--pack", "small@one").strip()
    listed = catalogue(stream)
    check([s["path"] for s in listed] == [first, packed], listed)
    check(listed[0]["epoch"] == listed[1]["epoch"] and listed[1]["label"] == "" and listed[1]["note"] == "of friday", listed)
    check(0 < listed[1]["bytes"] < listed[0]["bytes"] and listed[1]["created_us"] == listed[0]["created_us"], listed)
    again = stream.run("stream", "savepoint", "--pack", "small@one").strip()  # as if it had been interrupted at the end
    check(again == packed and len(catalogue(stream)) == 2, "packed twice")
    other = make(stream)
    stream.run("stream", "savepoint", "--pack", other, "--to", packed, expect=100)
    check("exists" in stream.last_stderr, stream.last_stderr)
    check(stream.run("stream", "state", "query", f"small@{listed[0]['epoch']}", "select count(*) as n from totals"), "JOB@N")
    stream.run("stream", "stop", "--no-savepoint", "small")
    elsewhere = stream.run("stream", "savepoint", "--unpack", packed, "--to", stream.folder / "elsewhere").strip()
    check(elsewhere in [s["path"] for s in catalogue(stream)] and verified(stream, elsewhere), catalogue(stream))
    stream.run("stream", "savepoint", "--delete", elsewhere)
    stream.run("stream", "savepoint", "--delete", "small@one")
    check([s["path"] for s in catalogue(stream)] == [packed, other] and not os.path.exists(first), catalogue(stream))
    check(verified(stream, f"small@{listed[0]['epoch']}"), "the copy is found by the number")
    stream.run("stream", "savepoint", "--mark", packed, "--note", "")
    second = stream.run("stream", "savepoint", "--pack", other).strip()
    begin(stream)
    third = make(stream)
    make(stream, "--every", "1h", "--keep", "2")
    wait_until("the oldest to go", lambda: not os.path.exists(packed))
    check([s["path"] for s in catalogue(stream)] == [other, second, third], f"a copy counts as another one: {catalogue(stream)}")
    make(stream, "--every", "1h", "--keep", "1")
    wait_until("both forms to go", lambda: [s["path"] for s in catalogue(stream)] == [third])
    check(not os.path.exists(other) and not os.path.exists(second), "half of it is left")
    stream.run("stream", "cancel", "small")


def packing_that_is_killed_is_done_again(stream):
    """Whenever it is killed: the same command ends it, and the catalogue has the copy once."""
    begin(stream)
    make(stream, "--label", "one")
    for state in ("it runs", "it does not"):
        target = stream.folder / f"{state[-4:].strip()}.tar.zst"
        pick = random.Random(5)
        for turn in range(10):
            killed_soon(stream, pick, 0.02 + 0.01 * turn, "savepoint", "--pack", "small@one", "--to", target)
            check(not target.exists() or verified(stream, target), "a half-written archive")
            copies = [s for s in catalogue(stream) if s["path"] == str(target)]
            check(len(copies) <= 1 and all(s["there"] for s in copies), copies)
        stream.run("stream", "savepoint", "--pack", "small@one", "--to", target)
        check([s["path"] for s in catalogue(stream)].count(str(target)) == 1, catalogue(stream))
        check(not [name for name in os.listdir(stream.folder) if "partial" in name], os.listdir(stream.folder))
        stream.run("stream", "savepoint", "--delete", target)
        if state == "it runs":
            stream.run("stream", "stop", "--no-savepoint", "small")


def all_is_killed_while_savepoints_come_and_go(stream):
    """What is listed is whole, what is there is listed, what has a label stays, and gc finds nothing half-made."""
    killed_again_and_again(stream, "", stream.home("small") / "savepoints", 8)


def so_it_is_with_archives_elsewhere(stream):
    (stream.folder / "kept").mkdir()
    killed_again_and_again(stream, ", archive: true, to: kept", stream.folder / "kept/small", 4)


def killed_again_and_again(stream, rules, folder, turns):
    begin(stream, f"savepoints: {{every: 1s, keep: 1{rules}}}")
    labelled = make(stream, "--label", "mine")
    wait_until("the first", folder.exists)
    pick = random.Random(13)
    for turn in range(turns):
        seen = {name for name in os.listdir(folder) if name[0] != "."}
        gone = lambda: (seen.update(n for n in os.listdir(folder) if n[0] != "."), seen - set(os.listdir(folder)))[1]  # noqa: E731
        moments = {0: lambda: any("partial" in name for name in os.listdir(folder)),  # it is being made, or deleted
                   1: lambda: {n for n in os.listdir(folder) if n[0] != "."} - seen,  # it has come
                   2: gone,
                   3: lambda: time.monotonic() > until}
        until = time.monotonic() + pick.uniform(0, 1)
        wait_until(f"moment {turn % 4}", moments[turn % 4], interval=0.0002)
        stream.kill(stream.processes("small"))
        wait_until("the death of all", lambda: not stream.processes("small"))
        if turn % 2:
            stream.run("stream", "gc", "small")
            check(not stream.run("stream", "gc", "--dry-run", "small"), "gc leaves something over")
            check(not [name for name in os.listdir(folder) if name[0] == "."], os.listdir(folder))
        for savepoint in catalogue(stream):
            check(not savepoint["there"] or verified(stream, savepoint["path"]), f"turn {turn}: {savepoint}")
        stream.run("stream", "run", "-d", "small.yaml")
        check(os.path.exists(labelled), "the one with a label is gone")
    stream.run("stream", "savepoint", "small", "--every", "off")
    stream.run("stream", "stop", "--no-savepoint", "small")
    stream.run("stream", "gc", "small")
    listed = [s for s in catalogue(stream) if s["there"]]
    check({str(folder / name) for name in os.listdir(folder)} | {labelled} == {s["path"] for s in listed}, f"{os.listdir(folder)}, {listed}")
    check(all(verified(stream, s["path"]) for s in listed), listed)


def a_job_of_an_earlier_version_keeps_its_rules(stream):
    """Its store has them in another table."""
    begin(stream)
    stream.run("stream", "stop", "--no-savepoint", "small")
    with sqlite3.connect(stream.home("small") / "job.sqlite") as store:
        store.execute("drop table savepoint_rules")
        store.execute("insert into savepoint_schedule values (1, 7200000000, 3, 0, 99)")
    check("one every 2h; keeps 3" in rules_said(stream), stream.last_stderr)
    check("one every 2h; keeps 3" in rules_said(stream), "the second time")


if __name__ == "__main__":
    main([the_manifest_says_when_and_where, the_last_word_about_savepoints_holds, what_is_said_of_a_savepoint_can_be_changed,
          what_is_marked_stays_and_what_is_not_goes, a_copy_is_in_the_catalogue_too, packing_that_is_killed_is_done_again,
          all_is_killed_while_savepoints_come_and_go, so_it_is_with_archives_elsewhere, a_job_of_an_earlier_version_keeps_its_rules])
