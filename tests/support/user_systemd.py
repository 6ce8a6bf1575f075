"""A systemd of its own on this machine: the manager of a user, in namespaces in which nothing else runs."""

import os
import pathlib
import subprocess

from harness import Failure, wait_until

MANAGER = "/usr/lib/systemd/systemd"
# In cgroups of its own; what it leaves there is taken away when it is gone.
BEGIN = """mount -t tmpfs none /run && mkdir -p /run/systemd/system || exit 1
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -w $hierarchy/cgroup.procs ] && mkdir -p $hierarchy/{name} && echo $$ > $hierarchy/{name}/cgroup.procs
done
{manager} --user & wait
"""


def missing():
    """What it lacks here; "" where it can run."""
    if not pathlib.Path(MANAGER).exists():
        return "systemd is not installed"
    if os.getuid() != 0:
        return "namespaces are made by root alone"
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "mount", "-t", "tmpfs", "none", "/run"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "there are no namespaces"


class UserSystemd:
    def __init__(self, stream):
        self.stream = stream
        self.name = f"stream-test-{os.getpid()}"
        runtime = stream.folder / "runtime"
        runtime.mkdir(mode=0o700)
        stream.environment |= {"XDG_RUNTIME_DIR": str(runtime), "XDG_CONFIG_HOME": str(stream.folder / "config"), "HOME": str(stream.folder),
                               "SYSTEMD_LOG_TARGET": "console"}
        stream.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.units = stream.folder / "config" / "systemd" / "user"
        self.units.mkdir(parents=True)
        # Of the targets there are, only what the tests need.
        (self.units / "default.target").write_text("[Unit]\nDescription=Default\n")
        script = BEGIN.format(name=self.name, manager=MANAGER)
        self.log = open(stream.folder / "systemd.log", "w")
        self.outer = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "bash", "-c", script], env=stream.environment,
                                      cwd=stream.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.inner = ""

    def __enter__(self):
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        self.inner = wait_until("the namespaces", lambda: children.read_text().strip())
        try:
            wait_until("systemd", lambda: self.do("systemctl", "--user", "is-active", "default.target", expect=None).strip() == "active")
        except Failure:
            print((self.stream.folder / "systemd.log").read_text())
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.inner:
            subprocess.run(["kill", "-9", self.inner], check=False)  # and all that it has started
        self.outer.wait(timeout=60)
        self.log.close()
        for hierarchy in ("systemd", "unified", "."):
            top = pathlib.Path("/sys/fs/cgroup", hierarchy, self.name)
            for folder in sorted((f for f in top.rglob("*") if f.is_dir()), key=lambda f: -len(f.parts)) + [top]:
                try:
                    folder.rmdir()
                except OSError:
                    pass

    def words(self, *args):
        return ["nsenter", "--target", self.inner, "--mount", "--pid", f"--wd={self.stream.folder}", "--", *map(str, args)]

    def do(self, *args, expect=0, timeout=60):
        """Runs a program there."""
        return self.stream.run(*self.words(*args), expect=expect, timeout=timeout)

    def show(self, unit):
        return dict(line.split("=", 1) for line in self.do("systemctl", "--user", "show", unit).splitlines() if "=" in line)


