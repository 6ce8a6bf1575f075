"""The tables of the verbs are what they do: --json everywhere, help and manual alike, completion in a real bash."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import check, main, wait_until  # noqa: E402

PIPELINE = "read-file in.ndjson --follow --schema 'a bigint' | filter 'a > 0' | write-file out.ndjson"

# How every verb that prints data is asked, in this order.
ASKED = [("help", []), ("stages", []), ("stages", ["filter"]), ("ps", []), ("ps", ["--all"]), ("show", ["live"]),
         ("events", ["live"]), ("logs", ["live"]), ("logs", ["--stage", "read-file", "live"]), ("stats", ["live"]),
         ("checkpoint", ["live"]), ("checkpoint", ["--list", "live"]), ("savepoint", ["--label", "here", "live"]),
         ("savepoint", ["--list", "live"]), ("dead-letter", ["live"]), ("dead-letter", ["--count", "live"]),
         ("check", [PIPELINE]), ("explain", [PIPELINE]), ("graph", [PIPELINE]), ("rescale", ["live", "read-file=1"]), ("stop", ["live"]),
         ("state ls", ["live"]), ("state show", ["live"]), ("state query", ["live", "select 1 as line"]),
         ("gc", ["--dry-run", "live"])]
SILENT = [("run", ["-d", "generate --rate 10 | write-null", "--name", "quiet"]), ("wait", ["--for", "running", "quiet"]), ("cancel", ["quiet"]),
          ("resume", ["live"])]
NO_DATA = {"completion", "controller", "profile", "serve", "state export", "top"}  # print a script, objects, a picture, an address, rows, a screen
ELSEWHERE_ASKED = {"compare", "deploy", "tap", "test", "state diff", "state edit", "state reshard", "state new", "state merge",
                   "state split", "upgrade"}  # in compare.py, compose.py, deploy.py, state.py, state_made.py, upgrade.py


def tables(stream):
    return {verb["name"]: verb for verb in map(json.loads, stream.run("stream", "help", "--json").splitlines())}


def option(verb, name):
    return next((o for o in verb["options"] if o["name"] == name and not o.get("positional")), None)


def start(stream):
    """A job with a bad record."""
    stream.write("in.ndjson", '{"a":1}\nno record\n{"a":2}\n')
    stream.run("stream", "run", "-d", PIPELINE, "--name", "live")
    wait_until("the bad record", lambda: stream.run("stream", "dead-letter", "live"))


def leave_stray(stream):
    stray = stream.home("live") / "checkpoints" / "1" / "stray.0.a1.sqlite"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("left by a crash")


# Their fields stand elsewhere: in stream-plan(7), nowhere, or are the names of the verbs' own options.
ELSEWHERE = {("stages", "filter"), ("explain", PIPELINE), ("help", "")}


def keys_of(value):
    """Of an object and all that is in it."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set(value).union(*map(keys_of, value.values())) if isinstance(value, dict) else set()


def documented():
    page = (pathlib.Path(__file__).resolve().parents[2] / "man/stream-json.7").read_text()
    marked = re.findall(r"^\.(?:It )?Cm (.*)$", page, re.M)
    return {word for words in marked for word in words.split() if word not in ",;."}


def every_verb_that_prints_data_prints_json(stream):
    verbs = tables(stream)
    with_json = {name for name, verb in verbs.items() if option(verb, "json")}
    check(with_json - ELSEWHERE_ASKED == {verb for verb, _ in ASKED}, f"asked are other verbs than {sorted(with_json)}")
    check(set(verbs) - with_json == {verb for verb, _ in SILENT} | NO_DATA, f"verbs without --json: {sorted(set(verbs) - with_json)}")
    start(stream)
    for verb, args in ASKED:
        if verb == "gc":
            leave_stray(stream)
        lines = stream.run("stream", *verb.split(), "--json", *args).splitlines()
        check(lines, f"{verb} {args} prints nothing")
        for line in lines:
            check(isinstance(json.loads(line), dict), f"{verb} {args}: {line[:200]}")
            new = keys_of(json.loads(line)) - documented() if (verb, args[0] if args else "") not in ELSEWHERE else set()
            check(not new, f"{verb} {args}: stream-json(7) says nothing of {new}")
        plain = stream.run("stream", *verb.split(), *args) if verb not in ("savepoint", "stop") else ""
        same = verb in ("dead-letter", "explain") or "--list" in args
        check(same or plain == "" or not plain.startswith("{"), f"{verb} without --json: {plain[:100]}")
    for verb, args in SILENT:
        check(stream.run("stream", *verb.split(), *args) == "", f"{verb} prints data")
    stream.run("stream", "cancel", "live")


def the_process_of_a_supervisor_is_told(stream):
    start(stream)
    job = json.loads(stream.run("stream", "ps", "--json"))
    children = {pathlib.Path(f"/proc/{i['pid']}/stat").read_text(encoding="utf-8").split()[3] for i in stream.stats("live")["instances"]}
    check(children == {str(job["supervisor_pid"])}, f"{children} are not of {job}")
    check(f"process {job['supervisor_pid']}\n" in stream.run("stream", "show", "live"), "for people")
    stream.run("stream", "cancel", "live")
    check(json.loads(stream.run("stream", "show", "--json", "live"))["supervisor_pid"] is None, "nobody runs it")


def a_wrong_pipeline_is_json_too(stream):
    answer = json.loads(stream.run("stream", "check", "--json", "generate | filtre x", expect=1))
    check(answer["ok"] is False and answer["problems"][0]["column"] == 12, str(answer))


def help_and_manual_say_the_same(stream):
    for name, verb in tables(stream).items():
        shown = stream.run("stream", "help", *name.split())
        commands = [example["command"] for example in verb["examples"]]
        check(shown == stream.run("stream", *name.split(), "--help"), f"{name}: help and --help differ")
        check(all(len(line) <= 80 or line.strip() in commands for line in shown.splitlines()), f"{name}: a long line")
        page = rendered(stream.run("stream", *name.split(), "--man"))
        check(page.startswith(f"STREAM-{name.upper().replace(' ', '-')}(1)"), page[:60])
        for part in [verb["summary"], verb["description"]] + [o["doc"] for o in verb["options"]]:
            for words in map(flat, re.split(r"(?<=\.) |\n\n", part)):
                check(words in flat(page), f"{name}: the manual lacks {words!r}")
        for text in (flat(shown), flat(page)):
            for o in verb["options"]:
                check(o.get("arg", "") in text and (o.get("positional") or "--" + o["name"] in text), f"{name}: {o['name']}")
                check(all(choice in text for choice in o.get("choices", [])), f"{name}: choices of {o['name']}")
            for example in verb["examples"]:
                check(flat(example["command"]) in text, f"{name}: lacks the example {example['command']}")
        check(verb["examples"] and verb["description"], f"{name}: no example, or no description")


def rendered(page):
    text = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200"], input=page, capture_output=True, text=True, check=True).stdout
    return re.sub(".\b", "", text).lstrip()


def flat(text):
    """Without line ends, and with typographic quotes and dashes as they are typed."""
    return " ".join(text.replace("‘", "'").replace("’", "'").replace("“", '"').replace("”", '"').replace("−", "-").split())


# --- completion ---------------------------------------------------------------------------------------

BASH = """
source <(stream completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_stream stream "$LAST"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(stream, *words):
    """What the last word becomes. As bash does, words are cut, and only what stands behind = or : or from @ on is replaced."""
    pieces = [piece for word in words[:-1] for piece in cut(word)] + (cut(words[-1]) or [""])
    last = re.search(r"(@[^=:@]*|[^=:@]*)$", words[-1]).group()
    kept = words[-1].removesuffix(last)
    offers = stream.run("env", f"LAST={last}", "bash", "-c", BASH, "bash", *pieces).splitlines()
    return {kept + offer for offer in offers}


def cut(word):
    return [piece for piece in re.split(r"([=:@]+)", word) if piece]


def completion_knows_verbs_options_and_choices(stream):
    verbs = tables(stream)
    check(complete(stream, "stream", "") == {name.split()[0] for name in verbs}, "every verb")
    check(complete(stream, "stream", "s") == {"savepoint", "serve", "show", "stages", "state", "stats", "stop"}, "verbs with an s")
    check(complete(stream, "stream", "--") == {"--help", "--man", "--version"}, "options without a verb")
    check(complete(stream, "stream", "nonsense", "") == set(), "nothing is known of an unknown verb")
    for name, verb in verbs.items():
        wanted = {"--" + o["name"] for o in verb["options"] if not o.get("positional")} | {"--help", "--man", "--server", "--token-file", "--ca-file"}
        check(complete(stream, "stream", *name.split(), "--") == wanted, f"options of {name}: {complete(stream, 'stream', *name.split(), '--')}")
        for o in verb["options"]:
            if o["kind"] == "choice" and not o.get("positional"):
                check(complete(stream, "stream", *name.split(), "--" + o["name"], "") == set(o["choices"]), f"choices of {name} {o}")
    check(complete(stream, "stream", "wait", "--for=") == {"--for=running", "--for=checkpoint", "--for=finished"}, "--for=")
    check(complete(stream, "stream", "wait", "--for=ru") == {"--for=running"}, "--for=ru")
    check(complete(stream, "stream", "completion", "") == {"bash", "zsh", "fish"}, "a positional choice")
    check(complete(stream, "stream", "help", "sta") == {"stages", "state", "stats"}, "verbs as arguments")
    check(complete(stream, "stream", "state", "e") == {"edit", "export"}, "verbs of a group")
    check("--fresh" not in complete(stream, "stream", "run", "--from", "x", "--fr"), "what is excluded")
    check("--from" not in complete(stream, "stream", "run", "--from", "x", "--fr"), "what is given")
    check("--set" in complete(stream, "stream", "run", "--set", "a=b", "--s"), "what may come again")
    check(complete(stream, "stream", "logs", "-f", "--level", "w") == {"warning"}, "behind another option")
    check("filter" in complete(stream, "stream", "stages", ""), "stage programs")


def completion_knows_jobs_savepoints_and_stages(stream):
    start(stream)
    stream.run("stream", "run", "generate --rows 3 | write-null", "--name", "over")
    stream.run("stream", "savepoint", "--label", "first", "live")
    for verb, wanted in [("show", {"live", "over"}), ("stop", {"live"}), ("resume", {"over"}), ("stats", {"live", "over"}), ("gc", {"live", "over"})]:
        check(complete(stream, "stream", verb, "") == wanted, f"{verb}: {complete(stream, 'stream', verb, '')}")
    check(complete(stream, "stream", "show", "li") == {"live"}, "the beginning of a job")
    check(complete(stream, "stream", "logs", "--stage", "") == {"read-file", "filter", "write-file"}, "stages of the only job that runs")
    check(complete(stream, "stream", "logs", "live", "--stage", "fi") == {"filter"}, "stages of a job that is named")
    epoch = json.loads(stream.run("stream", "savepoint", "--list", "--json", "live"))["epoch"]
    check(complete(stream, "stream", "run", "--from", "li") >= {"live@first", "live@latest", f"live@{epoch}"}, "references")
    check(complete(stream, "stream", "run", "--from", "live@fi") == {"live@first"}, "behind the @")
    check(complete(stream, "stream", "run", "--from=live@fi") == {"--from=live@first"}, "in one word with the option")
    check(complete(stream, "stream", "savepoint", "--delete", "live@la") == {"live@latest"}, "to be deleted")
    stream.run("stream", "cancel", "live")


BASH_STAGE = """
source <(stream completion bash)
COMP_WORDS=(stream-filter "$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
loader=$(complete -p stream-filter | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$loader stream-filter; [ $? = 124 ] || exit 1
completer=$(complete -p stream-filter | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$completer stream-filter
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completion_knows_the_programs_of_stages(stream):
    def offers(*words):
        return set(stream.run("bash", "-c", BASH_STAGE, "bash", *words).split())
    check({"--where", "--on-error", "--in"} <= offers("--"), "its options")
    check(offers("--on-error", "s") == {"skip"}, "their choices")


def completion_knows_manifests_and_files(stream):
    for name in ("web.yaml", "web.yml", "web.json", "web.txt", "with blank.yaml", "folder/deep.yaml"):
        stream.write(name, "")
    check(complete(stream, "stream", "run", "") == {"web.yaml", "web.yml", "web.json", "with blank.yaml", "folder"} |
          {name for name in ("home", "cache") if (stream.folder / name).exists()}, "manifests and folders")
    check(complete(stream, "stream", "check", "web.") == {"web.yaml", "web.yml", "web.json"}, "manifests")
    check(complete(stream, "stream", "run", "folder/") == {"folder/deep.yaml"}, "below a folder")
    check(complete(stream, "stream", "stop", "--to", "web.") == {"web.yaml", "web.yml", "web.json", "web.txt"}, "any file")
    check(complete(stream, "stream", "stop", "--to=web.t") == {"--to=web.txt"}, "any file behind =")


def completion_scripts_are_read_by_their_shells(stream):
    for shell in ("bash", "zsh", "fish"):
        script = stream.write(f"stream.{shell}", stream.run("stream", "completion", shell))
        if stream.succeeds("sh", "-c", f"command -v {shell}"):
            stream.run(shell, "-n", script)


if __name__ == "__main__":
    main([every_verb_that_prints_data_prints_json, the_process_of_a_supervisor_is_told, a_wrong_pipeline_is_json_too, help_and_manual_say_the_same,
          completion_knows_verbs_options_and_choices, completion_knows_jobs_savepoints_and_stages,
          completion_knows_the_programs_of_stages, completion_knows_manifests_and_files, completion_scripts_are_read_by_their_shells])
