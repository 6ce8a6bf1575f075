"""A terminal for tests: what a person types and sees."""

import itertools
import shlex
import subprocess

from harness import Failure, wait_until

NUMBERS = itertools.count()


class Terminal:
    """A shell in a tmux server of its own."""

    def __init__(self, stream, columns=80, lines=24, shell="sh"):
        self.socket = str(stream.folder / f"tmux{next(NUMBERS)}")  # the server of an earlier one may still be leaving
        self.environment = dict(stream.environment, TERM="screen", PS1="$ ")
        self.environment.pop("TMUX", None)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(stream.folder),
                  shell)
        wait_until("the prompt", self.screen)  # what is typed before would stand in front of it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, *args], env=self.environment, capture_output=True, text=True,
                              timeout=60, check=False).stdout

    def type(self, *words):
        self.tmux("send-keys", "-l", words[0] if len(words) == 1 else shlex.join(words))
        self.tmux("send-keys", "Enter")

    def key(self, name):
        self.tmux("send-keys", name)

    def screen(self, *options):
        return [line for line in self.tmux("capture-pane", "-p", *options).splitlines() if line.strip()]

    def resize(self, columns, lines=24):
        self.tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def shows(self, what, lines):
        try:
            return wait_until(what, lambda: lines(self.screen()))
        except Failure as failure:
            raise Failure(f"{failure}: {self.screen()}") from failure
