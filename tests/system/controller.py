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
            with Cluster("deployment-controller,replicaset-controller,garbage-collector-controller") as cluster:
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
    wait_until("nothing to be left", lambda: "stream-far" not in at.cluster.try_ask("get", kinds, "-o", "name"), timeout=120, interval=0.5)


if __name__ == "__main__":
    main([test for name, test in globals().items() if name.startswith("test_")])
