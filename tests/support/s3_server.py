"""An S3-compatible server on loopback, of the test's own: versitygw, which keeps objects as files below a folder.

Not in Debian: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
"""

import datetime
import hashlib
import hmac
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from harness import Failure, free_port, wait_until

ACCESS, SECRET, REGION = "test-access", "test-secret-of-the-server", "us-east-1"


def program():
    found = os.environ.get("STREAM_S3_SERVER") or shutil.which("versitygw")
    installed = pathlib.Path.home() / "go" / "bin" / "versitygw"
    return found or (str(installed) if installed.exists() else None)


def absent():
    """Why there is none here, or nothing."""
    return None if program() else "there is no versitygw: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0"


class S3Server:
    """Keeps its objects, so that what start() starts again goes on."""

    def __init__(self, bucket="bucket"):
        self.bucket = bucket
        self.process = None
        self.port = free_port()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stream-s3-"))
        (self.folder / "objects" / self.bucket).mkdir(parents=True)
        (self.folder / "about").mkdir()
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        environment = dict(os.environ, ROOT_ACCESS_KEY=ACCESS, ROOT_SECRET_KEY=SECRET)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([program(), "--port", f"127.0.0.1:{self.port}", "--quiet", "--region", REGION, "posix",
                                             "--sidecar", str(self.folder / "about"), str(self.folder / "objects")],
                                            env=environment, stdout=log, stderr=log)
        wait_until("the server of S3", self.answers)

    def answers(self):
        try:
            return self.request("GET", "", {"list-type": "2", "max-keys": "1"})[0] == 200
        except OSError:
            return False

    def kill(self, number=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()

    def send(self, number):
        self.process.send_signal(number)

    def url(self, prefix="jobs", **options):
        query = urllib.parse.urlencode({"endpoint": f"http://127.0.0.1:{self.port}", **options}, safe=":/")
        return f"s3://{self.bucket}/{prefix}?{query}"

    @staticmethod
    def credentials():
        return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}

    def request(self, method, key, query=None, body=b"", headers=None):
        """One request with a signature made here, not by what is tested."""
        path = urllib.parse.quote(f"/{self.bucket}" + (f"/{key}" if key else ""), safe="/-_.~")
        sorted_query = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in sorted((query or {}).items()))
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": f"127.0.0.1:{self.port}", "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(sorted(signed))
        canonical = "\n".join([method, path, sorted_query, *(f"{k}:{v}" for k, v in sorted(signed.items())), "", names, digest])
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key_bytes = ("AWS4" + SECRET).encode()
        for part in (now[:8], REGION, "s3", "aws4_request"):
            key_bytes = hmac.new(key_bytes, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key_bytes, text.encode(), hashlib.sha256).hexdigest()
        signed["Authorization"] = f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={signature}"
        url = f"http://127.0.0.1:{self.port}{path}" + (f"?{sorted_query}" if sorted_query else "")
        asked = urllib.request.Request(url, data=body or None, method=method, headers={**signed, **(headers or {})})
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def put(self, key, body):
        status, said = self.request("PUT", key, body=body)
        if status != 200:
            raise Failure(f"put {key}: {status} {said}")

    def get(self, key):
        status, said = self.request("GET", key)
        return said if status == 200 else None

    def remove(self, key):
        self.request("DELETE", key)

    def keys(self, prefix=""):
        """As the server keeps them: without asking it, so also while it is down."""
        root = self.folder / "objects" / self.bucket
        # Not with rglob(), which minds folders that go meanwhile.
        files = (pathlib.Path(folder, name) for folder, _, names in os.walk(root) for name in names)
        found = [str(path.relative_to(root)) for path in files if not str(path.relative_to(root)).startswith(".sgwtmp")]
        return sorted(key for key in found if key.startswith(prefix))
