"""One job on several hosts: placement, ssh, keys, lost hosts, hosts that come back; see stream-hosts(7)."""

import os
import pathlib
import random
import signal
import socket
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, query_so_far, wait_until  # noqa: E402
from rest import Client, Server  # noqa: E402
from ssh_hosts import LoopbackHosts, NamespaceHosts, Network, agents_of, children_of, kill_group, missing  # noqa: E402

PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for
ENDLESS = 1_000_000  # more rows than come in any test
ROUNDS = 100 if os.environ.get("STREAM_LONG") else 4
COUNT = """  keyed: {{run: generate, columns: "n, n % 7 as k", rows: {rows}, rate: {rate}{source}}}
  totals: {{run: aggregate, by: k, compute: "count(*) as c, sum(n) as s", parallelism: 2}}
  table: {{run: write-sqlite, path: out.db, table: t{sink}}}
"""
# Every row once, as it came: two writers would show as rows that are there twice.
COPY = """  numbers: {{run: generate, columns: "n", rows: {rows}, rate: {rate}}}
  same: {{run: filter, where: "n >= 0", parallelism: 3}}
  table: {{run: write-sqlite, path: out.db, table: t, parallelism: 3}}
  file: {{run: write-file, from: same, path: out.ndjson{more}}}
  parts: {{run: write-file, from: same, path: parts/, roll-size: 4KiB, parallelism: 3}}
"""


def job_text(hosts, stages, heartbeat="2s"):
    return ("pipeline: far\ncheckpoint: {interval: 50ms, path: shared}\n"
            f"restart: {{heartbeat: {heartbeat}, initial: 10ms, max: 500ms, attempts: 100}}\n{hosts}stages:\n{stages}")


def submit(stream, hosts, stages, local="", **more):
    (stream.folder / "shared").mkdir(exist_ok=True)
    stream.write("far.yaml", job_text(hosts.manifest(local), stages, **more))
    return stream.start("stream", "run", "far.yaml", stderr=open(stream.folder / "talk", "a"))


def agents(stream):
    return agents_of(stream.folder / "agents")


def stats(stream):
    """Of the job; nothing while it restarts."""
    return stream.stats("far")["instances"] if stream.instances("far") else []


def places(stream):
    return {i["host"] for i in stats(stream)}


def attempts(stream):
    """How many have come to run."""
    return sum(e["kind"] == "running" for e in stream.events("far")) if stream.instances("far") else 0


def finish(stream, job):
    code = job.wait(timeout=90)
    check(code == 0, f"exit {code}: {(stream.folder / 'talk').read_text()[-2000:]}")
    wait_until("no agent left", lambda: not agents(stream))


def committed(stream):
    """Rows there are."""
    return sum(number for (number,) in query_so_far(stream.folder / "out.db", "select count(*) from t"))


def drain(stream, job):
    """Ends the input of a job whose input is longer than any test."""
    for what in ("running", "checkpoint"):
        wait_until(f"it to be {what}", lambda what=what: stream.succeeds("stream", "wait", "far", "--for", what))
    stream.run("stream", "stop", "--drain", "--no-savepoint", "far")
    finish(stream, job)


def check_counts(stream, rows=None):
    """Of so many rows; or of as many as there were."""
    with sqlite3.connect(stream.folder / "out.db") as database:
        found = database.execute("select k, c, s from t order by k").fetchall()
    rows = rows or sum(c for _, c, _ in found)
    wanted = [(k, len(range(k, rows, 7)), sum(range(k, rows, 7))) for k in range(7)]
    check(found == wanted, f"{found} is not {wanted}")


def check_copies(stream, rows=None):
    """Each of the sinks has every row once: so many, or as many as there were."""
    with sqlite3.connect(stream.folder / "out.db") as database:
        table = sorted(n for (n,) in database.execute("select n from t"))
    texts = {"out.ndjson": (stream.folder / "out.ndjson").read_text(),
             "parts": "".join(part.read_text() for part in (stream.folder / "parts").glob("part-*"))}
    found = {"t": table} | {name: sorted(int(line.split(":")[1].rstrip("}")) for line in text.splitlines())
                            for name, text in texts.items()}
    rows = rows or len(table)
    for name, numbers in found.items():
        check(numbers == list(range(rows)), f"{name}: {len(numbers)} rows, {len(set(numbers))} different, of {rows}")


def a_server_tells_of_all_hosts(stream, hosts):
    with Server(stream) as server:
        client = Client(server.url)
        listed = {host["path"]: host for host in client.get("/taskmanagers")["taskmanagers"]}
        addresses = set(hosts.addresses.values())
        check(addresses < set(listed) and len(listed) == 3, f"{listed}")
        check(sum(host["assignedTasks"] for host in listed.values()) == 4 and client.get("/overview")["taskmanagers"] == 3, f"{listed}")
        own, = set(listed) - addresses
        check(listed[own]["assignedTasks"] == 0 and listed[own]["hardware"]["cpuCores"] > 0, f"{listed[own]}")
        subtasks = [one for stage in client.get("/jobs/far")["vertices"] for one in client.get(f"/jobs/far/vertices/{stage['id']}")["subtasks"]]
        check({one["endpoint"] for one in subtasks} == addresses, f"{subtasks}")
        for address in addresses:
            host = client.get(f"/taskmanagers/{listed[address]['id']}")
            check(host["hardware"]["cpuCores"] == -1 and [slot["assignedTasks"] for slot in host["allocatedSlots"]] == [2], f"{host}")
            check({one["taskmanager-id"] for one in subtasks if one["endpoint"] == address} == {host["id"]}, f"{subtasks}")
            used = wait_until("its metrics", lambda host=host: [one for one in client.get(f"/taskmanagers/{host['id']}/metrics?get=Status.JVM.Memory.Heap.Used") if float(one["value"]) > 0])
            check(len(used) == 1, f"{used}")
            check([log["name"] for log in client.get(f"/taskmanagers/{host['id']}/logs")["logs"]] == ["far.stream.log"], "its logs")
            check(client.get(f"/taskmanagers/{host['id']}/thread-dump") == {"threadInfos": []}, "its threads")
        wait_until("metrics of two", lambda: [one for one in client.get("/taskmanagers/metrics?get=Status.JVM.Memory.Heap.Used&agg=sum,max") if one["sum"] > one["max"] > 0])
        spread = client.get("/jobs/far/vertices/totals/taskmanagers")["taskmanagers"]
        check(sum(sum(one["status-counts"].values()) for one in spread) == 2 and {one["endpoint"] for one in spread} <= addresses, f"{spread}")


def test_a_job_runs_on_several_hosts(stream):
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        job = submit(stream, hosts, COUNT.format(rows=ENDLESS, rate=2000, source="", sink=", hosts: b"))
        wait_until("both hosts at work", lambda: places(stream) == {"a", "b"}, timeout=60)
        check(all(i.get("far") for i in stats(stream)), stats(stream))
        check("HOST" in stream.run("stream", "stats", "far"), "stats does not show hosts")
        check("HOSTS" in stream.run("stream", "ps"), "ps does not show hosts")
        a_server_tells_of_all_hosts(stream, hosts)
        check("a 2, b 2" in stream.run("stream", "show", "far"), "show does not show hosts")
        check("hosts       b" in stream.run("stream", "explain", "far.yaml"), "explain does not show hosts")
        drain(stream, job)
        check_counts(stream)


def test_the_supervisors_own_host_takes_part(stream):
    with LoopbackHosts(stream, ["a"]) as hosts:
        job = submit(stream, hosts, COUNT.format(rows=ENDLESS, rate=2000, source=", hosts: here", sink=""), local="127.0.0.1")
        wait_until("both hosts at work", lambda: places(stream) == {"a", "here"})
        drain(stream, job)
        check_counts(stream)


def test_nothing_is_left_where_the_supervisor_was_killed_and_the_next_goes_on(stream):
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        job = submit(stream, hosts, COPY.format(rows=ENDLESS, rate=1500, more=""))
        wait_until("rows", lambda: committed(stream) > 300, timeout=60)
        there = [pid for agent in agents(stream).values() for pid in [agent, *children_of(agent)]]
        check(len(there) > 6, there)
        job.kill()
        job.wait()
        wait_until("all of them gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in there))
        before = committed(stream)
        job = submit(stream, hosts, COPY.format(rows=ENDLESS, rate=1500, more=""))
        wait_until("more rows", lambda: committed(stream) > before)
        drain(stream, job)
        check_copies(stream)


def test_an_instance_that_is_killed_there_restarts(stream):
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        job = submit(stream, hosts, COPY.format(rows=ENDLESS, rate=1500, more=""))
        for done, kill in enumerate((lambda: children_of(agents(stream)["a"])[:1], lambda: [agents(stream)["b"]])):
            wait_until("the job to run again", lambda: attempts(stream) > done, timeout=60)
            before = wait_until("rows", lambda: committed(stream) or None, timeout=60)
            wait_until("more of them", lambda: committed(stream) > before)
            wait_until("an agent on both", lambda: set(agents(stream)) == {"a", "b"})
            kill_group(kill())
        wait_until("the job to run at last", lambda: attempts(stream) > 2)
        drain(stream, job)
        check_copies(stream)
        check(sum(e["kind"] == "restarting" for e in stream.events("far")) >= 2, "it was not restarted")


def test_a_host_that_is_to_be_left_is_left_at_a_checkpoint(stream):
    """Nothing is done twice: the only checkpoint there is was made for that."""
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        (stream.folder / "shared").mkdir()
        text = job_text(hosts.manifest(), COUNT.format(rows=ENDLESS, rate=2000, source=", hosts: a", sink=""))
        stream.write("far.yaml", text.replace("interval: 50ms", "interval: 1h").replace("hosts: a}", "hosts: [a, b]}"))
        job = stream.start("stream", "run", "far.yaml", stderr=open(stream.folder / "talk", "a"))
        wait_until("both hosts at work", lambda: places(stream) == {"a", "b"}, timeout=60)
        wait_until("rows", lambda: sum(i["records_out"] for i in stats(stream)) > 1000, timeout=60)
        os.kill(agents(stream)["a"], signal.SIGUSR1)
        wait_until("it to run again", lambda: attempts(stream) > 1, timeout=60)
        check(places(stream) == {"b"}, places(stream))
        said = [(e["kind"], e["text"]) for e in stream.events("far")]
        check(("host-leaving", "host 'a' is left at the next checkpoint: it has been told to end") in said, said)
        check(("host-lost", "host 'a' is lost: it has been told to end") in said, said)
        kinds = [kind for kind, _ in said]
        check(("restarting", "at once from checkpoint 1") in said, said)
        wait_until("it to be back", lambda: any(e["kind"] == "host-back" for e in stream.events("far")), timeout=60)
        check(kinds.count("restarting") == 1, kinds)
        stream.run("stream", "stop", "--drain", "--no-savepoint", "far")
        finish(stream, job)
        check_counts(stream)


def test_a_job_is_rescaled_over_hosts(stream):
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        job = submit(stream, hosts, COUNT.format(rows=ENDLESS, rate=2000, source="", sink=""))
        wait_until("the job", lambda: stream.succeeds("stream", "wait", "far", "--for", "checkpoint"), timeout=60)
        stream.run("stream", "rescale", "far", "totals=4")
        wait_until("six instances", lambda: len(stats(stream)) == 6)
        drain(stream, job)
        check_counts(stream)


def test_what_cannot_be_is_refused(stream):
    hosts = "hosts:\n  a: {address: 127.0.0.1}\n"
    stages = COUNT.format(rows=1, rate=1, source="", sink="")
    wrong = {
        "with several hosts 'checkpoint' needs a 'path'": f"pipeline: far\n{hosts}stages:\n{stages}",
        "no host has the name or label 'b'": job_text(hosts, stages.replace("table: t", "table: t, hosts: b")),
        "but the manifest has no 'hosts'": job_text("", stages.replace("table: t", "table: t, near: totals")),
        "it prints to the standard output of this host": job_text(hosts, stages + "  out: {run: print, from: totals}\n"),
        "must be a number, such as": job_text("hosts:\n  a: {address: myself, via: local}\n", stages),
        "'address': '-oProxyCommand=x' is no name": job_text("hosts: {a: -oProxyCommand=x}\n", stages),
        "every host it may use is full": job_text("hosts: {a: {address: 10.0.0.1, slots: 3}}\n", stages),
    }
    for why, text in wrong.items():
        stream.write("wrong.yaml", text)
        stream.run("stream", "check", "wrong.yaml", expect=1)
        check(why in stream.last_stderr, f"{stream.last_stderr} does not say: {why}")
        check("wrong.yaml:" in stream.last_stderr, stream.last_stderr)


def test_a_host_that_cannot_be_reached_is_lost_and_the_log_says_why(stream):
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        hosts.servers["b"].stop()
        job = submit(stream, hosts, COUNT.format(rows=500, rate=1000, source="", sink=""))
        finish(stream, job)
        check_counts(stream, 500)
        lost = [e["text"] for e in stream.events("far") if e["kind"] == "host-lost"]
        check(lost and "host 'b' is lost: ssh: " in lost[0] and "refused" in lost[0], lost)


def number_of(stream, stage):
    return sum(i["stage"] == stage for i in stats(stream))


def test_a_stage_with_bounds_follows_the_hosts(stream):
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        text = hosts.manifest().replace("  a:\n", "  a:\n    slots: 4\n").replace("  b:\n", "  b:\n    slots: 3\n")
        hosts.manifest = lambda local="": text
        stages = COUNT.format(rows=ENDLESS, rate=1000, source="", sink="").replace("parallelism: 2", "parallelism: {min: 2, max: 8}")
        job = submit(stream, hosts, stages)
        wait_until("the job", lambda: stream.succeeds("stream", "wait", "far", "--for", "checkpoint"), timeout=60)
        wait_until("five instances: of seven slots two are taken", lambda: number_of(stream, "totals") == 5)
        hosts.servers["b"].stop()
        kill_group([agents(stream)["b"]])
        wait_until("the rest go on with fewer", lambda: places(stream) == {"a"} and number_of(stream, "totals") == 2, timeout=60)
        check(any(e["kind"] == "scaled" and e["text"].endswith("totals 2") for e in stream.events("far")), stream.events("far"))
        stream.run("stream", "wait", "far", "--for", "checkpoint")
        hosts.servers["b"].start()
        wait_until("all there were", lambda: places(stream) == {"a", "b"} and number_of(stream, "totals") == 5, timeout=60)
        wait_until("the job", lambda: stream.succeeds("stream", "wait", "far", "--for", "checkpoint"), timeout=60)
        stream.run("stream", "stop", "--drain", "--no-savepoint", "far")
        job.wait(timeout=60)
        with sqlite3.connect(stream.folder / "out.db") as out:
            rows, numbers = out.execute("select sum(c), sum(s) from t").fetchone()
        check(rows > 0 and numbers == rows * (rows - 1) // 2, f"{rows} rows, their sum is {numbers}")


def control_of(pid):
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return words[words.index(b"--control") + 1].decode()


def listening(pid):
    """Addresses and ports of a process."""
    inodes = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            address, port = fields[1].split(":")
            found.append((socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
    return found


def turned_away(address, port, key):
    """Whether nobody answers a stranger."""
    stranger = pathlib.Path(__file__).resolve().parent.parent / "support" / "stranger.py"
    done = subprocess.run([PYTHON, stranger, f"tcp://{address}:{port}", key], capture_output=True, text=True, check=False)
    check(done.returncode in (0, 1), done.stderr)
    return done.returncode == 0


def test_strangers_get_nowhere_and_the_log_says_so(stream):
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        job = submit(stream, hosts, COUNT.format(rows=ENDLESS, rate=2000, source="", sink=""))
        wait_until("a checkpoint", lambda: stream.succeeds("stream", "wait", "far", "--for", "checkpoint"), timeout=60)
        check(places(stream) == {"a", "b"}, places(stream))
        pid = stats(stream)[0]["pid"]
        control = control_of(pid)
        endpoint, _, keyed = control.split("#")
        check(keyed == "key", control)
        environment = pathlib.Path(f"/proc/{pid}/environ").read_text()
        check(all(len(value.split("=", 1)[-1]) != 40 for value in environment.split("\0")), "is the key in its environment?")
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        doors = [(host, int(port))] + [door for i in stats(stream) for door in listening(i["pid"])]
        check(len(doors) > 2, doors)  # channels between hosts are among them
        for door in doors:
            for noise in (b"GET / HTTP/1.1\r\n\r\n", random.Random(1).randbytes(3000), b""):
                with socket.create_connection(door) as talk:
                    talk.sendall(noise)
            for key in ("none", "other"):
                check(turned_away(*door, key), f"{door} has answered a stranger with key: {key}")
        for word in ("turned away from the control port", "to its inputs were turned away"):
            wait_until("a word in the log", lambda word=word: word in stream.run("stream", "logs", "far"), timeout=60)
        check(stream.stats("far")["job"]["attempt"] == 1, "strangers have stopped the job")
        stream.run("stream", "cancel", "far")
        job.wait(timeout=60)


def in_namespaces(test):
    """Needs networks that can be cut."""
    def run(stream):
        if not Network.possible():
            print("skipped: no network namespaces here")
            return
        test(stream)
    run.__name__ = test.__name__
    return run


def test_what_all_hosts_write_is_in_the_shared_folder(stream):
    stages = """  numbers: {run: generate, columns: "n", rows: 30000, rate: 1500}
  checked: {run: filter, where: "6 / (n % 500 - 7) < 100", parallelism: 2}
  table: {run: write-sqlite, path: out.db, table: t}
"""
    with LoopbackHosts(stream, ["a", "b"]) as hosts:
        job = submit(stream, hosts, stages)
        wait_until("rows", lambda: committed(stream) > 100, timeout=60)
        savepoint = stream.run("stream", "stop", "far").strip()
        check(job.wait(timeout=60) == 0, "it did not stop")
        check(os.path.realpath(savepoint).startswith(str(stream.folder / "shared")), savepoint)
        # All is read from there again: by instances that have nothing else.
        job = stream.start("stream", "run", "far.yaml", "--from", savepoint, "--outputs", "rewind", "--set", "stages.numbers.rate=1000000", stderr=open(stream.folder / "talk", "a"))
        finish(stream, job)
        check(committed(stream) == 30000 - 60, committed(stream))
        letters = [line for line in stream.run("stream", "dead-letter", "far").splitlines() if line]
        check(len(letters) == 60, letters)


@in_namespaces
def test_a_host_that_is_cut_off_is_left_out_and_used_again(stream):
    with NamespaceHosts(stream, ["a", "b", "c"]) as hosts:
        job = submit(stream, hosts, COPY.format(rows=ENDLESS, rate=1000, more=", hosts: [a, c]"), heartbeat="1s")
        wait_until("all hosts at work", lambda: places(stream) == {"a", "b", "c"}, timeout=60)
        wait_until("rows", lambda: committed(stream) > 100)
        hosts.network.cut("b")
        wait_until("the rest go on", lambda: places(stream) == {"a", "c"}, timeout=60)
        check(any("host 'b' is lost" in e["text"] for e in stream.events("far")), "nothing is said of it")
        # Its instances have ended by themselves, with nobody to tell them.
        wait_until("nothing left there", lambda: "b" not in agents(stream))
        hosts.network.mend("b")
        wait_until("it is back", lambda: any(e["kind"] == "host-back" for e in stream.events("far")), timeout=60)
        kill_group(children_of(agents(stream)["a"])[:1])
        wait_until("all hosts at work again", lambda: places(stream) == {"a", "b", "c"}, timeout=60)
        drain(stream, job)
        check_copies(stream)


@in_namespaces
def test_a_host_that_stood_still_and_wakes_writes_nothing(stream):
    with NamespaceHosts(stream, ["a", "b"]) as hosts:
        job = submit(stream, hosts, COPY.format(rows=ENDLESS, rate=1000, more=""), heartbeat="1s")
        wait_until("rows", lambda: committed(stream) > 100, timeout=60)
        paused = hosts.pause("b")
        wait_until("the rest go on", lambda: places(stream) == {"a"}, timeout=60)
        before = committed(stream)
        wait_until("they write", lambda: committed(stream) > before)
        kill_group(paused, signal.SIGCONT)
        wait_until("none of them is left", lambda: not any(os.path.exists(f"/proc/{pid}/fd/3") for pid in paused))
        drain(stream, job)
        check_copies(stream)


def misfortune(hosts, pick):
    """Something happens to a host; what it was, and how it ends."""
    name = pick.choice(sorted(hosts.addresses))
    network = hosts.network
    others = [address for other, address in hosts.addresses.items() if other != name] + [network.own]
    kind = pick.choice(["cut", "flap", "mute", "deaf", "split", "pause", "stop-one", "agent", "death"])
    if kind in ("cut", "flap"):
        network.cut(name)
        return f"{kind} {name}", lambda: network.mend(name)
    if kind == "mute":
        network.silence(name, network.own)
        return f"{kind} {name}", lambda: network.unsilence(name, network.own)
    if kind == "deaf":
        other = pick.choice([n for n in hosts.addresses if n != name])
        network.silence(other, hosts.addresses[name])
        return f"{kind} {name} to {other}", lambda: network.unsilence(other, hosts.addresses[name])
    if kind == "split":
        for address in others[:-1]:
            network.silence(name, address)
        return f"{kind} {name}", lambda: [network.unsilence(name, address) for address in others[:-1]]
    pids = [pid for pid in hosts.processes(name) if pid != hosts.servers[name].process.pid]
    if kind == "pause":
        kill_group(pids, signal.SIGSTOP)
        return f"{kind} {name}", lambda: kill_group(pids, signal.SIGCONT)
    if kind == "stop-one":
        chosen = [pick.choice(pids)] if pids else []
        kill_group(chosen, signal.SIGSTOP)
        return f"{kind} {name} {chosen}", lambda: kill_group(chosen, signal.SIGCONT)
    if kind == "agent":
        found = agents_of(hosts.folder / "agents")
        kill_group([found[name]] if name in found else [])
        return f"{kind} {name}", lambda: None
    kill_group(pids)
    return f"{kind} {name}", lambda: None


@in_namespaces
def test_whatever_happens_to_hosts_the_result_is_the_same(stream):
    pick = random.Random(int(os.environ.get("STREAM_SEED", "6")))
    with NamespaceHosts(stream, ["a", "b", "c"]) as hosts:
        job = submit(stream, hosts, COPY.format(rows=ENDLESS, rate=1500, more=""), heartbeat="500ms")
        for round_ in range(ROUNDS):
            before = committed(stream)
            wait_until(f"rows before round {round_}", lambda: committed(stream) > before or job.poll() is not None, timeout=60)
            if job.poll() is not None:
                break
            begun = len(stream.events("far"))
            all_used = len(places(stream)) == 3  # what happens to one that is not may have no consequence
            what, mend = misfortune(hosts, pick)
            print(f"round {round_}: {what}", file=sys.stderr, flush=True)
            try:
                long = pick.random() < 0.6 and "flap" not in what and all_used
                if long:
                    wait_until("the job restarts", lambda: len(stream.events("far")) > begun or job.poll() is not None,
                               timeout=60)
            finally:
                mend()
        drain(stream, job)
        check_copies(stream)
        kinds = [e["kind"] for e in stream.events("far")]
        print(f"{kinds.count('restarting')} restarts, {kinds.count('host-lost')} hosts lost", file=sys.stderr, flush=True)
        check(kinds.count("restarting") >= (round_ + 1) // 4, kinds)


def run():
    reason = missing()
    if not reason and subprocess.run([PYTHON, "-c", "import zmq"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        reason = "python3-zmq is not installed"
    if reason:
        print(f"skipped: {reason}")
        return
    main([test for name, test in globals().items() if name.startswith("test_")])


if __name__ == "__main__":
    run()
