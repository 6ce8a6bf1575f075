"""A real YARN on loopback, of the test's own: a ResourceManager with the services' API, a NodeManager and at times a second one, and the
ZooKeeper that services need.

They are processes of Java's, from the jars in build/hadoop/lib (`./dev setup bench`). The cluster's file system is the local one.
"""

import atexit
import getpass
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from xml.sax.saxutils import escape

from harness import Failure, wait_until

LIBRARIES = pathlib.Path(__file__).resolve().parent.parent.parent / "build" / "hadoop" / "lib"
JAVA = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.lang=ALL-UNNAMED"]
NODES = ("nm", "nm2")
MAIN = {"rm": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager", "nm": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
        "zk": "org.apache.zookeeper.server.quorum.QuorumPeerMain"}
LOGGING = "log4j.rootLogger=INFO,A\nlog4j.appender.A=org.apache.log4j.ConsoleAppender\nlog4j.appender.A.layout=org.apache.log4j.SimpleLayout\n"
USER = getpass.getuser()


def missing():
    """Why there can be no YARN here, or None."""
    if shutil.which("java") is None:
        return "no java"
    return None if LIBRARIES.is_dir() else "Hadoop's jars are not in build/hadoop/lib: ./dev setup bench"


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def environ_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


class Cluster:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stream-yarn-"))
        self.running = {}
        self.conf = self.folder / "conf"
        self.conf.mkdir()
        self.logs = self.folder / "logs"
        self.write_settings()
        self.own = {"nm2": self.folder / "conf-nm2"}
        self.write_second_node()
        self.environment = dict(os.environ, HADOOP_CONF_DIR=str(self.conf), HADOOP_YARN_HOME=str(self.folder), HADOOP_COMMON_HOME=str(self.folder))
        self.environment.setdefault("JAVA_HOME", str(pathlib.Path(shutil.which("java")).resolve().parent.parent))
        atexit.register(self.stop)
        for name in ("zk", "rm", "nm"):
            self.start(name)
        self.wait_until_ready()

    def write_settings(self):
        ports = [f"127.0.0.1:{port}" for port in free_ports(10)]
        self.url = f"http://{ports[0]}"
        self.zookeeper = ports[9]
        folder = self.folder
        yarn = {"yarn.resourcemanager.webapp.address": ports[0], "yarn.resourcemanager.address": ports[1], "yarn.resourcemanager.scheduler.address": ports[2],
                "yarn.resourcemanager.resource-tracker.address": ports[3], "yarn.resourcemanager.admin.address": ports[4],
                "yarn.nodemanager.address": ports[5], "yarn.nodemanager.localizer.address": ports[6], "yarn.nodemanager.webapp.address": ports[7],
                "yarn.nodemanager.collector-service.address": ports[8],
                "yarn.webapp.api-service.enable": "true", "yarn.service.base.path": f"{folder}/services",
                "yarn.service.am-resource.memory": "256", "yarn.service.am.java.opts": " ".join(["-Xmx160m", *JAVA]),
                "yarn.nodemanager.admin-env": f"MALLOC_ARENA_MAX=2,CLASSPATH={LIBRARIES}/*",  # else each service takes its own copy of all jars
                "yarn.nodemanager.resource.memory-mb": "4096", "yarn.nodemanager.resource.cpu-vcores": "16",
                "yarn.scheduler.minimum-allocation-mb": "64", "yarn.scheduler.capacity.maximum-am-resource-percent": "0.9",
                "yarn.scheduler.capacity.root.queues": "default", "yarn.scheduler.capacity.root.default.capacity": "100",
                "yarn.nodemanager.vmem-check-enabled": "false", "yarn.nodemanager.pmem-check-enabled": "false",
                "yarn.nodemanager.disk-health-checker.enable": "false",
                "yarn.nodemanager.local-dirs": f"{folder}/local", "yarn.nodemanager.log-dirs": str(self.logs),
                "yarn.nodemanager.sleep-delay-before-sigkill.ms": "60000",  # see stream-yarn(7)
                "yarn.nodemanager.recovery.enabled": "true", "yarn.nodemanager.recovery.dir": f"{folder}/recovery",
                "yarn.nodemanager.recovery.supervised": "true",
                "yarn.resourcemanager.recovery.enabled": "true", "yarn.resourcemanager.fs.state-store.uri": f"file://{folder}/state",
                "yarn.resourcemanager.store.class": "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore",
                "yarn.resourcemanager.am.max-attempts": "10",
                "yarn.nm.liveness-monitor.expiry-interval-ms": "10000", "yarn.resourcemanager.nm.liveness-monitor.interval-ms": "1000",
                "yarn.am.liveness-monitor.expiry-interval-ms": "20000",
                "yarn.resourcemanager.connect.retry-interval.ms": "500"}
        core = {"fs.defaultFS": "file:///", "hadoop.tmp.dir": f"{folder}/tmp", "hadoop.registry.zk.quorum": self.zookeeper}
        for name, settings in (("yarn-site", yarn), ("core-site", core), ("capacity-scheduler", yarn)):
            text = "".join(f"<property><name>{key}</name><value>{escape(value)}</value></property>\n" for key, value in settings.items())
            (self.conf / f"{name}.xml").write_text(f"<configuration>\n{text}</configuration>\n")
        (self.conf / "log4j.properties").write_text(LOGGING)
        (self.conf / "zoo.cfg").write_text(f"tickTime=1000\ndataDir={folder}/zookeeper\nclientPort={self.zookeeper.split(':')[1]}\n"
                                           "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n")

    def write_second_node(self):
        """What it has of its own."""
        conf = self.own["nm2"]
        shutil.copytree(self.conf, conf)
        names = ["address", "localizer.address", "webapp.address", "collector-service.address"]
        settings = {f"yarn.nodemanager.{name}": f"127.0.0.1:{port}" for name, port in zip(names, free_ports(len(names)))}
        settings |= {"yarn.nodemanager.local-dirs": f"{self.folder}/local-nm2", "yarn.nodemanager.recovery.dir": f"{self.folder}/recovery-nm2"}
        self.ports = {"nm2": settings["yarn.nodemanager.address"].split(":")[1]}
        text = (conf / "yarn-site.xml").read_text().replace("</configuration>", "")
        text += "".join(f"<property><name>{key}</name><value>{value}</value></property>\n" for key, value in settings.items())
        (conf / "yarn-site.xml").write_text(text + "</configuration>\n")

    def start(self, name):
        conf = self.own.get(name, self.conf)
        arguments = [str(self.conf / "zoo.cfg")] if name == "zk" else []
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(["java", "-Xmx256m", *JAVA, "-cp", f"{conf}:{LIBRARIES}/*", MAIN[name.removesuffix("2")], *arguments],
                                                  env=dict(self.environment, HADOOP_CONF_DIR=str(conf)), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self, name):
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def wait_until_ready(self):
        def ready():
            for name, process in self.running.items():
                if process.poll() is not None:
                    raise Failure(f"{name} has ended:\n" + (self.folder / f"{name}.log").read_text(errors="replace")[-3000:])
            try:
                return self.ask("/ws/v1/cluster/metrics")["clusterMetrics"]["activeNodes"] == len({*NODES} & {*self.running})
            except OSError:
                return False
        wait_until("a ResourceManager with a NodeManager", ready, timeout=180, interval=0.2)

    def ask(self, path, method="GET"):
        """What the ResourceManager answers; None where there is no such thing."""
        request = urllib.request.Request(f"{self.url}{path}{'&' if '?' in path else '?'}user.name={USER}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return json.loads(text) if text else {}

    def application(self, number):
        return self.ask(f"/ws/v1/cluster/apps/{number}")["app"]

    def said(self, number):
        """What has been written in its containers, by any of them."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.logs.glob(f"{number}/*/std*.txt")))

    @staticmethod
    def processes(number, master=False):
        """Of its containers, or of that of its master: numbers and commands, by what is in their environment."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
                container = next((line.decode() for line in environment if line.startswith(b"CONTAINER_ID=")), "")
                if number.replace("application", "") in container and container.endswith("_000001") == master:
                    found.append((int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")))
            except OSError:
                continue
        return found

    def node_of(self, number):
        """The NodeManager whose container runs the job."""
        ports = {line.decode().removeprefix("NM_PORT=") for pid, _ in self.processes(number) for line in environ_of(pid) if line.startswith(b"NM_PORT=")}
        return "nm2" if self.ports["nm2"] in ports else "nm"

    def lose(self, node):
        """As when its power fails: it is gone with all that it has started."""
        self.kill(node)
        on_second = f"NM_PORT={self.ports['nm2']}".encode()
        for entry in pathlib.Path("/proc").iterdir():
            environment = environ_of(entry.name) if entry.name.isdigit() else []
            if any(line.startswith(b"CONTAINER_ID=") for line in environment) and f"HADOOP_YARN_HOME={self.folder}".encode() in environment \
                    and (on_second in environment) == (node == "nm2"):
                os.kill(int(entry.name), signal.SIGKILL)

    def containers(self, number):
        """But for those of its masters."""
        return {path.parent.name for path in self.logs.glob(f"{number}/*/stderr.txt")}

    def attempts(self, number):
        return len(self.ask(f"/ws/v1/cluster/apps/{number}/appattempts")["appAttempts"]["appAttempt"])

    def mend(self):
        """All is there again, and no services."""
        if "nm2" in self.running:
            self.lose("nm2")
        for name in ("zk", "rm", "nm"):
            if name not in self.running:
                self.start(name)
        self.wait_until_ready()
        for path in (self.folder / "services").glob("services/*"):
            self.ask(f"/app/v1/services/{path.name}", "DELETE")

    def stop(self):
        for process in reversed(self.running.values()):
            process.kill()
            process.wait()
        self.running.clear()
        for entry in pathlib.Path("/proc").iterdir():  # containers outlive their NodeManager
            if entry.name.isdigit() and f"HADOOP_YARN_HOME={self.folder}".encode() in environ_of(entry.name):
                os.kill(int(entry.name), signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
