#!/usr/bin/env python3
"""What earlier versions have written is opened and run for ever: tests/corpus, one folder a version.

usage: corpus.py PROGRAMS [TEST]...
"""

import pathlib
import shutil
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "corpus")]

from harness import check, main, wait_until  # noqa: E402
import pipeline  # noqa: E402

ENTRIES = sorted(entry for entry in (TESTS / "corpus").iterdir() if (entry / "savepoint.tar.zst").exists())


def unpack(archive, folder):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", folder], check=True)


def sql(stream, path, text):
    done = subprocess.run(["sqlite3", "-list", path, text], capture_output=True, text=True, check=False, cwd=stream.folder)
    return done.stdout


def stages_of(entry):
    return pipeline.EARLY if entry.name == "before-records" else list(pipeline.STAGES)


def tables(stream, folder, stages):
    """Every table as a set of rows, as text."""
    return {name: sorted(sql(stream, folder / "out.db", f"select * from {name}").splitlines()) for name in stages}


def finish(stream, folder):
    """Lets the job read everything, fires all windows, and ends it."""
    wait_until("the last row", lambda: sql(stream, folder / "out.db", "select sum(c) from totals").strip() == str(pipeline.ROWS))
    stream.run("stream", "stop", "--drain", "--no-savepoint", "kept")
    stream.run("rm", "-rf", stream.home("kept"))


def undisturbed(stream, stages):
    """What a run that never stopped writes."""
    folder = stream.folder / f"never-{len(stages)}"
    if not folder.exists():
        stream.write(f"{folder.name}/in.ndjson", pipeline.rows(0, pipeline.ROWS))
        stream.write(f"{folder.name}/kept.yaml", pipeline.manifest(stages))
        stream.run("stream", "run", "-d", folder / "kept.yaml")
        finish(stream, folder)
    return tables(stream, folder, stages)


def goes_on(stream, entry, reference):
    """From the savepoint, in another folder than it was made in: the result is that of a run that never stopped."""
    stages = stages_of(entry)
    folder = stream.folder / f"{entry.name}-{reference.name}"
    unpack(entry / "out.tar.zst", folder)
    stream.write(f"{folder.name}/in.ndjson", pipeline.rows(0, pipeline.ROWS))
    stream.write(f"{folder.name}/kept.yaml", pipeline.manifest(stages))
    stream.run("stream", "run", "-d", folder / "kept.yaml", "--from", reference)
    finish(stream, folder)
    expected, got = undisturbed(stream, stages), tables(stream, folder, stages)
    for name in stages:
        check(got[name] == expected[name], f"{entry.name}, {reference.name}, {name}: {len(got[name])} rows, not {len(expected[name])}: "
              f"{sorted(set(got[name]) ^ set(expected[name]))[:6]}")


def every_version_goes_on_as_if_it_had_never_stopped(stream):
    """Each form once for each version."""
    check(len(ENTRIES) >= 3, "the corpus is gone")
    for entry in ENTRIES:
        for form in ("savepoint", "single"):
            goes_on(stream, entry, entry / f"{form}.tar.zst")


def every_version_can_be_asked(stream):
    """Savepoints, and the checkpoints and the store of a job."""
    for entry in ENTRIES:
        counted = stream.run("stream", "state", "query", "--json", entry / "savepoint.tar.zst", 'select sum("c") as n from totals')
        check(counted == f'{{"n":{pipeline.HALF}}}\n' or str(pipeline.HALF) in counted, f"{entry.name}: {counted}")
        unpack(entry / "job.tar.zst", stream.folder / "home")
        check("kept" in stream.run("stream", "show", "kept"), entry.name)
        check(str(pipeline.HALF) in stream.run("stream", "state", "query", "kept", 'select sum("c") as n from totals'), f"{entry.name}: checkpoint")
        check("(gone)" in stream.run("stream", "savepoint", "--list", "kept"), f"{entry.name}: list")
        shutil.rmtree(stream.folder / "home" / "kept")


def a_later_format_is_refused_with_what_is_needed(stream):
    """A file whose version is raised says which version of stream to use."""
    unpack(ENTRIES[-1] / "savepoint.tar.zst", stream.folder)
    for path in ("savepoint/savepoint.sqlite", "savepoint/totals.0.sqlite"):
        (stream.folder / path).chmod(0o600)
    sql(stream, "savepoint/savepoint.sqlite", "pragma user_version = 1000; update checkpoint set written_by = '7.3.0'")
    stream.run("stream", "state", "ls", "./savepoint", expect=100)
    check("1000" in stream.last_stderr and "use stream 7.3.0 or later" in stream.last_stderr, stream.last_stderr)
    unpack(ENTRIES[-1] / "savepoint.tar.zst", stream.folder)
    (stream.folder / "savepoint/totals.0.sqlite").chmod(0o600)
    sql(stream, "savepoint/totals.0.sqlite", "pragma user_version = 1000")
    stream.run("stream", "state", "ls", "./savepoint", expect=100)
    check("use stream of the version that wrote it" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([every_version_goes_on_as_if_it_had_never_stopped, every_version_can_be_asked, a_later_format_is_refused_with_what_is_needed])
