"""A mosquitto on loopback, of the test's own, and publishing to it."""

import pathlib
import shutil
import signal
import socket
import subprocess

from harness import Failure, free_port, wait_until

PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
ABSENT = shutil.which("mosquitto", path=PATH) is None or shutil.which("mosquitto_pub") is None


class Mosquitto:
    """Keeps its sessions in `folder`: stop() writes them."""

    def __init__(self, folder, *lines, certificates=None):
        """With certificates it speaks TLS too, at tls_port, and wants to see one."""
        self.folder = pathlib.Path(folder) / "mosquitto"
        self.folder.mkdir()
        self.port, self.tls_port = free_port(), free_port()
        settings = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/", "autosave_interval 1",
                    "max_queued_messages 100000", "max_packet_size 1000000", "user root", *(lines or ["allow_anonymous true"])]
        if certificates:
            settings += [f"listener {self.tls_port} 127.0.0.1", f"cafile {certificates.authority}", f"certfile {certificates.server}",
                         f"keyfile {certificates.server_key}", "require_certificate true"]
        (self.folder / "mosquitto.conf").write_text("\n".join(settings) + "\n")
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen([shutil.which("mosquitto", path=PATH), "-c", self.folder / "mosquitto.conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the broker", self.answers)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()

    def kill(self):
        """With its sessions written: those of the last second would be lost."""
        self.stop()

    def has_session(self, client):
        """The sessions that are written, each second, name the client."""
        path = self.folder / "mosquitto.db"
        return path.exists() and client.encode() in path.read_bytes()

    def publish(self, topic, messages, qos=2, options=()):
        """Each message is a line; returns when the broker has them all."""
        done = subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", topic, "-q", str(qos), *options, "-l"],
                              input="".join(line + "\n" for line in messages), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"mosquitto_pub: {done.stderr}")
