#!/usr/bin/env python3
"""Several supervisors for one job: one leads, the others take over, and whatever happens the results are those of a run
left alone. Each supervisor has a home of its own here, as on a host of its own; checkpoints and results lie where all reach them.

usage: ha.py PROGRAMS [TEST]...
STREAM_LONG=1: a hundred rounds.
"""

import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import kube_cluster  # noqa: E402
import zookeeper_server  # noqa: E402
from harness import Stream, check, main, wait_until  # noqa: E402
from in_flight import FAST, SLOW, compare, expected, manifest, past, results, rows_of  # noqa: E402

LONG = bool(os.environ.get("STREAM_LONG"))
LEASE = 0.5  # seconds


class Host:
    """One of several, with one supervisor at most."""

    def __init__(self, shared, name, ha):
        self.own = Stream(shared.programs)
        self.shared, self.name, self.ha = shared, name, ha
        self.process = None

    def start(self, *options):
        self.process = subprocess.Popen(["stream", "run", "job.yaml", "--ha", self.ha, *options], env=self.own.environment, cwd=self.shared.folder,
                                        stdout=subprocess.DEVNULL, stderr=open(self.own.folder / "talk", "ab"), text=True)
        return self

    def talk(self):
        return (self.own.folder / "talk").read_text()

    def state(self):
        said = self.own.run("stream", "ps", "--json", expect=None).splitlines()
        return json.loads(said[0])["state"] if said else ""

    def all_processes(self):
        return [self.process.pid, *self.own.processes("job")]

    def send(self, number):
        self.own.kill(self.all_processes(), number)

    def end(self):
        if self.process and self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
            self.process.wait()
        self.own.__exit__(None)


class Hosts:
    """Supervisors of one job; the results are in a folder that all share."""

    def __init__(self, stream, number, ha=None, rate=SLOW, options=()):
        self.options = options
        self.stream, self.place = stream, ha or f"file://{stream.folder}/ha?lease={LEASE * 1000:.0f}ms"
        for folder in ("ha", "checkpoints"):
            (stream.folder / folder).mkdir(exist_ok=True)
        stream.write("job.yaml", manifest(("interval: 50ms", f"interval: 50ms, path: {stream.folder}/checkpoints"), rate=rate, out=str(stream.folder)))
        self.all = [Host(stream, f"host-{i}", self.place) for i in range(number)]

    def __enter__(self):
        for host in self.all:
            host.start(*self.options)
        return self

    def __exit__(self, kind, *_):
        for host in self.all:
            if kind:
                print(f"--- {host.name}: {host.talk()}", flush=True)
                for verb in ("events", "logs"):
                    print("\n".join(host.own.run("stream", verb, "job", expect=None).splitlines()[-25:]), flush=True)
            host.end()

    def leader(self):
        running = [host for host in self.all if host.process.poll() is None and host.state() in ("RUNNING", "RESTARTING", "STARTING")]
        return running[0] if len(running) == 1 else None

    def leader_of_all(self):
        """The leader, when all others stand by."""
        leader = self.leader()
        return leader if leader and all(host.state() == "STANDBY" for host in self.all if host is not leader) else None

    def wait_leader(self, but=None, timeout=60):
        def found():
            host = self.leader()
            return host if host is not but else None
        return wait_until("a leader", found, timeout, 0.02)

    def over(self, timeout=180):
        """All have ended; what they said."""
        deadline = time.monotonic() + timeout
        for host in self.all:
            host.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        return [host.talk() for host in self.all]


def one_leads_and_the_others_stand_by(stream):
    wanted = expected(stream)
    began = time.monotonic()
    with Hosts(stream, 3) as hosts:
        hosts.wait_leader()
        begins = time.monotonic() - began
        first = wait_until("two to stand by", hosts.leader_of_all)
        refusal = next(host for host in hosts.all if host is not first).own
        refusal.run("stream", "savepoint", "job", expect=None)
        check("led by" in refusal.last_stderr and str(first.process.pid) in refusal.last_stderr, refusal.last_stderr)
        past(stream, 1000)
        first = hosts.wait_leader()  # a lease is short: on a busy machine another may lead by now
        began = time.monotonic()
        first.send(signal.SIGKILL)
        second = hosts.wait_leader(but=first)
        took = time.monotonic() - began
        print(f"        another runs after {took * 1000:.0f} ms, at a lease of {LEASE * 1000:.0f} ms", flush=True)
        check(took < 10 + 3 * begins, f"nobody took over for {took:.1f} s, where a job begins within {begins:.1f} s")
        check("continues from checkpoint" in second.talk(), second.talk())
        first.process.wait()
        first.start()
        wait_until("it to stand by", lambda: first.state() == "STANDBY")
        past(stream, 3000)
        second = hosts.wait_leader()
        second.own.run("stream", "rescale", "job", "hours=2")
        second.send(signal.SIGTERM)  # it makes way, with a last checkpoint
        hosts.wait_leader(but=second)
        hosts.over()
        compare(results(stream.folder), wanted)
        second.start().process.wait(timeout=60)
        check("FINISHED" in second.talk() and "--fresh" in second.talk(), second.talk())
        compare(results(stream.folder), wanted, "a second time")


def what_is_stopped_is_stopped_for_all(stream):
    with Hosts(stream, 2) as hosts:
        past(stream, 500)
        leader = wait_until("the other to stand by", hosts.leader_of_all)
        leader.own.run("stream", "stop", "job")
        check(any("STOPPED" in talk for talk in hosts.over()), "nobody says so")
        savepoint = json.loads(leader.own.run("stream", "savepoint", "--list", "--json", "job").splitlines()[-1])["path"]
        check(savepoint.startswith(f"{stream.folder}/checkpoints/job.savepoints/"), savepoint)
        rows = rows_of(stream.folder)
        leader.own.run("stream", "resume", "job", expect=1)
        check(f"run it with --ha {hosts.place.split('?')[0]}" in leader.own.last_stderr, leader.own.last_stderr)
        other = next(host for host in hosts.all if host is not leader).start()  # goes on where the other was
        wait_until("it to run", lambda: other.state() == "RUNNING")
        past(stream, rows + 100)
        other.own.run("stream", "cancel", "job")
        other.process.wait(timeout=60)
        check("CANCELLED" in leader.start().talk() or leader.process.wait(timeout=60) == 0, "a cancelled job is run again")


def happenings(hosts, pick):
    """What may happen to the leader: what it is called, and what ends it."""
    leader = hosts.leader()
    if leader is None:
        return "nothing", lambda: None

    def again():
        leader.process.wait(timeout=60)
        leader.start()

    def supervisor_killed():
        leader.own.kill([leader.process.pid])
        return again

    def all_killed():
        leader.send(signal.SIGKILL)
        return again

    def made_way():
        leader.own.kill([leader.process.pid], signal.SIGTERM)
        return again

    def paused(seconds):
        def act():
            leader.send(signal.SIGSTOP)
            time.sleep(seconds)  # that is what happens to it
            return lambda: leader.send(signal.SIGCONT)
        return act

    def only_supervisor_paused():
        leader.own.kill([leader.process.pid], signal.SIGSTOP)
        time.sleep(LEASE * 2)
        return lambda: leader.own.kill([leader.process.pid], signal.SIGCONT)
    kinds = {"supervisor killed": supervisor_killed, "all killed": all_killed, "made way": made_way, "paused for long": paused(LEASE * 2.5),
             "paused for a moment": paused(LEASE * 0.4), "only the supervisor paused": only_supervisor_paused}
    what = pick.choice(sorted(kinds))
    return what, kinds[what]()


def disturbed(stream, hosts, pick, wanted, what):
    done = []
    for _ in range(6):
        if any(host.process.poll() == 0 for host in hosts.all):
            break
        kind, mend = happenings(hosts, pick)
        time.sleep(pick.uniform(0, 0.5))  # for how long it lasts
        mend()
        done.append(kind)
    hosts.over()
    compare(results(stream.folder), wanted, f"{what}: {', '.join(done)}")
    return done


def whatever_happens_to_the_leader_the_results_are_the_same(stream):
    wanted = expected(stream)
    counts = {}
    for seed in range(100 if LONG else 3):
        with Stream(stream.programs) as shared, Hosts(shared, 3) as hosts:
            for kind in disturbed(shared, hosts, random.Random(seed), wanted, f"seed {seed}"):
                counts[kind] = counts.get(kind, 0) + 1
    print(f"        {counts}", flush=True)


def with_zookeeper(stream):
    """Members of the ensemble die as well, at last most of them: then nobody leads until they are back."""
    why = zookeeper_server.absent()
    if why:
        print(f"skipped: {why}", flush=True)
        return
    wanted = expected(stream)
    with zookeeper_server.ZooKeeper(stream.folder) as ensemble, Hosts(stream, 3, ensemble.url("/tests/ha", "1s")) as hosts:
        first = hosts.wait_leader()
        past(stream, 1000)
        ensemble.members[0].kill()
        began = time.monotonic()
        first.send(signal.SIGKILL)
        second = hosts.wait_leader(but=first)
        print(f"        another runs after {(time.monotonic() - began) * 1000:.0f} ms, at a session of 1 s, one of three servers dead", flush=True)
        past(stream, 2000)
        second = hosts.wait_leader()
        ensemble.members[1].send(signal.SIGSTOP)  # there is no majority now
        wait_until("it to lead no more", lambda: "leads no more" in second.talk())
        ensemble.members[1].send(signal.SIGCONT)
        ensemble.members[0].start()
        hosts.wait_leader()
        past(stream, 3000)
        third = hosts.wait_leader()
        third.send(signal.SIGSTOP)
        hosts.wait_leader(but=third)
        third.send(signal.SIGCONT)
        first.process.wait()
        hosts.over()
        compare(results(stream.folder), wanted)


def asked(url, *options):
    """Status, where it points to, body."""
    out = subprocess.run(["curl", "-s", "-m", "30", "-w", "\n%{http_code} %{redirect_url}", *options, url], capture_output=True, text=True, check=True).stdout
    body, _, end = out.rpartition("\n")
    status, _, location = end.partition(" ")
    return int(status), location, body


def any_supervisor_answers_over_http(stream):
    def url(host):
        return wait_until("its address", lambda: re.findall(r"served at (http\S+)", host.talk()))[-1]

    with Hosts(stream, 3, options=("--http", "127.0.0.1:0")) as hosts:
        past(stream, 200)
        leader = wait_until("two to stand by", hosts.leader_of_all)
        other = next(host for host in hosts.all if host is not leader)
        status, location, body = asked(url(other) + "/jobs/job?x=1")
        check((status, location) == (307, url(leader) + "/jobs/job?x=1"), (status, location))
        check("led by" in body and url(leader) in body, body)
        job_id = json.loads(asked(url(leader) + "/jobs/job")[2])["jid"]
        status, _, body = asked(f"{url(other)}/jobs/{job_id}", "-L")
        check(status == 200 and json.loads(body)["jid"] == job_id and json.loads(body)["vertices"], body)
        status, _, body = asked(url(other) + "/jobs/job/checkpoints", "-L", "-d", "{}", "-H", "Content-Type: application/json")  # what changes something goes the same way
        check(status == 202 and json.loads(body)["request-id"], body)
        check(asked(f"{url(other)}/jobs/{job_id}/summary")[0] == 200, "the summary of who stands by")
        leader.send(signal.SIGKILL)
        leader = hosts.wait_leader(but=leader)
        wait_until("the next to answer itself", lambda: asked(f"{url(leader)}/jobs/{job_id}")[0] == 200)
        last = wait_until("the last to stand by", lambda: next((host for host in hosts.all if host.state() == "STANDBY"), None))
        wait_until("it to point there", lambda: asked(f"{url(last)}/jobs/{job_id}")[1].startswith(url(leader) + "/"))
        leader.own.run("stream", "cancel", "job")
        hosts.over()


def an_address_for_others_is_told(stream):
    with Hosts(stream, 2, options=("--http", "127.0.0.1:0", "--advertise", "https://host-a.example:8081")) as hosts:
        leader = wait_until("the other to stand by", hosts.leader_of_all)
        other = next(host for host in hosts.all if host is not leader)
        at = re.findall(r"served at (http\S+)", other.talk())[-1]
        check(asked(at + "/jobs/job")[:2] == (307, "https://host-a.example:8081/jobs/job"), asked(at + "/jobs/job"))
        leader.own.run("stream", "cancel", "job")
        hosts.over()


def with_kubernetes(stream):
    """Registers and the sign of life are objects of an API server, which stands still for a while: then nobody leads."""
    why = kube_cluster.missing()
    if why:
        print(f"skipped: no Kubernetes here: {why}", flush=True)
        return
    wanted = expected(stream)
    with kube_cluster.Cluster() as cluster:
        place = cluster.place("ha-token", "1s")
        stream.write("job.yaml", manifest(("interval: 50ms", f"interval: 50ms, path: {stream.folder}"), rate=FAST))
        stream.run("stream", "run", "job.yaml", "--ha", place, expect=1)
        check("answers 403" in stream.last_stderr and "a Role must allow it" in stream.last_stderr, stream.last_stderr)
        cluster.allow("ha", ("", "configmaps", "get create update", None), ("coordination.k8s.io", "leases", "get create update", None))
        with Hosts(stream, 3, place, rate=400) as hosts:
            first = hosts.wait_leader()
            past(stream, 1000)
            lease = cluster.get("lease/stream-job")["spec"]
            check(lease["holderIdentity"] and lease["leaseTransitions"] >= 1 and lease["renewTime"], lease)
            began = time.monotonic()
            first.send(signal.SIGKILL)
            second = hosts.wait_leader(but=first)
            print(f"        another runs after {(time.monotonic() - began) * 1000:.0f} ms, at a lease of 1 s", flush=True)
            past(stream, 2000)
            second = hosts.wait_leader()
            cluster.api().send_signal(signal.SIGSTOP)
            wait_until("it to lead no more", lambda: "leads no more" in second.talk())
            cluster.api().send_signal(signal.SIGCONT)
            hosts.wait_leader()
            past(stream, 3000)
            third = hosts.wait_leader()
            third.send(signal.SIGSTOP)
            hosts.wait_leader(but=third)
            third.send(signal.SIGCONT)
            past(stream, 4000)
            fourth = hosts.wait_leader()
            fourth.send(signal.SIGTERM)  # it makes way, and says so
            hosts.wait_leader(but=fourth)
            first.process.wait()
            hosts.over()
            compare(results(stream.folder), wanted)
            second.start().process.wait(timeout=60)
            check("FINISHED" in second.talk() and "--fresh" in second.talk(), second.talk())
        kept = cluster.get("configmap/stream-job.term")
        check(json.loads(kept["data"]["text"])["ended"]["state"] == "FINISHED", kept)


def on_kubernetes_the_results_are_the_same_whatever_happens(stream):
    if kube_cluster.missing():
        return
    wanted = expected(stream)
    counts = {}
    with kube_cluster.Cluster() as cluster:
        for seed in range(100 if LONG else 2):
            with Stream(stream.programs) as shared, Hosts(shared, 3, cluster.place("admin-token", f"{LEASE * 1000:.0f}ms")) as hosts:
                for kind in disturbed(shared, hosts, random.Random(seed), wanted, f"seed {seed}"):
                    counts[kind] = counts.get(kind, 0) + 1
            cluster.ask("delete", "configmap/stream-job.term", "configmap/stream-job.job", "lease/stream-job")
    print(f"        {counts}", flush=True)


class Server:
    """`stream serve` on a host of its own, which has its jobs in common with others."""

    def __init__(self, shared, place):
        self.own = Stream(shared.programs)
        self.process = subprocess.Popen(["stream", "serve", "--http", "127.0.0.1:0", "--root", str(shared.folder), "--ha", place], env=self.own.environment,
                                        cwd=shared.folder, stdout=subprocess.PIPE, stderr=open(self.own.folder / "talk", "ab"), text=True)
        self.url = self.process.stdout.readline().strip()

    def state(self):
        said = self.own.run("stream", "ps", "--json", "--all", expect=None).splitlines()
        return json.loads(said[0])["state"] if said else ""

    def ask(self, path, *options):
        """Of this server or of the one it names: status and body. One that has just begun to stand by does not know it yet."""
        def known():
            status, _, body = asked(self.url + path, "-L", *options)
            return (status, json.loads(body or "{}")) if status != 503 else None
        return wait_until("a leader to ask", known)

    def lose(self):
        """The host goes down."""
        self.process.send_signal(signal.SIGKILL)
        supervisor = json.loads(self.own.run("stream", "ps", "--json").splitlines()[0])["supervisor_pid"]
        self.own.kill([supervisor, *self.own.processes("job")], signal.SIGKILL)
        self.process.wait()

    def __exit__(self, kind):
        if kind:
            print(f"--- {self.url}: {(self.own.folder / 'talk').read_text()}", flush=True)
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.own.run("stream", "cancel", "job", expect=None)
        self.own.__exit__(kind)


def servers_have_their_jobs_in_common(stream):
    in_common(stream, f"file://{stream.folder}/ha?lease={LEASE * 1000:.0f}ms")


def servers_have_their_jobs_in_common_with_zookeeper(stream):
    why = zookeeper_server.absent()
    if why:
        print(f"skipped: {why}", flush=True)
        return
    with zookeeper_server.ZooKeeper(stream.folder) as ensemble:
        in_common(stream, ensemble.url("/tests/servers", "1s"))


def in_common(stream, place):
    wanted = expected(stream)
    for folder in ("ha", "checkpoints"):
        (stream.folder / folder).mkdir()
    job = manifest(("interval: 50ms", f"interval: 50ms, path: {stream.folder}/checkpoints"), rate=400, out=str(stream.folder))
    servers = [Server(stream, place) for _ in range(3)]

    def leader_and_others():
        states = [server.state() if server.process.poll() is None else "LOST" for server in servers]
        others = [server for server, state in zip(servers, states) if state == "STANDBY"]
        return ([server for server, state in zip(servers, states) if state == "RUNNING"] + others
                if states.count("RUNNING") == 1 and len(others) == len(servers) - 1 - states.count("LOST") else None)

    def over(but=None):
        return all(server.state() not in ("RUNNING", "RESTARTING", "STARTING", "STOPPING", "STANDBY") for server in servers if server is not but)

    failed = True
    try:
        status, answer = servers[1].ask("/pipelines", "-H", "Content-Type: application/yaml", "--data-binary", job)
        check(status == 200, answer)
        first, second, third = wait_until("supervisors on all hosts", leader_and_others)
        past(stream, 300)
        json_body = ("-H", "Content-Type: application/json", "-d")
        status, answer = second.ask("/jobs/job/stop", *json_body, "{}")
        check(status == 202, f"a stop by who stands by: {status} {answer}")
        wait_until("the end of all", over)
        rows = rows_of(stream.folder)
        # Of one that has only stood by for it, or that has led it before: that one leads it then.
        status, answer = second.ask("/jobs/job/resume", *json_body, "{}")
        check(status == 202, f"a resume: {status} {answer}")
        outcome = f"/jobs/job/resume/{answer['request-id']}"

        def became():
            status, said = second.ask(outcome)
            return said if status == 200 and said["status"]["id"] == "COMPLETED" else None
        said = wait_until("what became of it", became)
        check("failure-cause" not in said.get("operation", {}), said)
        check(any(event["kind"] == "running" for event in second.own.events("job")), "another server has led it than was asked")
        wait_until("supervisors on all hosts again", leader_and_others)
        past(stream, rows + 300)
        wait_until("a leader", leader_and_others)[0].own.run("stream", "stop", "job")
        wait_until("the end of all", over)
        rows = rows_of(stream.folder)
        status, answer = third.ask("/pipelines", "-H", "Content-Type: application/yaml", "--data-binary", job)  # goes on, elsewhere
        check(status == 200, answer)
        past(stream, rows + 300)
        first = wait_until("a leader", leader_and_others)[0]
        first.lose()
        wait_until("another to lead", lambda: [server for server in servers if server is not first and server.state() == "RUNNING"], 60)
        wait_until("the end", lambda: over(first), 180)
        compare(results(stream.folder), wanted)
        failed = False
    finally:
        for server in servers:
            server.__exit__(failed)


def what_cannot_be_is_refused_with_advice(stream):
    (stream.folder / "ha").mkdir()
    stream.write("job.yaml", manifest(rate=FAST))
    place = f"file://{stream.folder}/ha"
    for arguments, said in ((("job.yaml", "--ha", place), "checkpoint: {path:"),
                            (("job.yaml", "--ha", "ftp://x/y"), "'ftp' is not known"),
                            (("job.yaml", "--ha", "file://ha"), "the path is missing"),
                            (("job.yaml", "--ha", "file:///x?lease=1ms"), "a lease is from 100ms"),
                            (("job.yaml", "--ha", place, "--advertise", "host-a:8081"), "no address such as https://"),
                            (("job.yaml", "--standby"), "--standby goes with --ha"),
                            (("job.yaml", "--advertise", "http://host-a:8081"), "--advertise goes with --ha"),
                            (("job.yaml", "--ha", "kubernetes://x:1/y"), "must be told who asks"),
                            (("generate n --rows 1 | print", "--ha", place), "needs a pipeline with a name")):
        stream.run("stream", "run", *arguments, expect=100)
        check(said in stream.last_stderr, f"{arguments}: {stream.last_stderr}")
    stream.write("job.yaml", manifest(("interval: 50ms", f"interval: 50ms, path: {stream.folder}"), rate=FAST))
    stream.run("stream", "run", "job.yaml", "--ha", f"file://{stream.folder}/nothing", expect=1)
    check("there is no such folder" in stream.last_stderr, stream.last_stderr)
    stream.run("stream", "run", "job.yaml", "--ha", "kubernetes:///", expect=1)
    check("this is no Pod" in stream.last_stderr and "token-file=" in stream.last_stderr, stream.last_stderr)


if __name__ == "__main__":
    main([one_leads_and_the_others_stand_by, what_is_stopped_is_stopped_for_all, whatever_happens_to_the_leader_the_results_are_the_same,
          with_zookeeper, with_kubernetes, on_kubernetes_the_results_are_the_same_whatever_happens, any_supervisor_answers_over_http,
          an_address_for_others_is_told, servers_have_their_jobs_in_common, servers_have_their_jobs_in_common_with_zookeeper,
          what_cannot_be_is_refused_with_advice])
