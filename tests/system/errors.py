"""What goes wrong is said in one clear line, with the exit code the manual gives, and nothing is lost."""

import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

FAILED, BAD_RECORD, USAGE, SYSTEM = 1, 98, 100, 111


def refused(stream, code, says, *args, stdin="", lines=1, **environment):
    """Runs a program that must fail with this code and, in so many lines, these words; returns its output."""
    done = subprocess.run([str(a) for a in args], env=dict(stream.environment, **environment), cwd=stream.folder,
                          timeout=60, input=stdin.encode() if isinstance(stdin, str) else stdin, capture_output=True,
                          check=False)
    talk = done.stderr.decode(errors="replace")
    what = f"{' '.join(map(str, args))[:200]}: exit {done.returncode}: {talk[:600]}"
    check(done.returncode == code, what + f" (wanted exit {code})")
    for text in [says] if isinstance(says, str) else says:
        check(text in talk, what + f" (wanted {text!r})")
    check(lines is None or talk.count("\n") == lines, what + f" (wanted {lines} line)")
    return done.stdout


def numbers(*values):
    return "".join(f'{{"a":{v}}}\n' for v in values)


def a_stage_refuses_wrong_options(stream):
    refused(stream, USAGE, "unknown option '--wher'; did you mean '--where'?", "stream-filter", "--wher", "x")
    refused(stream, USAGE, "argument CONDITION is missing", "stream-filter")
    refused(stream, USAGE, "'10potatoes' is not a size", "stream-read-file", "--sample-size", "10potatoes", "x")
    refused(stream, USAGE, "'xml' is not one of ndjson, csv", "stream-read-file", "--format", "xml", "x")
    refused(stream, USAGE, "'soon' is not a duration", "stream-filter", "--out-of-order", "soon", "a > 1")
    refused(stream, USAGE, "unexpected argument '|'", "stream-generate", "n", "|")
    refused(stream, USAGE, "option 'rows': must be at least 0", "stream-generate", "--rows", "-5", "n")
    refused(stream, USAGE, "no column 'statsu'; did you mean 'status'?", "stream-filter", "statsu > 1",
            stdin='{"status":1}\n')
    refused(stream, USAGE, "no column 'x'\n", "stream-filter", "x > 1", stdin=numbers(1))
    refused(stream, USAGE, "no function foo(); stream-expression(7) lists", "stream-filter", "foo(a) > 1", stdin=numbers(1))
    for call in ("nothing(a)", "nothing()", "a + nothing(a)"):
        refused(stream, USAGE, "no function nothing(); the aggregates are count, sum, min, max, avg, stddev,", "stream-aggregate", call,
                stdin=numbers(1))
    refused(stream, USAGE, "did you mean 'count'?", "stream-aggregate", "cuont(a)", stdin=numbers(1))
    refused(stream, USAGE, "write tumble 1m\n", "stream-aggregate", "--window", "1m", "count(*)", stdin=numbers(1))
    refused(stream, USAGE, "name the column that holds it: --time COLUMN\n", "stream-aggregate", "--window", "tumble 1m", "count(*)",
            stdin=numbers(1))


def a_verb_refuses_wrong_options(stream):
    refused(stream, USAGE, "unknown option '--nam'; did you mean '--name'?", "stream", "run", "--nam", "x", "generate")
    refused(stream, USAGE, "--parallelism", "stream", "run", "--parallelism", "0", "generate")
    refused(stream, USAGE, "there is no verb 'savepiont'; did you mean 'savepoint'?", "stream", "savepiont")
    refused(stream, USAGE, "'filter' is a stage, not a verb: run stream-filter", "stream", "filter", "a > 1")
    refused(stream, USAGE, "option '--name' needs a value", "stream", "run", "generate", "--name")


# What else verbs need whose argument is a savepoint.
REFERENCE_AND = {"compare": ["generate | write-null", "generate | write-null"], "state diff": ["known"],
                 "state edit": ["delete from x", "--to", "made"], "state export": ["x"], "state query": ["select 1"],
                 "state reshard": ["--key-groups", "2", "--to", "made"], "state merge": ["known@1", "--to", "made"],
                 "state split": ["--to", "made", "--to", "other"]}



def unknown_jobs_are_named(stream):
    refused(stream, USAGE, "there is no job; start one with 'stream run'", "stream", "stop")
    check(stream.run("stream", "ps", "--json") == "", "no job, no line")
    stream.run("stream", "run", "generate --rows 3 | write-null", "--name", "known")
    verbs = map(json.loads, stream.run("stream", "help", "--json").splitlines())
    taking = {verb["name"]: {option["kind"]: option for option in verb["options"]} for verb in verbs}
    asked = [name for name, kinds in taking.items() if {"job", "running-job", "idle-job"} & set(kinds)]
    check(len(asked) >= 12, f"{asked}")
    for verb in asked:
        more = {"rescale": ["in=2"], "tap": ["in"], "profile": ["in"], "upgrade": ["generate | write-null"]}.get(verb, [])
        refused(stream, USAGE, "there is no job 'knwon'; did you mean 'known'?", "stream", verb, "knwon", *more)
        refused(stream, USAGE, "there is no job 'other'", "stream", verb, "other", *more)
    for verb, kinds in taking.items():
        if "savepoint" in kinds:
            args = ["generate | write-null"] if "pipeline" in kinds else []
            option = [] if kinds["savepoint"].get("positional") else ["--" + kinds["savepoint"]["name"]]
            refused(stream, USAGE, "there is no job 'knwon'; did you mean 'known'?", "stream", *verb.split(), *args, *option,
                    "knwon@1", *REFERENCE_AND.get(verb, []))


def a_job_that_does_not_run_answers_no(stream):
    stream.run("stream", "run", "generate --rows 3 | write-null", "--name", "over")
    for verb in ("stop", "checkpoint", "savepoint"):
        refused(stream, FAILED, "job 'over' does not run", "stream", verb, "over")
    refused(stream, USAGE, "did you mean 'over'?", "stream", "show", "oven")
    refused(stream, USAGE, "'potato' is not a duration", "stream", "wait", "--for", "finished", "--timeout", "potato", "over")
    refused(stream, USAGE, "'ever' is not one of running, checkpoint, finished", "stream", "wait", "--for", "ever", "over")
    refused(stream, USAGE, "'loud' is not one of trace, debug, info, warning, error", "stream", "logs", "--level", "loud", "over")
    refused(stream, USAGE, "--grep", "stream", "logs", "--grep", "(", "over")
    refused(stream, USAGE, "'over@99'", "stream", "savepoint", "--delete", "over@99")


def a_wrong_pipeline_is_refused_at_its_place(stream):
    stream.write("a.ndjson", numbers(1, 2))
    for says, pipeline in [
            ("pipeline:1:22: there is no stage program 'filtre'; did you mean 'filter'?", "read-file a.ndjson | filtre 'a > 1'"),
            ("pipeline:1:29: 'filter' has no option '--wher'", "read-file a.ndjson | filter --wher 'a > 1'"),
            ("pipeline:1:11: this quote is not closed", "read-file 'a"),
            ("a stage is missing at the end", "read-file a.ndjson |"),
            ("there is no stage program 'stream-filter'; write 'filter'", "read-file a.ndjson | stream-filter 'a > 1'"),
            ("a pipeline redirects nothing; read with read-file, write with write-file", "generate --rows 1 'n' | write-null >out"),
            ("no column 'b'", "read-file a.ndjson | filter 'b > 1' | write-null"),
            ("pipeline:1:11: option 'path': unable to open", "read-file nothing.ndjson | write-null")]:
        refused(stream, USAGE, says, "stream", "run", pipeline)
    check(stream.jobs() == [], "a refused pipeline leaves no job")


def a_manifest_of_nonsense_is_refused(stream):
    for name, text, says in [
            ("bracket.yaml", "foo: [bar\n", "bracket.yaml:"),
            ("empty.yaml", "", "empty.yaml: the manifest is empty"),
            ("twice.yaml", "pipeline: a\npipeline: b\nstages: {a: {run: generate}}\n", "twice.yaml:2:1"),
            ("key.yaml", "pipeline: a\nstagse: {a: {run: generate}}\n", "did you mean 'stages'?"),
            ("list.yaml", "- 1\n- 2\n", "list.yaml:"),
            ("number.yaml", "42\n", "number.yaml:"),
            ("name.yaml", "pipeline: No Way\nstages: {a: {run: generate}}\n", "name.yaml:1:"),
            ("from.yaml", "pipeline: a\nstages:\n  a: {run: generate}\n  b: {run: write-null, from: aa}\n", "from.yaml:4:"),
            ("cycle.yaml", "pipeline: a\nstages:\n  a: {run: filter, from: b, where: 'true'}\n  b: {run: filter, from: a, where: 'true'}\n", "cycle.yaml:"),
            ("type.yaml", "pipeline: a\nstages: {a: {run: generate, rows: many}, b: {run: write-null}}\n", "type.yaml:2:")]:
        stream.write(name, text)
        refused(stream, USAGE, says, "stream", "run", name, lines=None)
    (stream.folder / "noise.yaml").write_bytes(bytes(range(256)) * 8)
    refused(stream, USAGE, "noise.yaml", "stream", "run", "noise.yaml", lines=None)
    (stream.folder / "folder.yaml").mkdir()
    for verb in ("run", "check", "explain", "graph"):
        refused(stream, USAGE, "unable to open 'none.yaml': No such file", "stream", verb, "none.yaml")
        refused(stream, SYSTEM, "folder.yaml': Is a directory", "stream", verb, "folder.yaml")
    stream.write("good.yaml", "pipeline: good\nstages: {a: {run: generate, rows: 1}, b: {run: write-null}}\n")
    refused(stream, USAGE, "no parameter 'nope'", "stream", "run", "-p", "nope=1", "good.yaml")
    refused(stream, USAGE, "stages.nope", "stream", "run", "--set", "stages.nope.where=1", "good.yaml")


def a_stage_program_that_is_missing_is_named(stream):
    refused(stream, USAGE, "there is no stage program 'teleport'", "stream", "run", "generate | teleport",
            STREAM_STAGE_PATH="/nonexistent")
    program = stream.write("bin/stream-teleport", "#!/bin/sh\nexit 3\n")
    refused(stream, USAGE, "teleport", "stream", "run", "generate | teleport", lines=None, STREAM_STAGE_PATH=str(program.parent))
    program.chmod(0o755)
    refused(stream, USAGE, "teleport", "stream", "run", "generate | teleport", lines=None, STREAM_STAGE_PATH=str(program.parent))


def a_stage_that_only_writes_why_it_ends_is_quoted(stream):
    program = stream.write("bin/stream-mute", '''#!/bin/sh
[ "$1" = --control ] || { stream-filter "$@" | sed 's/"name": *"filter"/"name":"mute"/'; exit; }
echo "stream-mute: fatal: no luck today" >&2
exit 100
''')
    program.chmod(0o755)
    refused(stream, FAILED, "mute.0 ended with exit code 100: no luck today\n", "stream", "run",
            "generate --rows 1 | mute 'n > 0' | write-null", STREAM_STAGE_PATH=str(program.parent))


def a_home_that_cannot_be_written_is_a_failure_of_the_system(stream):
    for flags in ([], ["-d"]):
        refused(stream, SYSTEM, "unable to create folder", "stream", "run", *flags, "generate --rows 1 | write-null",
                STREAM_HOME="/proc/nowhere")
    check(stream.run("stream", "ps") != "", "ps has its heading")


def a_file_that_cannot_be_read_or_written_is_a_failure_of_the_system(stream):
    refused(stream, SYSTEM, "unable to open", "stream-write-file", "/proc/nowhere/x", stdin=numbers(1))
    refused(stream, SYSTEM, "unable to open", "stream-write-sqlite", "/proc/nowhere/x", "--table", "t", stdin=numbers(1))
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(["stream-generate", "--rows", "3", "n"], env=stream.environment, stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    check(done.returncode == SYSTEM and "No space left on device" in done.stderr, f"{done.returncode} {done.stderr}")
    if os.geteuid() == 0:
        return  # who may read everything is refused nothing
    secret = stream.write("secret.ndjson", numbers(1))
    secret.chmod(0)
    refused(stream, SYSTEM, "Permission denied", "stream-read-file", "--schema", "a bigint", secret)
    closed = stream.folder / "closed"
    closed.mkdir(mode=0o555)
    refused(stream, SYSTEM, "Permission denied", "stream-write-file", closed / "x", stdin=numbers(1))


def input_that_is_not_there_is_named(stream):
    nothing, empty = stream.folder / "nothing.ndjson", stream.write("empty.ndjson", "")
    (stream.folder / "folder").mkdir()
    for says, path in [(f"unable to open '{nothing}': No such file or directory; if it comes later, give a schema", nothing),
                       (f"'{empty}' is empty: there is nothing to find the schema in; if it comes later, give a schema", empty),
                       (f"folder '{stream.folder}/folder' holds no file", "folder"), ("no file matches", "'*.none'")]:
        refused(stream, USAGE, says, "sh", "-c", f"stream-read-file {path}")
        refused(stream, USAGE, says, "stream", "run", f"read-file {path} | write-null")
    refused(stream, SYSTEM, f"unable to open '{stream.folder}/none/x.db': No such file or directory", "stream-write-sqlite", "none/x.db", "--table", "t",
            stdin=numbers(1))


def a_sink_that_cannot_write_is_refused_before_the_start(stream):
    stream.write("plain", "text")
    places = [("none/x.ndjson", "No such file or directory; make the folder"), ("plain/x.ndjson", "Not a directory"),
              (".", "Is a directory"), ("plain/parts/", "Not a directory")]
    if os.geteuid() != 0:
        (stream.folder / "closed").mkdir(mode=0o555)
        places.append(("closed/x.ndjson", "Permission denied"))
    for path, says in places:
        line = f"generate | write-file {path}"
        says = ["pipeline:1:23: option 'path': unable to", says]
        refused(stream, USAGE, says, "stream", "run", line)
        refused(stream, FAILED, says, "stream", "check", line)
        if not path.endswith("/"):
            refused(stream, USAGE, says[1], "stream", "run", "-d", f"generate | write-sqlite {path} --table t", "--name", "gone")
    check(stream.jobs() == [], "a refused pipeline leaves no job")
    folder = stream.folder / "later"
    folder.mkdir()
    stream.write("later.yaml", "pipeline: later\nstages:\n  in: {run: generate, rate: 100}\n  out: {run: write-file, path: later/x.ndjson}\n")
    stream.run("stream", "run", "-d", "later.yaml")
    stream.run("stream", "stop", "--no-savepoint", "later")
    folder.rename(stream.folder / "moved")
    refused(stream, USAGE, "later.yaml:4:32: option 'path': unable to create", "stream", "resume", "later")
    (stream.folder / "moved").rename(folder)
    stream.run("stream", "resume", "later")
    stream.run("stream", "cancel", "later")


def a_job_may_have_any_name(stream):
    for name in ("cache", "checkpoints", "stream"):
        stream.run("stream", "run", "-d", "generate --rate 10 | write-null", "--name", name)
        stream.run("stream", "cancel", name)
    check(sorted(p.name for p in (stream.folder / "home").iterdir()) == ["cache", "checkpoints", "stream"], "every folder is a job")
    check(any((stream.folder / "cache" / "stream").iterdir()), "answers are kept in $XDG_CACHE_HOME")
    check(not list((stream.folder / "home" / "cache").glob("describe-*")), "not in the folder of the job")


def an_endpoint_that_cannot_be_used_is_refused(stream):
    refused(stream, USAGE, "the system allows 107", "stream-filter", "--in", "ipc:///tmp/" + "x" * 120, "a > 0")
    refused(stream, USAGE, "is not an endpoint", "stream-filter", "--in", "nonsense", "a > 0")
    refused(stream, USAGE, "leaves this host unencrypted; add --key-file", "stream-filter", "--in", "tcp://0.0.0.0:7001", "a > 0")
    far = ["--in", "tcp://0.0.0.0:7001", "a > 0"]
    refused(stream, USAGE, "unable to open key file 'nokey': No such file or directory; make one with: ", "stream-filter",
            "--key-file", "nokey", *far)
    stream.write("short", "abc").chmod(0o600)
    refused(stream, USAGE, "key file 'short' does not hold exactly 32 random bytes", "stream-filter", "--key-file", "short", *far)
    stream.write("open", "x" * 32).chmod(0o644)
    refused(stream, USAGE, "can be read by others; take that away with: chmod 600 'open'", "stream-filter", "--key-file", "open", *far)
    refused(stream, USAGE, "no output 'nope'", "stream-filter", "--out", f"nope=ipc://{stream.folder}/x", "a > 0", stdin=numbers(1))
    refused(stream, SYSTEM, "No such file or directory", "stream-filter", "--in", "ipc:///nowhere/at/all", "a > 0")
    with socket.socket(socket.AF_INET) as taken, socket.socket(socket.AF_UNIX) as live:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(stream, SYSTEM, "Address already in use", "stream-filter", "--in",
                f"tcp://127.0.0.1:{taken.getsockname()[1]}", "a > 0")
        live.bind(str(stream.folder / "live"))
        live.listen()
        refused(stream, SYSTEM, "another process listens there", "stream-filter", "--in", f"ipc://{stream.folder}/live", "a > 0")
    refused(stream, FAILED, "no sender on", "stream-filter", "--connect-timeout", "100ms", "--in", f"ipc://{stream.folder}/a", "a > 0")
    refused(stream, FAILED, "nobody listens on", "stream-filter", "--connect-timeout", "100ms", "--out",
            f"ipc://{stream.folder}/b", "a > 0", stdin=numbers(1))


BAD_INPUTS = {
    "bytes that are no UTF-8": b'{"a":1}\n{"a":"\xff\xfe"}\n{"a":3}\n',
    "a NUL byte": b'{"a":1}\n{"a":2\0}\n{"a":3}\n',
    "half a record": b'{"a":1}\n{"a":\n{"a":3}\n',
    "no JSON": b'{"a":1}\nhello\n{"a":3}\n',
    "a line of 100 MB": b'{"a":1}\n{"a":2,"b":"' + b"y" * 100_000_000 + b'"}\n{"a":3}\n',
}


def binding_replaces_nothing_but_a_dead_socket(stream):
    kept = stream.write("my.db", "kept")
    refused(stream, USAGE, "a file that is no socket is there", "stream-filter", "--in", "ipc://my.db", "--connect-timeout", "100ms", "a > 1")
    check(kept.read_text() == "kept", "the file is still there")


def a_bad_record_ends_a_plain_stage_and_is_shown(stream):
    for name, text in BAD_INPUTS.items():
        out = refused(stream, BAD_RECORD, "bad record at stdin:2", "stream-filter", "--schema", "a bigint", "a > 0", stdin=text)
        check(out == b'{"a":1}\n', f"{name}: {out[:100]}")


def what_comes_before_a_bad_record_is_given(stream):
    good = "".join(f'{{"a":{i}}}\n' for i in range(1, 50_001))
    rows = stream.write("rows.ndjson", good + "nonsense\n" + good)
    zero = good + '{"a":0}\n' + good
    for command, stdin in ([["stream-read-file", rows], ""], [["stream-filter", "a > 0"], rows.read_text()],
                           [["stream-select", "a"], rows.read_text()], [["stream-filter", "1 / a >= 0"], zero],
                           [["stream-select", "a, a / a as one"], zero], [["stream-print", "--format", "ndjson"], rows.read_text()]):
        out = refused(stream, BAD_RECORD, "bad record", *command, stdin=stdin).decode()
        check(out.count("\n") == 50_000 and out.splitlines()[-1].startswith('{"a":50000'), f"{command[:1]}: {out.count(chr(10))} rows")


def skipped_records_are_counted_at_the_end(stream):
    stream.run("stream-filter", "--schema", "a bigint", "--on-error", "skip", "a > 1", stdin="x\n" * 500)
    check("500 bad records in all" in stream.last_stderr, stream.last_stderr)


def late_records_are_counted_and_told(stream):
    stream.write("late.yaml", "pipeline: late\nstages:\n"
                 "  in: {run: read-file, path: rows.ndjson, follow: true, time: ts}\n"
                 "  sums: {run: aggregate, window: tumble 1m, compute: {n: count(*)}}\n"
                 "  table: {run: write-null, from: sums}\n")
    stream.write("read.yaml", (stream.folder / "late.yaml").read_text().replace("pipeline: late", "pipeline: read") +
                 "  late: {run: write-file, from: sums.late, path: late.ndjson}\n")
    rows = stream.write("rows.ndjson", '{"ts":"2026-01-01T02:00:00Z"}\n')
    for job in ("late", "read"):
        stream.run("stream", "run", "-d", f"{job}.yaml")

    def late(job):
        return sum(i["late_records"] for i in stream.stats(job)["instances"])

    for job in ("late", "read"):
        wait_until("event time", lambda job=job: any("watermark_us" in i for i in stream.stats(job)["instances"] if i["stage"] == "table"))
    with rows.open("a", encoding="utf-8") as file:
        file.write('{"ts":"2026-01-01T00:00:00Z"}\n' * 3)
    for job in ("late", "read"):
        wait_until("late rows", lambda job=job: late(job) == 3)
        check("late        3\n" in stream.run("stream", "show", job), "show tells")
    wait_until("a warning", lambda: "late records dropped: 3 so far; raise out-of-order" in stream.run("stream", "logs", "late"))
    check("dropped" not in stream.run("stream", "logs", "read"), "what is read is not dropped")
    stream.run("stream", "stop", "read")
    check((stream.folder / "late.ndjson").read_text().count("\n") == 3, "they went to the output")


def late_records_of_a_plain_stage_are_told(stream):
    plain = stream.start("stream-aggregate", "--time", "ts", "--window", "tumble 1m", "count(*) as n", stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    plain.stdin.write('{"ts":"2026-01-01T00:00:00Z"}\n{"ts":"2026-01-01T02:00:00Z"}\n')
    plain.stdin.flush()
    check('"n":1' in plain.stdout.readline(), "the first window")
    out, talk = plain.communicate('{"ts":"2026-01-01T00:00:00Z"}\n' * 3, timeout=60)
    check(out.count("\n") == 1 and talk.count("\n") == 1 and "warning: late records dropped: 3 so far" in talk, out + talk)


def a_null_beside_a_column_is_null(stream):
    rows = '{"b":2}\n{"b":null}\n'
    check(stream.run("stream-filter", "b = null", stdin=rows) == "" and stream.run("stream-filter", "b <> null or b = 2", stdin=rows) == '{"b":2}\n', "null")
    check(stream.run("stream", "run", "select 'b + null as r, b'", stdin=rows).splitlines() == ['{"r":null,"b":2}', '{"r":null,"b":null}'], "in a job")


def integers_beyond_64_bits_stay_exact(stream):
    ids = ["18446744073709551615", "18446744073709551614", "18446744073709551615", "7"]
    stream.write("ids.ndjson", "".join(f'{{"id":{i}}}\n' for i in ids))
    stream.write("ids.csv", "id\n" + "".join(f"{i}\n" for i in ids))
    counts = {"18446744073709551615": 2, "18446744073709551614": 1, "7": 1}
    for name, form in (("ids.ndjson", "ndjson"), ("ids.csv", "csv")):
        out = stream.run("stream", "run", f"read-file {name} --format {form} | aggregate --by id 'count(*) as n'")
        rows = [json.loads(line) for line in out.splitlines()]
        check({row["id"]: row["n"] for row in rows} == counts, f"{name}: {out}")
    out = stream.run("stream-aggregate", "--format", "csv", "--by", "id", "count(*) as n", stdin=(stream.folder / "ids.csv").read_text())
    check(sorted(out.splitlines()) == ["18446744073709551614,1", "18446744073709551615,2", "7,1", "id,n"], out)
    for condition in ("id = 18446744073709551615", "id > 18446744073709551614", "id = '18446744073709551615'"):
        out = stream.run("stream-filter", condition, stdin=(stream.folder / "ids.ndjson").read_text())
        check(out == '{"id":18446744073709551615}\n' * 2, f"{condition}: {out}")


def a_pipe_is_read_like_standard_input(stream):
    os.mkfifo(stream.folder / "rows.csv")
    out = stream.run("sh", "-c", "printf 'a,b\\n1,x\\n' > rows.csv & stream-read-file rows.csv")
    check(out == '{"a":1,"b":"x"}\n', out)
    out = stream.run("bash", "-c", """stream-read-file <(printf '{"a":2}\\n') | stream-filter 'a > 1'""")
    check(out == '{"a":2}\n', out)
    refused(stream, USAGE, ["is a pipe, which cannot be read again after a crash", "< "], "stream", "run", "read-file rows.csv | print")
    stream.write("folder/a.ndjson", '{"a":1}\n')
    os.mkfifo(stream.folder / "folder/b.ndjson")
    check(stream.run("stream-read-file", "folder/*.ndjson") == '{"a":1}\n', "a glob matches files")


def the_format_of_a_file_is_not_that_of_standard_output(stream):
    stream.write("rows.txt", "a\n1\n2\n")
    out = stream.run("sh", "-c", "stream-read-file --format csv rows.txt | stream-filter 'a > 1'")
    check(out == '{"a":2}\n', out)
    out = stream.run("sh", "-c", "stream-read-file rows.txt --format csv | stream-select --format ndjson a | stream-write-file --format csv o.txt; cat o.txt")
    check(out == "a\n1\n2\n", out)


def a_bad_record_can_be_skipped(stream):
    for name, text in BAD_INPUTS.items():
        out = refused(stream, 0, "bad record at stdin:2", "stream-filter", "--schema", "a bigint", "--on-error", "skip",
                      "a > 0", stdin=text)
        check(out == b'{"a":1}\n{"a":3}\n', f"{name}: {out[:100]}")


def a_bad_record_of_a_job_is_kept(stream):
    for number, (name, text) in enumerate(BAD_INPUTS.items()):
        (stream.folder / "bad.ndjson").write_bytes(text)
        job = f"kept-{number}"
        stream.run("stream", "run", f"read-file bad.ndjson --schema 'a bigint' | write-file {job}.ndjson", "--name", job)
        rows = [json.loads(line)["a"] for line in (stream.folder / f"{job}.ndjson").read_text().splitlines()]
        check(rows == [1, 3], f"{name}: {rows}")
        letters = [json.loads(line) for line in stream.run("stream", "dead-letter", job).splitlines()]
        check(len(letters) == 1 and letters[0]["position"].endswith("bad.ndjson:2"), f"{name}: {str(letters)[:300]}")
        check(text.split(b"\n")[1][:5].decode() in letters[0]["record"], f"{name}: {letters[0]['record'][:80]}")


def a_dead_letter_says_what_it_does_not_hold(stream):
    stream.write("rows.ndjson", '{"a":1,"b":0,"name":"x","ts":"2026-01-01T00:00:00Z"}\nhello\n')
    read = "read-file rows.ndjson --schema 'a bigint, b bigint, name varchar, ts timestamp' --time ts"
    for job, stage, unread in (("part", "select 'a / b as r'", ["name"]), ("whole", "select 'a / b as r, name'", None)):
        stream.run("stream", "run", f"{read} | {stage} | write-null", "--name", job)
        letters = {letter["stage"]: letter for letter in map(json.loads, stream.run("stream", "dead-letter", job).splitlines())}
        source, row = letters["read-file"], letters["select"]
        check(source["record"] == "hello" and source["position"].endswith("rows.ndjson:2") and "not_read" not in source, str(source))
        check((row["reason"], row["position"], row.get("not_read")) == ("division by zero", "", unread), str(row))
        check(list(json.loads(row["record"])) == [name for name in ("a", "b", "name", "ts") if name not in (unread or [])], str(row))


def a_bad_record_ends_a_job_that_does_not_allow_it(stream):
    stream.write("bad.ndjson", '{"a":1}\nhello\n')
    refused(stream, FAILED, ["exit code 98", "bad.ndjson:2"], "stream", "run",
            "read-file bad.ndjson --schema 'a bigint' --on-error fail | write-null", "--name", "strict")
    jobs = [json.loads(line) for line in stream.run("stream", "ps", "--all", "--json").splitlines()]
    check([(j["job"], j["state"], j["attempt"]) for j in jobs] == [("strict", "FAILED", 1)], str(jobs))
    kinds = [event["kind"] for event in stream.events("strict")]
    check("restarting" not in kinds, str(kinds))
    refused(stream, FAILED, "strict", "stream", "wait", "--for", "finished", "strict")


def a_key_that_has_no_effect_is_refused(stream):
    head = "pipeline: p\nstages:\n  in: {run: generate, rows: 1}\n  f: {run: filter, where: 'true', ttl: 1h}\n  out: {run: print}\n"
    stream.write("later.yaml", head + "metrics: [promethius]\n")
    refused(stream, FAILED, ["later.yaml:4:35: 'filter' keeps no state that 'ttl' could end; leave it out, or give it to the stage whose state grows",
                            "later.yaml:6:11: there is no reporter 'promethius'; did you mean 'prometheus'?"], "stream", "check", "later.yaml", lines=2)
    refused(stream, USAGE, "option '--hosts': hosts are named in a manifest", "stream", "run", "generate --hosts a | write-null")


def a_stage_logs_what_it_is_told_to(stream):
    text = "pipeline: p\nstages:\n  in: {run: generate, rows: 1}\n  f: {run: filter, where: n / 0 = 1, on-error: skip, log: %s}\n  out: {run: print}\n"
    for level in ("warning", "error"):
        stream.write("m.yaml", text % level)
        stream.run("stream", "run", "--fresh", "--name", level, "m.yaml")
        log = stream.run("stream", "logs", "--stage", "f", level)
        check(("bad record" in log) == (level == "warning"), f"{level}: {log!r}")


def what_is_wrong_for_good_is_never_tried_again(stream):
    stream.write("bad.csv", "a,c\n1,2\n")
    stream.write("twice.csv", "a,a\n1,2\n")
    stream.write("noise.db", "x" * 9000)
    with sqlite3.connect(stream.folder / "once.db") as database:
        database.execute("create table once (a integer unique)")
    stream.write("rows.ndjson", numbers(1, 2, 1))
    for job, code, says, pipeline in [
            ("missing", 100, "bad.csv': header: column 'b' is missing", "read-file bad.csv --format csv --schema 'a bigint, b bigint' | write-null"),
            ("doubled", 100, "twice.csv': header: names 'a' twice", "read-file twice.csv --format csv --schema 'a bigint' | write-null"),
            ("noise", 100, "noise.db': file is not a database; give another path", "read-file rows.ndjson | write-sqlite noise.db --table t"),
            ("refused", 98, "once.db': UNIQUE constraint failed: once.a: {\"a\":1}", "read-file rows.ndjson | write-sqlite once.db --table once --if-exists append")]:
        refused(stream, FAILED, [f"exit code {code}", says], "stream", "run", pipeline, "--name", job)
        state = json.loads(stream.run("stream", "show", "--json", job))
        check((state["state"], state["attempt"]) == ("FAILED", 1), str(state))
        check("restarting" not in [event["kind"] for event in stream.events(job)], f"{job} was started again")
    with sqlite3.connect(stream.folder / "once.db") as database:
        database.executescript("drop table once; create table once (a integer)")
    stream.run("stream", "resume", "refused")
    stream.run("stream", "wait", "--for", "finished", "refused")
    with sqlite3.connect(stream.folder / "once.db") as database:
        check(sorted(database.execute("select a from once")) == [(1,), (1,), (2,)], "mended, the rows of the checkpoint come")


def empty_input_is_no_error(stream):
    check(stream.run("stream-filter", "a > 1", stdin="") == "", "nothing in, nothing out")
    check(stream.run("stream-aggregate", "--schema", "a bigint", "count(*) as n", stdin="") == '{"n":0}\n', "a count of nothing")
    for command in (["aggregate", "--by", "host", "count(*) as n"], ["select", "a"], ["print"], ["write-file", "out.ndjson"],
                    ["write-sqlite", "out.db", "--table", "rows"]):
        check(stream.run(f"stream-{command[0]}", *command[1:], stdin="") == "", f"nothing for {command}")
    check(stream.run("stream-aggregate", "count(*) as n", stdin="") == '{"n":0}\n', "a count of nothing")
    refused(stream, USAGE, "option 'where' at character 5: syntax error", "stream-filter", "a > > 1")
    for condition, advice in (("a == 1", "; write ="), ("a > 1 && a < 3", "; write and"), ("a > 1 || a < 0", "write or")):
        refused(stream, USAGE, advice, "stream-filter", condition, stdin='{"a":1}\n')
    refused(stream, BAD_RECORD, "give --schema", "stream-filter", "a > 1", stdin="not json\n")
    stream.write("empty.ndjson", "")
    refused(stream, USAGE, ["empty", "give a schema"], "stream", "run", "read-file empty.ndjson | write-null")
    stream.run("stream", "run", "read-file empty.ndjson --schema 'a bigint' | write-null")


def a_running_job_is_not_started_again(stream):
    running = stream.start("stream", "run", "generate --rate 10 | write-null", "--name", "one", stderr=subprocess.DEVNULL)
    wait_until("the job", lambda: stream.instances("one"))
    for flags in ([], ["-d"], ["--fresh"]):
        refused(stream, FAILED, "job 'one' is already running", "stream", "run", *flags, "generate | write-null", "--name", "one")
    refused(stream, FAILED, "already running", "stream", "resume", "one")
    refused(stream, FAILED, "1", "stream", "wait", "--for", "finished", "--timeout", "100ms", "one", lines=1)
    check(running.poll() is None, "the first run goes on")
    stream.run("stream", "cancel", "one")
    check(running.wait(timeout=60) == 0, "a cancelled run is no failure")


if __name__ == "__main__":
    main([a_stage_refuses_wrong_options, a_verb_refuses_wrong_options, unknown_jobs_are_named,
          a_job_that_does_not_run_answers_no, a_wrong_pipeline_is_refused_at_its_place,
          a_manifest_of_nonsense_is_refused, a_stage_program_that_is_missing_is_named, a_stage_that_only_writes_why_it_ends_is_quoted,
          a_home_that_cannot_be_written_is_a_failure_of_the_system,
          a_file_that_cannot_be_read_or_written_is_a_failure_of_the_system, input_that_is_not_there_is_named,
          a_sink_that_cannot_write_is_refused_before_the_start, a_job_may_have_any_name,
          an_endpoint_that_cannot_be_used_is_refused, binding_replaces_nothing_but_a_dead_socket, a_bad_record_ends_a_plain_stage_and_is_shown, what_comes_before_a_bad_record_is_given,
          skipped_records_are_counted_at_the_end, late_records_are_counted_and_told, late_records_of_a_plain_stage_are_told, a_null_beside_a_column_is_null, integers_beyond_64_bits_stay_exact, a_bad_record_can_be_skipped, a_pipe_is_read_like_standard_input, the_format_of_a_file_is_not_that_of_standard_output,
          a_bad_record_of_a_job_is_kept,
          a_dead_letter_says_what_it_does_not_hold, a_bad_record_ends_a_job_that_does_not_allow_it,
          a_key_that_has_no_effect_is_refused, a_stage_logs_what_it_is_told_to,
          what_is_wrong_for_good_is_never_tried_again, empty_input_is_no_error, a_running_job_is_not_started_again])
