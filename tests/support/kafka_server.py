"""A Kafka broker on loopback, of the test's own: Apache Kafka where Java has it or Maven gets it, else librdkafka's mock.

The jars are kept under build/ of the checkout, so they are fetched once.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from harness import Failure, free_port, wait_until

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
JARS = TOP / "build" / "kafka-jars"
VERSION = "3.7.1"
PROJECT = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>stream</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""
CONFIG = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{more}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{more}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
"""
# A user "me", whose password is that of the test, over TLS; and TLS alone.
SECURITY = """ssl.keystore.type=PEM
ssl.keystore.location={keys}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_me="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.ssl.ssl.client.auth=required
"""


def jars():
    """The class path of a broker, or None."""
    if shutil.which("java") is None or os.environ.get("STREAM_KAFKA") == "mock":
        return None
    if not (JARS / "complete").exists():
        if shutil.which("mvn") is None:
            return None
        JARS.mkdir(parents=True, exist_ok=True)
        (JARS / "pom.xml").write_text(PROJECT)
        try:
            done = subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={JARS}/lib"], cwd=JARS,
                                  capture_output=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0:
            return None
        (JARS / "complete").touch()
    return f"{JARS}/lib/*"


class Kafka:
    """What both kinds of broker are asked for."""

    def __init__(self, tool):
        self.tool = tool

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def run(self, *args, stdin=""):
        done = subprocess.run([self.tool, self.servers, *map(str, args)], input=stdin, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"kafka-tool {' '.join(map(str, args))}: {done.stderr}")
        return done.stdout

    def produce(self, topic, messages):
        """Each (partition, key, value) a message, all stored when it returns."""
        self.run("produce", topic, stdin="".join(f"{partition}\t{key}\t{value}\n" for partition, key, value in messages))

    def dump(self, topic):
        """All committed messages: (partition, offset, key, value)."""
        lines = [line.split("\t", 3) for line in self.run("dump", topic).splitlines()]
        return [(int(partition), int(offset), key, value) for partition, offset, key, value in lines]

    def values(self, topic):
        return [json.loads(value) for *_, value in self.dump(topic)]


class ApacheKafka(Kafka):
    """Keeps its topics in `folder`, so what start() starts again goes on where kill() has ended it."""

    kind = f"Apache Kafka {VERSION}"
    restarts = True
    transactional = True

    def __init__(self, tool, folder, class_path, certificates=None, password=None):
        """With certificates it speaks TLS too: at tls_servers with those who show one, at user_servers with users."""
        super().__init__(tool)
        self.folder = pathlib.Path(folder) / "kafka"
        self.folder.mkdir()
        port = free_port()
        self.servers = f"127.0.0.1:{port}"
        self.java = ["java", "-Xmx256m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", class_path]
        self.config = self.folder / "server.properties"
        self.tls_servers, self.user_servers = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        more = f",SSL://{self.tls_servers},SASL_SSL://{self.user_servers}" if certificates else ""
        text = CONFIG.format(port=port, controller=free_port(), folder=self.folder, more=more)
        users = []
        if certificates:
            keys = self.folder / "keys.pem"
            keys.write_text(certificates.server_key.read_text() + certificates.server.read_text())
            text += SECURITY.format(keys=keys, password=password, authority=certificates.authority)
            users = ["--add-scram", f"SCRAM-SHA-256=[name=me,password={password}]"]
        self.config.write_text(text)
        formatted = subprocess.run([*self.java, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", self.config, *users],
                                   capture_output=True, text=True, timeout=60, check=False)
        if formatted.returncode != 0:
            raise Failure(f"the storage of Kafka: {formatted.stdout}{formatted.stderr}")
        self.start()

    def start(self):
        self.process = subprocess.Popen([*self.java, "kafka.Kafka", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the Kafka broker", self.listens, timeout=60, interval=0.1)

    def listens(self):
        try:
            host, port = self.servers.split(":")
            socket.create_connection((host, int(port)), timeout=1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def create(self, topic, partitions):
        self.run("create", topic, partitions)


class MockKafka(Kafka):
    kind = "librdkafka's mock broker (no JDK, or no Apache Kafka to be had)"
    restarts = False
    transactional = False  # it takes part in them, but shows messages of those that were not committed

    def __init__(self, tool):
        super().__init__(tool)
        self.process = subprocess.Popen([tool, "mock", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.servers = self.process.stdout.readline().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def create(self, topic, partitions):
        self.process.stdin.write(f"{topic} {partitions}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


def start_kafka(programs, folder, **security):
    tool = pathlib.Path(programs).resolve().parent / "tests" / "kafka-tool"
    class_path = jars()
    kafka = ApacheKafka(tool, folder, class_path, **security) if class_path else MockKafka(tool)
    print(f"broker: {kafka.kind}", flush=True)
    return kafka
