"""Checkpoints below a folder on another file system, as one that several hosts reach, with copies on this host."""

import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

JOB = """
pipeline: elsewhere
checkpoint: {interval: 1h, path: SHARE}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 100}
stages:
  made: {run: generate, columns: "n % 1000 as k, n as v", rows: 1000000, rate: 20000}
  totals: {run: aggregate, by: [k], compute: {n: count(*), total: sum(v)}}
  out: {run: write-sqlite, path: totals.db, table: totals}
"""


class Share:
    """A folder on another file system than the tests' folders; removed at the end."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="stream-share-", dir="/dev/shm"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def start(stream, share, *options):
    stream.write("elsewhere.yaml", JOB.replace("SHARE", str(share)))
    stream.run("stream", "run", "-d", "elsewhere.yaml", *options)


def totals(stream):
    with sqlite3.connect(stream.folder / "totals.db") as db:
        return db.execute("select k, n, total from totals order by k").fetchall()


def files(folder):
    """Snapshot files, without indexes."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.sqlite") if path.name != "checkpoint.sqlite")


def restart_all(stream):
    before = stream.instances("elsewhere")
    stream.kill([stream.pid("elsewhere", "totals.0")])
    wait_until("the next attempt", lambda: len(now := stream.instances("elsewhere")) == len(before) and not set(now.values()) & set(before.values()))
    stream.run("stream", "wait", "--for", "running", "elsewhere")


def finished(stream):
    """Its input ends here, whatever has come of it."""
    def every_key_has_come():
        stream.run("stream", "checkpoint", "elsewhere")
        return sum(n for _, n, _ in totals(stream)) >= 1000
    wait_until("a row of every key", every_key_has_come)
    stream.run("stream", "stop", "--drain", "--no-savepoint", "elsewhere")
    rows = sum(n for _, n, _ in totals(stream))
    wanted = [(k, len(range(k, rows, 1000)), sum(range(k, rows, 1000))) for k in range(1000)]
    check(rows >= 1000 and totals(stream) == wanted, f"{totals(stream)[:3]} …")


def instances_are_restored_from_the_copies_here(stream):
    """What the share has of the checkpoint is out of reach while they start."""
    with Share() as share:
        start(stream, share)
        stream.run("stream", "checkpoint", "elsewhere")
        stream.run("stream", "checkpoint", "elsewhere")
        local = stream.home("elsewhere") / "local"
        check(files(local) and files(local) == files(share / "elsewhere"), f"{files(local)}, {files(share / 'elsewhere')}")
        (share / "elsewhere").rename(share / "away")
        (share / "elsewhere").mkdir()
        restart_all(stream)
        (share / "elsewhere").rmdir()
        (share / "away").rename(share / "elsewhere")
        finished(stream)


def a_damaged_or_missing_copy_does_no_harm(stream):
    with Share() as share:
        start(stream, share)
        stream.run("stream", "checkpoint", "elsewhere")
        local = stream.home("elsewhere") / "local"
        for name in files(local):
            path = local / name
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"x")
        restart_all(stream)
        stream.run("stream", "checkpoint", "elsewhere")
        shutil.rmtree(local)
        restart_all(stream)
        stream.kill(stream.processes("elsewhere"))
        wait_until("its end", lambda: not stream.processes("elsewhere"))
        stream.run("stream", "run", "-d", "elsewhere.yaml")
        finished(stream)


def copies_go_when_their_originals_go(stream):
    with Share() as share:
        start(stream, share)
        stream.run("stream", "checkpoint", "elsewhere")
        local = stream.home("elsewhere") / "local"
        (local / "0").mkdir()
        (local / "0" / "totals.0.a0.sqlite").write_text("of a checkpoint that is not kept")
        stream.run("stream", "checkpoint", "elsewhere")
        wait_until("what is not kept to be gone", lambda: files(local) == files(share / "elsewhere") and not (local / "0").exists())
        stream.run("stream", "cancel", "elsewhere")
        stream.run("stream", "run", "-d", "--fresh", "elsewhere.yaml", "--set", "stages.out.if-exists=replace")
        check(not files(local), f"copies of an earlier run: {files(local)}")


def refused(stream):
    stream.run("stream", "run", "-d", "elsewhere.yaml", expect=1)
    return stream.last_stderr


def a_place_belongs_to_one_job(stream):
    with Share() as share:
        start(stream, share)
        stream.run("stream", "checkpoint", "elsewhere")
        stream.run("stream", "stop", "--no-savepoint", "elsewhere")
        here = stream.environment["STREAM_HOME"]
        stream.environment["STREAM_HOME"] = str(stream.folder / "other-home")
        said = refused(stream)
        check("those of the job in" in said and f"{here}/elsewhere" in said and "elsewhere.owner' if that one is gone" in said, said)
        stream.environment["STREAM_HOME"] = here
        stream.run("stream", "run", "-d", "elsewhere.yaml")
        finished(stream)


def a_job_that_goes_on_keeps_its_place(stream):
    with Share() as share, Share() as other:
        start(stream, share)
        stream.run("stream", "checkpoint", "elsewhere")
        stream.run("stream", "stop", "--no-savepoint", "elsewhere")
        stream.write("elsewhere.yaml", JOB.replace("SHARE", str(other)))
        said = refused(stream)
        check(f"are in '{share}/elsewhere', not in '{other}/elsewhere'" in said and "--fresh" in said, said)
        stream.run("stream", "run", "-d", "--fresh", "elsewhere.yaml", "--set", "stages.out.if-exists=replace")
        check(not list(share.iterdir()) or not files(share / "elsewhere"), "checkpoints left at the old place")
        finished(stream)


def a_folder_that_is_not_there_is_not_made(stream):
    with Share() as share:
        stream.write("elsewhere.yaml", JOB.replace("SHARE", str(share / "not-mounted")))
        said = refused(stream)
        check("there is no such folder" in said and "mount" in said, said)
        check(not (share / "not-mounted").exists(), "it was made")


def one_file_system_that_is_mounted_twice_is_as_two(stream):
    """As the volumes of a container often are: it is the same device, and nothing can be renamed from one to the other."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        print("skipped: no namespaces here")
        return
    for name in ("original", "mounted"):
        (stream.folder / name).mkdir()
    stream.write("elsewhere.yaml", JOB.replace("SHARE", str(stream.folder / "mounted")).replace("rows: 1000000", "rows: 10000"))
    stream.run("unshare", "--mount", "sh", "-c", "mount --bind original mounted && exec stream run elsewhere.yaml")
    said = stream.run("stream", "events", "elsewhere")
    check("aborted" not in said, said)
    check(sum(n for _, n, _ in totals(stream)) == 10000, "other totals")


if __name__ == "__main__":
    if pathlib.Path("/dev/shm").stat().st_dev == pathlib.Path(tempfile.gettempdir()).stat().st_dev:
        print("skipped: /dev/shm and the folder for temporary files are on one file system")
        sys.exit(0)
    main([instances_are_restored_from_the_copies_here, a_damaged_or_missing_copy_does_no_harm, copies_go_when_their_originals_go,
          a_place_belongs_to_one_job, a_job_that_goes_on_keeps_its_place, a_folder_that_is_not_there_is_not_made,
          one_file_system_that_is_mounted_twice_is_as_two])
