"""`stream deploy --on systemd`: the units, what the supervisor tells its manager, and a real systemd that these tests start; see stream-systemd(7)."""

import json
import os
import pathlib
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, query_so_far, wait_until  # noqa: E402
from user_systemd import UserSystemd, missing  # noqa: E402

JOB = """pipeline: far-off
checkpoint: {{interval: 50ms}}
stages:
  numbers: {{run: generate, columns: n, rows: {rows}, rate: {rate}}}
  same: {{run: filter, where: n >= 0, parallelism: 2}}
  table: {{run: write-sqlite, path: out.db, table: t}}
"""
UNIT = "stream-far-off.service"
QUICK = "[Service]\nRestartSec=100ms\nWatchdogSec=3s\n"


class Manager:
    """What systemd is to a service: a socket."""

    def __init__(self, stream):
        path = stream.folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(60)
        stream.environment |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}

    def hear(self, until):
        """All it says up to that."""
        heard = []
        while not heard or not heard[-1].startswith(until):
            heard.append(self.socket.recv(4096).decode())
        return heard


def rows_of(stream):
    return sorted(n for (n,) in query_so_far(stream.folder / "out.db", "select n from t"))


def more_rows(stream, than=0):
    return wait_until("rows", lambda: len(rows_of(stream)) > than and len(rows_of(stream)), timeout=60, interval=0.05)


def check_rows(stream, rows):
    found = rows_of(stream)
    check(found == list(range(rows)), f"{len(found)} rows, {len(set(found))} different, of {rows}")


def test_the_manager_is_told_how_it_goes(stream):
    manager = Manager(stream)
    stream.write("job.yaml", JOB.format(rows=100000, rate=1000))
    job = stream.start("stream", "run", "job.yaml")
    heard = manager.hear("READY=1")
    check(any("EXTEND_TIMEOUT_USEC=" in text for text in heard) or len(heard) == 1, heard)
    alive = manager.hear("WATCHDOG=1") + manager.hear("WATCHDOG=1")
    check(not any(text == "READY=1" for text in alive), alive)
    status = manager.hear("STATUS=far-off  RUNNING")[-1]
    check("checkpoint" in status or "in " in status, status)
    for pid in stream.instances("far-off").values():
        environment = pathlib.Path(f"/proc/{pid}/environ").read_text()
        check("NOTIFY_SOCKET" not in environment and "WATCHDOG" not in environment, environment)
    job.send_signal(signal.SIGTERM)
    check("READY=1" not in manager.hear("STOPPING=1"), "it is ready once")
    check(job.wait(timeout=60) == 0, "it did not end well")


def test_who_stands_by_is_ready_and_alive(stream):
    for folder in ("shared", "ha"):
        (stream.folder / folder).mkdir()
    stream.write("job.yaml", JOB.format(rows=100000, rate=1000).replace("interval: 50ms", "interval: 50ms, path: shared"))
    place = ["--ha", f"file://{stream.folder}/ha"]
    leader = stream.start("stream", "run", "job.yaml", *place)
    wait_until("the leader", lambda: stream.instances("far-off"))
    manager = Manager(stream)
    stream.environment["STREAM_HOME"] = str(stream.folder / "second")
    other = stream.start("stream", "run", "job.yaml", *place)
    manager.hear("READY=1")
    manager.hear("STATUS=stands by")
    manager.hear("WATCHDOG=1")
    leader.kill()
    manager.hear("STATUS=far-off  RUNNING")
    other.terminate()
    check(other.wait(timeout=60) == 0, "it did not end well")


def render(stream, *options):
    """Each unit's text by name."""
    units = {}
    for line in stream.run("stream", "deploy", "job.yaml", "--on", "systemd", "--render", *options).splitlines():
        if line.startswith("# /"):
            name = line.rsplit("/", 1)[1]
            units[name] = ""
        else:
            units[name] += line + "\n"
    return units


def test_the_units_are_right_for_systemd(stream):
    stream.write("job.yaml", JOB.format(rows=1, rate=1))
    for options in ([], ["--system"], ["--system", "--run-as", "daemon"], ["--set", "stages.same.where=n > 0 or n < 100"]):
        units = render(stream, *options)
        check(list(units) == [UNIT, r"stream-far\x2doff.slice"], list(units))
        folder = stream.folder / f"units{len(list(stream.folder.iterdir()))}"
        folder.mkdir()
        for name, text in units.items():
            (folder / name).write_text(text)
        if pathlib.Path("/usr/bin/systemd-analyze").exists():
            stream.environment |= {"SYSTEMD_UNIT_PATH": f"{folder}:", "XDG_RUNTIME_DIR": str(stream.folder)}
            stream.run("systemd-analyze", "verify", "--man=no", *(() if "--system" in options else ("--user",)), folder / UNIT)
            check(UNIT not in stream.last_stderr, stream.last_stderr)
    check("User=daemon\n" in render(stream, "--system", "--run-as", "daemon")[UNIT], "not as that user")
    stream.run("stream", "deploy", "job.yaml", "--on", "systemd", "--render", "--run-as", "daemon", expect=100)
    check("--run-as goes with --system" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "deploy", "job.yaml", "--on", "slurm", "--render", "--system", expect=100)
    check("--system is for --on systemd" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "deploy", "generate 1 | print", "--on", "systemd", "--render", expect=100)
    check("needs a manifest in a file" in stream.last_stderr, stream.last_stderr)


def on_systemd(test):
    def run(stream):
        why = missing()
        if why:
            print(f"skipped: no systemd here: {why}")
            return
        with UserSystemd(stream) as systemd:
            try:
                test(stream, systemd)
            except (Failure, OSError, KeyError, ValueError):
                print(systemd.do("systemctl", "--user", "status", UNIT, expect=None), (stream.folder / "systemd.log").read_text()[-3000:])
                raise
    run.__name__ = test.__name__
    return run


def deploy(stream, systemd, rows, rate=1000):
    stream.write("job.yaml", JOB.format(rows=rows, rate=rate))
    (systemd.units / f"{UNIT}.d").mkdir(exist_ok=True)
    (systemd.units / f"{UNIT}.d" / "quick.conf").write_text(QUICK)
    return systemd.do("stream", "deploy", "job.yaml", "--on", "systemd", "--json")


def finish(systemd):
    wait_until("the end of the service", lambda: systemd.show(UNIT)["ActiveState"] in ("inactive", "failed"), timeout=60, interval=0.1)
    shown = systemd.show(UNIT)
    check((shown["ActiveState"], shown["Result"]) == ("inactive", "success"), shown)


@on_systemd
def test_a_job_is_a_service(stream, systemd):
    told = json.loads(deploy(stream, systemd, rows=8000))
    check(told == {"pipeline": "far-off", "target": "systemd", "job": UNIT, "watch": ""}, told)
    shown = systemd.show(UNIT)
    check((shown["ActiveState"], shown["SubState"], shown["UnitFileState"]) == ("active", "running", "enabled"), shown)
    check(shown["Slice"] == r"stream-far\x2doff.slice" and "/stream.slice/" in shown["ControlGroup"], shown)
    wait_until("a status", lambda: systemd.show(UNIT)["StatusText"].startswith("far-off  RUNNING"))
    # Killed, and standing still: each time it goes on from its newest checkpoint.
    for number in (signal.SIGKILL, signal.SIGSTOP):
        rows = more_rows(stream)
        starts = int(systemd.show(UNIT)["NRestarts"])
        systemd.do("kill", f"-{int(number)}", systemd.show(UNIT)["MainPID"])
        wait_until("another start", lambda starts=starts: int(systemd.show(UNIT)["NRestarts"]) > starts, interval=0.1)
        wait_until("readiness", lambda: systemd.show(UNIT)["SubState"] == "running", interval=0.1)
        more_rows(stream, rows)
    finish(systemd)
    check_rows(stream, 8000)


@on_systemd
def test_it_is_stopped_with_a_savepoint_and_started_from_there(stream, systemd):
    deploy(stream, systemd, rows=5000)
    more_rows(stream)
    systemd.do("systemctl", "--user", "stop", UNIT)
    finish(systemd)
    rows = len(rows_of(stream))
    savepoints = list((stream.folder / "home" / "far-off" / "savepoints").iterdir())
    check(rows < 5000 and len(savepoints) == 1, (rows, savepoints))
    systemd.do("systemctl", "--user", "start", UNIT)
    check(any("continues from " in e["text"] for e in stream.events("far-off")), stream.events("far-off"))
    more_rows(stream, rows)
    deploy(stream, systemd, rows=5000, rate=100000)  # one that runs is replaced
    finish(systemd)
    check_rows(stream, 5000)


@on_systemd
def test_a_manifest_that_is_wrong_is_not_tried_again(stream, systemd):
    deploy(stream, systemd, rows=100)
    finish(systemd)
    stream.write("job.yaml", "pipeline: far-off\nstages: {}\n")
    systemd.do("systemctl", "--user", "start", UNIT, expect=1)
    shown = systemd.show(UNIT)
    check((shown["ActiveState"], shown["ExecMainStatus"], shown["NRestarts"]) == ("failed", "100", "0"), shown)


if __name__ == "__main__":
    main([test for name, test in globals().items() if name.startswith("test_")])
