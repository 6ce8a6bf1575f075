"""Damaged checkpoints: found, said, and gone round without a row lost or doubled."""

import json
import os
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

ROWS = 200_000

MANIFEST = """
pipeline: damage
checkpoint: {interval: 50ms, keep: 3}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  made: {run: generate, columns: "n %% 100 as k, n as v", rows: %d, rate: RATE}
  even: {run: filter, where: v %% 2 = 0}
  totals: {run: aggregate, by: [k], compute: {n: count(*), total: sum(v)}, emit: final}
  rows: {run: write-sqlite, from: even, path: rows.db, table: rows}
  table: {run: write-sqlite, from: totals, path: totals.db, table: totals}
  parts: {run: write-file, from: even, path: parts/, roll-size: 100KiB}
  one: {run: write-file, from: even, path: one.ndjson}
""" % ROWS


SLOW, FAST = "20000", "1000000"  # to be caught while it runs; to come to its end
OUTPUTS = ["rows.db", "totals.db", "parts", "one.ndjson"]


def epochs(stream):
    folder = stream.home("damage") / "checkpoints"
    if not folder.exists():
        return []
    return sorted((int(p.name) for p in folder.iterdir() if (p / "checkpoint.sqlite").exists()), reverse=True)


def stopped_in_the_middle(stream, enough=4):
    """A job whose supervisor was killed after some checkpoints."""
    stream.write("damage.yaml", MANIFEST.replace("RATE", SLOW))
    supervisor = stream.start("stream", "run", "damage.yaml", stderr=open(os.devnull, "w", encoding="utf-8"))
    wait_until("some checkpoints", lambda: len(epochs(stream)) >= 3 and epochs(stream)[0] >= enough)
    supervisor.kill()
    supervisor.wait()
    wait_until("every instance to end", lambda: not stream.processes("damage"))


def file_rows(paths):
    rows = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    return sorted((row["k"], row["v"]) for row in rows)


def results(stream):
    with sqlite3.connect(f"file:{stream.folder}/rows.db?mode=ro", uri=True) as db:
        rows = sorted(db.execute("select k, v from rows"))
    with sqlite3.connect(f"file:{stream.folder}/totals.db?mode=ro", uri=True) as db:
        return rows, sorted(db.execute("select k, n, total from totals"))


def check_results(stream):
    rows, totals = results(stream)
    wanted = sorted((v % 100, v) for v in range(0, ROWS, 2))
    check_rows("rows.db", rows, wanted)
    check_rows("parts/", file_rows((stream.folder / "parts").glob("[!.]*")), wanted)
    check_rows("one.ndjson", file_rows([stream.folder / "one.ndjson"]), wanted)
    each = ROWS // 100
    check(totals == [(k, each, sum(range(k, ROWS, 100))) for k in range(0, 100, 2)], f"the totals differ: {totals[:3]}")


def check_rows(where, rows, wanted):
    check(len(rows) == len(wanted), f"{where}: {len(rows)} rows, {len(wanted)} wanted, {len(rows) - len(set(rows))} of them double")
    check(rows == wanted, f"{where}: the rows are not those of an undisturbed run")


def finish(stream):
    stream.write("damage.yaml", MANIFEST.replace("RATE", FAST))
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


def damage_indexes(stream, which, how):
    """Damages the retained checkpoints of these positions, the newest being 0; returns their numbers."""
    stopped_in_the_middle(stream)
    victims = [epoch for position, epoch in enumerate(epochs(stream)) if position in which]
    for epoch in victims:
        damage(stream.home("damage") / "checkpoints" / str(epoch) / "checkpoint.sqlite", how)
    return victims


def newest_damaged(stream, how):
    [newest] = damage_indexes(stream, [0], how)
    finish(stream)
    check(f"checkpoint {newest}" in stream.last_stderr and "damage" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


def a_truncated_index_is_gone_round(stream):
    newest_damaged(stream, "truncated")


def a_flipped_index_is_gone_round(stream):
    newest_damaged(stream, "flipped")


def a_missing_index_is_gone_round(stream):
    for epoch in damage_indexes(stream, [0, 1], "missing"):
        missing = f"checkpoint {epoch} is damaged"
    finish(stream)
    check(missing in stream.last_stderr and "is missing" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


def a_lost_checkpoint_folder_is_gone_round(stream):
    stopped_in_the_middle(stream)
    stream.run("rm", "-rf", stream.home("damage") / "checkpoints")
    finish(stream)
    check_results(stream)


def two_damaged_indexes_are_gone_round(stream):
    victims = damage_indexes(stream, [0, 1], "truncated")
    finish(stream)
    for epoch in victims:
        check(f"checkpoint {epoch} is damaged" in stream.last_stderr, f"it did not name {epoch}: {stream.last_stderr!r}")
    check_results(stream)


def older_damaged_indexes_are_not_needed(stream):
    for which in ([1], [2]):
        damage_indexes(stream, which, "flipped")
        finish(stream)
        check_results(stream)
        stream.run("rm", "-rf", *(stream.folder / name for name in OUTPUTS))


def a_damaged_snapshot_file_is_gone_round(stream):
    stopped_in_the_middle(stream)
    newest = epochs(stream)[0]
    folder = stream.home("damage") / "checkpoints" / str(newest)
    damage(next(p for p in sorted(folder.iterdir()) if p.name.startswith("made")), "flipped")
    finish(stream)
    check("damage" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


def with_every_checkpoint_damaged_it_begins_anew(stream):
    damage_indexes(stream, range(9), "truncated")
    finish(stream)
    check("damage" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


def a_shortened_output_is_written_again(stream):
    stopped_in_the_middle(stream)
    os.truncate(stream.folder / "one.ndjson", 3)
    finish(stream)
    check("one.ndjson" in stream.last_stderr and "something else has changed it" in stream.last_stderr, f"it did not say so: {stream.last_stderr!r}")
    check_results(stream)


def a_sink_that_cannot_go_back_ends_the_job_and_says_what_to_do(stream):
    damage_indexes(stream, range(9), "truncated")
    for marker in stream.folder.glob(".one.ndjson*"):
        marker.unlink()
    stream.write("damage.yaml", MANIFEST.replace("RATE", FAST))
    stream.run("stream", "run", "damage.yaml", expect=1)
    fatal = stream.last_stderr.splitlines()[-1]
    check("one.ndjson" in fatal and "--accept-duplicates" in fatal, f"it does not name file and remedy: {fatal!r}")
    failures = sum(e["kind"] == "failed" for e in stream.events("damage"))
    check(failures == 1, f"a refused rewind was tried {failures} times")
    stream.run("stream", "run", "--accept-duplicates", "damage.yaml")
    rows = file_rows([stream.folder / "one.ndjson"])
    wanted = {(v % 100, v) for v in range(0, ROWS, 2)}
    exact, _ = results(stream)
    check(exact == sorted(wanted), f"rows.db can go back, and has {len(exact)} rows instead of {len(wanted)}")
    check(set(rows) == wanted and len(rows) > len(wanted), f"every row at least once: {len(set(rows))} of {len(wanted)}, {len(rows)} in all")


if __name__ == "__main__":
    main([a_truncated_index_is_gone_round, a_flipped_index_is_gone_round, a_missing_index_is_gone_round, a_lost_checkpoint_folder_is_gone_round,
          two_damaged_indexes_are_gone_round, older_damaged_indexes_are_not_needed, a_damaged_snapshot_file_is_gone_round,
          with_every_checkpoint_damaged_it_begins_anew, a_shortened_output_is_written_again, a_sink_that_cannot_go_back_ends_the_job_and_says_what_to_do])
