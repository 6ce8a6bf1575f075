#!/usr/bin/env python3
"""Adds to the corpus what the programs of one version write: `make.py PROGRAMS NAME [early]`.

Run it once for every format version that is released, with the programs of that release, and commit what it makes:

    NAME/savepoint.tar.zst   a savepoint, a folder
    NAME/single.tar.zst      the same as a single file
    NAME/job.tar.zst         the folder of the job: job.sqlite and checkpoints
    NAME/out.tar.zst         what had been written
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from harness import Stream, wait_until  # noqa: E402
import pipeline  # noqa: E402


def pack(archive, folder, name):
    subprocess.run(["tar", "--zstd", "--owner=0", "--group=0", "-cf", archive, "-C", folder, name], check=True)


def read_all(stream):
    """Whether every row has been counted and committed."""
    done = subprocess.run(["sqlite3", stream.folder / "out.db", "select sum(c) from totals"], capture_output=True, text=True, check=False)
    return done.stdout.strip() == str(pipeline.HALF)


def main():
    """Makes one entry."""
    target = HERE / sys.argv[2]
    target.mkdir()
    with Stream(sys.argv[1]) as stream:
        stream.write("in.ndjson", pipeline.rows(0, pipeline.HALF))
        stages = pipeline.EARLY if sys.argv[3:] == ["early"] else list(pipeline.STAGES)
        stream.write("kept.yaml", pipeline.manifest(stages))
        stream.run("stream", "run", "-d", "kept.yaml")
        wait_until("the first half", lambda: read_all(stream))
        single = pathlib.Path(stream.run("stream", "savepoint", "kept", "--single-file").strip())
        folder = pathlib.Path(stream.run("stream", "stop", "kept", "--to", stream.folder / "savepoint").strip())
        pack(target / "savepoint.tar.zst", folder.parent, folder.name)
        pack(target / "single.tar.zst", single.parent, single.name)
        for table in ("logs", "savepoints", "scratch"):
            subprocess.run(["rm", "-rf", stream.home("kept") / table], check=True)
        pack(target / "job.tar.zst", stream.home("kept").parent, "kept")
        subprocess.run(["sqlite3", stream.folder / "out.db", "pragma journal_mode = delete"], check=True, capture_output=True)
        pack(target / "out.tar.zst", stream.folder, "out.db")


if __name__ == "__main__":
    main()
