"""Receivers of metrics on loopback, of the test's own: the real ones, and sockets that keep what they get."""

import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

from harness import free_port, wait_until

PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def absent(program):
    """True, and said, where the program is not installed."""
    missing = shutil.which(program, path=PATH) is None
    if missing:
        print(f"skipped: there is no {program}", flush=True)
    return missing


def fetch(url, data=None, method=None, headers=None):
    """(status, text) of an answer; (0, why) of none."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


class Server:
    """A program that runs as long as the block."""

    def __init__(self, folder, program, *arguments, environment=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen([shutil.which(program, path=PATH), *map(str, arguments)], cwd=self.folder,
                                            env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def wait(self, condition):
        def there():
            if self.process.poll() is not None:
                raise OSError((self.folder / "output").read_text()[-2000:])
            return condition()
        wait_until(self.process.args[0], there)


class Prometheus(Server):
    """Scrapes these addresses five times a second."""

    def __init__(self, folder, *targets, rules=None):
        self.port = free_port()
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        config = {"global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
                  "scrape_configs": [{"job_name": "stream", "static_configs": [{"targets": list(targets)}]}]}
        if rules:
            config["rule_files"] = [str(rules)]
        (folder / "prometheus.yml").write_text(json.dumps(config))
        super().__init__(folder, "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                         f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error")
        self.wait(lambda: fetch(f"http://127.0.0.1:{self.port}/-/ready")[0] == 200)

    def ask(self, expression):
        return fetch(f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))

    def status(self, expression):
        return self.ask(expression)[0]

    def query(self, expression):
        """[(labels, value)] of now."""
        status, text = self.ask(expression)
        if status != 200:
            return []
        return [(each["metric"], float(each["value"][1])) for each in json.loads(text)["data"]["result"]]


class PushGateway(Server):
    def __init__(self, folder):
        self.port = free_port()
        super().__init__(folder, "prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error")
        self.wait(lambda: fetch(self.url + "/-/ready")[0] == 200)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


CARBON = """
[cache]
STORAGE_DIR = {folder}/
LOCAL_DATA_DIR = {folder}/whisper/
CONF_DIR = {folder}/
LOG_DIR = {folder}/
PID_DIR = {folder}/
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {line}
ENABLE_UDP_LISTENER = True
UDP_RECEIVER_INTERFACE = 127.0.0.1
UDP_RECEIVER_PORT = {line}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query}
"""


class Carbon(Server):
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        self.port = free_port()
        (folder / "carbon.conf").write_text(CARBON.format(folder=folder, line=self.port, pickle=free_port(), query=free_port()))
        (folder / "storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = 1s:10m\n")
        super().__init__(folder, "carbon-cache", f"--config={folder}/carbon.conf", "--nodaemon", "start")
        self.wait(lambda: self.listens(self.port))

    @staticmethod
    def listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def newest(self, name):
        """The newest value of a series, None without one."""
        path = self.folder / "whisper" / (name.replace(".", "/") + ".wsp")
        if not path.exists():
            return None
        done = subprocess.run([shutil.which("whisper-fetch", path=PATH), "--drop=nulls", path], capture_output=True, text=True,
                              timeout=60, check=False)
        lines = done.stdout.split("\n")
        values = [line.split()[1] for line in lines if len(line.split()) == 2]
        return float(values[-1]) if values else None


INFLUX = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{port}"
auth-enabled = {auth}
log-enabled = false
[monitor]
store-enabled = false
"""


class InfluxDb(Server):
    def __init__(self, folder, user="ada", password="secret"):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        self.port, self.user, self.password = free_port(), user, password
        (folder / "influxdb.conf").write_text(INFLUX.format(folder=folder, rpc=free_port(), port=self.port, auth="true"))
        super().__init__(folder, "influxd", "-config", folder / "influxdb.conf")
        self.wait(lambda: fetch(f"{self.url}/ping")[0] == 204)
        self.query(f"CREATE USER {user} WITH PASSWORD '{password}' WITH ALL PRIVILEGES", post=True)
        self.query("CREATE DATABASE metrics", post=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def query(self, text, post=False):
        """Rows, as objects, of all series."""
        data = urllib.parse.urlencode({"q": text, "db": "metrics", "u": self.user, "p": self.password})
        status, body = fetch(f"{self.url}/query?{data}", data=b"" if post else None)
        if status != 200:
            raise OSError(f"{text}: {status}: {body}")
        series = json.loads(body)["results"][0].get("series", [])
        return [dict(zip(each["columns"], row)) for each in series for row in each["values"]]


class Datagrams:
    """A UDP socket that keeps every line it gets."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(60)
        self.port = self.socket.getsockname()[1]
        self.packets = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                self.packets.append(self.socket.recv(65536))
            except OSError:
                return

    def lines(self):
        return [line for packet in list(self.packets) for line in packet.decode().split("\n")]


class Requests:
    """An HTTP server that keeps (method, path, headers, body) and answers with a status."""

    def __init__(self, status=200, context=None):
        requests = self.requests = []
        self.scheme = "https" if context else "http"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                requests.append((self.command, self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_PUT = do_DELETE = answer

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}"


class Deaf:
    """Accepts connections, and never reads."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]


GMOND = """
globals {{ daemonize = no  setuid = no  mute = yes  deaf = no  allow_extra_data = yes  host_dmax = 0 }}
cluster {{ name = "test" }}
udp_recv_channel {{ bind = 127.0.0.1  port = {port}  family = inet4 }}
tcp_accept_channel {{ bind = 127.0.0.1  port = {port} }}
"""


class Gmond(Server):
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        self.port = free_port()
        (folder / "gmond.conf").write_text(GMOND.format(port=self.port))
        super().__init__(folder, "gmond", "-f", "-c", folder / "gmond.conf")
        self.wait(lambda: Carbon.listens(self.port))

    def metrics(self):
        """Value by name, of all hosts."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            text = b"".join(iter(lambda: connection.recv(65536), b""))
        tree = xml.etree.ElementTree.fromstring(text)
        return {each.get("NAME"): (float(each.get("VAL")), each.get("UNITS")) for each in tree.iter("METRIC")}
