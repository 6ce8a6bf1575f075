"""Users' own programs and scripts: whoever is killed, the results are those of an undisturbed run."""

import html
import json
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

ROWS = 12_000

# Answers two lines for every row that 3 divides, one for the others, and counts.
BARRIER = r"""
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    if "_barrier" in row:
        print(json.dumps(row), flush=True)
        continue
    for i in range(2 if row["n"] % 3 == 0 else 1):
        print(json.dumps({"n": row["n"], "i": i}))
    print(json.dumps({"_counter": "rows"}), file=sys.stderr)
"""

EXECS = """
pipeline: execs
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  made: {run: generate, rows: %d, rate: %d, columns: "n, n %% 10 as k, to_timestamp(n / 1000) as ts", time: ts}
  batch: {run: exec, from: made, command: "awk '!/\\"k\\":3/'"}
  seconds: {run: aggregate, window: tumble 1s, compute: "count(*) as rows"}
  batch-file: {run: write-file, path: batch.ndjson, if-exists: replace}
  line: {run: exec, from: made, command: [sed, -u, 's/"n":/"m":/'], mode: line, schema: "m bigint", parallelism: 2}
  line-file: {run: write-file, path: line.ndjson, if-exists: replace}
  barrier: {run: exec, from: made, command: [python3, barrier.py], mode: barrier, schema: "n bigint, i bigint"}
  barrier-file: {run: write-file, path: barrier.ndjson, if-exists: replace}
"""


def rows(stream, name):
    return [json.loads(line) for line in (stream.folder / name).read_text().splitlines()]


def check_execs(stream):
    seconds = sorted((row["window_start"], row["rows"]) for row in rows(stream, "batch.ndjson"))
    check([count for _, count in seconds] == [900] * (ROWS // 1000), seconds)
    check(sorted(row["m"] for row in rows(stream, "line.ndjson")) == list(range(ROWS)), "line")
    wanted = [(n, i) for n in range(ROWS) for i in range(2 if n % 3 == 0 else 1)]
    check(sorted((row["n"], row["i"]) for row in rows(stream, "barrier.ndjson")) == wanted, "barrier")


def children(pid):
    try:
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def kill_stages_and_programs(stream, job, name, pick, most):
    """Kills now an instance, now a program that one of them runs; returns how many programs."""
    stages = programs = 0
    while job.poll() is None:
        instances = stream.instances(name)
        below = [p for instance, pid in sorted(instances.items()) if instance.split(".")[0] in ("batch", "line", "barrier")
                 for p in children(pid)]
        if below and programs < most:
            stream.kill([pick.choice(below)])
            programs += 1
        elif instances and stages < most:
            stream.kill([instances[pick.choice(sorted(instances))]])
            stages += 1
        try:
            job.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            pass
    talk = job.communicate()[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    return programs


def programs_give_the_same_whoever_is_killed(stream):
    stream.write("barrier.py", BARRIER)
    stream.write("execs.yaml", EXECS % (ROWS, ROWS * 10))
    stream.run("stream", "run", "execs.yaml")
    check_execs(stream)
    stream.write("execs.yaml", EXECS % (ROWS, ROWS // 4))
    job = stream.start("stream", "run", "--fresh", "execs.yaml", stderr=subprocess.PIPE)
    killed = kill_stages_and_programs(stream, job, "execs", random.Random(3), 6)
    check(killed >= 3, f"only {killed} programs killed")
    check_execs(stream)


# Dies now and then, before or after its answer; each process draws anew, and always the same.
FRAIL = r"""
import os, random, sys
with open("lives", "a+") as lives:
    lives.write("x")
    pick = random.Random(lives.tell())
for line in sys.stdin:
    if pick.random() < 0.02:
        os.kill(os.getpid(), 9)
    if MODE == "line" or "_barrier" in line or pick.random() < 0.5:
        sys.stdout.write(line)
        sys.stdout.flush()
    else:
        sys.stdout.write(line)
    if pick.random() < 0.02:
        os.kill(os.getpid(), 9)
"""


def programs_that_die_all_the_time_lose_and_double_nothing(stream):
    lines = "".join(f'{{"n":{n}}}\n' for n in range(2000))
    stream.write("frail-line.py", FRAIL.replace("MODE", '"line"'))
    found = stream.run("stream-exec", "--mode", "line", "python3 frail-line.py", stdin=lines, timeout=120)
    check(found == lines, f"line: {len(found.splitlines())} rows")
    some = "".join(lines.splitlines(keepends=True)[:20])
    for mode in ("barrier", "batch"):
        stream.write(f"frail-{mode}.py", FRAIL.replace("MODE", f'"{mode}"'))
        (stream.folder / "lives").unlink(missing_ok=True)
        found = stream.run("stream-exec", "--mode", mode, "--attempts", "1000", f"python3 frail-{mode}.py", stdin=some, timeout=120)
        check(found == some, f"{mode}: {len(found.splitlines())} rows")


def what_a_program_does_wrong_is_said(stream):
    def fails(expect, *args, stdin='{"n":1}\n{"n":2}\n'):
        stream.run("stream-exec", *args, stdin=stdin, expect=expect)
        return stream.last_stderr
    check("a line too many" in fails(100, "--mode", "line", "sed -u p"), stream.last_stderr)
    check("cannot be run" in fails(100, "no-such-program"), stream.last_stderr)
    text = fails(1, "--attempts", "3", "echo one >&2; echo two >&2; exit 3")
    check("failed 3 times in a row on the same rows, at last: exit status 3: one / two" in text, text)
    text = fails(1, "--mode", "line", "--timeout", "200ms", "--attempts", "2", "sed -u /2/d")
    check("neither read nor wrote for 200ms; a program that keeps running must write each answer at once" in text, text)
    text = fails(1, "--timeout", "200ms", "--attempts", "2", "sleep 100")
    check("neither read nor wrote for 200ms" in text, text)
    text = fails(98, "--mode", "line", "sed -u 's/.*/garbage/'")
    check("answer of the program: " in text and "garbage" in text, text)
    found = stream.run("stream-exec", "--on-error", "skip", "sed s/1/x/", stdin='{"n":1}\n{"n":2}\n')
    check(found == '{"n":2}\n', found)
    text = fails(1, "--mode", "barrier", "head -c 3; exec cat >/dev/null", "--timeout", "200ms", "--attempts", "2")
    check("at last: closed its output" in text, text)
    check("it echoed a barrier" in fails(100, "--mode", "barrier", "sed -u 's/_barrier\": 1/_barrier\": 9/'"), stream.last_stderr)
    text = fails(100, "--format", "text", "cat", stdin='{"n":1,"m":2}\n')
    check("text gives the program one column, 'line'" in text, text)


def programs_of_every_manner_run(stream):
    lines = "".join(f'{{"n":{n},"text":"{"x" * 500}"}}\n' for n in range(20_000))  # far more than a pipe holds
    for mode in ("batch", "line", "barrier"):
        check(stream.run("stream-exec", "--mode", mode, "cat", stdin=lines) == lines, mode)
    found = stream.run("stream-exec", "head -n 3", stdin=lines)  # does not read its input
    check(0 < len(found.splitlines()) and found.splitlines()[0] == lines.splitlines()[0], found[:200])
    found = stream.run("stream-exec", "--schema", "n bigint", "cat > /dev/null; echo '{\"n\":7}'", stdin='{"n":1}\n')
    check(found == '{"n":7}\n', found)
    found = stream.run("stream-exec", "--mode", "line", "sed -u 's/.*2.*//'", stdin='{"n":1}\n{"n":2}\n{"n":3}\n')
    check(found == '{"n":1}\n{"n":3}\n', found)
    found = stream.run("stream-exec", "--mode", "barrier", "cat; echo '{\"n\":9}'", stdin='{"n":1}\n')
    check(found == '{"n":1}\n{"n":9}\n', found)
    check(stream.run("stream-exec", "cat", stdin="") == "", "no input")
    found = stream.run("stream", "run", f"generate --rows 3 n | exec 'tr 2, 5,' | print", stdin="")
    check('{"n":5}' in found, found)


COUNTING = """
pipeline: counting
stages:
  made: {run: generate, rows: 100000000, rate: 2000, columns: "n"}
  own: {run: exec, command: [python3, counting.py], mode: barrier}
  out: {run: write-null}
"""


def counters_and_gauges_are_shown(stream):
    stream.write("counting.py", "import sys\nfor line in sys.stdin:\n    if '_barrier' in line:\n        print(line, end='', flush=True)\n"
                 "    else:\n        print('{\"_counter\":\"rows\",\"add\":2}', file=sys.stderr)\n"
                 "        print('{\"_gauge\":\"half\",\"value\":0.5}', file=sys.stderr)\n"
                 "        print('{\"_meter\":\"seen\",\"events\":3}', file=sys.stderr)\n"
                 "        print('{\"_histogram\":\"took\",\"value\":7.5}', file=sys.stderr)\n")
    stream.write("counting.yaml", COUNTING)
    stream.run("stream", "run", "-d", "counting.yaml")

    def own():
        return next(i for i in stream.stats("counting")["instances"] if i["stage"] == "own")

    wait_until("counts", lambda: own().get("user_counters", {}).get("rows", 0) > 100)
    check(own()["user_counters"]["rows"] % 2 == 0 and own()["user_gauges"] == {"half": 0.5}, own())
    rates = wait_until("a rate", lambda: (now := own()).get("user_meters", {}).get("seen", {}).get("rate", 0) > 0 and now)
    check(rates["user_meters"]["seen"]["count"] % 3 == 0 and rates["user_histograms"]["took"]["p99"] == 7.5, rates)
    text = stream.run("stream", "stats", "counting")
    check("own.0     half  0.5" in text or "half" in text and "rows" in text, text)
    stream.run("stream", "cancel", "counting")


NUMBERED = """
-- Numbers the rows of each key, and tells of each key 300 ms of event time after each tenth of its rows.
function on_row(row, state, emit)
  state.n = (state.n or 0) + 1
  state.sum = (state.sum or 0) + row.n
  if state.n % 10 == 0 then stream.timer(row.ts + 300 * 1000) end
  stream.count("rows")
  if row.n % 1000 == 7 then error("a row of seven") end
  emit{n = row.n, k = row.k, place = state.n, kind = "row"}
end

function on_timer(key, time, state, emit)
  emit{n = time / 1000 - 300, k = key.k, place = 0, kind = "timer"}
end
"""

LUA = """
pipeline: numbered
checkpoint: {interval: 50ms}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 50}
stages:
  made: {run: generate, rows: %d, rate: %d, columns: "n, n * 7919 %% 13 as k, to_timestamp(n / 1000.0) as ts", time: ts}
  own: {run: lua, script: numbered.lua, by: k, state: "n bigint, sum bigint", schema: "n bigint, k bigint, place bigint, kind varchar", parallelism: %d}
  out: {run: write-file, path: out.ndjson, if-exists: replace}
  bad: {run: write-file, from: own.errors, path: bad.ndjson, if-exists: replace}
"""


def check_numbered(stream):
    places, wanted = {}, []
    for n in range(ROWS):
        k = n * 7919 % 13
        places[k] = places.get(k, 0) + 1
        if places[k] % 10 == 0:
            wanted.append((n, k, 0, "timer"))
        if n % 1000 != 7:
            wanted.append((n, k, places[k], "row"))
    found = sorted((row["n"], row["k"], row["place"], row["kind"]) for row in rows(stream, "out.ndjson"))
    wanted.sort()
    check(found == wanted, f"{len(found)} rows, {len(wanted)} wanted; {sorted(set(found) ^ set(wanted))[:4]}")
    bad = rows(stream, "bad.ndjson")
    check(sorted(json.loads(row["record"])["n"] for row in bad) == list(range(7, ROWS, 1000)), "bad rows")
    check(all(row["reason"] == "numbered.lua:8: a row of seven" for row in bad), bad[0])


def a_script_gives_the_same_whoever_is_killed_and_however_many_instances_go_on(stream):
    stream.write("numbered.lua", NUMBERED)
    stream.write("numbered.yaml", LUA % (ROWS, ROWS * 10, 1))
    stream.run("stream", "run", "numbered.yaml")
    check_numbered(stream)
    stream.write("numbered.yaml", LUA % (ROWS, ROWS // 4, 2))
    job = stream.start("stream", "run", "--fresh", "numbered.yaml", stderr=subprocess.PIPE)
    pick = random.Random(8)
    for _ in range(3):
        wait_until("all to run", lambda: stream.instances("numbered"))
        stream.run("stream", "wait", "--for", "checkpoint", "numbered")
        running = stream.instances("numbered")
        stream.kill([running[pick.choice([name for name in sorted(running) if name.startswith("own")])]])
        wait_until("a new start", lambda: stream.instances("numbered") not in ({}, running))
    stream.run("stream", "wait", "--for", "checkpoint", "numbered")
    stream.run("stream", "stop", "numbered")
    job.communicate(timeout=60)
    check((stream.folder / "out.ndjson").stat().st_size > 0, "stopped before anything came")
    stream.write("numbered.yaml", LUA % (ROWS, ROWS // 2, 3))
    job = stream.start("stream", "run", "numbered.yaml", stderr=subprocess.PIPE)
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0, f"exit {job.returncode}: {talk}")
    check_numbered(stream)


def alarms_go_by_the_clock_and_outlive_a_restart(stream):
    stream.write("alarm.yaml", """
pipeline: alarm
checkpoint: {interval: 50ms}
stages:
  made: {run: generate, rows: 1000000, rate: 100, columns: "n"}
  own: {run: lua, by: n, schema: "n bigint, late bigint", code: "function on_row(row, state, emit) if row.n == 5 then stream.alarm(stream.now() + 1.5 * stream.second) stream.count('set') end end function on_alarm(key, time, state, emit) emit(key.n, stream.now() - time) end"}
  out: {run: write-file, path: alarm.ndjson}
""")
    stream.run("stream", "run", "-d", "alarm.yaml")

    def own():
        return next((i for i in stream.stats("alarm")["instances"] if i["stage"] == "own"), {})

    wait_until("the alarm to be set", lambda: own().get("user_counters") == {"set": 1})
    stream.run("stream", "checkpoint", "alarm")
    stream.kill([own()["pid"]])
    out = stream.folder / "alarm.ndjson"
    wait_until("the alarm", lambda: out.exists() and out.stat().st_size > 0)
    check([row["n"] for row in rows(stream, "alarm.ndjson")] == [5], out.read_text())
    check(rows(stream, "alarm.ndjson")[0]["late"] >= 0, "too early")
    stream.run("stream", "cancel", "alarm")


def what_a_script_does_wrong_is_said(stream):
    def fails(code, expect, stdin='{"n":1}\n'):
        stream.run("stream-lua", "--code", code, stdin=stdin, expect=expect)
        return stream.last_stderr
    check("option 'code': code:1: " in fails("function on_row(", 100), stream.last_stderr)
    check("the script defines no function on_row" in fails("x = 1", 100), stream.last_stderr)
    check("code:2: attempt to call global 'nothing'" in fails("\nnothing()", 100), stream.last_stderr)
    check("code:1: the row has no column 'm'" in fails("function on_row(row, state, emit) emit{n = row.m} end", 98), stream.last_stderr)
    check("attempt to index global 'os'" in fails("function on_row(row) os.exit(0) end", 98), stream.last_stderr)
    stream.write("bad.yaml", "pipeline: bad\nstages:\n  made: {run: generate, rows: 3, columns: n}\n"
                 "  own:\n    run: lua\n    script: no-such.lua\n  out: {run: print}\n")
    stream.run("stream", "check", "bad.yaml", expect=1)
    check("bad.yaml:6:13:" in stream.last_stderr and "No such file" in stream.last_stderr, stream.last_stderr)


def both_are_wired_by_hand(stream):
    ends = [f"ipc://{stream.folder}/{name}" for name in ("a", "b", "c")]
    last = stream.start("stream-lua", "--in", ends[2], "--by", "k", "--state", "n bigint", "--schema", "k bigint, n bigint",
                        "--code", "function on_row(row, state, emit) state.n = (state.n or 0) + 1 end "
                        "function on_timer(key, time, state, emit) end "
                        "function on_end(emit) emit{k = -1} end", stdout=subprocess.PIPE)
    middle = [stream.start("stream-exec", "--mode", mode, "cat", "--in", one, "--out", other)
              for mode, one, other in (("line", ends[0], ends[1]), ("barrier", ends[1], ends[2]))]
    first = stream.start("stream-generate", "--rows", "50000", "n, n % 7 as k", "--out", ends[0])
    found = last.communicate(timeout=60)[0]
    check([p.wait() for p in (first, *middle, last)] == [0, 0, 0, 0], "somebody failed")
    check(found == '{"k":-1,"n":null}\n', found)


def the_examples_of_the_manual_pages_run(stream):
    for program, wanted in (("stream-exec", ['{"n":5}\n', '{"line":"0ne"}\n{"line":"tw0"}\n',
                                             '{"n":1,"tens":10}\n{"n":2,"tens":20}\n']),
                            ("stream-lua", ['{"total":6}\n', '{"user":"a","n":1}\n{"user":"a","n":2}\n',
                                            '{"k":1,"ts":"2024-01-01T00:01:00Z"}\n'])):
        page = stream.write("page.1", stream.run(program, "--man"))
        text = stream.run("mandoc", "-Tmarkdown", page)
        commands = [html.unescape(line.strip()) for line in text.splitlines() if line.strip().startswith("printf")]
        check(len(commands) == len(wanted), f"{program}: {commands}")
        for command, result in zip(commands, wanted):
            found = stream.run("sh", "-c", command)
            check(found == result, f"{command}: {found}")


main([both_are_wired_by_hand, the_examples_of_the_manual_pages_run, programs_give_the_same_whoever_is_killed, programs_that_die_all_the_time_lose_and_double_nothing,
      what_a_program_does_wrong_is_said, programs_of_every_manner_run, counters_and_gauges_are_shown,
      a_script_gives_the_same_whoever_is_killed_and_however_many_instances_go_on, alarms_go_by_the_clock_and_outlive_a_restart,
      what_a_script_does_wrong_is_said])
