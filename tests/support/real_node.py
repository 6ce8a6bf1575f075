"""A cluster of Kubernetes with one real node: kubelet, containerd, scheduler and all controllers, and an image of our packages.

Networks of Pods are a bridge of CNI's; the one service there is, the API server's, is reached by a rule of iptables where a kube-proxy
would make it.
"""

import json
import os
import pathlib
import shutil
import subprocess

import kube_cluster
from harness import Failure, Stream, free_port, wait_until
from kube_cluster import Cluster, program

IMAGE = "localhost/stream-pipelines:test"
PAUSE = "localhost/pause:test"
BRIDGE, PODS, SERVICE = "streamkube0", "10.99.0", "10.0.0.1"
TOOLS = ("containerd", "ctr", "runc", "podman", "iptables")
CNI = "/usr/lib/cni"


def missing():
    """Why there can be no node here; empty if there can be one."""
    if os.getuid() != 0:
        return "a kubelet needs root"
    if not pathlib.Path(CNI, "bridge").exists():
        return "no containernetworking-plugins"
    for name in TOOLS:
        if not shutil.which(name):
            return f"no {name}"
    if subprocess.run(["podman", "image", "exists", IMAGE], check=False).returncode != 0:
        return f"no image {IMAGE}; ./dev package image makes it"
    return kube_cluster.missing("kube-controller-manager", "kube-scheduler", "kubelet")


def told(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise Failure(f"{' '.join(str(word) for word in command)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class RealNode(Cluster):
    def __init__(self):
        super().__init__("*")

    def spawn(self, name, *command):
        if name == "api":
            command = [word for word in command if "admission-plugins" not in word and "bind-address" not in word]
            command += ["--bind-address=0.0.0.0", f"--advertise-address={PODS}.1", "--kubelet-preferred-address-types=InternalIP"]
        if name == "controllers":
            command = [*command, f"--service-account-private-key-file={self.folder}/sa.key", f"--root-ca-file={self.authority}",
                       "--use-service-account-credentials=false"]
        super().spawn(name, *command)

    def begin(self):
        self.make_bridge()
        super().begin()
        self.rule("-A")
        self.spawn("scheduler", program("kube-scheduler"), f"--kubeconfig={self.config}", "--leader-elect=false", f"--secure-port={free_port()}",
                   "--bind-address=127.0.0.1", "--cert-dir=scheduler-certificates")
        self.begin_containerd()
        self.begin_kubelet()
        try:
            wait_until("the node to be ready", self.is_node_ready, timeout=120, interval=0.5)
        except Failure as why:
            raise Failure(f"{why}\n{(self.folder / 'kubelet.log').read_text()[-3000:]}") from why

    def __exit__(self, *_):
        if self.is_containerd_there():
            for task in self.ctr("tasks", "ls", "-q", expect=None).split():
                self.ctr("tasks", "kill", "-s", "KILL", task, expect=None)
        self.rule("-D", check=False)
        self.unmount()
        super().__exit__()
        subprocess.run(["pkill", "-KILL", "-f", str(self.folder)], check=False)  # what holds containers outlives containerd
        self.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)

    def unmount(self):
        below = str(self.folder)
        for line in reversed(pathlib.Path("/proc/mounts").read_text().splitlines()):
            place = line.split()[1]
            if place.startswith(below):
                subprocess.run(["umount", "-l", place], capture_output=True, check=False)

    @staticmethod
    def make_bridge():
        subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], capture_output=True, check=False)
        told("ip", "addr", "replace", f"{PODS}.1/24", "dev", BRIDGE)
        told("ip", "link", "set", BRIDGE, "up")
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def rule(self, how, check=True):
        """The service of the API server."""
        subprocess.run(["iptables", "-t", "nat", how, "PREROUTING", "-d", SERVICE, "-p", "tcp", "--dport", "443", "-j", "DNAT", "--to-destination",
                        f"{PODS}.1:{getattr(self, 'port', 0)}"], check=check, capture_output=True)

    def begin_containerd(self):
        (self.folder / "cni").mkdir()
        (self.folder / "cni" / "10-pods.conflist").write_text(json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [
            {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipam": {"type": "host-local", "dataDir": str(self.folder / "ipam"), "subnet": f"{PODS}.0/24",
                                                                           "rangeStart": f"{PODS}.10", "routes": [{"dst": "0.0.0.0/0"}]}}]}))
        self.socket = self.folder / "containerd.sock"
        (self.folder / "containerd.toml").write_text(f"""version = 2
root = "{self.folder}/containerd"
state = "{self.folder}/containerd-state"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{self.folder}/cni"
""")
        self.spawn("containerd", "containerd", "--config", self.folder / "containerd.toml")
        wait_until("containerd", self.is_containerd_there, timeout=60, interval=0.2)
        # What holds the namespaces of a Pod need not do anything.
        told("podman", "build", "-q", "-t", PAUSE, "-f", "-", self.folder / "cni", input=f"FROM {IMAGE}\nUSER 0\nCMD [\"sleep\", \"infinity\"]\n")
        for image in (IMAGE, PAUSE):
            saved = subprocess.Popen(["podman", "save", "--format", "docker-archive", image], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            told("ctr", "-a", self.socket, "-n", "k8s.io", "images", "import", "-", stdin=saved.stdout)
            saved.wait()

    def ctr(self, *words, expect=0):
        done = subprocess.run(["ctr", "-a", self.socket, "-n", "k8s.io", *words], capture_output=True, text=True, check=False)
        return done.stdout if expect is None else told("ctr", "-a", self.socket, "-n", "k8s.io", *words)

    def is_containerd_there(self):
        return hasattr(self, "socket") and subprocess.run(["ctr", "-a", self.socket, "version"], capture_output=True, check=False).returncode == 0

    def begin_kubelet(self):
        (self.folder / "resolv.conf").write_text("")
        (self.folder / "kubelet.json").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs", "cgroupRoot": "/", "failSwapOn": False, "failCgroupV1": False, "enforceNodeAllocatable": [], "cgroupsPerQOS": False,
            "oomScoreAdj": 0, "address": f"{PODS}.1", "port": free_port(), "healthzPort": 0, "resolvConf": str(self.folder / "resolv.conf"),
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}}, "authorization": {"mode": "AlwaysAllow"},
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"}, "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99, "registerNode": True, "syncFrequency": "1s", "nodeStatusUpdateFrequency": "2s",
            "podLogsDir": str(self.folder / "pod-logs"), "staticPodPath": "", "volumePluginDir": str(self.folder / "plugins"),
            "featureGates": {"KubeletInUserNamespace": True}}))
        self.spawn("kubelet", program("kubelet"), f"--config={self.folder}/kubelet.json", f"--kubeconfig={self.config}", f"--root-dir={self.folder}/kubelet",
                   f"--cert-dir={self.folder}/kubelet-certificates", "--hostname-override=node-1", f"--node-ip={PODS}.1")

    kill = staticmethod(Stream.kill)

    def volume(self, space, folder):
        """A namespace in which only confined Pods may be, with one volume."""
        folder.mkdir()
        os.chown(folder, 65532, 65532)
        for thing in ({"kind": "Namespace", "metadata": {"name": space, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
                      {"kind": "PersistentVolume", "metadata": {"name": f"volume-{space}"},
                       "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce", "ReadWriteMany"], "hostPath": {"path": str(folder)},
                                "storageClassName": space, "claimRef": {"namespace": space, "name": "stream-far"}}}):
            self.ask("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **thing}))

    def is_node_ready(self):
        found = self.try_ask("get", "node", "node-1", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}")
        return found == "True"
