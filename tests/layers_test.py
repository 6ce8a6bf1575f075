#!/usr/bin/env python3
"""Includes go down only. The table is the diagram in CONTRIBUTING.md."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent

BASE = {"transport/base"}
RECORD = BASE | {"transport/record"}
MAY_INCLUDE = {
    "transport/base": BASE,
    "transport/record": RECORD,
    "storage": BASE | {"storage"},
    "storage/s3": BASE | {"storage", "storage/s3"},
    "transport": RECORD | {"transport"},
    "snapshot": RECORD | {"snapshot"},
    "snapshot/archive": RECORD | {"snapshot", "snapshot/archive"},
    "snapshot/workbench": RECORD | {"snapshot", "snapshot/workbench"},
    "compare": RECORD | {"snapshot", "compare"},
    "stages/expression": RECORD | {"stages/expression"},
    "stages/format": RECORD | {"stages/format"},
    "stages/kit": RECORD | {"storage", "transport", "snapshot", "stages/kit", "stages/expression", "stages/format"},
    "stages/kafka": RECORD | {"stages/kit", "stages/kafka"},
    "stages/nats": RECORD | {"stages/kit", "stages/nats"},
    "stages/redis": RECORD | {"stages/kit", "stages/format", "stages/redis"},
    "stages/postgres": RECORD | {"stages/format", "stages/postgres"},
    "stages/*": RECORD | {"storage", "snapshot", "stages/kit", "stages/expression", "stages/format"},
    "supervisor/metrics/edge": RECORD | {"supervisor/metrics"},
    "supervisor/metrics": RECORD | {"transport", "supervisor/metrics"},
    "supervisor/profile": RECORD | {"supervisor/profile"},
    "supervisor/flink": RECORD | {"supervisor", "stages/expression", "supervisor/flink"},
    "supervisor/kubernetes": RECORD | {"supervisor/kubernetes"},
    "supervisor/kubernetes/api": BASE | {"supervisor/kubernetes/api"},
    "supervisor/kubernetes/controller": BASE | {"snapshot", "supervisor", "supervisor/ha", "supervisor/kubernetes", "supervisor/kubernetes/api", "supervisor/kubernetes/controller"},
    "supervisor/kubernetes/pod": BASE | {"supervisor/kubernetes/api", "supervisor/kubernetes/pod"},
    "supervisor/slurm": RECORD | {"supervisor", "supervisor/slurm"},
    "supervisor/systemd": BASE | {"supervisor/systemd"},
    "supervisor/yarn": BASE | {"supervisor/yarn"},
    "supervisor/http": RECORD | {"storage", "transport", "snapshot", "snapshot/archive", "supervisor", "supervisor/autoscale", "supervisor/ha", "supervisor/metrics", "supervisor/profile", "supervisor/http"},
    "supervisor/ha/zookeeper": BASE | {"supervisor/ha", "supervisor/ha/zookeeper"},
    "supervisor/ha/kubernetes": BASE | {"supervisor/ha", "supervisor/ha/kubernetes", "supervisor/kubernetes/api"},
    "supervisor/ha": BASE | {"supervisor/ha"},
    "supervisor/autoscale": BASE | {"supervisor/autoscale"},
    "supervisor": RECORD | {"storage", "supervisor/ha", "supervisor/autoscale", "transport", "snapshot", "supervisor/metrics", "supervisor/profile", "snapshot/archive", "stages/expression", "supervisor"},
    "cli/remote": BASE | {"cli/remote"},
    "cli": RECORD | {"storage", "transport", "snapshot", "snapshot/archive", "snapshot/workbench", "compare", "supervisor", "supervisor/flink", "supervisor/ha", "supervisor/http", "supervisor/kubernetes", "supervisor/metrics/edge", "supervisor/profile", "supervisor/slurm", "supervisor/systemd", "supervisor/yarn", "cli/remote", "cli"},
}
# What the stages of one system share.
SHARED = {f"stages/{verb}-{broker}": {f"stages/{broker}"} for verb in ("read", "write") for broker in ("kafka", "nats", "postgres", "redis")}
SHARED["stages/lookup"] = {"stages/postgres"}
# Headers of libraries that belong to one place.
ONLY_IN = {"curl/curl.h": {"storage/s3"}, "zmq.h": {"transport"}, "zmq.hpp": {"transport"}, "pg_query.h": {"stages/expression"},
           "nats/nats.h": {"stages/nats"}, "MQTTClient.h": {"stages/read-mqtt"}, "hiredis/hiredis.h": {"stages/redis"}, "libpq-fe.h": {"stages/postgres"},
           "elfutils/libdwfl.h": {"supervisor/profile"}, "zookeeper/zookeeper.h": {"supervisor/ha/zookeeper"}, "yaml-cpp/yaml.h": {"supervisor"}, "httplib.h": {"supervisor/http", "supervisor/kubernetes/api", "supervisor/metrics/edge", "cli/remote", "stages/listen", "stages/write-http"}, "simdjson.h": {"stages/expression", "stages/format"}}


def layer_of(path):
    """The longest layer that holds the file; another stage's folder is its own layer."""
    for layer in sorted(MAY_INCLUDE, key=len, reverse=True):
        if layer != "stages/*" and path.startswith(layer + "/"):
            return layer
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "stages" and len(parts) > 2 else None


def allowed(layer):
    if layer in MAY_INCLUDE:
        return MAY_INCLUDE[layer]
    return MAY_INCLUDE["stages/*"] | SHARED.get(layer, set()) | {layer}


def faults():
    for path in sorted(TOP.glob("**/*.[ch]*")):
        name = path.relative_to(TOP).as_posix()
        layer = layer_of(name)
        if layer is None or name.startswith("build/"):
            continue
        text = path.read_text(encoding="utf-8")
        for included in re.findall(r'^#include "([^"]+)"', text, re.MULTILINE):
            target = layer_of(included)
            if target is not None and target not in allowed(layer):
                yield f"{name}: '{layer}' may not include '{included}' of '{target}'"
        for included in re.findall(r"^#include <([^>]+)>", text, re.MULTILINE):
            if included in ONLY_IN and layer not in ONLY_IN[included]:
                yield f"{name}: <{included}> belongs to {sorted(ONLY_IN[included])}"


def main():
    found = list(faults())
    for fault in found:
        print(fault)
    print(f"{0 if found else 1} passed, {1 if found else 0} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
