"""Apache Flink as a peer: the same queries over the same events, on the same cores.

Its libraries come with `./dev setup bench` where Python's package index and a JDK can be had; else the
benchmark says that it is absent. Flink gets what is good for it: results go to its blackhole (of q10 to files), rows are reused,
state is on the heap, it combines before it looks at state (its mini-batches), its source makes only the
columns that are used; it is measured in a process in which the query has run before, without the start.
"""

import pathlib
import shutil
import subprocess
import tempfile

import flink_queries
from side_input import write_side_input

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LIBRARIES = TOP / "build" / "flink" / "lib"
CLASSES = TOP / "build" / "flink" / "classes"
SOURCES = TOP / "tests" / "bench" / "flink"
FIRST = 500_000  # events of the first run, which warms up
MOST = 2_000_000  # events measured: more would take it minutes a query
PARALLELISM = 2
HEAP = "8g"
TIMEOUT = 600  # seconds


def available():
    return LIBRARIES.is_dir() and shutil.which("javac") is not None


def class_path():
    return ":".join([*map(str, sorted(LIBRARIES.glob("*.jar"))), str(CLASSES)])


def compile_peer():
    shutil.rmtree(CLASSES, ignore_errors=True)
    CLASSES.mkdir(parents=True)
    shutil.copytree(SOURCES / "META-INF", CLASSES / "META-INF")
    subprocess.run(["javac", "-nowarn", "-Xlint:-options", "-Xlint:-deprecation", "-cp", class_path(), "-d", CLASSES,
                    *SOURCES.glob("*.java")], check=True, stderr=subprocess.DEVNULL)


def execute(statements, first, events):
    """What the peer prints, or None if it fails or takes too long."""
    with tempfile.TemporaryDirectory() as folder:
        query = pathlib.Path(folder) / "query.sql"
        side = write_side_input(pathlib.Path(folder))
        query.write_text("\n;\n".join(statements).replace("FOLDER", folder).replace("SIDE", str(side)))
        opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "util", "time")]
        try:
            done = subprocess.run(["java", f"-Xmx{HEAP}", *opened, "-cp", class_path(), "peer.NexmarkPeer", str(query),
                                   f"{folder}/checkpoints", str(PARALLELISM), str(first), str(events)],
                                  capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None


def speed(query, events, event_rate):
    """Events for a second of CPU of all threads, or None if Flink does not answer the query in time."""
    measured = min(events, MOST)
    printed = execute(flink_queries.statements(query, event_rate), FIRST, measured)
    return None if printed is None else measured / float(printed.split()[-1])


def checksums(kind, events, event_rate):
    """Sums over the columns of all events of a kind, as texts."""
    printed = execute([*flink_queries.tables(event_rate), f"SELECT {flink_queries.CHECKS[kind]} FROM {kind}"], 1, events)
    if printed is None:
        return None
    *rows, _ = printed.splitlines()
    return rows[-1].removeprefix("+I[").removeprefix("+U[").removesuffix("]").split(", ")
