"""A NATS server with JetStream on loopback, of the test's own, and the little of its protocol a test needs."""

import base64
import json
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import uuid

from harness import Failure, free_port, wait_until

ABSENT = shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") is None


class NatsServer:
    """Keeps its streams in `folder`, so what start() starts again goes on where kill() has ended it."""

    def __init__(self, folder, *options, user=None, certificates=None, users=None):
        """With certificates it speaks nothing but TLS, to those who show one; with users it knows these."""
        self.folder = pathlib.Path(folder) / "nats"
        self.port = free_port()
        self.options = (*options, *users.options) if users else options
        self.users = users
        self.credentials = {"user": user, "pass": options[options.index("--pass") + 1]} if user else {}
        if "--auth" in options:
            self.credentials = {"auth_token": options[options.index("--auth") + 1]}
        self.certificates = certificates
        if certificates:
            self.options = (*options, "--tlsverify", "--tlscert", certificates.server, "--tlskey", certificates.server_key,
                            "--tlscacert", certificates.authority)
        self.process = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        program = shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        self.process = subprocess.Popen([program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.folder, *self.options],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the NATS server", self.answers)

    def answers(self):
        try:
            with self.connect(**self.credentials) as client:
                return "type" in client.request("$JS.API.INFO", "")
        except (OSError, Failure, ValueError):
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def connect(self, **credentials):
        return NatsClient(self.port, self.certificates, self.users, **credentials)


class NatsClient:
    def __init__(self, port, certificates=None, users=None, **credentials):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        info = b""
        while not info.endswith(b"\n") and (byte := self.socket.recv(1)):
            info += byte
        if users and info:
            credentials |= users.login(json.loads(info.removeprefix(b"INFO "))["nonce"])
        if certificates:
            context = ssl.create_default_context(cafile=certificates.authority)
            context.load_cert_chain(certificates.client, certificates.client_key)
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")
        self.inbox = f"_INBOX.test.{uuid.uuid4().hex}"  # another client's answers are not ours
        greeting = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, **credentials}
        self.send(f"CONNECT {json.dumps(greeting)}\r\nSUB {self.inbox} 1\r\n".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, subject, text, message_id=None):
        data = text.encode()
        if message_id is None:
            self.send(f"PUB {subject} {self.inbox} {len(data)}\r\n".encode() + data + b"\r\n")
        else:
            head = f"NATS/1.0\r\nNats-Msg-Id: {message_id}\r\n\r\n".encode()
            self.send(f"HPUB {subject} {self.inbox} {len(head)} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n")

    def answer(self):
        """The text of the next message."""
        while True:
            line = self.file.readline()
            if not line:
                raise Failure("the NATS server has closed the connection")
            words = line.split()
            if words and words[0] == b"PING":
                self.send(b"PONG\r\n")
            elif words and words[0] in (b"MSG", b"HMSG"):
                data = self.file.read(int(words[-1]) + 2)[:-2]
                return data[int(words[-2]) if words[0] == b"HMSG" else 0:].decode()
            elif words and words[0] == b"-ERR":
                raise Failure(line.decode())

    def request(self, subject, text):
        self.ask(subject, text)
        return json.loads(self.answer() or "{}")

    def make_stream(self, name, *subjects, **config):
        answer = self.request(f"$JS.API.STREAM.CREATE.{name}", json.dumps({"name": name, "subjects": subjects, "storage": "file", **config}))
        if "error" in answer:
            raise Failure(f"stream {name}: {answer['error']}")

    def publish(self, subject, texts, ids=None):
        """Each text a message, all stored when it returns."""
        for text, message_id in zip(texts, ids or [None] * len(texts)):
            self.ask(subject, text, message_id)
        for _ in texts:
            answer = json.loads(self.answer())
            if "error" in answer:
                raise Failure(f"publish: {answer['error']}")

    def state(self, stream):
        return self.request(f"$JS.API.STREAM.INFO.{stream}", "")["state"]

    def messages(self, stream):
        """The texts of all messages, in order."""
        state = self.state(stream)
        sequences = range(max(state["first_seq"], 1), state["last_seq"] + 1)
        for sequence in sequences:
            self.ask(f"$JS.API.STREAM.MSG.GET.{stream}", json.dumps({"seq": sequence}))
        answers = [json.loads(self.answer()) for _ in sequences]
        return [base64.b64decode(answer["message"].get("data", "")).decode() for answer in answers if "message" in answer]
