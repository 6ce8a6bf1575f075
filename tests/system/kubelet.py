#!/usr/bin/env python3
"""`stream deploy --on kubernetes` on a whole cluster: API server, controllers, scheduler, kubelet and containerd are real, and so is the image,
which is made of the Debian packages; see real_node.py.
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import real_node  # noqa: E402
from harness import check, main, query_so_far, wait_until  # noqa: E402

ROWS = 20_000
JOB = f"""pipeline: far
checkpoint: {{interval: 100ms, path: /var/lib/stream/checkpoints}}
restart: {{strategy: fixed-delay, delay: 100ms, attempts: 100}}
stages:
  numbers: {{run: generate, columns: n, rows: {ROWS}, rate: RATE}}
  same: {{run: filter, where: n >= 0, parallelism: 2}}
  table: {{run: write-sqlite, path: out.db, table: t}}
"""
ALONE = JOB.replace("/var/lib/stream/checkpoints", "/var/lib/stream/kept/checkpoints")


class Job:
    """One job in a namespace of its own."""

    def __init__(self, stream, node, space, rate, *options, manifest=JOB):
        self.stream, self.node, self.space = stream, node, space
        self.volume = stream.folder / space
        node.volume(space, self.volume)
        stream.write("far.yaml", manifest.replace("RATE", str(rate)))
        self.options = ["--on", "kubernetes", "--image", real_node.IMAGE, "--namespace", space, "--storage-class", space, *options]
        self.deploy()

    def deploy(self):
        self.stream.run("stream", "deploy", "far.yaml", *self.options)

    def ask(self, *words, **more):
        return self.node.ask("-n", self.space, *words, **more)

    def pods(self, name="stream-far", phase="Running"):
        """Names of those that run and are not being deleted."""
        listed = json.loads(self.ask("get", "pods", "-o", "json"))["items"]
        return [pod["metadata"]["name"] for pod in listed if pod["status"]["phase"] == phase and "deletionTimestamp" not in pod["metadata"]
                and pod["metadata"]["name"].startswith(name)]

    def ready(self, count=1):
        wait_until(f"{count} to be ready", lambda: self.status().get("readyReplicas") == count, timeout=180, interval=0.3)

    def status(self):
        return json.loads(self.ask("get", "deployment/stream-far", "-o", "json"))["status"]

    def inside(self, pod, *words):
        return self.node.try_ask("-n", self.space, "exec", pod, "--", *words)

    def leader(self):
        said = [pod for pod in self.pods() if '"RUNNING"' in self.inside(pod, "stream", "ps", "--json")]
        return said[0] if len(said) == 1 else None

    def rows(self):
        return sorted(n for (n,) in query_so_far(self.volume / "out.db", "select n from t"))

    def more_rows(self):
        before = len(self.rows())
        wait_until("more rows", lambda: len(self.rows()) > before + 100, timeout=180, interval=0.2)

    def processes(self, pod):
        """All that run in its containers, as this machine numbers them."""
        status = json.loads(self.ask("get", "pod", pod, "-o", "json"))["status"]
        containers = [one["containerID"].removeprefix("containerd://") for one in status["containerStatuses"]]
        listed = subprocess.run(["ps", "-eo", "pid=,cgroup:500="], capture_output=True, text=True, check=True).stdout
        found = [int(line.split()[0]) for line in listed.splitlines() if any(one in line for one in containers)]
        check(found, f"no process of {containers}")
        return found

    def over(self, said="has ended"):
        wait_until("the end of the job", lambda: any(f"far: {said}" in self.ask("logs", pod, expect=None) for pod in self.pods()), timeout=300, interval=0.5)
        found = self.rows()
        check(found == list(range(ROWS)), f"{len(found)} rows, {len(set(found))} different")


def a_job_runs_outlives_its_container_and_its_pod_and_finishes_once(stream, node):
    job = Job(stream, node, "alone", 700, "--memory", "512Mi", "--cpus", "250m", manifest=ALONE)
    job.ready()
    first = job.pods()[0]
    check('"RUNNING"' in job.inside(first, "stream", "ps", "--json"), "no job runs")
    check("uid=65532" in job.inside(first, "id"), "who it is")
    job.more_rows()
    # Its processes are killed: the kubelet starts the container again, and it goes on.
    node.kill(job.processes(first))
    wait_until("another start", lambda: json.loads(job.ask("get", "pod", first, "-o", "json"))["status"]["containerStatuses"][0]["restartCount"] == 1, timeout=120)
    job.more_rows()
    check("continues from" in job.inside(first, "stream", "events", "far"), "it began anew")
    # The Pod is deleted: it stops with a checkpoint, and the next goes on.
    job.ask("delete", "pod", first, "--wait=true")
    job.ready()
    second = job.pods()[0]
    check(second != first and "continues from" in job.inside(second, "stream", "events", "far"), "it began anew")
    # None, and one again.
    job.ask("scale", "deployment/stream-far", "--replicas=0")
    wait_until("no Pod", lambda: not job.ask("get", "pods", "-o", "name"), timeout=120)
    stopped = job.rows()
    check(len(stopped) == len(set(stopped)) < ROWS, f"{len(stopped)} rows")
    job.ask("scale", "deployment/stream-far", "--replicas=1")
    job.over("has finished")
    job.ask("delete", "pod", job.pods()[0])
    wait_until("the next Pod to say so", lambda: any("far: has finished" in job.ask("logs", pod, expect=None) for pod in job.pods()), timeout=120)
    check(len(job.rows()) == ROWS, "it was run twice")


def of_two_supervisors_one_takes_over(stream, node):
    job = Job(stream, node, "several", 700, "--replicas", "2")
    job.ready(2)
    first = wait_until("a leader", job.leader, timeout=120)
    job.more_rows()
    # As where its node is lost: nothing is told, all is killed, the Pod is gone.
    node.kill(job.processes(first))
    job.ask("delete", "pod", first, "--force", "--grace-period=0", expect=None)
    wait_until("another leader", lambda: (now := job.leader()) and now != first, timeout=120)
    job.more_rows()
    job.over()


def instances_run_in_pods_that_the_job_makes(stream, node):
    hosts = "hosts:\n  a: {via: pod, cpus: 0.25, memory: 256MiB}\n  b: {via: pod, labels: [disk]}\n"
    job = Job(stream, node, "spread", 500, manifest=JOB.replace("table: t}", "table: t, hosts: disk}") + hosts)
    wait_until("both Pods", lambda: job.pods("stream-far-a") and job.pods("stream-far-b"), timeout=180, interval=0.3)
    job.more_rows()
    limit = job.inside("stream-far-a", "cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes") or job.inside("stream-far-a", "cat", "/sys/fs/cgroup/memory.max")
    check(limit.strip() == str(256 << 20), f"its bound is {limit}")
    # One is to go, as when its node is drained: a checkpoint comes first, and another is made.
    def made(host):
        told = job.ask("get", "pod", f"stream-far-{host}", "-o", "json", expect=None)
        return json.loads(told)["metadata"]["uid"] if told else None

    first, second = made("a"), made("b")
    job.ask("delete", "pod", "stream-far-a")
    supervisor = wait_until("a leader", job.leader, timeout=120)
    told = job.inside(supervisor, "stream", "events", "far")
    check("host 'a' is left at the next checkpoint: it has been told to end" in told, told)
    job.more_rows()
    wait_until("another Pod", lambda: made("a") not in (None, first) and job.pods("stream-far-a"), timeout=180, interval=0.3)
    # One is lost: the job waits for the next, as its table can be nowhere else.
    node.kill(job.processes("stream-far-b"))
    wait_until("another Pod", lambda: made("b") not in (None, second), timeout=180, interval=0.3)
    job.more_rows()
    # That of the supervisor: those that it made go with it.
    job.ask("delete", "pod", supervisor)
    wait_until("another leader", lambda: (now := job.leader()) and now != supervisor, timeout=180)
    job.over()
    wait_until("no Pods of hosts", lambda: len(job.ask("get", "pods", "-o", "name").split()) == 1, timeout=120)


def a_controller_looks_after_pipelines(stream, node):
    """It asks the job over the network of Pods."""
    job = Job.__new__(Job)
    job.stream, job.node, job.space, job.volume = stream, node, "managed", stream.folder / "managed"
    node.volume("managed", job.volume)
    node.ask("apply", "-f", "-", stdin=stream.run("stream", "controller", "--render", "--image", real_node.IMAGE, "--namespace", "managed"))
    node.ask("wait", "--for=condition=Established", "crd/streampipelines.stream.pipelines", "--timeout=60s")
    text = ALONE.replace("RATE", "400")
    spec = {"image": real_node.IMAGE, "manifest": text, "storageClass": "managed"}
    job.ask("apply", "-f", "-", stdin=json.dumps({"apiVersion": "stream.pipelines/v1", "kind": "StreamPipeline", "metadata": {"name": "far"}, "spec": spec}))

    def status():
        thing = json.loads(job.ask("get", "streampipeline/far", "-o", "json"))
        told = thing.get("status", {})
        return told if told.get("observedGeneration") == thing["metadata"]["generation"] else {}

    def change(**what):
        job.ask("patch", "streampipeline/far", "--type=merge", "-p", json.dumps({"spec": what}))

    wait_until("it to be stable", lambda: status().get("lifecycle") == "STABLE", timeout=180, interval=0.5)
    job.more_rows()
    change(manifest=text.replace("parallelism: 2", "parallelism: 3"))
    wait_until("the new version to be stable", lambda: status().get("lifecycle") == "STABLE", timeout=180, interval=0.5)
    check(status()["savepoints"], status())
    change(manifest=text.replace("filter", "filtre"))
    wait_until("the error to be said", lambda: "filtre" in json.dumps(status().get("error", "")), timeout=120, interval=0.5)
    job.more_rows()
    change(manifest=text, state="suspended")
    wait_until("it to be suspended", lambda: status().get("lifecycle") == "SUSPENDED" and not job.pods("stream-far"), timeout=180, interval=0.5)
    change(state="running")
    wait_until("the end of the job", lambda: status().get("job", {}).get("state") == "FINISHED", timeout=240, interval=0.5)
    check(job.rows() == list(range(ROWS)), f"{len(job.rows())} rows, {len(set(job.rows()))} different")
    job.ask("delete", "streampipeline/far")
    wait_until("nothing to be left", lambda: "stream-far" not in job.ask("get", "deployments,pods,configmaps,serviceaccounts", "-o", "name"), timeout=120)


def run():
    why = real_node.missing()
    if why:
        print(f"skipped: no node of Kubernetes here: {why}")
        return
    with real_node.RealNode() as node:
        def on_node(test):
            def on(stream):
                stream.environment["KUBECONFIG"] = str(node.config)
                test(stream, node)
            on.__name__ = test.__name__
            return on
        main([on_node(test) for test in (a_job_runs_outlives_its_container_and_its_pod_and_finishes_once, of_two_supervisors_one_takes_over,
                                         instances_run_in_pods_that_the_job_makes, a_controller_looks_after_pipelines)])


if __name__ == "__main__":
    run()
