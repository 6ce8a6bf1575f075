"""Timing of commands: wall clock and CPU of all processes and threads they start."""

import collections
import json
import os
import resource
import statistics
import subprocess
import time

RUNS = 3
LONG = 10.0  # seconds; what takes longer is measured once

Cost = collections.namedtuple("Cost", "wall cpu")


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def once(stream, command):
    began, used = time.perf_counter(), cpu_of_children()
    subprocess.run(["bash", "-c", command], env=stream.environment, cwd=stream.folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Cost(time.perf_counter() - began, cpu_of_children() - used)


def median_cost(stream, command, runs=RUNS):
    costs = [once(stream, command)]
    while len(costs) < runs and costs[0].wall < LONG:
        costs.append(once(stream, command))
    return Cost(*(statistics.median(column) for column in zip(*costs)))


def process_milliseconds(argv, environment, runs=101):
    """From posix_spawn to the end of the process, median."""
    null = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        os.waitpid(os.posix_spawn(argv[0], argv, environment, file_actions=null), 0)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def gauge(stream, manifest, timeout=300):
    """Runs a manifest that ends in a gauge writing to GAUGE; returns what the gauge said at the end."""
    path = stream.folder / "gauge.ndjson"
    path.unlink(missing_ok=True)
    stream.write("gauge.yaml", manifest.replace("GAUGE", str(path)))
    stream.run("stream", "run", "--fresh", "gauge.yaml", timeout=timeout)
    return json.loads(path.read_text().splitlines()[-1])


def median_of(runs, key):
    return statistics.median(run[key] for run in runs)
