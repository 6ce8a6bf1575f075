"""Whole hosts for tests: each has a network of its own, its own view of a shared folder, an ssh server and a supervisor, and any of
these can be taken from it.

The shared folder is a small file system. Each host has it mounted in a mount namespace of its own, where it can turn read-only or vanish.
"""

import json
import os
import shutil
import signal
import subprocess

from harness import Stream, wait_until
from small_disk import SmallDisk
from ssh_hosts import NamespaceHosts, Network, SshServer, kill_group, reachable


class View:
    """The namespaces of a host, which a process that only sleeps keeps."""

    def __init__(self, name, inside, shared):
        self.name, self.shared = name, str(shared)
        self.frozen = str(shared.parent / f"{shared.name}-read-only-on-{name}")
        os.mkdir(self.frozen)
        script = (f"hostname {name} && mount --bind {shared} {shared} && mount --bind {shared} {self.frozen} && "
                  f"mount -o remount,bind,ro {self.frozen} && echo made && exec sleep infinity")
        self.keeper = subprocess.Popen([*inside, "unshare", "-m", "-u", "--propagation", "private", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self.keeper.stdout.readline() == "made\n"
        self.enter = ["nsenter", "-t", str(self.keeper.pid), "-m", "-u", "-n", "--"]

    def mount(self, *words):
        subprocess.run([*self.enter, *words], check=True)

    def read_only(self):
        """Files that are open for writing stay so."""
        self.mount("mount", "--bind", self.frozen, self.shared)

    def vanish(self, folder=None):
        """An empty folder that nobody can write to is there in its place; files that are open stay so. With `folder` one that
        everybody can write to is in the place of that alone, as where a mount point is left."""
        place = self.shared + (f"/{folder}" if folder else "")
        self.mount("mount", "-t", "tmpfs", "-o", "rw,size=16m" if folder else "ro,size=4k", "nothing", place)
        return lambda: self.mount("umount", "-l", place)

    def come_back(self):
        self.mount("umount", "-l", self.shared)

    def end(self):
        self.keeper.kill()
        self.keeper.wait()


class WholeHosts(NamespaceHosts):
    def __init__(self, stream, names, size="64m"):
        self.stream, self.folder = stream, stream.folder
        self.disk = SmallDisk(stream, "shared", size, freezes=True)
        self.shared = self.disk.folder
        self.network = Network(names)
        self.network.make()
        self.addresses = self.network.addresses
        self.views = {name: View(name, self.network.inside(name), self.shared) for name in names}
        self.servers = {name: SshServer(stream.folder, name, address, 22, self.views[name].enter) for name, address in self.addresses.items()}
        self.supervisors = {}

    @staticmethod
    def missing():
        """Why there can be none here."""
        if not Network.possible():
            return "no network namespaces here"
        return "" if shutil.which("nsenter") and shutil.which("unshare") else "util-linux is not installed"

    def __exit__(self, kind, *_):
        for supervisor in self.supervisors.values():
            if kind:
                supervisor.explain()
            supervisor.end()
        super().__exit__(kind, *_)
        for view in self.views.values():
            view.end()
        self.disk.__exit__(None)

    def processes(self, name):
        return [pid for pid in super().processes(name) if pid != self.views[name].keeper.pid]

    def supervise(self, name, manifest, place, *options):
        """Starts a supervisor on a host, in the place of an earlier one."""
        if name in self.supervisors:
            self.supervisors.pop(name).end()
        self.supervisors[name] = Supervisor(self, name, manifest, place, options)
        return self.supervisors[name].start()

    # --- what may happen to a host

    def die(self, name):
        """The power goes: nothing of it says good-bye."""
        self.network.cut(name)
        kill_group(self.processes(name))
        for process in (self.servers[name].process, *(s.process for s in [self.supervisors.get(name)] if s)):
            process.wait()

    def boot(self, name):
        self.network.mend(name)
        self.servers[name].start()
        self.servers[name].wait(reachable)

    # The kernel of a test need not have netem.

    def can(self, begin, end, *how):
        """Whether the kernel and the programs here can do that to a host."""
        name = next(iter(self.addresses))
        try:
            begin(name, *how)
            end(name)
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def lose_packets(self, name, share):
        """That share of what comes to the host is lost."""
        subprocess.run([*self.network.inside(name), "iptables", "-A", "INPUT", "-i", "eth0", "-m", "statistic", "--mode", "random",
                        "--probability", str(share), "-j", "DROP"], check=True, capture_output=True)

    def lose_no_packets(self, name):
        subprocess.run([*self.network.inside(name), "iptables", "-F", "INPUT"], check=True)

    def slow_down(self, name, rate):
        """What the host sends waits in a queue: at so many kbit/s, up to 400 ms, behind which it is lost."""
        subprocess.run([*self.network.inside(name), "tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", f"{rate}kbit",
                        "burst", "10kb", "latency", "400ms"], check=True)

    def speed_up(self, name):
        subprocess.run([*self.network.inside(name), "tc", "qdisc", "del", "dev", "eth0", "root"], check=True)

    def freeze(self, name):
        pids = self.processes(name)
        kill_group(pids, signal.SIGSTOP)
        return pids


class Supervisor:
    """`stream run --ha` on a host, with a home there that nobody else sees."""

    def __init__(self, hosts, name, manifest, place, options):
        self.hosts, self.name, self.manifest, self.place, self.options = hosts, name, manifest, place, options
        self.own = Stream(hosts.stream.programs)
        self.process = None

    def start(self):
        self.process = subprocess.Popen([*self.hosts.views[self.name].enter, "stream", "run", self.manifest, "--ha", self.place, *self.options],
                                        env=self.own.environment, cwd=self.own.folder, stdout=subprocess.DEVNULL,
                                        stderr=open(self.own.folder / "talk", "ab"))
        return self

    def talk(self):
        return (self.own.folder / "talk").read_text()

    def alive(self):
        return self.process.poll() is None

    def run(self, *words, expect=0):
        """A verb on its host."""
        return self.own.run(*self.hosts.views[self.name].enter, *words, expect=expect)

    def seen(self, job):
        said = self.own.run("stream", "ps", "--json", expect=None).splitlines()
        return next((one for one in map(json.loads, said) if one.get("name", one.get("job")) == job), {})

    def state(self, job):
        return self.seen(job).get("state", "") if self.alive() else ""

    def explain(self):
        print(f"--- {self.name}: {self.talk()}", flush=True)
        for job in self.own.jobs():
            for verb in ("events", "logs"):
                print("\n".join(self.own.run("stream", verb, job, expect=None).splitlines()[-30:]), flush=True)

    def kill(self, number=signal.SIGKILL):
        kill_group([self.process.pid], number)
        if number == signal.SIGKILL:
            self.process.wait()

    def end(self):
        if self.alive():
            os.kill(self.process.pid, signal.SIGCONT)
            self.kill()
        self.own.__exit__(None)


def leader_of(hosts, job):
    """The one supervisor that runs the job, if it is one."""
    leads = [one for one in hosts.supervisors.values() if one.state(job) in ("RUNNING", "RESTARTING", "STARTING", "RESCALING")]
    return leads[0] if len(leads) == 1 else None


def wait_leader(hosts, job, but=None, timeout=60):
    def found():
        leader = leader_of(hosts, job)
        return leader if leader is not but else None
    return wait_until("a leader", found, timeout, 0.02)
