"""Where the log of a job goes, and reading it while it grows."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, free_port, main, wait_until  # noqa: E402


SHORT = "stages:\n  made: {run: generate, columns: n, rows: 3}\n  out: {run: write-null}\n"


class Datagrams:
    """A socket that takes what journald and syslog are sent."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(60)
        self.got = []

    def until(self, wanted):
        while not any(wanted in one for one in self.got):
            self.got.append(self.socket.recv(1 << 16).decode())
        return next(one for one in self.got if wanted in one)


def sockets_get_every_line(stream):
    journal, syslog = Datagrams(stream.folder / "j"), Datagrams(stream.folder / "s")
    stream.write("short.yaml", f"pipeline: short\nlog-to: {{journald: {{address: {stream.folder}/j}}, syslog: {{address: {stream.folder}/s, "
                 f"facility: local1, format: json}}}}\n{SHORT}")
    stream.run("stream", "run", "short.yaml")
    fields = dict(line.split("=", 1) for line in journal.until("MESSAGE=job finished").splitlines())
    check(fields["STREAM_JOB"] == "short" and fields["STREAM_ATTEMPT"] == "1" and fields["PRIORITY"] == "6" and fields["SYSLOG_IDENTIFIER"] == "stream", f"{fields}")
    line = syslog.until("job finished")
    check(line.startswith("<142>"), line)  # local1.info
    check(json.loads(line[line.index("{"):])["job"] == "short", line)
    kept = [json.loads(one)["message"] for one in stream.run("stream", "logs", "--json", "short").splitlines()]
    check(len(kept) == len(journal.got), f"{len(kept)} lines are kept, {len(journal.got)} were sent")


def standard_error_has_the_log_in_place_of_warnings(stream):
    stream.write("short.yaml", "pipeline: short\n" + SHORT)
    stream.run("stream", "run", "short.yaml", "--log-to", "{stderr: {format: json, level: info}}")
    lines = [json.loads(line) for line in stream.last_stderr.splitlines()]
    check({line["job"] for line in lines} == {"short"} and any(line["message"].startswith("job finished") for line in lines), f"{lines}")
    stream.environment["STREAM_LOG_TO"] = "stderr"
    stream.run("stream", "run", "short.yaml")
    check(" info supervisor a2: running\n" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "short.yaml", "--log-to", "nowhere", expect=100)
    check("--log-to:1:1: 'log-to' has no key 'nowhere'" in stream.last_stderr, stream.last_stderr)


def nobody_is_waited_for(stream):
    """A socket that nobody reads, and one that is not there."""
    Datagrams(stream.folder / "full")
    stream.write("short.yaml", f"pipeline: short\nlog-to: {{syslog: {{address: {stream.folder}/full}}, journald: {{address: /nowhere}}}}\n{SHORT}")
    stream.run("stream", "run", "short.yaml")
    check("job finished" in stream.run("stream", "logs", "short"), "the files have it all the same")


def rsyslog_takes_it_all(stream):
    """The real one, both of its ways in."""
    if shutil.which("rsyslogd") is None:
        print("skipped: rsyslog is not installed", flush=True)
        return
    port = free_port(socket.SOCK_DGRAM)
    out = stream.folder / "rsyslog.out"
    stream.write("rsyslog.conf", f"""module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{stream.folder}/log")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="{port}")
template(name="t" type="string" string="%syslogfacility-text%.%syslogseverity-text% %programname% %structured-data% %msg%\\n")
*.* action(type="omfile" file="{out}" template="t")
""")
    server = stream.start("rsyslogd", "-n", "-f", "rsyslog.conf", "-i", stream.folder / "pid", stderr=subprocess.DEVNULL)
    try:
        wait_until("rsyslogd", (stream.folder / "log").exists)
        for job, address in (("near", f"{stream.folder}/log"), ("far", f"127.0.0.1:{port}")):
            stream.write(f"{job}.yaml", f"pipeline: {job}\nlog-to: {{syslog: {{address: \"{address}\", facility: local2}}}}\n{SHORT}")
            stream.run("stream", "run", f"{job}.yaml")
        text = wait_until("both ends", lambda: (lambda t: t if t.count("job finished") == 2 else None)(out.read_text() if out.exists() else ""))
        near = next(line for line in text.splitlines() if "near a1: job finished" in line)
        check(near.startswith("local2.info stream "), near)
        far = next(line for line in text.splitlines() if "far a1: job finished" in line)
        check(far.startswith("local2.info stream ") and 'job="far"' in far and 'attempt="1"' in far, far)
    finally:
        server.kill()
        server.wait()


JOURNALD = "/lib/systemd/systemd-journald"
# A journald of its own, in a /run of its own, without a systemd; what it has taken is printed when the job is over.
UNDER_JOURNALD = """set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
{journald} 2> journald.err &
journald=$!
trap 'kill $journald' EXIT
for _ in $(seq 200); do if [ -S /run/systemd/journal/socket ]; then break; fi; sleep 0.05; done
[ -S /run/systemd/journal/socket ] || exit 0  # it is not able to start here, and says why itself
stream run journaled.yaml >&2
for _ in $(seq 200); do
  journalctl --no-pager --quiet -o json --directory /run/log/journal STREAM_JOB=journaled > taken
  if grep -q 'job finished' taken; then break; fi
  sleep 0.05
done
cat taken
"""


def journald_takes_it_all(stream):
    """The real one, at the place where it is looked for."""
    apart = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    if not os.path.exists(JOURNALD) or not os.path.exists("/etc/machine-id") or not stream.succeeds(*apart, "mount", "-t", "tmpfs", "tmpfs", "/run"):
        print("skipped: there is no journald, or no namespace to run one in", flush=True)
        return
    stream.write("journaled.yaml", """pipeline: journaled
log-to: journald
stages:
  made: {run: generate, columns: n, rows: 3}
  own: {run: exec, command: "sh -c 'echo said by the stage >&2; cat'", schema: n bigint}
  out: {run: write-null}
""")
    said = stream.run(*apart, "bash", "-c", UNDER_JOURNALD.format(journald=JOURNALD))
    if "journaled" not in stream.jobs():
        print(f"skipped: journald does not start here: {(stream.folder / 'journald.err').read_text()}", flush=True)
        return
    taken = [json.loads(line) for line in said.splitlines()]
    told = {entry["MESSAGE"]: entry for entry in taken}
    own = next((entry for message, entry in told.items() if "said by the stage" in message), None)
    check(own and own["STREAM_STAGE"] == "own" and own["STREAM_INSTANCE"] == "0", f"{taken}")
    over = next(entry for message, entry in told.items() if message.startswith("job finished"))
    check((over["PRIORITY"], over["SYSLOG_IDENTIFIER"], over["STREAM_ATTEMPT"], over["_TRANSPORT"]) == ("6", "stream", "1", "journal"), f"{over}")
    kept = [json.loads(line)["message"] for line in stream.run("stream", "logs", "--json", "journaled").splitlines()]
    check(sorted(told) == sorted(set(kept)), f"{sorted(told)} are in the journal, {sorted(kept)} in the files")


def what_stages_say_is_logged_with_who_said_it(stream):
    stream.write("bad.ndjson", "no record\n")
    stream.write("said.yaml", "pipeline: said\nstages:\n  in: {run: read-file, path: bad.ndjson, schema: a bigint, on-error: fail}\n  out: {run: write-null}\n")
    stream.run("stream", "run", "said.yaml", expect=1)
    lines = [json.loads(line) for line in stream.run("stream", "logs", "--json", "--stage", "in", "said").splitlines()]
    check(lines and all(line["stage"] == "in" and line["instance"] == 0 and line["attempt"] >= 1 and line["job"] == "said" for line in lines), f"{lines}")


def following_loses_nothing_over_rotations(stream):
    """A log that grows by far more than it keeps, and a reader that is told of every line, in order."""
    stream.write("idle.yaml", "pipeline: idle\nstages:\n  made: {run: generate, columns: n, rate: 1}\n  out: {run: write-null}\n")
    stream.run("stream", "run", "-d", "idle.yaml")
    reader = stream.start("stream", "logs", "-f", "--json", "--grep", "^line ", "idle", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    numbers = []

    def read():
        for line in reader.stdout:
            numbers.append(int(json.loads(line)["message"].split()[1]))

    thread = threading.Thread(target=read)
    thread.start()
    wait_until("the reader", lambda: "stream.log" in opened(reader.pid))
    logs = stream.home("idle") / "logs"
    write_rotating(logs, files=12, lines=2000)
    wait_until("the last line", lambda: numbers and numbers[-1] == 12 * 2000 - 1)
    stream.run("stream", "cancel", "idle")
    thread.join(timeout=60)
    check(numbers == sorted(set(numbers)), "lines came twice, or in another order")
    talk = reader.stderr.read()
    check(reader.wait(timeout=60) == 0, talk)
    missing = 12 * 2000 - len(numbers)
    check(missing == 0 or "went before they were read" in talk, f"{missing} lines are missing, which was not said: {talk}")


def opened(pid):
    """Last names of what a process has open at this moment."""
    folder, names = f"/proc/{pid}/fd", set()
    for number in os.listdir(folder):
        try:
            names.add(os.path.basename(os.readlink(f"{folder}/{number}")))
        except FileNotFoundError:
            pass  # closed since
    return names


def write_rotating(logs, files, lines):
    """As the supervisor does: a new file, and the names of the others rise."""
    line = '{{"attempt":1,"checkpoint":0,"job":"idle","level":"info","message":"line {0}","ts":"2026-01-01T00:00:00.000Z","us":{0}}}\n'
    number = 0
    for _ in range(files):
        current = logs / "stream.log"
        for place in range(4, 0, -1):
            source = logs / f"stream.{place - 1}.log" if place > 1 else current
            if source.exists():
                source.rename(logs / f"stream.{place}.log")
        with current.open("w", encoding="utf-8") as file:
            for _ in range(lines):
                file.write(line.format(number))
                number += 1


if __name__ == "__main__":
    main([sockets_get_every_line, standard_error_has_the_log_in_place_of_warnings, nobody_is_waited_for, rsyslog_takes_it_all, journald_takes_it_all,
          what_stages_say_is_logged_with_who_said_it, following_loses_nothing_over_rotations])
