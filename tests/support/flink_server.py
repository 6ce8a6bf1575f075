"""A real Flink on loopback, of the test's own: a cluster and its SQL gateway in one process of Java's.

Its libraries are those of the benchmark (`./dev setup bench`); the gateway's are fetched with Maven, once, and kept under
build/. Where something of that cannot be had there is no Flink, and the reason is told.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from harness import Failure, free_port

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LIBRARIES = TOP / "build" / "flink" / "lib"
MORE = TOP / "build" / "flink" / "opt"
VERSION = "1.20.0"
GATEWAY = [f"org.apache.flink:flink-sql-gateway:{VERSION}", f"org.apache.flink:flink-sql-gateway-api:{VERSION}"]
CLIENT = [f"org.apache.flink:flink-sql-client:{VERSION}"]
KAFKA = ["org.apache.flink:flink-connector-kafka:3.3.0-1.20", "org.apache.kafka:kafka-clients:3.4.0"]
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy"
PACKAGES = ["lang", "util", "time", "net", "io", "nio", "text", "lang.reflect", "util.concurrent", "util.concurrent.atomic"]
LOGGING = """rootLogger.level = ERROR
rootLogger.appenderRef.c.ref = C
appender.c.name = C
appender.c.type = CONSOLE
appender.c.target = SYSTEM_ERR
"""
START = 120  # seconds: on a machine that does other things


def fetch(artifacts):
    MORE.mkdir(parents=True, exist_ok=True)
    for artifact in artifacts:
        name, version = artifact.split(":")[1:]
        if (MORE / f"{name}-{version}.jar").exists():
            continue
        if shutil.which("mvn") is None:
            return False
        try:
            done = subprocess.run(["mvn", "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={MORE}"], cwd=MORE,
                                  capture_output=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            return False
        if done.returncode != 0:
            return False
    return True


def client_missing():
    """Why Flink's command line cannot be run, or None."""
    if shutil.which("java") is None:
        return "no Java"
    return None if LIBRARIES.is_dir() else "Flink's libraries are not there: ./dev setup bench"


def missing():
    """Why there is no Flink here, or None."""
    if why := client_missing():
        return why
    if shutil.which("javac") is None:
        return "no JDK"
    return None if fetch(GATEWAY) else "Maven does not get Flink's SQL gateway"


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


class Flink:
    def __init__(self, kafka=False):
        """With Kafka's connector, if that can be had: then `kafka` stays true."""
        self.kafka = kafka and fetch(KAFKA)

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stream-flink-"))
        (self.folder / "config.yaml").write_text("parallelism.default: 1\n")
        (self.folder / "log4j2.properties").write_text(LOGGING)
        port = free_port()
        self.gateway = f"http://127.0.0.1:{port}"
        self.printed = self.folder / "out"
        self.seen = 0
        more = [artifact.split(":")[1:] for artifact in GATEWAY + (KAFKA if self.kafka else [])]
        jars = [*LIBRARIES.glob("*.jar"), *(MORE / f"{name}-{version}.jar" for name, version in more)]
        opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in PACKAGES]
        with open(self.printed, "wb") as out, open(self.folder / "err", "wb") as err:
            self.process = subprocess.Popen(
                ["java", "-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *opened, f"-Dlog4j.configurationFile={self.folder}/log4j2.properties",
                 "-cp", ":".join(map(str, sorted(jars))), str(TOP / "tests" / "flink" / "LocalCluster.java"), str(port)],
                env={**os.environ, "FLINK_CONF_DIR": str(self.folder)}, stdout=out, stderr=err, cwd=self.folder)
        try:
            self.wait_for_gateway()
        except BaseException:
            self.__exit__()
            raise
        self.cluster = self.printed.read_text().splitlines()[0].removeprefix("cluster ")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for_gateway(self):
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"Flink has ended: {(self.folder / 'err').read_text()[-2000:]}")
            try:
                get(f"{self.gateway}/v1/info")
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise Failure("Flink has not started")

    def wait_for(self, job, seconds=120):
        """Until the job has finished; of one that fails the reason."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = get(f"{self.cluster}/jobs/{job}")["state"]
            if state == "FINISHED":
                return
            if state in ("FAILED", "FAILING", "CANCELED", "RESTARTING"):
                reason = get(f"{self.cluster}/jobs/{job}/exceptions").get("root-exception", "")
                raise Failure(f"the job is {state}: {reason[:3000]}")
            time.sleep(0.1)
        raise Failure(f"the job runs on after {seconds} s")

    def client(self, path):
        """Flink's SQL client as a program, like sql-client.sh; None if it cannot be had."""
        if not fetch(CLIENT):
            return None
        jars = [*LIBRARIES.glob("*.jar"), *MORE.glob("flink-sql-[cg]*.jar")]
        path.write_text(f"#!/bin/sh\nexport FLINK_CONF_DIR={self.folder}\nexec java -XX:TieredStopAtLevel=1 -Dlog4j.configurationFile={self.folder}/log4j2.properties "
                        f"-cp {':'.join(map(str, sorted(jars)))} org.apache.flink.table.client.SqlClient gateway -e {self.gateway.removeprefix('http://')} \"$@\"\n")
        path.chmod(0o755)
        return path

    def forget(self):
        """What has been printed so far."""
        self.seen = self.printed.stat().st_size

    def rows(self, sink):
        """Final rows that a print sink has been given, as texts, in any order."""
        final = {}
        for line in self.printed.read_bytes()[self.seen:].decode().split("\n"):
            name, _, row = line.partition("> ")
            if name.split(":")[0] != sink or row[2:3] != "[":
                continue
            final[row[3:-1]] = final.get(row[3:-1], 0) + (1 if row[0] == "+" else -1)
        return final
