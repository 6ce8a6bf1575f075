"""What a scheduler and a kubelet are to the Pods of a cluster: each container is a process in namespaces of its own.

Pods are bound, started, probed, restarted when they end, and stopped when they are deleted, as their objects say. Volumes are folders, bound where
the container wants them; a token of the service account is a real one, of the API server. Images, cgroups, users and networks are not played: the
programs are those of the test, and every Pod has an address of loopback.
"""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

PREPARE = """set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t proc proc /proc
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; [ -e "$2" ] || touch "$2"; fi
  mount --bind "$1" "$2"
  shift 2
done
shift
cd /
exec "$@"
"""
TOKENS = "/run/secrets/kubernetes.io/serviceaccount"


def can_be_played():
    """Why there can be no node here; empty if there can be one."""
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no namespaces here: {done.stderr.strip()}"


class Pod:
    def __init__(self, node, thing, number):
        self.node, self.cluster, self.thing = node, node.cluster, thing
        self.name, self.address = thing["metadata"]["name"], f"127.0.7.{number}"
        self.folder = node.folder / thing["metadata"]["uid"]
        self.folder.mkdir()
        self.log = self.folder / "log"
        self.restarts, self.process, self.told, self.ready, self.probed = 0, None, None, False, 0.0

    @property
    def spec(self):
        return self.thing["spec"]

    def container(self):
        return self.spec["containers"][0]

    def source(self, mount):
        """The folder or file that is bound there."""
        volume = next(v for v in self.spec["volumes"] if v["name"] == mount["name"])
        if "persistentVolumeClaim" in volume:
            path = self.node.claims / volume["persistentVolumeClaim"]["claimName"]
        else:
            path = self.folder / "volumes" / mount["name"]
        path.mkdir(parents=True, exist_ok=True)
        for kind, field in (("configMap", "name"), ("secret", "secretName")):
            if kind in volume:
                for key, value in self.cluster.texts(kind.lower(), volume[kind][field]).items():
                    (path / key).write_text(value)
        return path / mount["subPath"] if mount.get("subPath") else path

    def tokens(self):
        path = self.folder / "tokens"
        path.mkdir(exist_ok=True)
        (path / "token").write_text(self.cluster.ask("create", "token", self.spec["serviceAccountName"]))
        (path / "ca.crt").write_text(self.cluster.authority.read_text())
        (path / "namespace").write_text(self.thing["metadata"]["namespace"])
        return path

    def value(self, entry):
        if "value" in entry:
            return entry["value"]
        of = entry["valueFrom"]
        if "secretKeyRef" in of:
            return self.cluster.texts("secret", of["secretKeyRef"]["name"])[of["secretKeyRef"]["key"]]
        field = of["fieldRef"]["fieldPath"]
        return {"metadata.name": self.name, "metadata.uid": self.thing["metadata"]["uid"], "status.podIP": self.address,
                "metadata.namespace": self.thing["metadata"]["namespace"]}[field]

    def environment(self):
        found = dict(PATH=self.node.stream.environment["PATH"], TZ="UTC", HOME="/tmp",
                     KUBERNETES_SERVICE_HOST="127.0.0.1", KUBERNETES_SERVICE_PORT=str(self.cluster.port))
        for source in self.container().get("envFrom", []):
            found |= self.cluster.texts("secret", source["secretRef"]["name"])
        return found | {entry["name"]: self.value(entry) for entry in self.container().get("env", [])}

    def start(self):
        # The deepest last, and /tmp behind all that may lie in it.
        mounts = sorted(self.container().get("volumeMounts", []), key=lambda m: (m["mountPath"] == "/tmp", len(m["mountPath"])))
        words = [word for mount in mounts for word in (str(self.source(mount)), mount["mountPath"])]
        if self.spec.get("automountServiceAccountToken", True):
            words = [str(self.tokens()), TOKENS] + words
        self.variables = self.environment()
        command = [*self.container()["command"], *self.container().get("args", [])]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-c", PREPARE, "sh",
                                             *words, "--", *command], env=self.variables, cwd="/", stdout=log, stderr=log, start_new_session=True)

    def first(self):
        """The first process of the container, as seen from outside."""
        try:
            path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            return int(path.read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError, IndexError):
            return None

    def send(self, number):
        first = self.first()
        if first:
            try:
                os.kill(first, number)
            except ProcessLookupError:
                pass

    def run(self, *command):
        """In the container, as `kubectl exec` does."""
        first = self.first()
        if not first:
            return subprocess.CompletedProcess(command, 1, "", "it does not run")
        return subprocess.run(["nsenter", "-t", str(first), "-m", "-p", *command], env=self.variables, capture_output=True, text=True, check=False)

    def probe(self):
        probe = self.container().get("readinessProbe")
        if not probe:
            return True
        if time.monotonic() - self.probed < 0.5:
            return self.ready
        self.ready = self.run(*probe["exec"]["command"]).returncode == 0
        self.probed = time.monotonic()
        return self.ready

    def report(self):
        runs = self.process is not None and self.process.poll() is None
        ready = runs and self.probe()
        now = (runs, ready, self.restarts)
        if now == self.told:
            return
        over = self.is_over()
        state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}} if runs else {"waiting": {"reason": "CrashLoopBackOff"}}
        if over:
            state = {"terminated": {"exitCode": self.process.returncode % 256, "reason": "Completed" if self.process.returncode == 0 else "Error"}}
        phase = ("Succeeded" if self.process.returncode == 0 else "Failed") if over else "Running"
        status = {"phase": phase, "podIP": self.address, "podIPs": [{"ip": self.address}],
                  "conditions": [{"type": kind, "status": "True" if ready else "False"} for kind in ("Ready", "ContainersReady")],
                  "containerStatuses": [{"name": self.container()["name"], "ready": ready, "restartCount": self.restarts, "image": "-", "imageID": "-",
                                         "state": state}]}
        self.cluster.try_ask("patch", "pod", self.name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
        self.told = now

    def is_over(self):
        return self.process is not None and self.process.poll() is not None and self.spec.get("restartPolicy", "Always") == "Never"

    def turn(self):
        if self.process is None:
            self.start()
        elif self.process.poll() is not None and not self.is_over():
            self.restarts += 1
            self.start()
        self.report()

    def kill(self):
        if self.process:
            self.send(signal.SIGKILL)  # the first of its namespace: all others die with it
            self.process.kill()
            self.process.wait()

    def stop(self):
        """As a Pod that is deleted."""
        self.send(signal.SIGTERM)
        try:
            self.process.wait(timeout=min(60, self.thing["metadata"].get("deletionGracePeriodSeconds", 30)))
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Node:
    """All Pods of the namespace `default` are on it."""

    def __init__(self, stream, cluster):
        self.stream, self.cluster = stream, cluster
        self.folder, self.claims = stream.folder / "pods", stream.folder / "claims"
        self.folder.mkdir()
        self.claims.mkdir()
        self.pods, self.ended, self.number, self.held = {}, [], 0, set()
        self.lock, self.over = threading.RLock(), threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        for pod in self.pods.values():
            pod.kill()
        if kind:
            for pod in [*self.ended, *self.pods.values()]:
                print(f"--- {pod.name}, {pod.restarts} restarts:\n{pod.text()[-3000:]}", flush=True)

    def loop(self):
        while not self.over.wait(0.1):
            with self.lock:
                self.turn()

    def turn(self):
        found = self.cluster.try_ask("get", "pods", "-o", "json")
        if not found:
            return
        listed = {thing["metadata"]["uid"]: thing for thing in json.loads(found)["items"]}
        for uid in [uid for uid in self.pods if uid not in listed]:  # deleted by force
            self.forget(uid)
        for uid, thing in listed.items():
            if uid not in self.pods:
                self.bind(uid, thing)
            elif uid not in self.held:
                self.pods[uid].thing = thing
                self.follow(uid, self.pods[uid])

    def bind(self, uid, thing):
        if not thing["spec"].get("nodeName"):
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": thing["metadata"]["name"], "uid": uid},
                       "target": {"apiVersion": "v1", "kind": "Node", "name": "n1"}}
            self.cluster.try_ask("create", "--raw", f"/api/v1/namespaces/default/pods/{thing['metadata']['name']}/binding", "-f", "-", stdin=json.dumps(binding))
        self.number += 1
        self.pods[uid] = Pod(self, thing, self.number)

    def follow(self, uid, pod):
        if "deletionTimestamp" not in pod.thing["metadata"]:
            pod.turn()
            return
        if pod.process:
            pod.stop()
        self.cluster.try_ask("delete", "pod", pod.name, "--force", "--grace-period=0", "--wait=false")
        self.forget(uid)

    def forget(self, uid):
        pod = self.pods.pop(uid)
        pod.kill()
        self.held.discard(uid)
        self.ended.append(pod)

    def of(self, prefix=""):
        """Those that run, the oldest first."""
        with self.lock:
            return [pod for pod in self.pods.values() if pod.name.startswith(prefix) and pod.process]

    def lose(self, pod):
        """With its node: nobody tells how it is, and nothing starts it again. What deletes it is the cluster, which counts it as lost."""
        with self.lock:
            self.held.add(pod.thing["metadata"]["uid"])
            pod.kill()
        self.cluster.ask("delete", "pod", pod.name, "--force", "--grace-period=0")
