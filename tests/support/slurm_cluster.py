"""A Slurm of its own on this machine: munged, slurmctld and several slurmds, from Debian's packages."""

import atexit
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

from harness import Failure, Stream, free_port, wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel", "sinfo")
CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPort={controller}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=6
KillWait=2
CompleteWait=0
MessageTimeout=5
PrologFlags=NoHold
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def missing():
    """What a Slurm of its own lacks here; "" where it can run."""
    absent = [name for name in PROGRAMS if not program(name)]
    if absent:
        return f"{', '.join(absent)} not installed"
    return "" if os.getuid() == 0 else "slurmd is started by root alone"


def program(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def environ_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


class Cluster:
    """Nodes n1, n2, … of it are started and killed one by one."""

    def __init__(self, names):
        self.names = names
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stream-slurm-"))
        self.folder.chmod(0o755)
        self.conf = self.folder / "slurm.conf"
        self.environment = dict(os.environ, SLURM_CONF=str(self.conf))
        self.running = {}
        host = socket.gethostname().split(".")[0]
        ports = [free_port() for _ in range(len(names) + 1)]
        nodes = "\n".join(f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=16000 Feature=of-{name}"
                          for name, port in zip(names, ports[1:]))
        self.conf.write_text(CONF.format(host=host, user=pwd.getpwuid(os.getuid()).pw_name, folder=self.folder, controller=ports[0], nodes=nodes))
        for name in ["state", *(f"spool-{name}" for name in names)]:
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        atexit.register(self.stop)
        self.start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid",
                   f"--seed-file={self.folder}/munge.seed", f"--log-file={self.folder}/munged.log")
        wait_until("munged", (self.folder / "munge.socket").exists)
        self.start_controller()
        for name in names:
            self.start_node(name)
        self.wait_for_nodes(names)

    def start(self, name, *args, key=None):
        log = open(self.folder / f"{key or name}.log", "a")
        self.running[key or name] = subprocess.Popen([program(name), *args], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def start_controller(self):
        self.start("slurmctld", "-D")
        wait_until("slurmctld", lambda: self.succeeds("scontrol", "ping"))

    def start_node(self, name):
        self.start("slurmd", "-D", "-N", name, key=name)

    def wait_for_nodes(self, names, state="idle"):
        wait_until(f"{names} {state}", lambda: {*names} <= set(self.ask("sinfo", "-h", "-N", "-o", "%N", "-t", state).split()), timeout=60)

    def ask(self, name, *args):
        done = subprocess.run([program(name), *args], env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"{name} {' '.join(args)}: {done.stderr}")
        return done.stdout

    def succeeds(self, name, *args):
        return subprocess.run([program(name), *args], env=self.environment, capture_output=True, timeout=60, check=False).returncode == 0

    def job(self, number):
        """What `scontrol show job` says of it, by key."""
        text = self.ask("scontrol", "--oneliner", "show", "job", str(number))
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def steps(self, number):
        """Node by step, of those that run agents."""
        lines = self.ask("squeue", "-h", "--steps", "-j", str(number), "-o", "%i %j %N").splitlines()
        return {words[0]: words[2] for words in map(str.split, lines) if len(words) == 3 and words[1] == "stream-agent"}

    def processes(self, node=None):
        """Of jobs, on a node: what Slurm has started, and what watches that."""
        conf = f"SLURM_CONF={self.conf}".encode()
        mine = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit() and conf in environ_of(entry.name)]
        mine = [pid for pid in mine if pid not in {process.pid for process in self.running.values()} and pid != os.getpid()]
        mine = [pid for pid in mine if not command_of(pid).startswith("slurmctld")]  # a child of its own
        if node is None:
            return mine
        here = {pid for pid in mine if f"SLURMD_NODENAME={node}".encode() in environ_of(pid)}
        watching = {parent for parent in map(parent_of, here) if "slurmstepd" in command_of(parent)}
        return [*watching, *(here - watching)]

    def kill_node(self, name):
        """As when its power fails."""
        process = self.running.pop(name)
        process.kill()
        process.wait()
        kill_all(self.processes(name))  # first what would tell of the end of the others

    def kill_controller(self):
        process = self.running.pop("slurmctld")
        process.kill()
        process.wait()

    def saved(self):
        """When the controller has written down which jobs there are."""
        path = self.folder / "state" / "job_state"
        return path.stat().st_mtime if path.exists() else 0

    def mend(self):
        """All nodes are there again, and no jobs."""
        self.ask("scancel", "--user", pwd.getpwuid(os.getuid()).pw_name)
        for name in self.names:
            if name not in self.running:
                self.start_node(name)
        wait_until("no jobs", lambda: not self.ask("squeue", "-h"), timeout=60)
        self.succeeds("scontrol", "update", f"NodeName={','.join(self.names)}", "State=RESUME")
        self.wait_for_nodes(self.names)

    def stop(self):
        for process in reversed(self.running.values()):
            process.kill()
            process.wait()
        self.running.clear()
        kill_all(self.processes())
        shutil.rmtree(self.folder, ignore_errors=True)


def parent_of(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


kill_all = Stream.kill
