#!/usr/bin/env python3
"""Public text is true: the stage table, the manual pages, links, and no path of some machine."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = pathlib.Path(sys.argv[1])


def built_stages():
    cmake = (TOP / "CMakeLists.txt").read_text()
    return re.search(r"set\(STREAM_STAGES\s+([^)]*)\)", cmake).group(1).split()


def stage_table():
    listed = re.findall(r"^\| `([a-z-]+)` \|", (TOP / "README.md").read_text(), re.MULTILINE)
    if sorted(listed) != sorted(built_stages()):
        yield f"README.md lists {sorted(listed)}, CMakeLists.txt {sorted(built_stages())}"


def lint(name, page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, capture_output=True, text=True, check=False)
    faults = [line for line in done.stdout.splitlines() if "outdated mandoc.db" not in line]
    if faults:
        yield f"{name}: {faults[0]}"


def manuals():
    for path in sorted((TOP / "man").glob("*.[1-9]")):
        yield from lint(path.name, path.read_text())
    for name, page in made_pages().items():
        yield from lint(name, page)
        if "EXAMPLES" not in page:
            yield f"{name}: the manual has no example"


def made_pages():
    """The pages of section 1 by file name, as the programs print them."""
    commands = {f"stream-{stage}.1": [f"stream-{stage}", "--man"] for stage in built_stages()}
    commands |= {f"stream-{verb.replace(' ', '-')}.1": ["stream", *verb.split(), "--man"] for verb in verbs()}
    commands["stream.1"] = ["stream", "--man"]
    return {name: output(*command) for name, command in commands.items()}


def output(program, *args):
    return subprocess.run([PROGRAMS / program, *args], capture_output=True, text=True, check=True).stdout


def verbs():
    return [json.loads(line)["name"] for line in output("stream", "help", "--json").splitlines()]


def installed():
    """cmake --install puts every page where man looks for it."""
    with tempfile.TemporaryDirectory(prefix="stream-install-") as prefix:
        done = subprocess.run(["cmake", "--install", PROGRAMS.parent, "--prefix", prefix], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            yield f"cmake --install: {(done.stderr or done.stdout).splitlines()[-1]}"
            return
        folder = pathlib.Path(prefix) / "share" / "man"
        pages = {page.name: page.read_text() for page in (folder / "man1").iterdir()}
        made = made_pages()
        for name in sorted(set(pages) ^ set(made)):
            yield f"{name}: {'installed, and no program has it' if name in pages else 'not installed'}"
        for name in sorted(set(pages) & set(made)):
            if pages[name] != made[name]:
                yield f"{name}: what is installed is not what the program prints"
        for page in (TOP / "man").glob("*.[57]"):
            if not (folder / f"man{page.suffix[1:]}" / page.name).exists():
                yield f"{page.name}: not installed"


def environment():
    """stream(1) names every variable that is read."""
    page = output("stream", "--man")
    for folder in ("cli", "supervisor"):
        for path in (TOP / folder).glob("*.cc"):
            for name in re.findall(r'(?:getenv|environment|text_of)\("([A-Z_]+)"\)', path.read_text()):
                if name not in page:
                    yield f"stream(1): does not name {name}, which {path.name} reads"


def references():
    """What a manual page refers to is there."""
    pages = {path.name: path.read_text() for path in (TOP / "man").glob("*.[57]")} | made_pages()
    for name, page in pages.items():
        for to, section in re.findall(r"^\.(?:Pq )?Xr ([\w-]+) (\d)", page, re.MULTILINE):
            if to.startswith("stream") and f"{to}.{section}" not in pages:
                yield f"{name}: refers to {to}({section}), which does not exist"


def links():
    for path in TOP.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            if "://" not in target and not (TOP / target).exists():
                yield f"{path.name}: link to '{target}', which does not exist"


def disjoint_names():
    for name in sorted(set(verbs()) & set(built_stages())):
        yield f"'{name}' is both a verb and a stage"
    if verbs() != sorted(verbs()):
        yield "the verbs are not sorted"


def main():
    passed = failed = 0
    for test in (stage_table, manuals, references, installed, environment, links, disjoint_names):
        faults = list(test())
        for fault in faults:
            print(fault)
        passed, failed = (passed, failed + 1) if faults else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
