"""Damaged checkpoints: found, said, and gone round without a row lost or doubled."""

import os
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

ROWS = 400_000

MANIFEST = """
pipeline: damage
checkpoint: {interval: 50ms, keep: 3}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  made: {run: generate, columns: "n %% 100 as k, n as v", rows: %d, rate: 100000}
  even: {run: filter, where: v %% 2 = 0}
  totals: {run: aggregate, by: [k], compute: {n: count(*), total: sum(v)}, emit: final}
  rows: {run: write-sqlite, from: even, path: rows.db, table: rows}
  table: {run: write-sqlite, from: totals, path: totals.db, table: totals}
""" % ROWS


def epochs(stream):
    folder = stream.home("damage") / "checkpoints"
    if not folder.exists():
        return []
    return sorted((int(p.name) for p in folder.iterdir() if (p / "checkpoint.sqlite").exists()), reverse=True)


def stopped_in_the_middle(stream, enough=4):
    """A job whose supervisor was killed after some checkpoints."""
    stream.write("damage.yaml", MANIFEST)
    supervisor = stream.start("stream", "run", "damage.yaml", stderr=open(os.devnull, "w", encoding="utf-8"))
    wait_until("some checkpoints", lambda: len(epochs(stream)) >= 3 and epochs(stream)[0] >= enough)
    supervisor.kill()
    supervisor.wait()
    wait_until("every instance to end", lambda: not stream.processes("damage"))


def results(stream):
    with sqlite3.connect(f"file:{stream.folder}/rows.db?mode=ro", uri=True) as db:
        rows = sorted(db.execute("select k, v from rows"))
    with sqlite3.connect(f"file:{stream.folder}/totals.db?mode=ro", uri=True) as db:
        return rows, sorted(db.execute("select k, n, total from totals"))


def check_results(stream):
    rows, totals = results(stream)
    wanted = sorted((v % 100, v) for v in range(0, ROWS, 2))
    check(len(rows) == len(wanted), f"{len(rows)} rows, {len(wanted)} wanted, {len(rows) - len(set(rows))} of them double")
    check(rows == wanted, "the rows are not those of an undisturbed run")
    each = ROWS // 100
    check(totals == [(k, each, sum(range(k, ROWS, 100))) for k in range(0, 100, 2)], f"the totals differ: {totals[:3]}")


def finish(stream):
    return stream.run("stream", "run", "damage.yaml", timeout=60)


def damage(path, how):
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    else:
        for at in range(len(data) // 3, len(data), 997):
            data[at] ^= 0x55
        path.write_bytes(data)


def newest_damaged(stream, how):
    stopped_in_the_middle(stream)
    newest = epochs(stream)[0]
    folder = stream.home("damage") / "checkpoints" / str(newest)
    damage(folder / "checkpoint.sqlite", how)
    finish(stream)
    check(f"checkpoint {newest}" in stream.last_stderr and "damage" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


def a_truncated_index_is_gone_round(stream):
    newest_damaged(stream, "truncated")


def a_flipped_index_is_gone_round(stream):
    newest_damaged(stream, "flipped")


def a_damaged_snapshot_file_is_gone_round(stream):
    stopped_in_the_middle(stream)
    newest = epochs(stream)[0]
    folder = stream.home("damage") / "checkpoints" / str(newest)
    damage(next(p for p in sorted(folder.iterdir()) if p.name.startswith("made")), "flipped")
    finish(stream)
    check("damage" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


def with_every_checkpoint_damaged_it_begins_anew(stream):
    stopped_in_the_middle(stream)
    for epoch in epochs(stream):
        damage(stream.home("damage") / "checkpoints" / str(epoch) / "checkpoint.sqlite", "truncated")
    finish(stream)
    check("damage" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


if __name__ == "__main__":
    main([a_truncated_index_is_gone_round, a_flipped_index_is_gone_round, a_damaged_snapshot_file_is_gone_round,
          with_every_checkpoint_damaged_it_begins_anew])
