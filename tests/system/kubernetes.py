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
from harness import check, main, query_so_far, wait_until  # noqa: E402
import kube_node  # noqa: E402
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
        return sorted(n for (n,) in query_so_far(self.data / "out.db", "select n from t"))

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
    stream.write("template.yaml", "kind: Pod\n")
    stream.write("pods.yaml", JOB.format(rows=1, rate=1).replace("interval", "path: /x, interval") + "hosts: {b: {via: pod}}\n")
    for args, said in ((["far.yaml", "--on", "kubernetes"], "needs --image IMAGE"), (["far.yaml", *IMAGE, "--storage", "much"], "--storage: 'much'"),
                       (["hosts.yaml", *IMAGE], "write 'via: pod' for each, or leave 'hosts' out"),
                       (["pods.yaml", *IMAGE], "hosts with 'via: pod' need --namespace"), (["far.yaml", "--on", "systemd", "--image", "x"], "--image is for --on kubernetes"),
                       (["far.yaml", *IMAGE, "--replicas", "2"], "--replicas needs --namespace"),
                       (["far.yaml", *IMAGE, "--namespace", "n", "--replicas", "2"], "checkpoint: {path: /var/lib/stream/checkpoints}"),
                       (["far.yaml", *IMAGE, "--namespace", "n", "--replicas", "0"], "from 1 to 9"),
                       (["far.yaml", *IMAGE, "--from", "far@latest"], "--from: 'far@latest' is no absolute path"),
                       (["far.yaml", *IMAGE, "--outputs", "rewind"], "--outputs goes with --from"),
                       (["far.yaml", *IMAGE, "--pod-template", "template.yaml"], "'kind' is not what it may have"),
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


def with_controllers(test):
    """On a cluster whose Deployments have their real controllers; see kube_node.py for what is played."""
    def run(stream):
        why = missing("kube-controller-manager") or kube_node.can_be_played()
        if why:
            print(f"skipped: no Kubernetes here: {why}")
            return
        with Cluster("deployment-controller,replicaset-controller,garbage-collector-controller") as cluster:
            stream.environment["KUBECONFIG"] = str(cluster.config)
            with kube_node.Node(stream, cluster) as node:
                test(stream, cluster, node)
    run.__name__ = test.__name__
    return run


def rows_of(node, name="out.db"):
    return sorted(n for (n,) in query_so_far(node.claims / "stream-far" / name, "select n from t"))


def leader_of(cluster, node):
    """The Pod whose supervisor leads."""
    text = cluster.get("configmap/stream-far.term").get("data", {}).get("text")
    said = [pod for pod in node.of("stream-far") if text and '"RUNNING"' in pod.run("stream", "ps", "--json").stdout]
    return said[0] if len(said) == 1 else None


SEVERAL = [*IMAGE, "--replicas", "2", "--namespace", "default"]
ON_VOLUME = ("interval: 50ms", "interval: 50ms, path: /var/lib/stream/checkpoints")


@with_controllers
def test_one_of_several_supervisors_leads_and_another_takes_over(stream, cluster, node):
    cluster.ask("label", "namespace", "default", "pod-security.kubernetes.io/enforce=restricted")
    stream.write("far.yaml", JOB.format(rows=24000, rate=400).replace(*ON_VOLUME))
    stream.run("stream", "deploy", "far.yaml", *SEVERAL)
    first = wait_until("a leader", lambda: leader_of(cluster, node), timeout=120, interval=0.1)
    wait_until("both to be ready", lambda: cluster.get("deployment/stream-far")["status"].get("readyReplicas") == 2, timeout=120, interval=0.2)
    # All its rights: to read and to replace what decides who leads.
    for verb, what in (("get", "configmap/stream-far.term"), ("update", "configmap/stream-far.job"), ("update", "lease/stream-far")):
        cluster.ask("--context=job", "auth", "can-i", verb, what)
    for verb, what in (("get", "configmap/stream-far"), ("delete", "configmap/stream-far.term"), ("create", "configmaps"), ("list", "configmaps"),
                       ("create", "leases"), ("get", "pods"), ("create", "pods"), ("get", "secrets"), ("patch", "lease/stream-far")):
        cluster.ask("--context=job", "auth", "can-i", verb, what, expect=1)
    # Its node is lost: the other goes on, and the Deployment gets a new one that stands by.
    node.lose(first)
    second = wait_until("another leader", lambda: leader_of(cluster, node), timeout=120, interval=0.1)
    check(second is not first and "continues from checkpoint" in second.text(), second.text())
    # Its processes are killed: the container starts again, and stands by or leads.
    rows = len(rows_of(node))
    second.send(signal.SIGKILL)
    wait_until("more rows", lambda: len(rows_of(node)) > rows + 100, timeout=120, interval=0.1)
    # Deployed with another manifest, it goes on as that is now: both old Pods end before there are new ones.
    before = {pod.name for pod in node.of("stream-far")}
    stream.write("far.yaml", JOB.format(rows=24000, rate=400).replace(*ON_VOLUME).replace("parallelism: 2", "parallelism: 3"))
    stream.run("stream", "deploy", "far.yaml", *SEVERAL)
    third = wait_until("a leader of the new ones", lambda: (pod := leader_of(cluster, node)) and pod.name not in before and pod, timeout=180, interval=0.2)
    check("continues from checkpoint" in third.text(), third.text())
    ended = [pod for pod in node.ended if pod.name in before]
    check(any("leads no more" in pod.text() or "CHECKPOINT" in pod.text().upper() for pod in ended), [pod.text()[-500:] for pod in ended])
    wait_until("the end of the job", lambda: all("far: has ended" in pod.text() for pod in node.of("stream-far")), timeout=240, interval=0.2)
    found = rows_of(node)
    check(found == list(range(24000)), f"{len(found)} rows, {len(set(found))} different")
    # What has finished stays so, whoever starts again; another manifest is another job to run.
    cluster.ask("rollout", "restart", "deployment/stream-far")
    wait_until("new Pods to see that it has ended", lambda: len(pods := node.of("stream-far")) == 2 and third not in pods
               and all("FINISHED" in pod.text() and "far: has ended" in pod.text() for pod in pods), timeout=180, interval=0.2)
    check(rows_of(node) == found, "it was run again")
    stream.write("far.yaml", JOB.format(rows=500, rate=100000).replace(*ON_VOLUME).replace("out.db", "other.db"))
    stream.run("stream", "deploy", "far.yaml", *SEVERAL)
    wait_until("the other job to end", lambda: rows_of(node, "other.db") == list(range(500)), timeout=180, interval=0.2)
    wait_until("all to know", lambda: len(pods := node.of("stream-far")) == 2 and all("far: has ended" in pod.text() for pod in pods), timeout=120, interval=0.2)
    check(rows_of(node, "other.db") == list(range(500)), "it was run twice")


HOSTS = """hosts:
  a: {via: pod, cpus: 0.5, memory: 512MiB}
  b: {via: pod, labels: [disk]}
"""


def instances_in(pod):
    """The names of instances that run in a Pod, from what their processes are."""
    listed = pod.run("ps", "-eo", "args").stdout
    return [line for line in listed.splitlines() if "stream-" in line and "--control" in line]


def both_hosts(node):
    """The Pods of the hosts, if each runs instances."""
    found = [pods[-1] if (pods := node.of(f"stream-far-{host}")) else None for host in "ab"]
    return found if all(found) and all(instances_in(pod) for pod in found) else None


@with_controllers
def test_instances_run_in_pods_of_their_own(stream, cluster, node):
    cluster.ask("label", "namespace", "default", "pod-security.kubernetes.io/enforce=restricted")
    manifest = JOB.format(rows=30000, rate=300).replace(*ON_VOLUME).replace("table: t}", "table: t, hosts: disk}") + HOSTS
    stream.write("far.yaml", manifest + "restart: {strategy: fixed-delay, delay: 100ms, attempts: 100}\n")
    stream.write("pods.yaml", "metadata: {annotations: {team: data}}\nspec:\n  hostAliases: [{ip: 10.1.2.3, hostnames: [broker]}]\n"
                 "  containers: [{name: instances, env: [{name: MODE, value: \"on\"}]}]\n")
    stream.run("stream", "deploy", "far.yaml", *IMAGE, "--namespace", "default", "--pod-template", "pods.yaml")
    a, b = wait_until("instances in both Pods", lambda: both_hosts(node), timeout=180, interval=0.2)
    supervisor = wait_until("a leader", lambda: leader_of(cluster, node), timeout=120, interval=0.1)
    check(not instances_in(supervisor), instances_in(supervisor))
    check(any("write-sqlite" in line for line in instances_in(b)) and not any("write-sqlite" in line for line in instances_in(a)), instances_in(a))
    made = cluster.get("pod/stream-far-a")
    asked = made["spec"]["containers"][0]["resources"]
    check(asked == {"requests": {"cpu": "500m", "memory": "536870912"}, "limits": {"memory": "536870912"}}, asked)
    check(made["metadata"]["ownerReferences"][0]["name"] == supervisor.name and "automountServiceAccountToken" in made["spec"], made["metadata"])
    for pod, variable in ((made, True), (cluster.get(f"pod/{supervisor.name}"), False)):
        check(pod["metadata"]["annotations"]["team"] == "data" and pod["spec"]["hostAliases"], pod)
        check(({"name": "MODE", "value": "on"} in pod["spec"]["containers"][0]["env"]) == variable, pod["spec"]["containers"][0]["env"])
    # All its rights, beside those of several supervisors.
    for verb, what in (("create", "pods"), ("get", "pod/stream-far-a"), ("delete", "pod/stream-far-b"), ("patch", "secret/stream-far-a")):
        cluster.ask("--context=job", "auth", "can-i", verb, what)
    for verb, what in (("get", "secret/stream-far-a"), ("create", "secrets"), ("list", "pods"), ("get", "pod/other")):
        cluster.ask("--context=job", "auth", "can-i", verb, what, expect=1)
    cluster.ask("--context=job", "auth", "can-i", "create", "pods", "--subresource=exec", expect=1)
    wait_until("rows", lambda: len(rows_of(node)) > 500, timeout=120, interval=0.1)
    # One is to go, as when its node is drained: a checkpoint comes first, and another is made.
    cluster.ask("delete", "pod", "stream-far-a", "--wait=false")
    wait_until("it to be left", lambda: "host 'a' is left at the next checkpoint: it has been told to end" in supervisor.run("stream", "events", "far").stdout, timeout=60)
    rows = len(rows_of(node))
    wait_until("rows behind that", lambda: len(rows_of(node)) > rows + 200, timeout=120, interval=0.1)
    wait_until("another Pod", lambda: any(pod is not a for pod in node.of("stream-far-a")), timeout=180, interval=0.2)
    # One is lost with its node: the job waits for the next, as its table can be nowhere else, and uses both.
    node.lose(b)
    wait_until("instances in both Pods", lambda: (pods := both_hosts(node)) and pods[1] is not b, timeout=120, interval=0.2)
    rows = len(rows_of(node))
    wait_until("more rows", lambda: len(rows_of(node)) > rows + 200, timeout=120, interval=0.1)
    # The Pod of the supervisor is lost: those that it made go with it, the next one makes others.
    before = node.of()
    node.lose(supervisor)
    wait_until("other Pods", lambda: any(instances_in(pod) for pod in node.of("stream-far-b") if pod not in before), timeout=180, interval=0.2)
    check(len(rows_of(node)) < 30000, "it ended before it was disturbed")
    wait_until("the end of the job", lambda: any("far: has ended" in pod.text() for pod in node.of("stream-far")), timeout=300, interval=0.2)
    found = rows_of(node)
    check(found == list(range(30000)), f"{len(found)} rows, {len(set(found))} different")
    wait_until("no Pods but the supervisor's", lambda: len(json.loads(cluster.ask("get", "pods", "-o", "json"))["items"]) == 1, timeout=120, interval=0.2)


GROWS = """pipeline: far
checkpoint: {interval: 50ms, path: /var/lib/stream/checkpoints}
restart: {strategy: fixed-delay, delay: 100ms, attempts: 100}
place: pack
hosts: {w: {via: pod, count: 3, slots: 3, cpus: 0.1, memory: 256MiB}}
stages:
  numbers: {run: generate, columns: n, rows: 400000, rate: 400}
  table: {run: write-sqlite, path: out.db, table: t, from: same}
  same: {run: filter, from: numbers, where: n >= 0, parallelism: {min: 1, max: 4}}
"""


@with_controllers
def test_there_are_as_many_pods_as_instances_need(stream, cluster, node):
    """Two of three for six instances, and one for three: a Pod that is not used goes, and comes back when it is."""
    def pods():
        return sorted(item["metadata"]["name"] for item in json.loads(cluster.ask("get", "pods", "-o", "json"))["items"]
                      if item["metadata"]["name"].startswith("stream-far-w") and "deletionTimestamp" not in item["metadata"])

    def filters():
        return sum("filter" in line for pod in node.of("stream-far-w") for line in instances_in(pod))

    stream.write("far.yaml", GROWS)
    stream.run("stream", "deploy", "far.yaml", *IMAGE, "--namespace", "default")
    wait_until("six instances", lambda: filters() == 4, timeout=180, interval=0.2)
    check(pods() == ["stream-far-w-1", "stream-far-w-2"], pods())
    supervisor = wait_until("a leader", lambda: leader_of(cluster, node), timeout=120, interval=0.1)
    for wanted, there in ((1, ["stream-far-w-1"]), (4, ["stream-far-w-1", "stream-far-w-2"])):
        rescaled = supervisor.run("stream", "rescale", "far", f"same={wanted}")
        check(rescaled.returncode == 0, rescaled.stderr)
        wait_until(f"{there}", lambda there=there, wanted=wanted: pods() == there and filters() == wanted, timeout=120, interval=0.2)
        rows = len(rows_of(node))
        wait_until("more rows", lambda rows=rows: len(rows_of(node)) > rows + 200, timeout=120, interval=0.1)
    told = supervisor.run("stream", "events", "far").stdout
    check("host 'w-2' is unused: its Pod goes, until it is needed" in told and "restarting" not in told, told)
    check(supervisor.run("stream", "stop", "--drain", "far").returncode == 0, "it did not stop")
    found = rows_of(node)
    check(found == list(range(len(found))), f"{len(found)} rows, {len(set(found))} different")


if __name__ == "__main__":
    main([test for name, test in globals().items() if name.startswith("test_")])
