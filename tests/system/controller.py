#!/usr/bin/env python3
"""StreamPipelines and their controller, with a real kube-apiserver and kube-controller-manager; see stream-kubernetes(7).

The controller runs in Pods of the Deployment that `stream controller --render` prints, with the token and the rights of its service account. What is
played is in kube_node.py.
"""

import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, query_so_far, wait_until  # noqa: E402
import kube_node  # noqa: E402
from kube_cluster import Cluster, missing  # noqa: E402

JOB = """pipeline: far
checkpoint: {{interval: 100ms}}
stages:
  numbers: {{run: generate, columns: n, rows: {rows}, rate: {rate}}}
  same: {{run: filter, where: {where}, parallelism: 2}}
  table: {{run: write-sqlite, path: {path}, table: t}}
"""
CONTROLLERS = "deployment-controller,replicaset-controller,garbage-collector-controller,persistentvolumeclaim-protection-controller"
CONTROLLER = ["controller", "--render", "--image", "registry.example/stream:1", "--namespace", "default"]


def manifest(rows=100000, rate=200, where="n >= 0", path="out.db"):
    return JOB.format(rows=rows, rate=rate, where=where, path=path)


class Pipelines:
    def __init__(self, stream, cluster, node):
        self.stream, self.cluster, self.node = stream, cluster, node

    def apply(self, name="far", **spec):
        thing = {"apiVersion": "stream.pipelines/v1", "kind": "StreamPipeline", "metadata": {"name": name, "namespace": "default"},
                 "spec": {"image": "registry.example/stream:1"} | spec}
        self.cluster.ask("apply", "-f", "-", stdin=json.dumps(thing))

    def change(self, name="far", **spec):
        self.cluster.ask("patch", "streampipeline", name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def status(self, name="far"):
        return json.loads(self.cluster.ask("get", "streampipeline", name, "-o", "json")).get("status", {})

    def generation(self, name="far"):
        return self.cluster.get(f"streampipeline/{name}")["metadata"]["generation"]

    def condition(self, kind, name="far"):
        return next((c for c in self.status(name).get("conditions", []) if c["type"] == kind), {})

    def wait_for(self, lifecycle, name="far", timeout=180):
        """Until it is so, and is about the pipeline as it is now."""
        def there():
            status = self.status(name)
            return status if status.get("lifecycle") == lifecycle and status["observedGeneration"] == self.generation(name) else None
        try:
            return wait_until(lifecycle, there, timeout=timeout, interval=0.2)
        except BaseException:
            print(json.dumps(self.status(name), indent=1))
            raise

    def rows(self, path="out.db", name="far"):
        return sorted(n for (n,) in query_so_far(self.node.claims / f"stream-{name}" / path, "select n from t"))

    def more_rows(self, than=None, path="out.db"):
        than = len(self.rows(path)) if than is None else than
        return wait_until("more rows", lambda: (found := len(self.rows(path))) > than and found, timeout=120, interval=0.1)

    def controllers(self):
        return self.node.of("stream.controller")


def with_controller(replicas=1):
    def wrap(test):
        def run(stream):
            why = missing("kube-controller-manager") or kube_node.can_be_played()
            if why:
                print(f"skipped: no Kubernetes here: {why}")
                return
            with Cluster(CONTROLLERS) as cluster:
                stream.environment["KUBECONFIG"] = str(cluster.config)
                cluster.ask("label", "namespace", "default", "pod-security.kubernetes.io/enforce=restricted")
                rendered = stream.run("stream", *CONTROLLER, "--replicas", str(replicas))
                cluster.ask("apply", "-f", "-", stdin=rendered)
                cluster.ask("wait", "--for=condition=Established", "crd/streampipelines.stream.pipelines", "--timeout=60s")
                with kube_node.Node(stream, cluster) as node:
                    test(Pipelines(stream, cluster, node))
        run.__name__ = test.__name__
        return run
    return wrap


def is_exact(rows, count):
    check(rows == list(range(count)), f"{len(rows)} rows, {len(set(rows))} different, of {count}")


@with_controller()
def test_a_pipeline_runs_is_suspended_and_goes_on(at):
    at.apply(manifest=manifest(rows=6000))
    status = at.wait_for("STABLE")
    check(status["job"]["state"] == "RUNNING" and at.condition("Ready")["status"] == "True", status)
    check(at.condition("Reconciled")["status"] == "True", status)
    # All its rights, which end here.
    def may(verb, what, space="default", expect=0):
        at.cluster.ask("auth", "can-i", verb, what, "-n", space, "--as=system:serviceaccount:default:stream.controller", expect=expect)
    for verb, what in (("watch", "streampipelines"), ("patch", "deployments"), ("create", "roles"), ("get", "secret/stream.controller")):
        may(verb, what)
    for verb, what in (("get", "secret/other"), ("list", "secrets"), ("delete", "persistentvolumeclaims"), ("delete", "deployments"),
                       ("update", "streampipelines"), ("create", "clusterroles"), ("list", "nodes")):
        may(verb, what, expect=1)
    may("watch", "streampipelines", "kube-system", expect=1)
    listed = at.cluster.ask("get", "streampipelines")
    check("STABLE" in listed and "RUNNING" in listed, listed)
    at.more_rows()
    at.change(state="suspended")
    status = at.wait_for("SUSPENDED")
    check(status["savepoint"].startswith("/var/lib/stream/savepoints/") and status["savepoints"][0]["reason"] == "stop", status)
    wait_until("no Pods", lambda: not at.node.of("stream-far"), timeout=120, interval=0.2)
    rows = len(at.rows())
    check(0 < rows < 6000, rows)
    at.change(state="running")
    at.wait_for("STABLE")
    wait_until("the end of the job", lambda: at.status()["job"]["state"] == "FINISHED", timeout=120, interval=0.2)
    is_exact(at.rows(), 6000)
    # What has finished is not run again, whether it was suspended or not.
    at.change(state="suspended")
    at.wait_for("SUSPENDED")
    at.change(state="running")
    status = at.wait_for("STABLE")
    check(status["job"]["state"] == "FINISHED", status)
    is_exact(at.rows(), 6000)
    # With the resource goes all that was made for it.
    at.cluster.ask("delete", "streampipeline", "far")
    kinds = "deployments,replicasets,pods,configmaps,serviceaccounts,persistentvolumeclaims"
    wait_until("nothing to be left", lambda: "stream-far" not in at.cluster.ask("get", kinds, "-o", "name"), timeout=120, interval=0.5)


def changed(at, before, after):
    """It runs as `before` and is changed to `after`; both see all rows once."""
    at.apply(manifest=before)
    at.wait_for("STABLE")
    at.more_rows()
    at.change(manifest=after)


def finish(at, rows):
    wait_until("the end of the job", lambda: at.status().get("job", {}).get("state") == "FINISHED", timeout=180, interval=0.2)
    is_exact(at.rows(), rows)


@with_controller()
def test_another_manifest_is_an_upgrade_and_a_wrong_one_is_refused(at):
    changed(at, manifest(rows=12000, rate=300), manifest(rows=12000, rate=300, where="n > -1"))
    status = at.wait_for("STABLE")
    check([s["reason"] for s in status["savepoints"]] == ["stop"], status["savepoints"])
    pods = [pod for pod in at.node.of("stream-far")]
    check(len(pods) == 1 and "continues from" in pods[0].text(), [pod.text() for pod in pods])
    # What cannot be planned is refused, and what runs runs on.
    at.change(manifest=manifest(rows=12000, rate=300, where="n >"))
    refused = wait_until("a refusal", lambda: (c := at.condition("Reconciled")).get("reason") == "Refused" and c, timeout=60, interval=0.2)
    status = at.status()
    check(status["observedGeneration"] == at.generation() and "manifest.yaml:5:" in status["error"] and refused["message"] == status["error"], status)
    check(status["lifecycle"] == "STABLE" and at.condition("Ready")["status"] == "True", status)
    at.more_rows()
    check(at.node.of("stream-far") == pods and pods[0].restarts == 0, "it was disturbed")
    # So is one that is in a ConfigMap, which is looked at again when it changes.
    at.cluster.ask("create", "configmap", "manifests", f"--from-literal=far={manifest(rows=12000, rate=300, where='m > 0')}")
    at.change(manifest=None, manifestFrom={"configMap": "manifests", "key": "far"})
    wait_until("a refusal", lambda: "m" in at.condition("Reconciled").get("message", "") and at.status()["observedGeneration"] == at.generation(),
               timeout=60, interval=0.2)
    text = json.dumps({"data": {"far": manifest(rows=12000, rate=300, where="n > -2")}})
    at.cluster.ask("patch", "configmap", "manifests", "--type=merge", "-p", text)
    wait_until("the one of the ConfigMap", lambda: "n > -2" in at.status()["lastStableSpec"], timeout=120, interval=0.2)
    # Only started again.
    at.change(restartNonce=1)
    wait_until("it to be started again", lambda: '"restartNonce":1' in at.status()["lastStableSpec"], timeout=120, interval=0.2)
    finish(at, 12000)


@with_controller()
def test_what_does_not_get_ready_is_rolled_back(at):
    rows = manifest(rows=30000, rate=200)
    at.apply(manifest=rows, rollback={"after": "20s"})
    at.wait_for("STABLE")
    at.more_rows()
    at.change(podTemplate={"spec": {"containers": [{"name": "stream", "env": [{"name": "STREAM_DATA", "value": "/nowhere"}]}]}})
    status = at.wait_for("ROLLED_BACK")
    check("did not get ready" in status["error"] and at.condition("Reconciled")["reason"] == "RolledBack", status)
    check(json.loads(status["lastReconciledSpec"])["manifest"] == rows and status["job"]["state"] == "RUNNING", status)
    at.more_rows()
    # So is one that runs and writes, and is never ready: what it has written is taken back.
    never = {"name": "stream", "readinessProbe": {"exec": {"command": ["false"]}}}
    at.change(manifest=manifest(rows=30000, rate=200, where="n % 2 = 0"), podTemplate={"spec": {"containers": [never]}})
    wait_until("the other one", lambda: "n % 2 = 0" in at.status()["lastReconciledSpec"], timeout=60, interval=0.1)
    at.more_rows()
    found = at.rows()
    check(found != list(range(len(found))), "the other one has written nothing")
    at.wait_for("ROLLED_BACK")
    wait_until("more rows", lambda: len(at.rows()) > len(found) + 1000, timeout=120, interval=0.2)
    check("rewind" in " ".join(at.cluster.get("deployment/stream-far")["spec"]["template"]["spec"]["containers"][0]["command"]), "it was not rewound")
    # A spec that is put right is tried.
    at.change(manifest=manifest(rows=30000, rate=200, where="n > -3"), podTemplate=None)
    status = at.wait_for("STABLE")
    check(status["error"] == "", status)
    finish(at, 30000)


@with_controller()
def test_savepoints_are_made_by_themselves_and_when_they_are_wanted(at):
    at.apply(manifest=manifest(rows=60000), savepoints={"every": "2s", "keep": 2})
    at.wait_for("STABLE")
    status = wait_until("two savepoints", lambda: len((s := at.status()).get("savepoints", [])) > 1 and s, timeout=120, interval=0.2)
    check({s["reason"] for s in status["savepoints"]} == {"schedule"}, status["savepoints"])
    at.change(savepointNonce=7)
    def wanted():
        return [s["path"] for s in at.status()["savepoints"] if s["reason"] == "nonce"]
    made = wait_until("the one that was wanted", wanted, timeout=60, interval=0.2)
    place = at.node.claims / "stream-far" / pathlib.Path(made[0]).relative_to("/var/lib/stream")
    check(place.is_dir(), place)
    # Made anew on the volume that was kept, it begins with that one.
    at.change(keepVolume=True)
    wait_until("the volume to be its own", lambda: "ownerReferences" not in at.cluster.get("pvc/stream-far")["metadata"], timeout=60, interval=0.2)
    at.change(state="suspended")
    last = at.wait_for("SUSPENDED")["savepoint"]
    at.cluster.ask("delete", "streampipeline", "far")
    wait_until("no Deployment", lambda: not at.cluster.ask("get", "deployment", "stream-far", "--ignore-not-found"), timeout=120, interval=0.2)
    before = len(at.rows())
    check(0 < before < 60000, f"{before} rows")
    at.apply(manifest=manifest(rows=60000), initialSavepoint=last)
    at.wait_for("STABLE")
    check(f"continues from savepoint {last}" in at.node.of("stream-far")[0].text(), at.node.of("stream-far")[0].text())
    at.more_rows(before)
    rows = at.rows()
    check(rows == list(range(len(rows))), f"{len(rows)} rows, {len(set(rows))} different")


@with_controller()
def test_with_several_supervisors_and_pods_of_hosts(at):
    def wanted(where):
        text = manifest(rows=30000, rate=300, where=where).replace("interval", "path: /var/lib/stream/checkpoints, interval")
        return text + "hosts: {a: {via: pod}}\n"
    at.apply(manifest=wanted("n >= 0"), replicas=2, isolate=True)
    at.wait_for("STABLE")
    policy = at.cluster.get("networkpolicy/stream-far")
    check(policy["spec"]["policyTypes"] == ["Ingress"] and policy["metadata"]["ownerReferences"], policy)
    at.more_rows()
    at.change(manifest=wanted("n > -1"))
    status = at.wait_for("STABLE")
    check([s["reason"] for s in status["savepoints"]] == ["stop"], status)
    at.more_rows()
    at.change(state="suspended")
    status = at.wait_for("SUSPENDED")
    wait_until("no Pods", lambda: not at.node.of("stream-far"), timeout=120, interval=0.2)
    check(len(status["savepoints"]) == 2, status["savepoints"])
    at.change(state="running")
    at.wait_for("STABLE")
    # What does not get ready goes, and what was before goes on from the savepoint.
    at.more_rows()
    at.change(rollback={"after": "15s"}, podTemplate={"spec": {"containers": [{"name": "stream", "env": [{"name": "STREAM_DATA", "value": "/nowhere"}]}]}})
    at.wait_for("ROLLED_BACK")
    finish(at, 30000)


@with_controller()
def test_a_controller_that_is_killed_during_upgrades_goes_on(at):
    rows = 40000
    at.apply(manifest=manifest(rows=rows, rate=400))
    at.wait_for("STABLE")
    for number in range(6):
        at.more_rows()
        wanted = f"n > -{number + 2}"
        controller = at.controllers()[-1]
        at.change(manifest=manifest(rows=rows, rate=400, where=wanted))
        before = at.status()["controller"]["attempt"]
        # Killed as soon as it has written that it stops the job, that the next one is to run, and some time behind these.
        def begun(status):
            return status["lifecycle"] == "STOPPING" if number % 2 == 0 else status["controller"]["attempt"] > before
        wait_until("the upgrade to begin", lambda: begun(at.status()), timeout=120, interval=0.02)
        if number > 3:
            wait_until("another moment", lambda: at.status()["controller"]["attempt"] > before, timeout=120, interval=0.02)
        controller.send(signal.SIGKILL)
        if number in (1, 4):  # and what runs the job is lost as well
            at.node.lose(wait_until("a Pod of it", lambda: at.node.of("stream-far"), timeout=120, interval=0.02)[-1])
        wait_until("the upgrade", lambda: wanted in (s := at.status()).get("lastStableSpec", "") and s["lifecycle"] == "STABLE", timeout=180, interval=0.2)
        check(at.status()["controller"]["attempt"] == before + 1, at.status())
    finish(at, rows)


@with_controller(replicas=2)
def test_one_of_several_controllers_leads(at):
    at.apply(manifest=manifest(rows=20000, rate=300))
    at.wait_for("STABLE")
    def leaders():
        return [pod for pod in at.controllers() if "controller: leads" in pod.text()]
    wait_until("both", lambda: len(at.controllers()) == 2 and any("stands by" in pod.text() for pod in at.controllers()), timeout=60, interval=0.2)
    first = leaders()
    check(len(first) == 1, [pod.text() for pod in at.controllers()])
    at.change(manifest=manifest(rows=20000, rate=300, where="n > -2"))
    wait_until("the upgrade to begin", lambda: at.status()["lifecycle"] == "STOPPING", timeout=60, interval=0.05)
    at.node.lose(first[0])
    wait_until("the upgrade", lambda: "n > -2" in (s := at.status()).get("lastStableSpec", "") and s["lifecycle"] == "STABLE", timeout=180, interval=0.2)
    check(any(pod is not first[0] for pod in leaders()), [pod.text() for pod in at.controllers()])
    # Told to end it makes room at once.
    second = leaders()[-1]
    at.cluster.ask("delete", "pod", second.name, "--wait=false")
    at.change(manifest=manifest(rows=20000, rate=300, where="n > -3"))
    wait_until("the next", lambda: "n > -3" in (s := at.status()).get("lastStableSpec", "") and s["lifecycle"] == "STABLE", timeout=180, interval=0.2)
    finish(at, 20000)


@with_controller()
def test_an_api_server_that_is_away_stops_nothing(at):
    at.apply(manifest=manifest(rows=20000, rate=300))
    at.wait_for("STABLE")
    controller, job = at.controllers()[0], at.node.of("stream-far")[0]
    at.cluster.api().send_signal(signal.SIGSTOP)
    try:
        wait_until("it to lead no more", lambda: "leads no more" in controller.text(), timeout=40, interval=0.1)
    finally:
        at.cluster.api().send_signal(signal.SIGCONT)
    wait_until("it to lead again", lambda: controller.text().count("controller: leads, namespace") > 1, timeout=120, interval=0.2)
    check(at.node.of("stream-far") == [job] and job.restarts == 0, "the job was disturbed")
    at.change(manifest=manifest(rows=20000, rate=300, where="n > -2"))
    wait_until("the upgrade", lambda: "n > -2" in (s := at.status()).get("lastStableSpec", "") and s["lifecycle"] == "STABLE", timeout=180, interval=0.2)
    finish(at, 20000)


if __name__ == "__main__":
    main([test for name, test in globals().items() if name.startswith("test_")])
