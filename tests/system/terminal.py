"""What a person sees on a terminal: one status line, a table that stays in place, logs that end whole."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Failure, check, main, wait_until  # noqa: E402
from terminal_screen import Terminal  # noqa: E402


def prompt(screen):
    return screen and screen[-1].rstrip().endswith(("$", "#"))


def status_lines(screen):
    return [line for line in screen if "RUNNING" in line]


def the_status_line_stays_one_line_as_the_terminal_grows(stream):
    with Terminal(stream) as terminal:
        terminal.type("stream run 'generate --rate 100 | filter true | write-null' --name wide")
        wait_until("the job", lambda: stream.instances("wide"))
        stream.run("stream", "wait", "--for", "running", "wide")
        for columns in (60, 80, 120):
            terminal.resize(columns)
            epoch = int(stream.run("stream", "checkpoint", "wide"))
            wait_until("the line to be drawn again", lambda: stream.stats("wide")["job"]["checkpoint"] > epoch)
            screen = terminal.shows("one status line", lambda s: s if len(status_lines(s)) == 1 else None)
            check(len(screen[-1]) <= columns, f"{columns}: {screen}")
        terminal.key("C-c")
        screen = terminal.shows("the end", lambda s: s if any("stopped" in line for line in s) else None)
        check(not status_lines(screen), f"the status line is gone: {screen}")


def the_status_line_stays_one_line_as_the_terminal_shrinks(stream):
    with Terminal(stream, columns=100) as terminal:
        terminal.type("echo above; stream run 'generate --rate 100 | filter true | write-null' --name narrow-and-long-of-name")
        wait_until("the job", lambda: stream.instances("narrow-and-long-of-name"))
        stream.run("stream", "wait", "--for", "running", "narrow-and-long-of-name")
        for columns in (50, 30, 90, 24):
            terminal.resize(columns)
            epoch = int(stream.run("stream", "checkpoint", "narrow-and-long-of-name"))
            wait_until("the line to be drawn again", lambda: stream.stats("narrow-and-long-of-name")["job"]["checkpoint"] > epoch)
            terminal.shows("one status line", lambda s: s if len(pieces(s)) == 1 else None)
            history = terminal.screen("-S", "-100")  # a terminal that becomes narrow scrolls
            check("above" in history, f"{columns}: what stood above is gone: {history}")
        terminal.key("C-c")
        screen = terminal.shows("the end", lambda s: s if any("stopped" in line for line in s) else None)
        check("RUNN" not in "".join(screen), f"the status line is gone: {screen}")


def pieces(screen):
    """What stands below the line 'above': the status line, and what would be left of earlier ones."""
    return screen[screen.index("above") + 1:] if "above" in screen else screen


def a_tab_completes_on_a_terminal(stream):
    stream.run("stream", "run", "-d", "generate --rate 10 | write-null", "--name", "totals")
    stream.run("stream", "savepoint", "--label", "first", "totals")
    stream.write("web errors.yaml", "")
    with Terminal(stream, shell="bash --norc") as terminal:
        terminal.type("PS1='$ '; source <(stream completion bash)")
        terminal.shows("the prompt", lambda s: s[-1].rstrip() == "$")
        for typed, wanted in [("stream sho", "stream show"), ("stream show to", "stream show totals"),
                              ("stream run --from totals@fi", "stream run --from totals@first"),
                              ("stream run --from=totals@fi", "stream run --from=totals@first"),
                              ("stream wait --for=fin", "stream wait --for=finished"),
                              ("stream check web", "stream check web\\ errors.yaml"),
                              ("stream-filt", "stream-filter"), ("stream-filter --on-e", "stream-filter --on-error"),
                              ("stream-filter --on-error sk", "stream-filter --on-error skip")]:
            terminal.tmux("send-keys", "-l", typed)
            terminal.key("Tab")
            terminal.shows(f"{wanted!r}", lambda s: any(line.rstrip().endswith("$ " + wanted) for line in s))
            terminal.key("C-c")
            terminal.shows("a new line", lambda s: s[-1].rstrip() == "$")
    stream.run("stream", "cancel", "totals")


def stats_watch_fits_and_stays_in_place(stream):
    stream.run("stream", "run", "-d", "generate --rate 100 | filter true | write-null", "--name", "watched")
    with Terminal(stream) as terminal:
        terminal.type("stream stats --watch watched")
        for columns in (80, 100):
            terminal.resize(columns)
            screen = terminal.shows("a table", lambda s: s if any("filter.0" in line for line in s) else None)
            epoch = int(stream.run("stream", "checkpoint", "watched"))
            wait_until("the next", lambda: stream.stats("watched")["job"]["checkpoint"] > epoch)
            screen = terminal.shows("one table", lambda s: s if sum("IN/s" in line for line in s) == 1 else None)
            check(all(len(line) <= columns for line in screen), f"{columns}: {screen}")
        terminal.key("C-c")
        terminal.shows("the prompt", prompt)
        terminal.type("echo back")
        terminal.shows("the shell", lambda s: "back" in s[-2:][0] or "back" in s[-1])
    stream.run("stream", "cancel", "watched")


def fits(screen, columns, lines):
    """A picture of `stats --watch`: the columns that matter, in place, and no more lines than there is room for."""
    if len(screen) < 3 or len(screen) >= lines or not screen[0].startswith("sized"):
        return False
    wide, high = columns >= 100, lines > 20
    return (screen[1].startswith("INSTANCE") and screen[1].endswith("BAD") and "MEMORY" in screen[1] and "IN/s" in screen[1]
            and ("IDLE" in screen[1]) == wide and any("checkpoint" in line for line in screen) == high
            and (" more" in screen[-1]) == (lines < 30))


def stats_watch_shows_what_matters_in_any_size(stream):
    stream.run("stream", "run", "-d", "generate --rate 100 | filter true | select n | write-null", "--name", "sized",
               "--parallelism", "4")
    stream.run("stream", "checkpoint", "sized")
    with Terminal(stream) as terminal:
        terminal.type("stream stats --watch sized")
        for columns, lines in ((80, 24), (60, 15), (140, 45), (60, 15)):
            terminal.resize(columns, lines)
            terminal.shows(f"{columns} x {lines}", lambda s, c=columns, n=lines: fits(s, c, n))
        terminal.resize(60, 8)
        terminal.shows("a few", lambda s: len(s) == 7 and s[-1] == "… 12 more")
    stream.run("stream", "cancel", "sized")


def stats_watch_is_left_by_a_key_and_leaves_the_terminal_as_it_was(stream):
    stream.run("stream", "run", "-d", "generate --rate 100 | write-null", "--name", "left")
    with Terminal(stream, shell="bash --norc") as terminal:
        for leave in ("q", "C-d", "C-c", "C-\\", "C-z"):
            terminal.type("stream stats --watch left")
            terminal.shows("a table", lambda s: s[:1] and s[0].startswith("left  RUNNING"))
            terminal.key(leave)
            terminal.shows("the prompt", prompt)  # what is typed before would be for who is left
            terminal.type("clear; stty -a | grep -cw -e -icanon -e -echo")
            terminal.shows(f"a terminal as it was before {leave}", lambda s: s[:1] == ["0"])
        terminal.type("clear; fg")
        terminal.shows("the table again", lambda s: any("write-null.0" in line for line in s))
        terminal.key("q")
        terminal.shows("the prompt", prompt)
        terminal.type("echo back")
        terminal.shows("the shell", lambda s: "back" in s[-2:][0] or "back" in s[-1])
    stream.run("stream", "cancel", "left")


def logs_are_followed_on_a_terminal_and_in_a_pipe(stream):
    stream.run("stream", "run", "-d", "generate --rate 100 | write-null", "--name", "logged")
    with Terminal(stream) as terminal:
        terminal.type("stream logs -f logged")
        terminal.shows("the first lines", lambda s: any("running" in line for line in s))
        piped = stream.start("stream", "logs", "-f", "logged", stdout=subprocess.PIPE)
        stream.run("stream", "cancel", "logged")
        terminal.shows("the last line", lambda s: any("job cancelled" in line for line in s))
        text = piped.communicate(timeout=60)[0]
        check("\033" not in text and "job cancelled" in text, text)


def typed_lines_are_an_input(stream):
    with Terminal(stream) as terminal:
        terminal.type("stream run \"filter 'a > 1'\"")
        terminal.shows("that it waits", lambda s: any("reads standard input from this terminal" in line for line in s))
        for number in (1, 2, 3):
            terminal.type(f'{{"a":{number}}}')
        screen = terminal.shows("what was typed and the rows", lambda s: s if s.count('{"a":3}') == 2 else None)
        check(screen.count('{"a":1}') == 1 and screen.count('{"a":2}') == 2, f"{screen}")
        check(not status_lines(screen), f"no status line where somebody types: {screen}")
        terminal.key("C-d")
        terminal.type("echo back")
        terminal.shows("the shell", lambda s: "back" in s[-2:][0] or "back" in s[-1])
    wait_until("no job to be left", lambda: not stream.jobs())


def nothing_but_answers_in_a_pipe(stream):
    done = subprocess.run(["stream", "run", "generate --rows 3 | select n"], env=stream.environment, cwd=stream.folder,
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.stdout.count("\n") == 3 and done.stderr == "", f"{done.stdout!r} {done.stderr!r}")
    with Terminal(stream) as terminal:
        terminal.type("stream run 'generate --rate 10' | head -9; echo over")
        screen = terminal.shows("what the pipe gives", lambda s: s if "over" in s else None)
        check(not status_lines(screen) and "STARTING" not in str(screen), f"a status line in the middle: {screen}")
    with Terminal(stream) as terminal:
        terminal.type("NO_COLOR=1 stream ps; NO_COLOR=1 stream stages | grep filter")
        terminal.shows("the stages", lambda s: any("filter" in line for line in s))
        check("\033" not in terminal.tmux("capture-pane", "-p", "-e"), "NO_COLOR")


TALKS = """generate --rows 4000 | exec --mode line "sh -c 'while read -r row; do echo \\"$row\\"; echo stream-exec: warning: words that nobody reads, behind $row >&2; done'" | write-null"""


def a_job_does_not_wait_for_whoever_reads_its_warnings(stream):
    """A pipe holds 64 KiB; what did not fit is counted."""
    job = stream.start("stream", "run", "--name", "talks", TALKS, stderr=subprocess.PIPE)
    wait_until("its end", lambda: "FINISHED" in stream.run("stream", "ps", "--all"))
    talk = job.communicate(timeout=60)[1]
    check(job.returncode == 0 and talk.count("nobody") < 4000, f"exit {job.returncode}: {talk[-300:]}")
    told = sum("nobody" in line for line in stream.run("stream", "logs", "talks").splitlines())
    check(told == 4000, f"{told} lines in the log")


if __name__ == "__main__":
    if shutil.which("tmux") is None:
        print("skipped: tmux is not installed")
        sys.exit(0)
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    main([a_job_does_not_wait_for_whoever_reads_its_warnings, the_status_line_stays_one_line_as_the_terminal_grows, the_status_line_stays_one_line_as_the_terminal_shrinks,
          a_tab_completes_on_a_terminal, stats_watch_fits_and_stays_in_place,
          stats_watch_shows_what_matters_in_any_size, stats_watch_is_left_by_a_key_and_leaves_the_terminal_as_it_was,
          logs_are_followed_on_a_terminal_and_in_a_pipe, typed_lines_are_an_input, nothing_but_answers_in_a_pipe])
