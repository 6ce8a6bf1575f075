"""Every example of the verbs' manual pages, and every command that a page of section 5 or 7 shows, is run.

They speak of jobs (web-errors, counts, daily, heartbeat) that run, with manifests beside them.
"""

import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
import manual  # noqa: E402
from harness import Stream, check, main, wait_until  # noqa: E402
from terminal_screen import Terminal  # noqa: E402

LATE = '{"ts":"2026-01-31T09:00:00Z","host":"a","status":500,"ms":1}\n'
ROW = '{"ts":"2026-01-31T12:%02d:00Z","host":"a","status":500,"ms":20}\n'
COUNTS = """stages:
  made: {run: generate, columns: "case n % 3 when 0 then 'test' when 1 then 'a' else 'b' end as host", rate: 1000}
  totals: {run: aggregate, by: host, compute: count(*) as n}
  out: {run: write-null}
"""
BOTH = """stages:
  made: {run: read-file, path: PATH, follow: true, schema: host varchar}
  totals: {run: aggregate, by: host, compute: count(*) as n}
  out: {run: write-null}
"""
DAILY = "pipeline: daily\nstages:\n  made: {run: generate, columns: n, rows: 2000, rate: 1000}\n  out: {run: write-null}\n"


class Office:
    """A folder with what the examples name; what runs in it is started when an example needs it."""

    def __init__(self, stream):
        self.stream = stream
        shutil.copytree(TOP / "manifests", stream.folder / "manifests")
        web = (TOP / "manifests/web-errors.yaml").read_text()
        for name in ("web-errors.yaml", "web.yaml"):
            stream.write(name, web.replace("a late row corrects its window for an hour, then it goes to late", "a late row goes to late"))
        self.log = stream.write("access.ndjson", "".join(ROW % minute for minute in range(3)))
        stream.write("daily.yaml", DAILY)
        stream.write("counts.yaml", "pipeline: counts\n" + COUNTS)
        home = stream.folder / "user"
        (home / ".config/fish/completions").mkdir(parents=True)
        stream.environment["HOME"] = str(home)
        self.stand_in("sql-client.sh", "grep -q '^EXECUTE STATEMENT SET' \"$2\"")
        self.stand_in("dot", "grep -q '^digraph' && echo '<svg/>'")

    def stand_in(self, program, script):
        """For a program of another package that is not installed here: it looks at what it is given."""
        if shutil.which(program) is None:
            path = self.stream.write(f"bin/{program}", f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
            self.stream.environment["PATH"] = f"{path.parent}:{self.stream.environment['PATH']}"

    def run(self, command, timeout=60):
        return self.stream.run("bash", "-euo", "pipefail", "-c", command, timeout=timeout)

    def running(self, job):
        if not self.stream.instances(job):
            self.run(f"stream run -d {job}.yaml")
        wait_until("instances", lambda: self.stream.instances(job))

    def forget(self, job, files="none"):
        """As if it had never been, and had not written these files."""
        self.stream.kill(self.stream.processes(job))
        shutil.rmtree(self.stream.home(job), ignore_errors=True)
        for path in self.stream.folder.glob(files):
            path.unlink()

    def over(self, job):
        if self.stream.processes(job) if self.stream.home(job).exists() else False:
            self.run(f"stream stop {job}")

    def run_until(self, command, came, feed=lambda: None):
        """Runs what does not end by itself; `feed` brings about what it waits for."""
        path = self.stream.folder / "printed"
        with open(path, "w", encoding="utf-8") as printed:
            process = self.stream.start("bash", "-euo", "pipefail", "-c", command, stdout=printed, stderr=subprocess.PIPE, start_new_session=True)

        def fed():
            if process.poll() is None:
                feed()
                return came(path.read_text())
            check(came(path.read_text()), f"$ {command}\n{path.read_text()}{process.stderr.read()}")
            return True
        wait_until(f"what is to come of: {command}", fed)
        if process.poll() is None:
            subprocess.run(["kill", "-INT", "--", f"-{process.pid}"], check=True)
        process.communicate(timeout=60)

    def log_rows(self, text):
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(text)


def errors_of_one_host(office, command):
    minutes = iter(range(10, 60))
    office.run_until(command, lambda printed: '"host":"a"' in printed, lambda: office.log_rows(ROW % next(minutes)))


def late_rows(office, command):
    office.log_rows(ROW.replace("T12", "T20") % 0)
    office.run_until(command, lambda printed: printed.count("\n") == 3, lambda: office.log_rows(LATE))


def spread_rows(office, command):
    hours = iter(range(24 * 60))

    def feed():
        minute = next(hours)
        office.log_rows(ROW.replace("01-31T12", f"02-01T{minute // 60:02d}") % (minute % 60) * 3)
    office.run_until(command.replace("--limit 100", "--limit 10"), lambda printed: sum(int(line.split()[0]) for line in printed.splitlines()) == 10, feed)


def another_log(office, command):
    office.over("web-errors")
    office.run(command.replace("/var/log/access.ndjson", str(office.log)))
    check(office.run("stream wait web-errors --for checkpoint") == "", "a checkpoint")


def against_a_savepoint(office, command):
    office.run("stream savepoint web-errors")
    office.run(command)


def a_table_of_its_own(office, command):
    """The table that the job web-errors writes is in the way."""
    office.run("stream cancel web-errors; rm errors.db*")
    office.run(command)
    office.run("rm errors.db*")


def from_a_label(office, command):
    office.running("web-errors")
    office.run("stream savepoint web-errors --label before-upgrade; stream stop web-errors")
    office.run_until(command, lambda _: bool(office.stream.instances("web-errors")))
    office.forget("web-errors", "errors.db*")


def anew(office, command):
    """The job has been drained, and does not go on."""
    office.forget("daily")
    office.run(command)


def a_trial(office, command):
    office.running("counts")
    office.run("stream savepoint counts")
    office.run(command)
    office.run("stream cancel trial")


def on_a_short_trial(office, command):
    office.running("web-errors")
    office.run(command.replace("30s", "1s"))


def dead_letters(office, command):
    """Of a job that keeps them: web-errors itself sends them to a file."""
    text = (TOP / "manifests/web-errors.yaml").read_text()
    office.over("web-errors")
    office.stream.write("kept.yaml", re.sub("\n  bad: .*", "", text.split("\ntests:")[0]))
    good = office.log.read_text()
    office.run("stream run -d --fresh kept.yaml")
    office.log_rows('{"ts":"yesterday","host":"a","status":500,"ms":20}\n')
    wait_until("a dead letter", lambda: office.run("stream dead-letter web-errors"))
    office.run(command)
    office.run("stream cancel web-errors")
    office.log.write_text(good)


def of_a_savepoint(office, command):
    """Two of the job that is named; those that go by numbers."""
    job = re.search(r"(web-errors|counts)@", command)[1]
    office.running(job)
    epochs = []
    for _ in range(2):
        office.run(f"stream savepoint {job}")
        epochs = [json.loads(line)["epoch"] for line in office.run(f"stream savepoint --list --json {job}").splitlines()]
    command = command.replace("@3", f"@{epochs[-2]}").replace("@4", f"@{epochs[-1]}")
    office.run(command + (" || [ $? = 1 ]" if "state diff" in command else ""))


def compared(office, command):
    """Two that differ, or do not."""
    for name, n in (("yesterday.db", 1), ("today.db", 2)):
        office.run(f"rm -f {name}; sqlite3 {name} \"create table totals (host text, n integer, ratio real, updated text, unique (host)); "
                   f"insert into totals values ('a', {n}, 0.5, '{name}'), ('{name}', 7, 0.25, null)\"")
    office.stream.write("today.csv", '"host","n","ratio","updated"\n"a",2,0.5000000001,"later"\n')
    if "counts@" in command:
        office.running("counts")
        office.run("stream savepoint counts; stream savepoint counts")
        command = command.replace("@3", f"@{json.loads(office.run('stream savepoint --list --json counts').splitlines()[0])['epoch']}")
    if "@before-upgrade" in command:
        office.running("web-errors")
        office.run("stream savepoint web-errors --label before-upgrade")
    printed = office.run(f"({command}) || [ $? = 1 ]")
    check(re.search(r"^(table|beats|totals|rows): |^! |^yesterday.db$", printed, re.MULTILINE), f"$ {command}\nprinted\n{printed}")
    if "@before-upgrade" in command:
        office.run("stream savepoint --delete web-errors@before-upgrade")


def of_a_label(office, command):
    office.running("web-errors")
    office.run("stream savepoint web-errors --label before-upgrade")
    office.run(command)
    office.run("stream savepoint --delete web-errors@before-upgrade")


def from_what_was_made(office, command):
    """The last of counts: it goes on from the edited savepoint, or a resharded one."""
    office.running("counts")
    office.run("stream savepoint counts; stream stop counts")
    if "4096" in command:
        office.stream.write("counts.yaml", "pipeline: counts\nkey-groups: 4096\n" + COUNTS)
    office.run_until(command, lambda _: bool(office.stream.instances("counts")))
    office.forget("counts")
    office.stream.write("counts.yaml", "pipeline: counts\n" + COUNTS)


def of_two_jobs(office, command):
    """Of one pipeline, with keys of their own. Each reads a source of its own, so that both stand at places of their own."""
    for job, host in (("north", "n"), ("south", "s")):
        office.stream.write(f"{job}.ndjson", f'{{"host":"{host}"}}\n')
        office.stream.write(f"{job}.yaml", f"pipeline: {job}\n" + BOTH.replace("PATH", f"{job}.ndjson"))
        office.run(f"stream run -d {job}.yaml; stream savepoint {job}; stream stop {job}")
    office.stream.write("both.yaml", "pipeline: both\n" + BOTH.replace("PATH", "'*h.ndjson'"))
    office.run(command)
    for job in ("north", "south", "both"):
        office.forget(job)


def of_rows(office, command):
    """Given in a CSV file, or in a database."""
    office.over("counts")
    office.stream.write("totals.csv", "host,n\na,5\n")
    office.run("rm -rf begin; rm -f old.db; sqlite3 old.db \"create table visits (host); insert into visits values ('a')\"")
    office.run(command)
    office.forget("counts")


def in_parts(office, command):
    office.running("counts")
    office.run("stream savepoint counts")
    office.run(command)


def on_a_terminal(office, command):
    if shutil.which("tmux") is None:
        return
    office.running("web-errors")
    with Terminal(office.stream) as terminal:
        terminal.type(command)
        terminal.shows("web-errors", lambda screen: any(line.startswith("web-errors") for line in screen))
        terminal.key("q")


def a_server(office, command):
    """At any address that is free."""
    office.run_until(command.replace(":8081", ":0"), lambda printed: printed.startswith("http://127.0.0.1:"))


def of_a_server(office, command):
    office.run_until("stream serve --http 127.0.0.1:0 | { read url; " + command.replace("http://127.0.0.1:8081", '"$url"') + "; }",
                     lambda printed: printed.startswith('{"jobs":'))


# What has to be so before an example, or how it is run, by a part of its command; else jobs that it names run.
SPECIAL = {
    "stream compare": compared, "stream top": on_a_terminal,
    "stream tap web-errors errors": errors_of_one_host,
    "stream tap web-errors per-minute.late": late_rows,
    "stream tap --json": spread_rows,
    "-p path=/var/log/access.ndjson": another_log,
    "--from web-errors@before-upgrade": from_a_label,
    "--against web-errors@latest": against_a_savepoint,
    "stream dead-letter": dead_letters,
    "stream logs -f": lambda office, command: office.run_until(command, lambda printed: "\n" in printed),
    "stream serve --http": a_server, "curl -s http": of_a_server,
    "stream stats --watch": lambda office, command: office.run_until(command, lambda printed: ".0 " in printed),
    "stream state edit": of_a_savepoint, "stream state diff": of_a_savepoint, "stream state ls web-errors@": of_a_label,
    "stream state show web-errors@": of_a_savepoint, "stream state query counts@": of_a_savepoint,
    "stream state merge": of_two_jobs, "stream state new": of_rows, "stream state split": in_parts,
    "--from mended": from_what_was_made, "--from wider": from_what_was_made,
    "--name trial": a_trial, "stream run -d daily.yaml": anew, "stream upgrade --trial 30s": on_a_short_trial,
    "stream run -d manifests/heartbeat.yaml": lambda office, command: office.run(command),
    "| write-sqlite errors.db --table errors\"": a_table_of_its_own,
}
NOT_RUNNING = {"stream resume": ["web-errors", "heartbeat"]}
# What an example prints, where that can be told.
PRINTS = {
    "stream check manifests/web-errors.yaml": "^web-errors: ok", "stream help --json |": '"name":"savepoint"', "limit 5'\n": r"^(a|b|test) *\|? *\d",
    "savepoint=$(": "^$", "stream ps\n": "heartbeat", "stream checkpoint --list": "web-errors|EPOCH|CHECKPOINT",
    "stream stages\n": "filter", "stream stages filter": "usage: stream-filter", "stream graph manifests": "requests",
    "stream help savepoint": "stream savepoint", "stream test manifests": "3 passed",
}


def run_example(office, command, unused):
    special = [part for part in SPECIAL if part in command]
    for job in ("web-errors", "heartbeat", "counts", "daily"):
        named = re.search(rf"(?<![\w/-]){job}(?![\w.-])", command) is not None
        if named and any(job in jobs and command.startswith(start) for start, jobs in NOT_RUNNING.items()):
            office.over(job)
        elif named and not (special and "run" in special[0]):
            office.running(job)
    unused -= set(special)
    if special:
        SPECIAL[special[0]](office, command)
        return
    if command.startswith("stream state"):
        office.run(f"stream wait {re.search('web-errors|counts', command)[0]} --for checkpoint")
    printed = office.run(command)
    for part, pattern in PRINTS.items():
        if part in command + "\n":
            unused.discard(part)
            check(re.search(pattern, printed, re.MULTILINE), f"$ {command}\nprinted\n{printed}")


def examples_of_verbs_run(stream):
    office = Office(stream)
    unused = set(SPECIAL) | set(PRINTS)
    verbs = [json.loads(line)["name"] for line in stream.run("stream", "help", "--json").splitlines()]
    for page in [["--man"], *([*verb.split(), "--man"] for verb in verbs)]:
        _, examples = manual.examples(stream.run("stream", *page))
        check(examples, f"stream {page} has no example")
        for example in examples:
            shutil.copy(office.stream.folder / "manifests/heartbeat.yaml", office.stream.folder / "heartbeat.yaml")
            run_example(office, example.command, unused)
    check(not unused, f"no example holds {sorted(unused)}")


def commands_of(name):
    """The shell commands that a page of section 5 or 7 shows, continued lines joined."""
    page = (TOP / "man" / name).read_text()
    lines = [manual.plain(line) for line in re.findall(r"^\.Dl (.*)", page, re.MULTILINE)]
    for block in manual.blocks(page):
        block = re.sub(r"(\\|\|)\n *", r"\1 ", block).replace("\\ ", " ")
        heredoc = re.sub(r"^\$ ", "", block)
        lines += [heredoc] if "<<" in block else block.splitlines()
    return [re.sub(r"^\$ ", "", line) for line in lines if re.match(r"(\$ )?(stream|sqlite3)[ -]", line)]


def expressions(stream):
    rows = '{"status":500,"path":"/api/x","price":3,"qty":4,"host":"a","ms":7,"payload":{"user":"bob"},"ts":"2999-01-01T00:00:00Z"}\n'
    return [stream.run("bash", "-euc", command, stdin=rows) for command in commands_of("stream-expression.7")]


def answers(stream):
    stream.write("web-errors.yaml", "pipeline: web-errors\n" + COUNTS)
    stream.run("stream", "run", "-d", "web-errors.yaml")
    command, = commands_of("stream-json.7")
    printed = stream.run("bash", "-euo", "pipefail", "-c", command)
    check(printed.strip() in ("made", "totals", "out"), printed)
    return [printed]


def manifests(stream):
    """The manifests of the page are good, whatever server they would need."""
    blocks = manual.blocks((TOP / "man/stream-manifest.5").read_text())
    first, payments = (next(block for block in blocks if block.startswith(f"pipeline: {name}")) for name in ("web-errors", "payments"))
    fragment, including = next(block for block in blocks if block.startswith("# parts/")).split("\n# the manifest\n")
    shutil.copy(TOP / "manifests/access.ndjson", stream.folder)
    stream.write("first.yaml", first)
    stream.write("parts/count.yaml", fragment)
    stream.write("including.yaml", "pipeline: including\n" + including)
    stream.write("payments.yaml", payments)
    stream.environment["HOOK_TOKEN"] = "words"
    command, = commands_of("stream-manifest.5")
    return [stream.run("bash", "-euc", text) for text in ("stream check first.yaml", "stream check including.yaml", command)]


def measured(stream):
    block = next(block for block in manual.blocks((TOP / "man/stream-metrics.7").read_text()) if block.startswith("metrics:"))
    stream.write("visits.yaml", f"pipeline: visits\n{block}\nstages: {{made: {{run: generate, rate: 10}}, out: {{run: write-null}}}}\n")
    command, = commands_of("stream-metrics.7")
    stream.run("bash", "-euc", command)
    return [stream.last_stderr]


def scaling(stream):
    stream.write("web-errors.yaml", "pipeline: web-errors\nautoscale: {mode: off}\nstages:\n  made: {run: generate, rate: 100, columns: \"n, n % 7 as host\"}\n"
                 "  totals: {run: aggregate, by: host, compute: count(*) as n, parallelism: {min: 1, max: 8}}\n  out: {run: write-null}\n")
    bounds, *commands = commands_of("stream-autoscale.7")
    printed = [stream.run("bash", "-euc", text) + stream.last_stderr for text in [*commands, bounds]]
    stream.run("stream", "cancel", "web-errors")
    return printed


def a_plan(stream):
    command, = commands_of("stream-plan.7")
    return [stream.run("bash", "-euc", command)]


def rendered(stream):
    shutil.copytree(TOP / "manifests", stream.folder / "manifests")
    command, = commands_of("stream-flink.7")
    return [stream.run("bash", "-euc", command)]


def hot_items(stream):
    shutil.copytree(TOP / "manifests", stream.folder / "manifests")
    command, = commands_of("stream-nexmark.7")
    return [stream.run("bash", "-euc", command)]


def snapshots(stream):
    """Of a job with a stage totals, in its folder; numbers and names on the page are examples."""
    stream.write("counts.yaml", "pipeline: counts\n" + COUNTS)
    stream.run("stream", "run", "-d", "counts.yaml")
    stream.run("stream", "wait", "--for", "checkpoint", "counts")
    savepoint = pathlib.Path(stream.run("stream", "stop", "counts").strip())
    home = stream.home("counts")
    newest = max((path.parent for path in home.glob("checkpoints/*/checkpoint.sqlite")), key=lambda path: int(path.name))
    state = max(home.glob("checkpoints/*/totals.0.a*.sqlite"), key=lambda path: int(path.parent.name))
    shutil.copy(next(savepoint.glob("totals.0.sqlite")), stream.folder)
    found = []
    for command in re.findall(r"sqlite3 \S+ '[^']*'", "\n".join(manual.blocks((TOP / "man/stream-snapshot.5").read_text()))):
        command = command.replace("checkpoints/12/checkpoint.sqlite", f"{newest}/checkpoint.sqlite").replace("checkpoints/12/totals.0.a1.sqlite", str(state))
        found.append(stream.run("bash", "-euc", command))
    check(len(found) == 3, "three commands")
    return found


# For `sleep 1`: until the line that was written is counted, however long that takes here.
MOMENT = """counted=2
sleep() {
  counted=$((counted + 1))
  until [ "$(sqlite3 errors.db 'select sum(n) from errors')" = $counted ]; do command sleep 0.05; done
}
"""


def tutorial(stream):
    """Its commands in one shell, each with the lines that the page shows below it."""
    log, *blocks = manual.blocks((TOP / "man/stream-tutorial.7").read_text())
    stream.write("access.ndjson", log)
    stream.write("errors.yaml", next(block for block in blocks if block.startswith("pipeline:")))
    session = "".join(block for block in blocks if block.startswith("$ "))
    commands = re.findall(r"^\$ (.*)\n", session, re.MULTILINE)
    script = MOMENT + "".join(f"echo {shlex.quote('$ ' + command)}\n{command}\n" for command in commands)
    printed = stream.run("bash", "-euo", "pipefail", "-c", script)
    check(printed == session, f"printed\n{printed}and the page shows\n{session}")
    return [printed]


# stream-tutorial-cdc(7) is run by postgres.py, stream-rest(7) by curl.py.
PAGES = {"stream-autoscale.7": scaling, "stream-expression.7": expressions, "stream-flink.7": rendered, "stream-json.7": answers, "stream-manifest.5": manifests, "stream-metrics.7": measured,
         "stream-plan.7": a_plan, "stream-nexmark.7": hot_items, "stream-snapshot.5": snapshots,
         "stream-tutorial.7": tutorial}


def commands_of_other_pages_run(stream):
    shown = {path.name for path in (TOP / "man").glob("*.[57]") if commands_of(path.name)} - {"stream-tutorial-cdc.7", "stream-rest.7", "stream-ha.7"}
    check(shown == set(PAGES), f"commands are shown by {sorted(shown)}, and run of {sorted(PAGES)}")
    for name, run in PAGES.items():
        with Stream(stream.programs) as fresh:
            for printed in run(fresh):
                check(printed.strip(), f"{name}: a command prints nothing")


if __name__ == "__main__":
    main([examples_of_verbs_run, commands_of_other_pages_run])
