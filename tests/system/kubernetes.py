#!/usr/bin/env python3
"""`stream deploy --on kubernetes` with a real kube-apiserver that these tests start; see stream-kubernetes(7).

There is no kubelet and no controller: the test makes the Pod from the Deployment's template, starts the command of its container as a local
process in the environment the Pod says, and reports how it is through the API. So the objects, and what the container does, are real; images,
volumes and the decisions of the Deployment's controller are not tested.
"""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402
from kube_cluster import Cluster, missing  # noqa: E402

JOB = """pipeline: far
checkpoint: {{interval: 50ms}}
stages:
  numbers: {{run: generate, columns: n, rows: {rows}, rate: {rate}}}
  same: {{run: filter, where: n >= 0, parallelism: 2}}
  table: {{run: write-sqlite, path: out.db, table: t}}
"""
IMAGE = ["--on", "kubernetes", "--image", "registry.example/stream:1"]
DATA = "/var/lib/stream"


class Node:
    """What a kubelet is to the Pod of a job."""

    def __init__(self, stream, cluster):
        self.stream, self.cluster, self.count = stream, cluster, 0
        self.data = stream.folder / "volume"
        self.data.mkdir()

    def start(self):
        """A Pod of the Deployment's, on this node."""
        self.count += 1
        self.name = f"stream-far-{self.count}"
        template = self.cluster.get("deployment/stream-far")["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": dict(template["metadata"], name=self.name), "spec": dict(template["spec"], nodeName="n1")}
        self.cluster.ask("create", "-f", "-", stdin=json.dumps(pod))
        pod = self.cluster.get(f"pod/{self.name}")
        container = pod["spec"]["containers"][0]
        for mount in container["volumeMounts"]:
            if mount.get("subPath"):
                source = next(v for v in pod["spec"]["volumes"] if v["name"] == mount["name"])["configMap"]["name"]
                path = self.data / pathlib.Path(mount["mountPath"]).relative_to(DATA)
                path.write_text(self.cluster.get(f"configmap/{source}")["data"][mount["subPath"]])
        self.environment = dict(PATH=self.stream.environment["PATH"], TZ="UTC")
        self.environment |= {e["name"]: e["value"].replace(DATA, str(self.data)) for e in container["env"]}
        self.log = self.stream.folder / f"{self.name}.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(container["command"], env=self.environment, cwd=self.data, stdout=log, stderr=log, start_new_session=True)
        self.probe = container["readinessProbe"]["exec"]["command"]
        self.report("Running")

    def ready(self):
        return subprocess.run(self.probe, env=self.environment, capture_output=True, check=False).returncode == 0

    def continued(self):
        """It says in its events that it went on."""
        told = subprocess.run(["stream", "events", "--json", "far"], env=self.environment, capture_output=True, text=True, check=True).stdout
        return "continues from" in told

    def report(self, phase):
        self.cluster.ask("patch", "pod", self.name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": {"phase": phase}}))

    def end(self, number=signal.SIGTERM):
        """As a deleted Pod does: SIGTERM for the first process of the container, or all of it is lost."""
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
            self.stream.kill(self.stream.processes_below(self.data))
        else:
            self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.cluster.ask("delete", "pod", self.name, "--force", "--grace-period=0")
        return code

    def rows(self):
        path = self.data / "out.db"
        if not path.exists():
            return []
        with sqlite3.connect(path, timeout=60) as database:
            try:
                return sorted(n for (n,) in database.execute("select n from t"))
            except sqlite3.OperationalError:
                return []

    def more_rows(self, than=0):
        return wait_until("rows", lambda: len(self.rows()) > than and len(self.rows()), timeout=60, interval=0.05)

    def finish(self, rows):
        wait_until("the end of the job", lambda: "far: has finished" in self.log.read_text(), timeout=90, interval=0.1)
        found = self.rows()
        check(found == list(range(rows)), f"{len(found)} rows, {len(set(found))} different, of {rows}")


def on_kubernetes(test):
    def run(stream):
        why = missing()
        if why:
            print(f"skipped: no Kubernetes here: {why}")
            return
        with Cluster() as cluster:
            stream.environment["KUBECONFIG"] = str(cluster.config)
            test(stream, cluster)
    run.__name__ = test.__name__
    return run


def test_what_is_wrong_is_refused(stream):
    stream.write("far.yaml", JOB.format(rows=1, rate=1))
    stream.write("hosts.yaml", JOB.format(rows=1, rate=1).replace("interval", "path: /x, interval") + "hosts: {b: 10.0.0.2}\n")
    for args, said in ((["far.yaml", "--on", "kubernetes"], "needs --image IMAGE"), (["far.yaml", *IMAGE, "--storage", "much"], "--storage: 'much'"),
                       (["hosts.yaml", *IMAGE], "leave 'hosts' out"), (["far.yaml", "--on", "systemd", "--image", "x"], "--image is for --on kubernetes"),
                       (["generate 1 | print", *IMAGE], "needs a manifest in a file")):
        printed = stream.run("stream", "deploy", *args, "--render", expect=100)
        check(printed == "" and said in stream.last_stderr, stream.last_stderr)


@on_kubernetes
def test_a_job_runs_outlives_its_pods_and_finishes_once(stream, cluster):
    stream.write("far.yaml", JOB.format(rows=4000, rate=1000))
    rendered = stream.run("stream", "deploy", "far.yaml", *IMAGE, "--render", "--memory", "1Gi", "--cpus", "500m", "--secret", "keys")
    accepted = cluster.ask("apply", "--dry-run=server", "-f", "-", stdin=rendered)
    check(accepted.count("created (server dry run)") == 4, accepted)
    told = json.loads(stream.run("stream", "deploy", "far.yaml", *IMAGE, "--json"))
    check(told == {"pipeline": "far", "target": "kubernetes", "job": "deployment/stream-far", "watch": ""}, told)
    # All its rights: those that everybody has.
    for verb, what in (("get", "pods"), ("create", "pods"), ("get", "secrets"), ("get", "configmaps"), ("list", "nodes"), ("update", "leases")):
        cluster.ask("--context=job", "auth", "can-i", verb, what, expect=1)
    # What is admitted is what the strictest standard for Pods allows.
    cluster.ask("label", "namespace", "default", "pod-security.kubernetes.io/enforce=restricted")
    node = Node(stream, cluster)
    node.start()
    wait_until("it to be ready", node.ready, interval=0.1)
    # A Pod that is deleted leaves a checkpoint, one that is lost its newest: the next one goes on from there.
    rows = node.more_rows()
    check(node.end() == 0, node.log.read_text())
    rows = len(node.rows())
    check(rows < 4000, rows)
    node.start()
    node.more_rows(rows)
    check(node.continued(), "it began anew after SIGTERM")
    node.end(signal.SIGKILL)
    node.start()
    node.finish(4000)
    # It has finished: whatever starts it again, it is not run again.
    check(node.ready(), "who has finished is not ready")
    node.end()
    node.start()
    node.finish(4000)
    check(node.ready() and node.end() == 0, node.log.read_text())
    # A manifest that is another one is another job to run.
    stream.write("far.yaml", JOB.format(rows=4100, rate=100000).replace("out.db", "other.db"))
    stream.run("stream", "deploy", "far.yaml", *IMAGE)
    node.start()
    wait_until("the end of the job", lambda: "far: has finished" in node.log.read_text(), timeout=60, interval=0.1)
    with sqlite3.connect(node.data / "other.db") as database:
        check(database.execute("select count(*), sum(n) from t").fetchone() == (4100, sum(range(4100))), "other rows")
    node.end()


if __name__ == "__main__":
    main([test for name, test in globals().items() if name.startswith("test_")])
