"""A real etcd and a real kube-apiserver on loopback, with RBAC; if wanted also a real kube-controller-manager. What a scheduler and a kubelet do is
played by kube_node.py, or by a test.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import Failure, free_port, wait_until

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
TOKENS = "admin-token,admin,1,system:masters\njob-token,system:serviceaccount:default:stream-far,2\nha-token,ha,3\n"


def program(name):
    built = TOP / "build" / "kubernetes" / name
    return str(built) if built.exists() else shutil.which(name, path=os.environ.get("STREAM_KUBERNETES", "") + ":" + os.environ["PATH"])


def missing(*also):
    """Why there can be no cluster here; empty if there can be one."""
    for name in ("kube-apiserver", *also):
        if not program(name):
            return f"no {name} in build/kubernetes, in the folder STREAM_KUBERNETES, or in PATH; ./dev kubernetes makes it"
    for name in ("etcd", "kubectl", "openssl"):
        if not shutil.which(name):
            return f"no {name}"
    return ""


class Cluster:
    def __init__(self, controllers=""):
        """`controllers`: names of those that the controller manager shall run."""
        self.controllers = controllers

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stream-kube-"))
        self.processes = []
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def spawn(self, name, *command):
        with open(self.folder / f"{name}.log", "w", encoding="utf-8") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder))

    def begin(self):
        store, peer, port = (free_port() for _ in range(3))
        self.spawn("etcd", "etcd", "--data-dir", "etcd", "--listen-client-urls", f"http://127.0.0.1:{store}",
                   "--advertise-client-urls", f"http://127.0.0.1:{store}", "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                   "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", f"default=http://127.0.0.1:{peer}")
        (self.folder / "tokens.csv").write_text(TOKENS)
        subprocess.run(["openssl", "genrsa", "-out", "sa.key", "2048"], cwd=self.folder, check=True, capture_output=True)
        self.spawn("api", program("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{store}", f"--secure-port={port}", "--bind-address=127.0.0.1",
                   "--cert-dir=certificates", "--token-auth-file=tokens.csv", "--authorization-mode=RBAC", "--service-account-key-file=sa.key",
                   "--service-account-signing-key-file=sa.key", "--service-account-issuer=https://stream.test",
                   "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.0.0.0/24")
        self.port, self.authority = port, self.folder / "certificates" / "apiserver.crt"
        self.config = self.folder / "config"
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}}],
            "users": [{"name": "admin", "user": {"token": "admin-token"}}, {"name": "job", "user": {"token": "job-token"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "admin", "namespace": "default"}},
                         {"name": "job", "context": {"cluster": "c", "user": "job", "namespace": "default"}}]}))
        wait_until("the API server", self.is_ready, timeout=90, interval=0.2)
        if self.controllers:
            self.spawn("controllers", program("kube-controller-manager"), f"--kubeconfig={self.config}", f"--controllers={self.controllers}",
                       "--leader-elect=false", f"--secure-port={free_port()}", "--bind-address=127.0.0.1", "--cert-dir=controller-certificates")

    def is_ready(self):
        for process in self.processes:
            if process.poll() is not None:
                raise Failure((self.folder / "api.log").read_text()[-3000:])
        return self.ask("get", "--raw", "/readyz", expect=None) == "ok" and self.ask("get", "namespace", "default", expect=None)

    def ask(self, *args, expect=0, stdin=None):
        done = subprocess.run(["kubectl", f"--kubeconfig={self.config}", *args], input=stdin, capture_output=True, text=True, check=False, timeout=60)
        if expect is not None and done.returncode != expect:
            raise Failure(f"kubectl {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout if done.returncode == 0 else ""

    def try_ask(self, *args, stdin=None):
        """What it says, or nothing: what is asked for may have gone meanwhile."""
        return self.ask(*args, expect=None, stdin=stdin)

    def texts(self, kind, name):
        """What is in a ConfigMap or a Secret."""
        found = self.get(f"{kind}/{name}")
        return {key: base64.b64decode(value).decode() if kind == "secret" else value for key, value in found.get("data", {}).items()}

    def get(self, what):
        return json.loads(self.ask("get", what, "-o", "json"))

    def api(self):
        """The process of the API server."""
        return self.processes[1]

    def place(self, token, lease, space="default"):
        """What --ha says, as who has that token."""
        file = self.folder / token
        file.write_text(token)
        return f"kubernetes://127.0.0.1:{self.port}/{space}?lease={lease}&token-file={file}&ca-file={self.authority}"

    def allow(self, user, *rules):
        """Rules of the namespace `default`: (group, resource, verbs, names or none)."""
        listed = [{"apiGroups": [group], "resources": [resource], "verbs": verbs.split(), **({"resourceNames": names} if names else {})}
                  for group, resource, verbs, names in rules]
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": user, "namespace": "default"}, "rules": listed}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": user, "namespace": "default"},
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
                   "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}]}
        for each in (role, binding):
            self.ask("apply", "-f", "-", stdin=json.dumps(each))
