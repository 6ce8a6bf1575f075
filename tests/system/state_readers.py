"""Others read savepoints: the questions of the README, by the shell of SQLite, by Python and by DuckDB."""

import importlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/support"))
from harness import check, main, wait_until  # noqa: E402

# A version that there is an extension package for, so that nothing else is downloaded.
DUCKDB = ["duckdb==1.4.4", "duckdb-ext-sqlite==1.4.4.20260205"]
INSTALL_SECONDS = 120


def questions():
    found = re.findall(r"^sqlite3 \"\$savepoint\" ('.*'|\".*\")$", (TOP / "README.md").read_text(), re.MULTILINE)
    check(len(found) == 3, f"the README asks {len(found)} questions of a savepoint")
    return [text[1:-1] for text in found]


def savepoint_of(stream, *more):
    shutil.copytree(TOP / "manifests", stream.folder / "manifests")
    stream.run("stream", "run", "-d", "manifests/visits.yaml")
    rows = sum(line.startswith('{"ts"') and line.endswith("}") for line in (TOP / "manifests/access.ndjson").read_text().splitlines())
    def counted():
        if not list(stream.home("visits").glob("checkpoints/*/checkpoint.sqlite")):
            return False
        printed = stream.run("stream", "state", "query", "--json", "visits", "select sum(n) as n from totals")
        return printed == f'{{"n":{rows}}}\n'
    wait_until("all rows", counted)
    path = stream.run("stream", "savepoint", "visits", *more).strip()
    stream.run("stream", "cancel", "visits")
    return path


def python_says(path, sql):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute(sql).fetchall()


def duckdb_module():
    """DuckDB with its reader of SQLite files; None if there is none, and none can be had."""
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "stream-tests" / DUCKDB[0]
    sys.path.insert(0, str(folder))
    try:
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.{os.getpid()}")
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", partial, *DUCKDB], timeout=INSTALL_SECONDS,
                           check=True, capture_output=True)
            partial.rename(folder)
        duckdb = importlib.import_module("duckdb")
        return duckdb.connect(config={"extension_directory": str(folder / "duckdb_ext/extensions")})
    except (ImportError, OSError, subprocess.SubprocessError) as missing:
        print(f"skipped: DuckDB cannot be had here: {missing}", flush=True)
        return None


def the_questions_of_the_readme_have_one_answer(stream):
    path = savepoint_of(stream, "--to", stream.folder / "visits.sqlite", "--single-file")
    wanted = [python_says(path, sql) for sql in questions()]
    check([len(rows) for rows in wanted] == [3, 2, 3], f"{wanted}")
    check(all(value is not None for rows in wanted for row in rows for value in row), f"{wanted}")
    for sql, rows in zip(questions(), wanted):
        printed = stream.run("sqlite3", path, sql)
        check(printed == "".join("|".join(map(str, row)) + "\n" for row in rows), f"the shell: {printed}")
    database = duckdb_module()
    if database is None:
        return
    database.execute("load sqlite_scanner")
    database.execute(f"attach '{path}' as s (type sqlite, read_only)")
    database.execute("use s")
    for sql, rows in zip(questions(), wanted):
        found = database.execute(sql).fetchall()
        check(found == rows, f"DuckDB: {found}, not {rows}")


def a_folder_answers_by_instance(stream):
    path = savepoint_of(stream)
    for sql, stage in zip(questions(), ("totals", "totals", "slowest")):
        rows = python_says(f"{path}/{stage}.0.sqlite", sql)
        check(rows and stream.run("sqlite3", f"{path}/{stage}.0.sqlite", sql).count("\n") == len(rows), sql)


if __name__ == "__main__":
    main([the_questions_of_the_readme_have_one_answer, a_folder_answers_by_instance])
