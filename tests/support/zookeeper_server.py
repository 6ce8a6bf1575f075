"""An ensemble of ZooKeeper servers of the test's own, on loopback or on hosts of a test."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

from harness import check, free_port, wait_until

JAR = pathlib.Path("/usr/share/java/zookeeper.jar")  # which names what else it needs


def absent():
    """Why there is none here, or nothing."""
    if shutil.which("java") is None:
        return "there is no java"
    return None if JAR.exists() else "there is no zookeeper.jar"


class Member:
    def __init__(self, folder, number, ports, places):
        """ports: of each member, for clients, followers and elections; places: its address, and what its command begins with."""
        self.folder = pathlib.Path(folder) / f"zookeeper-{number}"
        self.port = ports[number - 1][0]
        self.address, self.prefix = places[number - 1]
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "data" / "myid").write_text(str(number))
        lines = [f"dataDir={self.folder}/data", f"clientPort={self.port}", f"clientPortAddress={self.address}", "tickTime=250", "initLimit=40", "syncLimit=8",
                 "admin.enableServer=false", "4lw.commands.whitelist=*", "maxClientCnxns=0", "standaloneEnabled=true", "skipACL=no"]
        if len(ports) > 1:
            lines += [f"server.{i}={place[0]}:{follow}:{elect}" for i, ((_, follow, elect), place) in enumerate(zip(ports, places), 1)]
        (self.folder / "zoo.cfg").write_text("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*self.prefix, "java", "-Xmx96m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", str(JAR),
                                             "org.apache.zookeeper.server.quorum.QuorumPeerMain", str(self.folder / "zoo.cfg")],
                                            cwd=self.folder, stdout=log, stderr=log)

    def serves(self):
        """As it says itself: 'Mode: follower', 'leader' or 'standalone'."""
        try:
            with socket.create_connection((self.address, self.port), timeout=2) as connection:
                connection.sendall(b"srvr")
                said = b""
                while chunk := connection.recv(4096):
                    said += chunk
                return b"Mode: " in said
        except OSError:
            return False

    def send(self, number):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def kill(self):
        self.send(signal.SIGKILL)
        if self.process:
            self.process.wait()


class ZooKeeper:
    """Members keep their data, so that what start() starts again goes on."""

    def __init__(self, folder, places=(("127.0.0.1", ()),) * 3):
        ports = [(free_port(), free_port(), free_port()) for _ in places]
        self.members = [Member(folder, i + 1, ports, places) for i in range(len(places))]

    def __enter__(self):
        for member in self.members:
            member.start()
        self.wait()
        return self

    def __exit__(self, kind, *_):
        for member in self.members:
            member.kill()
            if kind:
                print((member.folder / "log").read_text(errors="replace")[-1500:], flush=True)

    def wait(self):
        def served():
            for member in self.members:
                check(member.process.poll() is None, f"a server of ZooKeeper has ended: {(member.folder / 'log').read_text(errors='replace')[-1500:]}")
            return all(member.serves() for member in self.members)
        wait_until("the ensemble to serve", served, 60, 0.1)

    def url(self, path, lease):
        return "zookeeper://" + ",".join(f"{member.address}:{member.port}" for member in self.members) + f"{path}?lease={lease}"
