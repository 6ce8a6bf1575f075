"""What it costs to be on two hosts, and what a supervisor has to do for a thousand instances."""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import time

from harness import check, wait_until
from latency import SHARES
from measure import RUNS, gauge, median_of
from report import Part, millions
from ssh_hosts import LoopbackHosts, NamespaceHosts, Network, missing

SCALE = float(os.environ.get("STREAM_BENCH_SCALE", "1"))
CHAIN = """
pipeline: far
checkpoint: {{interval: 1s, path: shared}}
{hosts}stages:
  made: {{run: flood, rows: {rows}, rate: {rate}{source}}}
  kept: {{run: filter, where: 10 / (c1 + 1) >= 0{rest}}}
  seen: {{run: gauge, path: GAUGE{rest}}}
"""
RATES = {"1,000": (1_000, 8_000), "100,000": (100_000, 800_000), "maximum": (0, 200_000_000)}
MEGABYTES = 3_000
MESSAGE = 256 * 1024

# Each instance with one channel, or each instance of a stage with each of the next.
FORWARDED = """
pipeline: many
checkpoint: {{interval: 2s}}
stages:
  made: {{run: generate, columns: n, rate: 1, parallelism: {half}}}
  out: {{run: write-null, parallelism: {half}}}
"""
EXCHANGED = """
pipeline: many
checkpoint: {{interval: 2s}}
stages:
  made: {{run: generate, columns: n, rate: 1, parallelism: {half}}}
  out: {{run: dedup, by: n, parallelism: {half}}}
  end: {{run: write-null}}
"""
INSTANCES = (10, 100, 300, 1000)
EXCHANGES = (10, 40, 80, 160)
WATCHED = 10.0 if SCALE == 1 else 1.0  # seconds of steady work
CHECKPOINTS = 5
HOSTS = (10, 100, 1000)
PER_HOST = 8  # instances
TICKS = os.sysconf("SC_CLK_TCK")


# --- two hosts ---------------------------------------------------------------------------------


def over(stream, hosts, rate, rows, source, rest):
    (stream.folder / "shared").mkdir(exist_ok=True)
    return gauge(stream, CHAIN.format(hosts=hosts, rows=rows, rate=rate, source=source, rest=rest))


def chain(stream, part, places):
    """`places`: by name, a text of `hosts`, and what the source and the other stages say of theirs."""
    rows = []
    for what, (hosts, source, rest) in places.items():
        for name, (rate, count) in RATES.items():
            runs = [over(stream, hosts, rate, int(count * SCALE), source, rest) for _ in range(RUNS)]
            speed = median_of(runs, "rows") / median_of(runs, "us") * 1e6
            size = statistics.median(run["bytes"] / run["us"] for run in runs)
            rows.append([what, name, millions(speed) if rate == 0 else f"{speed:,.0f}", size, *(int(median_of(runs, share)) for share in SHARES)])
    part.heading("A source on one host, a filter and a sink on another")
    part.text(f"Medians of {RUNS} runs; from the time a record was due to its arrival in the sink, in microseconds, as in RESULTS.md. The hosts are "
              "network namespaces of one machine, joined by veth: what is measured is TCP and encryption, not a wire.")
    part.table(["", "records/s wanted", "records/s", "MB/s", *SHARES], rows)


def bare(part, tools, network):
    program = str(pathlib.Path(tools) / "bench-zmq-ceiling")
    ways = {"Unix socket": [], "TCP": [network.own, network.spaces["b"], "plain"], "TCP, encrypted (CURVE)": [network.own, network.spaces["b"], "curve"]}
    rows = []
    for what, words in ways.items():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = int(MEGABYTES * SCALE)
        rates = [float(subprocess.run([program, str(size), str(MESSAGE), *words], check=True, capture_output=True, text=True).stdout)
                 for _ in range(RUNS)]
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        rows.append([what, statistics.median(rates), cpu / (RUNS * size / 1000)])
    part.heading("Bare ZeroMQ from one process to another")
    part.text(f"Messages of {MESSAGE // 1024} KiB with the socket options of a channel, medians of {RUNS} runs; TCP between two network namespaces.")
    part.table(["", "GB/s", "CPU seconds a GB, both ends"], rows)


def two_hosts(stream, part, tools):
    places = {"one host": ("", "", "")}
    with LoopbackHosts(stream, ["c", "d"]) as loopback, NamespaceHosts(stream, ["a", "b"]) as hosts:
        places["one host, TCP and CURVE"] = (loopback.manifest(), ", hosts: c", ", hosts: d")
        places["two hosts, TCP and CURVE"] = (hosts.manifest(), ", hosts: a", ", hosts: b")
        chain(stream, part, places)
        bare(part, tools, hosts.network)


# --- many instances ----------------------------------------------------------------------------


def status_of(pid, field):
    return next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field))


def cpu_of(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def private_megabytes(pid):
    """Of one process alone; what it shares with others is there once."""
    words = (line.split() for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return sum(int(word[1]) for word in words if word[0].startswith("Private_")) / 1024


def sockets_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def observe(stream, manifest, half):
    """Numbers of a job with so many instances in each of two stages."""
    stream.write("many.yaml", manifest.format(half=half))
    began = time.perf_counter()
    stream.run("stream", "run", "-d", "--fresh", "many.yaml", timeout=300)
    wait_until("it to run", lambda: stream.instances("many"), 300, 0.01)
    found = {"instances": 2 * half, "start": time.perf_counter() - began}
    supervisor = json.loads(stream.run("stream", "show", "--json", "many"))["supervisor_pid"]
    for _ in range(2):  # the first has everything in it
        stream.run("stream", "wait", "--for", "checkpoint", "--timeout", "2m", "many", timeout=200)
    used, at = cpu_of(supervisor), time.perf_counter()
    time.sleep(WATCHED)
    found["cpu"] = (cpu_of(supervisor) - used) / (time.perf_counter() - at)
    times = []
    for _ in range(CHECKPOINTS):
        stream.run("stream", "wait", "--for", "checkpoint", "--timeout", "2m", "many", timeout=200)
        times.append(stream.stats("many")["checkpoint"]["duration_us"] / 1000)
    found["checkpoint"] = statistics.median(times)
    instances = stream.instances("many")
    found["sockets"], found["memory"] = sockets_of(supervisor), status_of(supervisor, "VmRSS:") / 1024
    found["own sockets"] = sockets_of(instances["out.0"])
    found["own memory"] = private_megabytes(instances["out.0"])
    began = time.perf_counter()
    stream.run("stream", "stop", "--no-savepoint", "many", timeout=300)
    found["stop"] = time.perf_counter() - began
    return found


FIELDS = {"instances": "instances", "start": "start, s", "stop": "stop, s", "checkpoint": "checkpoint, ms", "cpu": "supervisor, CPU s/s",
          "memory": "its MB", "sockets": "its descriptors", "own sockets": "an instance's", "own memory": "an instance's MB"}


def many_table(part, found, channels):
    part.table(["channels", *FIELDS.values()], [[channels(one["instances"] // 2), *(one[field] for field in FIELDS)] for one in found])


def slope(found, field):
    """What each instance more costs, from the smallest and the largest of the runs."""
    first, last = found[0], found[-1]
    return (last[field] - first[field]) / (last["instances"] - first["instances"])


def extrapolate(part, forwarded, exchanged):
    rows = []
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    each = (exchanged[-1]["own sockets"] - exchanged[0]["own sockets"]) / (exchanged[-1]["instances"] / 2 - exchanged[0]["instances"] / 2)
    for hosts in HOSTS:
        instances = hosts * PER_HOST
        value = {field: forwarded[-1][field] + slope(forwarded, field) * (instances - forwarded[-1]["instances"]) for field in ("cpu", "sockets", "memory")}
        own = exchanged[-1]["own sockets"] + each * (instances / 2 - exchanged[-1]["instances"] / 2)
        rows.append([hosts, instances, f"{(instances // 2) ** 2:,}", max(value["cpu"], 0.0), int(value["memory"]), int(value["sockets"]), int(own)])
    part.heading(f"Extrapolated, {PER_HOST} instances a host, half of them before an exchange and half behind it")
    part.table(["hosts", "instances", "channels", "supervisor, CPU s/s", "its MB", "its descriptors", "an instance's"], rows)
    reached = {"the processor that the supervisor has": int(1 / max(slope(forwarded, "cpu"), 1e-9)),
               "its descriptors": int(allowed / slope(forwarded, "sockets")),
               "the descriptors of an instance behind an exchange": int(2 * allowed / each)}
    first = min(reached, key=reached.get)
    part.text(f"The first limit is {first}: at about {reached[first]:,} instances, where a process may have {allowed:,} descriptors. Then come " +
              " and ".join(f"{what} at {count:,}" for what, count in sorted(reached.items(), key=lambda item: item[1])[1:]) +
              ". How long a checkpoint takes is not extrapolated: here all instances share the cores of one machine, where it grows with their number; "
              "on hosts of their own they write at the same time.")


def many(stream, part):
    forwarded = [observe(stream, FORWARDED, max(1, int(count * SCALE) // 2)) for count in INSTANCES]
    part.heading("Many instances on one machine: each with one channel")
    part.text("A real supervisor with real stages that have next to nothing to do, a checkpoint every two seconds; all of them on the cores above. "
              f"Medians of {CHECKPOINTS} checkpoints, processor time over {WATCHED:.0f} s.")
    many_table(part, forwarded, lambda half: half)
    exchanged = [observe(stream, EXCHANGED, max(1, int(count * SCALE) // 2)) for count in EXCHANGES]
    part.heading("Many instances on one machine: each of a stage with each of the next")
    many_table(part, exchanged, lambda half: half * half)
    check(forwarded[-1]["instances"] >= 1000 * SCALE, "too few instances")
    extrapolate(part, forwarded, exchanged)


def measure(stream, tools):
    part = Part()
    many(stream, part)
    reason = missing() or ("" if Network.possible() else "no network namespaces")
    if reason:
        part.text(f"Not measured: two hosts ({reason}).")
    else:
        two_hosts(stream, part, tools)
    return part
