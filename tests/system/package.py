"""Debian packages of what is built: complete, each with what it needs, and of use where the others are not installed."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Stream, check, main  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
ENGINE = "stream-pipelines"
CONNECTORS = {"http": "libcpp-httplib", "kafka": "librdkafka", "lua": "libluajit", "mqtt": "libpaho-mqtt", "nats": "libnats", "postgresql": "libpq", "profile": "libdw1", "redis": "libhiredis", "s3": "libcurl4", "zookeeper": "libzookeeper-mt2"}


def output(*command, **others):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, **others).stdout


def build(stream):
    """The packages by name."""
    folder = stream.folder / "packages"
    output(TOP / "packaging/build.sh", stream.programs.parent, folder, env=dict(os.environ, STREAM_PACKAGE_LEVEL="0"))
    return {path.name.split("_")[0]: path for path in folder.iterdir()}


def files_of(package):
    """All files but those that every package has of its own."""
    paths = [line.split(None, 5)[5].split(" -> ")[0] for line in output("dpkg-deb", "-c", package).splitlines()]
    return {path for path in paths if not path.endswith("/") and not path.startswith("./usr/share/doc/")}


def installed(stream, names, packages):
    root = stream.folder / "-".join(["root", *names])
    for name in names:
        subprocess.run(["dpkg-deb", "-x", packages[name], root], check=True)
    return root / "usr/bin"


def check_contents(stream, packages):
    subprocess.run(["cmake", "--install", stream.programs.parent, "--prefix", stream.folder / "all/usr"], check=True, capture_output=True)
    wanted = {f"./{path.relative_to(stream.folder / 'all')}" for path in (stream.folder / "all").rglob("*") if not path.is_dir()}
    found = [path for package in packages.values() for path in files_of(package)]
    check(len(found) == len(set(found)), "a file is in two packages")
    plain = {path.replace("stream.pipelines", "stream").removesuffix(".gz") for path in found}
    check(plain - {"./usr/share/stream/packages"} == {path.removesuffix(".gz") for path in wanted},
          f"{sorted(plain ^ wanted)[:5]} are in the packages or in what is installed, and not in both")


def check_needs(packages):
    for name, package in packages.items():
        needs = output("dpkg-deb", "-f", package, "Depends")
        for connector, library in CONNECTORS.items():
            check((library in needs) == (name == f"{ENGINE}-{connector}"), f"{name} needs {needs}")
        check(name == ENGINE or needs.startswith(f"{ENGINE} (= "), f"{name} needs {needs}")
    check("libzmq5" in output("dpkg-deb", "-f", packages[ENGINE], "Depends"), "the engine's own libraries")


def check_the_engine_alone(stream, packages):
    programs = installed(stream, [ENGINE], packages)
    with Stream(programs) as alone:
        alone.environment["PATH"] = os.defpath
        engine = programs / "stream.pipelines"
        made = alone.run(engine, "run", "generate --rows 3 'n' | filter 'n > 0' | print")
        check(made == '{"n":1}\n{"n":2}\n', made)
        for command, package in ((["run", "read-kafka --topic t --brokers b | print"], f"{ENGINE}-kafka"), (["serve"], f"{ENGINE}-http"),
                                 (["stages", "lua"], f"{ENGINE}-lua")):
            alone.run(engine, *command, expect=None)
            check(f"it is in the package '{package}'" in alone.last_stderr, f"{command}: {alone.last_stderr}")


def check_with_connectors(stream, packages):
    programs = installed(stream, [ENGINE, f"{ENGINE}-lua", f"{ENGINE}-http"], packages)
    with Stream(programs) as both:
        both.environment["PATH"] = os.defpath
        made = both.run(programs / "stream.pipelines", "run", "generate --rows 2 'n' | lua --code 'function on_row(row, state, emit) emit{n = row.n * 2} end' | print", expect=None)
        check(made == '{"n":0}\n{"n":2}\n', made + both.last_stderr)


def packages_are_complete_and_each_is_of_use(stream):
    packages = build(stream)
    check(set(packages) == {ENGINE, f"{ENGINE}-dev", *(f"{ENGINE}-{name}" for name in CONNECTORS)}, str(sorted(packages)))
    check_contents(stream, packages)
    check_needs(packages)
    check_the_engine_alone(stream, packages)
    check_with_connectors(stream, packages)


if __name__ == "__main__":
    main([packages_are_complete_and_each_is_of_use])
