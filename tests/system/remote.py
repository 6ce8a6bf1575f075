"""--server: every verb prints the same as where the jobs are, and exits the same; what must not be done from elsewhere is
refused, and says why; who goes away leaves nothing behind."""

import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from certificates import Certificates  # noqa: E402
from harness import Stream, check, main, wait_until  # noqa: E402
from rest import Client  # noqa: E402

COUNTS = """pipeline: counts
checkpoint: {interval: 100ms}
stages:
  made: {run: generate, columns: "n, n % 5 as k", rate: 500}
  totals: {run: aggregate, from: made, by: k, compute: count(*) as c}
  out: {run: write-null}
tests:
- name: counts
  given: {made: [{n: 1, k: 1}, {n: 6, k: 1}]}
  expect: {totals: [{k: 1, c: 2}]}
"""
FRAGMENT = "fragment: even\nstages:\n  even: {run: filter, where: n % 2 = 0}\n"
INCLUDING = """pipeline: evens
include: {sub: {file: parts/even.yaml, from: made}}
stages:
  made: {run: generate, columns: n, rows: 4}
  shown: {run: print, from: sub}
"""
BROKEN = "pipeline: broken\nstages:\n  made: {run: read-file, path: broken.ndjson, schema: 'a bigint'}\n  out: {run: write-null}\n"
WRONG = "pipeline: wrong\nstages:\n  made: {run: generate, colums: n}\n  out: {run: write-null}\n"
FILES = {"counts.yaml": COUNTS, "evens.yaml": INCLUDING, "parts/even.yaml": FRAGMENT, "broken.yaml": BROKEN, "wrong.yaml": WRONG,
         "counts2.yaml": COUNTS.replace("n % 5", "n % 5 + 0")}
OWN = {"own/rows.csv": "k,c\n1,2\n", "own/wrong.csv": "k,c\n1,2\n1,x\n"}  # of who asks, where the server has none
DATA = {"broken.ndjson": '{"a":1}\nno record\n', "totals.csv": "k,c\n1,2\n"}

# Every verb that a server runs, in an order in which each has something to print. "~": what it prints grows; its first line counts.
SCRIPT = """
check counts.yaml
check wrong.yaml
check missing.yaml
check --json evens.yaml
explain counts.yaml
explain 'read-nothing x'
graph counts.yaml
graph --dot evens.yaml
test counts.yaml
run evens.yaml
run evens.yaml -p x=1
run 'generate --columns n --rows 3 | print'
run -d counts.yaml
run -d counts.yaml
run wrong.yaml
wait counts --for checkpoint
wait counts --for finished --timeout 1ms
ps
ps --json
show counts
show cuonts
show
~stats counts
stats --csv counts
~events counts
logs counts --level warning
logs counts --set-level warning
logs counts --stage nothing
checkpoint counts
~checkpoint --list --json counts
savepoint --label here --note 'it is so' counts
savepoint --list counts
savepoint --to saved counts
savepoint --to saved counts
savepoint --mark counts@here --note ''
state ls counts@here
state ls saved --json
state ls nothing
state ls --all counts@here
state show counts@here totals
state query counts@here "select k, c > 0 as some from totals order by k"
state query counts@here 'select nothing'
state query counts@here --csv -- "select 'a b' as x"
state export counts@here totals
state diff counts@here saved --count
state edit saved 'delete from totals where k = 1' --to edited
state split saved --to one --to two
state merge one two --to merged
state reshard saved --key-groups 64 --to resharded
state new counts.yaml --columns
state new counts.yaml --table totals=nothing.csv --to begun
state new counts.yaml --table totals=own/rows.csv --to begun
state new counts.yaml --table totals=own/wrong.csv --to wrong
state ls begun
compare saved merged
compare saved edited
tap counts totals --limit 3
tap counts nothing
rescale counts totals=2
upgrade counts counts2.yaml
run broken.yaml
dead-letter broken
dead-letter --count broken
gc --dry-run counts
gc counts
stages
stages filter
stages fitler
stop counts
resume counts
cancel counts
cancel counts
savepoint --delete counts@here
"""
HERE = {"completion", "controller", "deploy", "help", "serve", "top"}  # see below
UNLIKE = {"profile"}  # whose samples are never twice the same


def words(line):
    import shlex
    return shlex.split(line)


def plain(text, *folders):
    """Without what differs from one moment or folder to the next."""
    for folder in folders:
        text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\b[0-9a-f]{6,8}\b(?=[ …]|$)", "ID", text)
    text = re.sub(r"-?\d+([.:]\d+)*( (min|s|ms|us|h|d|B|KiB|MiB|GiB)\b|[kMG]\b|ms\b|us\b|s\b|%)?", "N", text)
    return re.sub(r"-{2,}", "-", re.sub(r"[ \t]+", " ", text))


class Server:
    def __init__(self, stream, *args, wait=True):
        self.process = stream.start("stream", "serve", "--http", "127.0.0.1:0", *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.url = self.process.stdout.readline().strip()
        check(self.url, self.process.stderr.read() if not self.url else "")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        talk = self.process.communicate(timeout=60)[1]
        check(self.process.returncode == 0, f"exit {self.process.returncode}: {talk}")

    def commands(self):
        """pids of what it runs for others."""
        return [pid for pid in children(self.process.pid) if b"--commanded" in command_line(pid)]


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def children(pid):
    try:
        return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return []


class Elsewhere:
    """A folder with the manifests and nothing else, and no jobs."""

    def __init__(self, stream, server, *options):
        self.folder = stream.folder / "elsewhere"
        self.folder.mkdir(exist_ok=True)
        self.server, self.options = server, options
        self.environment = dict(stream.environment, STREAM_HOME=str(self.folder / "home"), STREAM_SERVER=server.url if server else "")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *args, stdin=None, timeout=60, environment=None):
        return subprocess.run(["stream", *map(str, args), *self.options], env=dict(self.environment, **(environment or {})), cwd=self.folder,
                              capture_output=True, text=True, timeout=timeout, input=stdin, check=False)

    def start(self, *args, **kwargs):
        return subprocess.Popen(["stream", *map(str, args), *self.options], env=self.environment, cwd=self.folder, **kwargs)

    def refused(self, says, *args, exit_code=100, **kwargs):
        """By one line, which says this."""
        done = self.run(*args, **kwargs)
        line = done.stderr.strip()
        check(done.returncode == exit_code and done.stdout == "" and "\n" not in line and re.search(says, line),
              f"{args}: exit {done.returncode}, not {exit_code}, '{line}' does not say '{says}' {done.stdout}")


def here(stream, line):
    return subprocess.run(["stream", *words(line)], env=stream.environment, cwd=stream.folder, capture_output=True, text=True, timeout=60, check=False)


def every_verb_says_the_same(stream):
    done_by = {verb for line in SCRIPT.replace("~", "").split("\n") for verb in [" ".join(words(line)[:2]), " ".join(words(line)[:1])] if line}
    verbs = {json.loads(line)["name"] for line in stream.run("stream", "help", "--json").splitlines()}
    check(verbs - done_by - UNLIKE == HERE, f"not asked for: {sorted(verbs - done_by - HERE)}")
    with Stream(sys.argv[1]) as away:
        for name, text in {**FILES, **OWN}.items():
            stream.write(name, text)
        for name, text in DATA.items():
            stream.write(name, text)
            away.write(name, text)
        with Server(away, "--root", away.folder, "--allow-exec") as server:
            client = Elsewhere(away, server)
            for name, text in {**FILES, **OWN}.items():
                client.write(name, text)
            faults = []
            for line in SCRIPT.strip().split("\n"):
                grows, line = line.startswith("~"), line.removeprefix("~")
                ours, theirs = here(stream, line), client.run(*words(line))
                for what in ("returncode", "stdout", "stderr"):
                    one, other = getattr(ours, what), getattr(theirs, what)
                    if what != "returncode":
                        one, other = plain(one, stream.folder), plain(other, away.folder)
                    if grows and what == "stdout":
                        one, other = one.split("\n")[0], other.split("\n")[0]
                    if one != other:
                        faults.append(f"stream {line}: {what}:\n--- here\n{one}\n--- there\n{other}")
            check(not faults, "\n".join(faults)[:6000])
            check(not (client.folder / "home").exists(), "something was left where nothing runs")


def standard_input_holds_a_manifest(stream):
    with Server(stream, "--root", stream.folder) as server:
        client = Elsewhere(stream, server)
        client.write("parts/even.yaml", FRAGMENT)
        done = client.run("run", "-", stdin=INCLUDING)
        check(done.returncode == 0 and sorted(done.stdout.split()) == ['{"n":0}', '{"n":2}'], f"{done}")
        client.refused("standard input is not sent to a server", "run", "--name", "a", "filter 'n > 1' --schema 'n bigint' | print", stdin='{"n":2}\n')


def what_follows_ends_with_who_listens(stream):
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    with Server(stream, "--root", stream.folder) as server:
        client = Elsewhere(stream, server)
        client.write("foreground.yaml", COUNTS.replace("pipeline: counts", "pipeline: foreground"))
        for args in (["logs", "-f", "counts"], ["stats", "--watch", "--json", "counts"], ["tap", "counts", "totals"], ["wait", "counts", "--for", "finished"],
                     ["run", "foreground.yaml"]):
            for number in (signal.SIGINT, signal.SIGKILL):
                process = client.start(*args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                if args[0] not in ("wait", "run"):
                    check(process.stdout.readline(), f"{args}: nothing comes")
                wait_until(f"{args} to run", server.commands)
                if args[0] == "run":
                    wait_until("the job", lambda: stream.succeeds("stream", "stats", "foreground"))
                process.send_signal(number)
                process.wait(timeout=60)
                wait_until(f"{args} to end", lambda: not server.commands(), timeout=30)
        check(json.loads(stream.run("stream", "show", "--json", "foreground"))["state"] == "STOPPED", "the job was not stopped")
        # A reader that has enough is one that goes.
        done = subprocess.run("stream logs -f counts | head -1", shell=True, env=client.environment, cwd=client.folder, capture_output=True, text=True,
                              timeout=60, check=False)
        check("counts" in done.stdout or done.stdout, f"{done}")
        wait_until("it to end", lambda: not server.commands())


def latest(events):
    """Those of the last run."""
    begun = [at for at, event in enumerate(events) if event["kind"] == "started"]
    return events[begun[-1]:] if begun else []


def interrupted(stream, process, command):
    """What a job in the foreground says at Ctrl-C."""
    try:
        # Not only its instances: interrupted before it runs a job says something else.
        wait_until("the job to run", lambda: stream.instances(command) and any(e["kind"] == "running" for e in latest(stream.events(command))))
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=60), process.stderr.read()
    finally:
        process.kill()


def an_interrupted_run_says_how_it_ends(stream):
    """As it does here, in the clear and through TLS."""
    stream.write("counts.yaml", COUNTS)
    code, said = interrupted(stream, stream.start("stream", "run", "counts.yaml", stderr=subprocess.PIPE), "counts")
    check("stopped: " in said, said)
    made = Certificates(stream.folder)
    for tls in ((), ("--tls-cert", made.server, "--tls-key", made.server_key)):
        with Server(stream, "--root", stream.folder, *tls) as server:
            client = Elsewhere(stream, server, *(("--ca-file", made.authority) if tls else ()))
            client.write("counts.yaml", COUNTS)
            process = client.start("run", "--fresh", "counts.yaml", stderr=subprocess.PIPE, text=True)
            there, heard = interrupted(stream, process, "counts")
            check((there, plain(heard)) == (code, plain(said)), f"exit {code}, '{said}' here, exit {there}, '{heard}' {'through TLS' if tls else 'there'}")
            wait_until("the command to end", lambda: not server.commands())
            # Who does not want to hear it says so again.
            process = client.start("run", "--fresh", "counts.yaml", stderr=subprocess.DEVNULL)
            wait_until("the job to run", lambda: stream.instances("counts") and any(e["kind"] == "running" for e in latest(stream.events("counts"))))
            stream.kill([stream.stats("counts")["job"]["supervisor_pid"]], signal.SIGSTOP)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=0.5)
                check(False, "it does not wait for what is said")
            except subprocess.TimeoutExpired:
                pass
            process.send_signal(signal.SIGINT)
            check(process.wait(timeout=60) == -signal.SIGINT, f"exit {process.returncode}")
            stream.kill(stream.processes("counts"), signal.SIGCONT)
            wait_until("the command to end", lambda: not server.commands())


def what_a_server_has_is_completed(stream):
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    stream.run("stream", "wait", "counts", "--for", "checkpoint")
    stream.run("stream", "savepoint", "counts", "--label", "good")
    with Server(stream) as server:
        client = Elsewhere(stream, server)

        def offered(*words, **variables):
            done = subprocess.run(["stream", "--candidates", *words], env=dict(client.environment, **variables), capture_output=True, text=True, timeout=60, check=True)
            return {line.split("\t")[0] for line in done.stdout.splitlines()}
        for line, variables in ((("stop",), {}), (("stop", "--server", server.url), {"STREAM_SERVER": ""}), (("stop", f"--server={server.url}"), {"STREAM_SERVER": ""})):
            check(offered(*line, "", **variables) == {"counts"}, f"{line}: {offered(*line, '', **variables)}")
        check(offered("stop", "", STREAM_SERVER="") == set(), "there is no job here")
        check(offered("resume", "") == set(), "it runs")
        check({"counts@good", "counts@latest"} <= offered("state", "ls", "counts@"), f"{offered('state', 'ls', 'counts@')}")
        check({"made", "totals", "out"} <= offered("tap", "counts", ""), f"{offered('tap', 'counts', '')}")
        check(offered("stop", "", STREAM_SERVER="http://127.0.0.1:9") == set(), "nobody is there")


def a_server_that_ends_ends_its_commands(stream):
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    for number in (signal.SIGTERM, signal.SIGKILL):
        server = Server(stream)
        client = Elsewhere(stream, server)
        process = client.start("logs", "-f", "counts", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check(process.stdout.readline(), "nothing comes")
        pids = wait_until("its command", server.commands)
        server.process.send_signal(number)
        server.process.wait(timeout=60)
        talk = process.communicate(timeout=60)[1]
        check(process.returncode in (111, -signal.SIGTERM), f"exit {process.returncode}: {talk}")
        check(process.returncode != 111 or "has gone before the command was over" in talk, talk)
        wait_until("its command to be gone", lambda: not command_line(pids[0]))


def roles_are_asked_for(stream):
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    stream.run("stream", "savepoint", "--label", "here", "counts")
    for role in ("read", "operate", "admin"):
        stream.write(role, stream.run("stream", "serve", "--new-token", f"of-{role}={role}", "--tokens", "tokens"))
    with Server(stream, "--tokens", "tokens", "--root", stream.folder) as server:
        nobody, read, operate, admin = (Elsewhere(stream, server, *options) for options in
                                        ([], *(["--token-file", stream.folder / role] for role in ("read", "operate", "admin"))))
        nobody.refused("refuses: a token is needed; give '--token-file'", "ps")
        stream.write("stranger", "0" * 64)
        nobody.refused("refuses: the token is not known here", "ps", "--token-file", stream.folder / "stranger")
        nobody.refused("'--token-file'.*missing-file'.*No such file", "ps", "--token-file", "missing-file")
        done = nobody.run("ps", environment={"STREAM_TOKEN_FILE": str(stream.folder / "read")})
        check(done.returncode == 0 and "counts" in done.stdout, f"{done}")
        for args in (["savepoint", "counts"], ["logs", "counts", "--set-level", "debug"], ["check", "generate --columns n | print"], ["stop", "counts"]):
            read.refused("has the role read; this needs operate", *args)
        for args in (["ps"], ["savepoint", "--list", "counts"], ["logs", "counts"], ["state", "ls", "counts@here"], ["gc", "--dry-run"]):
            done = read.run(*args)
            check(done.returncode == 0, f"{args}: {done}")
        for args in (["savepoint", "--delete", "counts@here"], ["gc"], ["savepoint", "--keep", "1", "counts"]):
            operate.refused("has the role operate; this needs admin", *args)
        check(operate.run("savepoint", "--single-file", "counts").returncode == 0, "operate")
        operate.write("given.yaml", COUNTS.replace("checkpoint:", "parameters: {x: {type: varchar}}\ncheckpoint:"))
        check(operate.run("check", "given.yaml", "-p", "x=nobodys-business").returncode == 0, "a parameter")
        check(admin.run("savepoint", "--delete", "counts@here").returncode == 0, "admin")
        lines = [json.loads(line) for line in (stream.folder / "home/.serve/audit.log").read_text().splitlines()]
        told = [(line["who"], line["status"], line["command"]) for line in lines if line.get("status", 401) != 401]
        check(all(status == 403 for who, status, _ in told[:-3]), f"{told}")
        check(told[-3:] == [("of-operate", 200, "savepoint --single-file counts"), ("of-operate", 200, "check --parameter x=... given.yaml"),
                            ("of-admin", 200, "savepoint --delete counts@here")], f"{told}")
        ends = [(line["who"], line["outcome"], line["command"]) for line in lines if line.get("what") == "command"]
        check(("of-admin", "done", "savepoint --delete counts@here") in ends, f"{ends}")


def nothing_else_of_the_server_is_touched(stream):
    inside = stream.folder / "inside"
    inside.mkdir()
    os.symlink("/etc", inside / "out")
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    stream.run("stream", "savepoint", "--to", "outside", "counts")
    outside = "is not inside a folder that the server was given with --root"
    with Server(stream, "--root", inside) as server:
        client = Elsewhere(stream, server)
        for path in (stream.folder / "other", "../other", inside / "../other", "out/other"):
            client.refused(outside, "savepoint", "--to", path, "counts")
        check(client.run("savepoint", "--to", "good", "counts").stdout.strip() == str(inside / "good"), "a place inside")
        for args in (["state", "ls", stream.folder / "outside"], ["state", "ls", "../outside"], ["state", "ls", "/etc"], ["compare", "out/passwd", "good"],
                     ["state", "new", "counts.yaml", "--table", "totals=/etc/nothing", "--to", "x"],
                     ["state", "new", "counts.yaml", "--table", "totals=/etc/x select 1", "--to", "x"], ["savepoint", "--delete", stream.folder / "outside"],
                     ["compare", stream.folder / "home/.serve/audit.log", "good"], ["run", "--from", "../outside", "counts.yaml"]):
            client.refused(outside, *args)
        # What is here too is sent along; who sends nothing names the server's.
        Client(server.url).refused("POST", "/commands", 400, outside, body={"arguments": ["state", "new", "counts.yaml", "--table", "totals=/etc/passwd", "--to", "x"]})
        check((stream.folder / "outside").exists(), "what is outside was deleted")
        made = json.loads(stream.run("stream", "savepoint", "--json", "counts"))["path"]
        check(client.run("state", "ls", made).returncode == 0, "what a job has made itself may be looked at")
        for pipeline, says in (("read-file /etc/passwd --format lines | print", outside), ("read-file ../x --schema 'a bigint' | print", outside),
                               ("generate --columns n --rows 1 | write-file /tmp/stream-remote-x.ndjson", outside),
                               ("generate --columns n --rows 1 | exec 'touch /tmp/x' | print", "not allowed with --allow-exec"),
                               ("generate --columns n --rows 1 | write-http http://127.0.0.1:1 --token env:HOME", "only file:PATH")):
            client.refused(says, "run", pipeline)
        client.write("counts.yaml", COUNTS.replace("counts", "other"))
        client.refused(outside, "run", "-d", "counts.yaml", "--set", "checkpoint.path=/tmp/elsewhere")
        client.refused(outside, "run", "-d", "counts.yaml", "--set", "savepoints.to=/tmp/elsewhere", "--set", "savepoints.every=1h")
        client.refused("HOME", "check", "counts.yaml", "--set", "stages.made.columns=${env:HOME}", exit_code=1)
        client.refused("'--http' is not taken from elsewhere", "run", "--http", "0", "counts.yaml")
    with Server(stream) as server:
        client = Elsewhere(stream, server)
        client.refused(outside, "savepoint", "--to", "x", "counts")
        check(client.run("ps").returncode == 0, "without a root")
    with Server(stream, "counts") as server:
        Elsewhere(stream, server).refused("serves job 'counts' alone", "ps")


class Answering(http.server.BaseHTTPRequestHandler):
    """What is no server of ours, or an old one."""
    answer = (404, '{"errors":["there is nothing at \'/commands\'"]}')

    def do_POST(self):
        status, text = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def errors_say_what_to_do(stream):
    client = Elsewhere(stream, None)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        client.refused(f"the server '{closed}' is not reachable: does 'stream serve' run there", "ps", "--server", closed, exit_code=111)
    client.refused("is no address of a server; write http://HOST:PORT", "ps", "--server", "127.0.0.1:1")
    client.refused("is about the machine it is run on", "serve", "--server", closed)
    client.refused("is not reachable", "top", "--server", closed, exit_code=111)
    check(client.run("help", "ps", environment={"STREAM_SERVER": closed}).returncode == 0, "help is always here")
    check(client.run("completion", "bash", environment={"STREAM_SERVER": closed}).returncode == 0, "so is completion")
    check(client.run("ps", "--help", environment={"STREAM_SERVER": closed}).returncode == 0, "and --help")
    stray = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=stray.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{stray.server_address[1]}"
    client.refused("it is older than this program; update it", "ps", "--server", url)
    Answering.answer = (404, "<html>")
    client.refused("answers 404 and is no 'stream serve'", "ps", "--server", url)
    Answering.answer = (200, "<html>\n")
    client.refused("gone before the command was over|does not answer as", "ps", "--server", url, exit_code=111)
    Answering.answer = (200, '{"stdout":"half"}\n')
    done = client.run("ps", "--server", url)
    check(done.returncode == 111 and done.stdout == "half" and "gone before the command was over" in done.stderr, f"{done}")
    stray.shutdown()
    large = stream.folder / "elsewhere/large.yaml"
    large.write_text("pipeline: large\n" + "# much\n" * 600_000)
    with Server(stream) as server:
        client.refused("what is to be sent along is larger than 3.0 MiB|3 MiB", "check", "large.yaml", "--server", server.url)


def certificates_are_looked_at(stream):
    made = Certificates(stream.folder)
    with Server(stream, "--tls-cert", made.server, "--tls-key", made.server_key) as server:
        client = Elsewhere(stream, server)
        check(client.run("ps", "--ca-file", made.authority).returncode == 0, "the right authority")
        check(client.run("ps", environment={"STREAM_CA_FILE": str(made.authority)}).returncode == 0, "by the environment")
        client.refused("is not to be trusted: give '--ca-file'", "ps", exit_code=111)
        client.refused("is not to be trusted", "ps", "--ca-file", made.stranger, exit_code=111)
        client.refused("is not to be trusted", "ps", "--ca-file", made.authority, "--server", server.url.replace("127.0.0.1", "localhost"), exit_code=111)
        client.refused("'--ca-file'.*No such file", "ps", "--ca-file", "nothing.pem")
        stream.write("elsewhere/wrong.pem", "no certificate\n")
        client.refused("holds no certificates", "ps", "--ca-file", "wrong.pem")
        client.refused("https:// that is meant", "ps", "--server", server.url.replace("https", "http"), exit_code=111)
        stream.write("counts.yaml", COUNTS)
        stream.run("stream", "run", "-d", "counts.yaml")
        process = client.start("logs", "-f", "counts", "--ca-file", made.authority, stdout=subprocess.PIPE)
        check(process.stdout.readline(), "nothing comes over TLS")
        process.kill()
        wait_until("the command to end", lambda: not server.commands())


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def much_is_streamed(stream):
    """With bounded memory at both ends; who does not read holds up the command, and nothing else."""
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    stream.run("stream", "stop", "counts")
    line = json.dumps({"at_us": 1, "level": "info", "stage": "made", "instance": 0, "attempt": 1, "message": "x" * 1000})
    with open(stream.home("counts") / "logs/stream.1.log", "w", encoding="utf-8") as log:
        for _ in range(60_000):
            log.write(line + "\n")
    local = subprocess.run(["stream", "logs", "--json", "counts"], env=stream.environment, capture_output=True, timeout=60, check=True).stdout
    check(len(local) > 50 << 20, f"only {len(local)} bytes")
    with Server(stream) as server:
        client = Elsewhere(stream, server)
        check(client.run("ps").returncode == 0, "")
        before = resident(server.process.pid)
        process = client.start("logs", "--json", "counts", stdout=subprocess.PIPE)
        process.stdout.read(1)
        time.sleep(0.5)  # nobody reads: what is to pile up piles up
        check(resident(server.process.pid) - before < 16 << 10, f"the server holds {resident(server.process.pid) - before} KiB")
        pids = server.commands()
        check(pids and resident(pids[0]) < 64 << 10, "the command does not wait")
        check(client.run("ps", timeout=60).returncode == 0, "others wait too")
        held = resident(process.pid)
        rest = b"" .join(iter(lambda: process.stdout.read(1 << 20), b""))
        check(process.wait(timeout=60) == 0 and len(rest) + 1 == len(local) and rest == local[1:], "other bytes arrived")
        check(held < 64 << 10, f"the client holds {held} KiB")
        check(resident(server.process.pid) - before < 16 << 10, f"the server holds {resident(server.process.pid) - before} KiB")


def so_many_run_at_once(stream):
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    with Server(stream) as server:
        at = urllib.parse.urlsplit(server.url)
        client = Elsewhere(stream, server)
        body = json.dumps({"arguments": ["wait", "counts", "--for", "finished"]})
        request = f"POST /commands HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        sockets = [socket.create_connection((at.hostname, at.port)) for _ in range(32)]
        for one in sockets:
            one.sendall(request.encode())
        for one in sockets:
            check(b" 200 " in one.recv(4096), "it was refused")
        client.refused("32 commands run here, the most at once", "ps", exit_code=111)
        check(subprocess.run(["curl", "-sf", server.url + "/overview"], capture_output=True, timeout=60, check=False).returncode == 0, "the rest is held up")
        for one in sockets:
            one.close()
        wait_until("all to end", lambda: not server.commands())
        check(client.run("ps").returncode == 0, "there is room again")


def a_program_that_shows_where_it_is_read(stream):
    """As wide and as colourful as the terminal of who has asked."""
    import pty
    import termios
    import struct
    import fcntl
    stream.write("counts.yaml", COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    with Server(stream, "--root", stream.folder) as server:
        client = Elsewhere(stream, server)
        client.write("counts.yaml", COUNTS)

        def shown(environment, *args):
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
            process = subprocess.Popen(["stream", *args], env=environment, cwd=client.folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
            os.close(theirs)
            text = b""
            try:
                while piece := os.read(ours, 4096):
                    text += piece
            except OSError:
                pass
            process.wait(timeout=60)
            return text.decode()
        local = dict(client.environment, STREAM_HOME=stream.environment["STREAM_HOME"])
        del local["STREAM_SERVER"]
        narrow = shown(client.environment, "ps")
        check(plain(narrow) == plain(shown(local, "ps")) and max(map(len, narrow.splitlines())) <= 40, narrow)
        check("\033[32m" in shown(client.environment, "test", "counts.yaml"), "no colour")
        check("\033[" not in shown(dict(client.environment, NO_COLOR="1"), "test", "counts.yaml"), "colour")


def start_stays_quick(stream):
    """What speaks HTTP is loaded only for a server."""
    seen = subprocess.run("LD_DEBUG=libs stream ps", shell=True, env=stream.environment, capture_output=True, text=True, timeout=60, check=False).stderr
    check("libstream" in seen and not re.search(r"stream-remote|httplib|libssl", seen), "it is loaded for every verb")


main([every_verb_says_the_same, standard_input_holds_a_manifest, what_follows_ends_with_who_listens, an_interrupted_run_says_how_it_ends,
      what_a_server_has_is_completed, a_server_that_ends_ends_its_commands,
      roles_are_asked_for, nothing_else_of_the_server_is_touched, errors_say_what_to_do, certificates_are_looked_at, much_is_streamed,
      so_many_run_at_once, a_program_that_shows_where_it_is_read, start_stays_quick])
