#!/usr/bin/env python3
"""The JSON Schema of a manifest: an editor that checks with it says what `stream check` says.

usage: manifest_schema.py PROGRAMS [TEST]...
"""

import json
import pathlib
import re
import sys

import jsonschema
import yaml

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "corpus")]

from harness import check, main  # noqa: E402
import pipeline  # noqa: E402


class Loader(yaml.SafeLoader):
    """Values as YAML 1.2 has them, as editors do: `on` is a word and a date a text."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("bool", "true|false", "tf"), ("null", "null|~|", ["n", "~", ""]), ("int", "-?[0-9]+", "-0123456789"),
                            ("float", r"-?[0-9]+\.[0-9]+", "-0123456789"), ("merge", "<<", "<")):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^({pattern})$"), list(first))


def validator(stream):
    schema = json.loads(stream.run("stream", "stages", "--json-schema"))
    check(not stream.last_stderr, stream.last_stderr)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def faults(validates, text):
    found = [error for document in yaml.load_all(text, Loader) for error in validates.iter_errors(document)]
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


def every_manifest_is_right(stream):
    """Those that are shown, those of tests with everything in them, and what includes look like."""
    validates = validator(stream)
    paths = sorted((TESTS.parent / "manifests").glob("**/*.yaml"))
    check(len(paths) > 20, paths)
    for path in paths:
        check(not faults(validates, path.read_text()), f"{path.name}: {faults(validates, path.read_text())}")
    shown = re.findall(r"^\.Bd -literal -offset indent\n(pipeline:.*?)^\.Ed", (TESTS.parent / "man/stream-manifest.5").read_text(), re.M | re.S)
    check(len(shown) >= 2, shown)
    for text in [pipeline.manifest(list(pipeline.STAGES)), *(text.replace("\\(dq", '"') for text in shown)]:
        check(not faults(validates, text), f"{text}\n{faults(validates, text)}")


HEAD = "pipeline: p\n"
STAGES = "stages:\n  in: {run: generate, columns: 'n, n % 3 as k', rows: 10}\n  out: {run: write-null}\n"
RIGHT = [
    "savepoints: {every: 1h, keep: 24, keep-for: 7d, archive: true, to: kept}\n" + STAGES,
    "savepoints: {keep: 3}\n" + STAGES,
    "checkpoint: {interval: none, mode: at-least-once}\nrestart: {strategy: none}\nlog: debug\nmemory: 1GiB\nalign: 5s\n" + STAGES,
    "parameters: {n: {type: bigint, default: 5}, d: {default: 2s, doc: a delay}}\ncheckpoint: {keep: '${n}', interval: '${d}'}\n"
    + STAGES.replace("rows: 10", "rows: '${n}', parallelism: '${n}'"),
    STAGES + "tests:\n  - name: t\n    given: {in: [{n: 1, k: 2}]}\n    expect: {out: {rows: [{n: 1}], ordered: true}}\n",
    STAGES + "evolve:\n  gone: {drop: true}\n  in: {was: of, columns: {a: {convert: b * 2}, c: {default: 0}}, tables: {t: {was: u}}}\n",
    "stages:\n  in: {run: generate, columns: ['n', {k: n % 3}], rows: '10'}\n  out: {run: write-null, from: [in]}\n",
]
# What an editor can see without planning; `stream check` says the same at the same place.
WRONG = [
    ("key", "chekpoint: {interval: 1s}\n" + STAGES),
    ("key below", "checkpoint: {intervall: 1s}\n" + STAGES),
    ("duration", "checkpoint: {interval: soon}\n" + STAGES),
    ("count", "checkpoint: {keep: 0}\n" + STAGES),
    ("word", "log: loud\n" + STAGES),
    ("strategy", "restart: {strategy: fixed-delay, jitter: 0.5}\n" + STAGES),
    ("other strategy", "restart: {within: 1m}\n" + STAGES),
    ("savepoints", "savepoints: {every: 1h, keep: none}\n" + STAGES),
    ("no such savepoint key", "savepoints: {evry: 1h}\n" + STAGES),
    ("no stages", "log: info\n"),
    ("program", STAGES.replace("write-null", "write-nul")),
    ("no program", STAGES.replace("run: write-null", "log: info")),
    ("option", STAGES.replace("rows", "row")),
    ("missing option", STAGES.replace("  out:", "  f: {run: filter}\n  out:")),
    ("list", STAGES.replace("rows: 10", "rows: [10]")),
    ("name", STAGES.replace("out:", "Out:")),
    ("test", STAGES + "tests: [{name: t, given: {in: []}}]\n"),
    ("test key", STAGES + "tests: [{name: t, givn: {}, expect: {out: []}}]\n"),
    ("evolve", STAGES + "evolve: {in: {drop: false}}\n"),
    ("parameter", "parameters: {x: {typ: bigint, default: 1}}\n" + STAGES),
    ("a map that is none", "checkpoint: often\n" + STAGES),
]


def what_is_wrong_is_seen_by_both_and_what_is_right_by_neither(stream):
    validates = validator(stream)
    for text in RIGHT:
        check(not faults(validates, HEAD + text), f"{text}{faults(validates, HEAD + text)}")
    for what, text in WRONG:
        stream.write("m.yaml", HEAD + text)
        stream.run("stream", "check", "m.yaml", expect=None)
        check("m.yaml:" in stream.last_stderr, f"{what}: 'stream check' takes it\n{text}{stream.last_stderr}")
        check(faults(validates, HEAD + text), f"{what}: the schema takes it\n{text}")
    stream.write("m.yaml", HEAD + RIGHT[0])
    stream.run("stream", "check", "m.yaml")


def every_option_of_every_stage_is_there(stream):
    """And no other: what a stage says it takes, with what every stage has."""
    definitions = json.loads(stream.run("stream", "stages", "--json-schema"))["definitions"]
    names = [json.loads(line)["name"] for line in stream.run("stream", "stages", "--json").splitlines()]
    check(definitions["stage"]["properties"]["run"]["anyOf"][0]["enum"] == names, names)
    for name in names:
        own = {option["name"] for option in json.loads(stream.run("stream", "stages", "--json", name))["options"]}
        properties = definitions[f"stage-{name}"]["properties"]
        bogus = {key: "1" for key in set(properties) | own | {"bogus"}}
        bogus["run"] = name
        stream.write("m.yaml", json.dumps({"pipeline": "p", "stages": {"x": bogus}}))
        problems = json.loads(stream.run("stream", "check", "--json", "m.yaml", expect=1))["problems"]
        unknown = {match.group(1) for p in problems if (match := re.search(r"has no option '([a-z-]+)'", p["message"]))}
        check(unknown == {"bogus"} and own <= set(properties), f"{name}: {unknown}, {own - set(properties)}")


def names_below(schema):
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ():
        yield from value if key == "properties" else ()
        yield from names_below(value)


def every_key_is_in_the_manual(stream):
    definitions = json.loads(stream.run("stream", "stages", "--json-schema"))["definitions"]
    page = (TESTS.parent / "man/stream-manifest.5").read_text()
    for name in sorted({*names_below(definitions["manifest"]), *names_below(definitions["fragment"])}):
        check(re.search(rf"^\.(It )?Cm ([a-z-]+ , )*{name}\b|\b{name}[:,] ", page, re.M), f"stream-manifest(5) does not tell of '{name}'")
    savepoints = set(definitions["manifest"]["properties"]["savepoints"]["properties"])
    verbs = {verb["name"]: verb for verb in map(json.loads, stream.run("stream", "help", "--json").splitlines())}
    options = {option["name"] for option in verbs["savepoint"]["options"]}
    check(savepoints <= options, f"no options of 'stream savepoint': {savepoints - options}")


if __name__ == "__main__":
    main([every_manifest_is_right, what_is_wrong_is_seen_by_both_and_what_is_right_by_neither, every_option_of_every_stage_is_there, every_key_is_in_the_manual])
