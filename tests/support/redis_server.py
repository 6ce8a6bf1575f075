"""A Redis server on loopback, of the test's own, and what a test says to it."""

import pathlib
import shutil
import signal
import socket
import subprocess

from harness import Failure, free_port, wait_until

ABSENT = shutil.which("redis-server") is None


class RedisServer:
    """Keeps all it has answered in `folder`, so what start() starts again goes on where kill() has ended it."""

    def __init__(self, folder, *options, password=None, certificates=None):
        """With certificates it speaks TLS too, at tls_port."""
        self.folder = pathlib.Path(folder) / "redis"
        self.folder.mkdir(exist_ok=True)
        self.port, self.tls_port = free_port(), free_port()
        self.password = password
        self.options = [*options, *(["--requirepass", password] if password else [])]
        if certificates:
            self.options += ["--tls-port", str(self.tls_port), "--tls-cert-file", certificates.server, "--tls-key-file", certificates.server_key,
                             "--tls-ca-cert-file", certificates.authority]
        self.process = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder, "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the Redis server", self.answers)

    def answers(self):
        try:
            return self.ask("PING") == "PONG"
        except (OSError, Failure):
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, *words):
        return self.ask_all([words])[0]

    def ask_all(self, commands):
        """The answers of commands that are sent together. Errors: Failure, with the first one's words."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection, connection.makefile("rwb") as stream:
            if self.password:
                commands = [("AUTH", self.password), *commands]
            for words in commands:
                stream.write(b"*%d\r\n" % len(words))
                for word in words:
                    word = str(word).encode()
                    stream.write(b"$%d\r\n%s\r\n" % (len(word), word))
            stream.flush()
            answers = [parsed(stream) for _ in commands]
            return answers[1:] if self.password else answers

    def entries(self, key):
        """The fields of each entry, as dictionaries."""
        return [dict(zip(fields[::2], fields[1::2])) for _, fields in self.ask("XRANGE", key, "-", "+")]


def parsed(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise Failure("the server has hung up")
    kind, text = line[:1], line[1:-2].decode()
    if kind == b"-":
        raise Failure(text)
    if kind == b"$":
        return None if text == "-1" else stream.read(int(text) + 2)[:-2].decode()
    if kind == b"*":
        return None if text == "-1" else [parsed(stream) for _ in range(int(text))]
    return int(text) if kind == b":" else text
