"""`stream top` as a person sees it: 80 columns by 24 lines of a terminal."""

import json
import os
import pathlib
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main  # noqa: E402
from rest import Server  # noqa: E402
from terminal_screen import Terminal  # noqa: E402

JOB = "generate --rate 1000 'n % 10 as k, n' | aggregate --by k 'count(*) as c' | write-null"


def begun(stream, *names):
    for name in names:
        stream.run("stream", "run", "-d", "--name", name, JOB)


def has(*texts):
    return lambda screen: screen if all(any(text in line for line in screen) for text in texts) else None


def the_whole_way_down_and_back(stream):
    begun(stream, "first", "second")
    stream.run("stream", "wait", "--for", "checkpoint", "second")
    with Terminal(stream) as terminal:
        terminal.type("stream top")
        screen = terminal.shows("both jobs", has("first ", "second ", "2 jobs run"))
        check(all(len(line) <= 80 for line in screen), str(screen))
        terminal.key("Down")
        terminal.key("Enter")
        terminal.shows("the stages", has("second  RUNNING", "aggregate", "write-null"))
        terminal.key("Down")
        terminal.key("Enter")
        terminal.shows("the instances", has("second / aggregate", str(stream.pid("second", "aggregate.0"))))
        terminal.key("Escape")
        terminal.key("c")
        terminal.shows("checkpoints and the parts of one", has("CHECKPOINT", "DELAY", "generate.0"))
        terminal.key("e")
        terminal.shows("events", has("a new run"))
        terminal.key("l")
        terminal.shows("logs", has("attempt 1 starts"))
        terminal.key("?")
        terminal.shows("help", has("Keys"))
        for page in ("logs", "stages"):
            terminal.key("Escape")
            terminal.shows(page, has("attempt 1 starts" if page == "logs" else "TREND"))
        terminal.key("q")
        terminal.shows("the shell", lambda s: s if s[-1] in ("$", "#") else None)


def savepoint_stop_and_resume_by_key(stream):
    begun(stream, "web")
    with Terminal(stream) as terminal:
        terminal.type("stream top web")
        terminal.shows("the stages", has("web  RUNNING"))
        terminal.key("s")
        terminal.shows("the savepoint", has("savepoint web: "))
        check(len(list((stream.home("web") / "savepoints").glob("[0-9]*"))) == 1, "one savepoint")
        terminal.key("x")
        terminal.shows("the question", has("Stop web with a savepoint? [y/N]"))
        terminal.key("n")
        terminal.shows("that it goes on", lambda s: s if "quit" in s[-1] and "RUNNING" in s[1] else None)
        terminal.key("x")
        terminal.key("y")
        terminal.shows("that it has stopped", has("web  STOPPED"))
        terminal.key("r")
        terminal.shows("that it runs", has("web  RUNNING", "attempt 2"))
        terminal.key("r")
        terminal.key("y")
        terminal.shows("that it was restarted", has("web  RUNNING", "attempt 3"))


def a_screen_that_shrinks_and_grows(stream):
    begun(stream, "web")
    with Terminal(stream, columns=120) as terminal:
        terminal.type("stream top")
        terminal.shows("wide columns", has("MEMORY", "CKPT", "AGE"))
        terminal.resize(40, 8)
        screen = terminal.shows("narrow columns", lambda s: s if "OUT/s" in s[1] and "MEMORY" not in s[1] else None)
        check(len(screen) <= 8 and all(len(line) <= 40 for line in screen), str(screen))
        terminal.resize(100, 30)
        terminal.shows("wide columns again", has("MEMORY"))
        terminal.key("C-c")
        terminal.shows("the shell", lambda s: s if s[-1] in ("$", "#") else None)


def a_job_that_does_not_answer_holds_no_key_up(stream):
    begun(stream, "web", "stuck")
    supervisor = json.loads(stream.run("stream", "show", "--json", "stuck"))["supervisor_pid"]
    stream.kill([supervisor], signal.SIGSTOP)
    try:
        with Terminal(stream) as terminal:
            terminal.type("stream top")
            terminal.shows("that it is silent", has("SILENT", "web"))
            terminal.key("?")
            terminal.shows("help", has("Keys"))
    finally:
        stream.kill([supervisor], signal.SIGCONT)


def jobs_of_a_server(stream):
    """The same screen, with nothing of the jobs here but the address of their server."""
    begun(stream, "first", "second")
    with Server(stream) as server:
        stream.environment |= {"STREAM_HOME": str(stream.folder / "none"), "STREAM_SERVER": server.url}
        with Terminal(stream) as terminal:
            terminal.type("stream top")
            terminal.shows("both jobs", has("first ", "second ", "2 jobs run"))
            terminal.key("Enter")
            terminal.shows("the stages", has("first  RUNNING", "aggregate", "write-null"))
            terminal.key("l")
            terminal.shows("its log", has("attempt 1 starts"))
            terminal.key("Escape")
            terminal.key("c")
            terminal.shows("its checkpoints", has("complete"))
            terminal.key("Escape")
            terminal.key("s")
            terminal.shows("the savepoint", has("savepoint first: "))
            terminal.key("q")
        stream.environment["STREAM_HOME"] = str(stream.folder / "home")
        stream.environment.pop("STREAM_SERVER")


def only_on_a_terminal(stream):
    stream.run("stream", "top", expect=1)
    check("no terminal; 'stream stats --json'" in stream.last_stderr, stream.last_stderr)
    with Terminal(stream) as terminal:
        terminal.type("TERM=nonsense stream top")
        terminal.shows("why not", has("TERM 'nonsense' is no terminal"))
        terminal.type("stream top nosuch")
        terminal.shows("that there is none", has("stream top: fatal:"))


if __name__ == "__main__":
    if shutil.which("tmux") is None:
        print("skipped: tmux is not installed")
        sys.exit(0)
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    main([the_whole_way_down_and_back, savepoint_stop_and_resume_by_key, a_screen_that_shrinks_and_grows,
          a_job_that_does_not_answer_holds_no_key_up, only_on_a_terminal, jobs_of_a_server])
