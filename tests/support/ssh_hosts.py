"""Hosts for tests: ssh servers of our own, on loopback addresses or, where the kernel lets us, in network namespaces."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

from harness import Failure, check, free_port, wait_until

SSHD = "/usr/sbin/sshd"


def missing():
    """Why there can be no ssh server here; "" if there can."""
    if not os.path.exists(SSHD) or not shutil.which("ssh"):
        return "openssh-server is not installed"
    return ""


class SshServer:
    """An ssh server that knows one key, of this user; nothing of the system's is touched."""

    def __init__(self, folder, name, address, port, prefix=()):
        self.folder = pathlib.Path(folder) / f"ssh-{name}"
        self.folder.mkdir(parents=True)
        self.address, self.port = address, port
        os.makedirs("/run/sshd", exist_ok=True)  # the server wants it, whatever its configuration
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key], check=True)
        (self.folder / "authorized").write_text((self.folder / "user.pub").read_text())
        self.config = self.folder / "config"
        self.config.write_text(
            f"ListenAddress {address}:{port}\nHostKey {self.folder}/host\nPidFile {self.folder}/pid\n"
            f"AuthorizedKeysFile {self.folder}/authorized\nPasswordAuthentication no\nUsePAM no\nStrictModes no\n"
            # What the user's shell does at the start, and leaves locked when it is killed, is nothing to the tests.
            f"PermitRootLogin yes\nSetEnv HOME={self.folder}\n")
        self.prefix = list(prefix)
        self.start()

    def start(self):
        self.log = (self.folder / "log").open("a")
        self.process = subprocess.Popen([*self.prefix, SSHD, "-D", "-e", "-f", self.config], stderr=self.log)

    def wait(self, connect):
        wait_until(f"the ssh server at {self.address}:{self.port}", lambda: connect(self.address, self.port), timeout=60)

    def manifest(self):
        """Its keys in `hosts` of a manifest, but for its address."""
        return {"user": pwd.getpwuid(os.getuid()).pw_name, "port": self.port,
                "ssh-options": ["-i", str(self.folder / "user"), "-o", "StrictHostKeyChecking=no", "-o",
                                f"UserKnownHostsFile={self.folder}/known"]}

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def reachable(address, port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def quoted(value):
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def yaml_of(name, keys):
    """One entry of `hosts`."""
    items = []
    for key, value in keys.items():
        text = "[" + ", ".join(quoted(v) for v in value) + "]" if isinstance(value, list) else quoted(value)
        items.append(f"    {key}: {text if not isinstance(value, int) else value}")
    return f"  {name}:\n" + "\n".join(items) + "\n"


class LoopbackHosts:
    """Several `hosts` that are this machine under addresses of its own."""

    def __init__(self, stream, names):
        self.addresses = {name: f"127.0.{os.getpid() % 200 + 20}.{i + 2}" for i, name in enumerate(names)}
        self.folder = stream.folder
        self.servers = {name: SshServer(stream.folder, name, address, free_port(address=address))
                        for name, address in self.addresses.items()}

    def __enter__(self):
        for server in self.servers.values():
            server.wait(reachable)
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.stop()

    def manifest(self, local=""):
        """The `hosts` of a manifest; `local`: an address of the supervisor's own host, to run instances there too."""
        text = "hosts:\n"
        if local:
            text += yaml_of("here", {"address": local, "via": "local"})
        for name, server in self.servers.items():
            keys = {"address": self.addresses[name], **server.manifest(), "folder": str(self.folder / "agents")}
            text += yaml_of(name, keys)
        return text


class Network:
    """Network namespaces on one bridge, one a host; the supervisor's own is the machine's."""

    def __init__(self, names):
        number = os.getpid()
        self.bridge = f"sb{number}"
        self.net = f"10.{100 + number % 100}.{number // 100 % 250}"
        self.own = f"{self.net}.1"
        self.addresses = {name: f"{self.net}.{i + 2}" for i, name in enumerate(names)}
        self.spaces = {name: f"s{number}{name}" for name in names}
        self.links = {name: f"v{number}{name}" for name in names}

    @staticmethod
    def possible():
        if os.getuid() != 0 or not shutil.which("ip"):
            return False
        name = f"st{os.getpid()}"
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        return made

    @staticmethod
    def ip(*words, check=True):
        subprocess.run(["ip", *words], check=check, capture_output=not check)

    def inside(self, name):
        return ["ip", "netns", "exec", self.spaces[name]]

    def make(self):
        self.ip("link", "add", self.bridge, "type", "bridge")
        self.ip("addr", "add", f"{self.own}/24", "dev", self.bridge)
        self.ip("link", "set", self.bridge, "up")
        for name, space in self.spaces.items():
            self.ip("netns", "add", space)
            self.ip("link", "add", self.links[name], "type", "veth", "peer", "name", "eth0", "netns", space)
            self.ip("link", "set", self.links[name], "master", self.bridge, "up")
            for words in (["addr", "add", f"{self.addresses[name]}/24", "dev", "eth0"], ["link", "set", "eth0", "up"],
                          ["link", "set", "lo", "up"]):
                self.ip("-n", space, *words)

    def remove(self):
        for name, space in self.spaces.items():
            self.ip("netns", "del", space, check=False)
            self.ip("link", "del", self.links[name], check=False)
        self.ip("link", "del", self.bridge, check=False)

    def cut(self, name):
        """Nothing reaches the host, and nothing comes from it."""
        self.ip("link", "set", self.links[name], "down")

    def mend(self, name):
        self.ip("link", "set", self.links[name], "up")

    def silence(self, name, to):
        """What the host sends to an address is lost on its way; the other direction works."""
        self.ip("-n", self.spaces[name], "route", "add", "blackhole", f"{to}/32")

    def unsilence(self, name, to):
        self.ip("-n", self.spaces[name], "route", "del", "blackhole", f"{to}/32", check=False)


class NamespaceHosts:
    """Hosts with a network of their own each, which can be cut."""

    def __init__(self, stream, names):
        self.folder = stream.folder
        self.network = Network(names)
        self.network.make()
        self.addresses = self.network.addresses
        self.servers = {name: SshServer(stream.folder, name, address, 22, self.network.inside(name))
                        for name, address in self.addresses.items()}

    def __enter__(self):
        for server in self.servers.values():
            server.wait(reachable)
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.stop()
        for name in self.servers:
            kill_group(self.processes(name))
        self.network.remove()

    manifest = LoopbackHosts.manifest

    def processes(self, name):
        """Everything that runs on the host: the server of ssh, the agent, instances."""
        done = subprocess.run(["ip", "netns", "pids", self.network.spaces[name]], capture_output=True, text=True, check=False)
        return [int(pid) for pid in done.stdout.split()]

    def pause(self, name):
        pids = [pid for pid in self.processes(name) if pid != self.servers[name].process.pid]
        kill_group(pids, signal.SIGSTOP)
        return pids


def kill_group(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def agents_of(folder):
    """pid of the agent by host, from the locks in their folders."""
    found = {}
    for lock in pathlib.Path(folder).glob("*/agent.lock"):
        try:
            text = lock.read_text().strip()
        except OSError:  # gone meanwhile
            continue
        if text and os.path.exists(f"/proc/{text}"):
            found[lock.parent.name.split("-", 1)[1]] = int(text)
    return found


def children_of(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


__all__ = ["Failure", "LoopbackHosts", "NamespaceHosts", "Network", "SshServer", "agents_of", "check", "children_of", "kill_group", "missing", "time",
           "yaml_of"]
