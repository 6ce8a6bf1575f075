#!/usr/bin/env python3
"""Public text is true: the stage table, the manual pages, links, and no path of some machine."""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = pathlib.Path(sys.argv[1])


def built_stages():
    cmake = (TOP / "CMakeLists.txt").read_text()
    return re.search(r"set\(STREAM_STAGES ([^)]*)\)", cmake).group(1).split()


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
    for stage in built_stages():
        page = subprocess.run([PROGRAMS / f"stream-{stage}", "--man"], capture_output=True, text=True, check=True).stdout
        yield from lint(f"stream-{stage} --man", page)
        if "EXAMPLES" not in page:
            yield f"stream-{stage}: the manual has no example"


def links():
    for path in TOP.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            if "://" not in target and not (TOP / target).exists():
                yield f"{path.name}: link to '{target}', which does not exist"


def disjoint_names():
    verbs = re.findall(r'Verb\{"([a-z-]+)"', (TOP / "cli" / "verbs.cc").read_text())
    for name in sorted(set(verbs) & set(built_stages())):
        yield f"'{name}' is both a verb and a stage"


def main():
    passed = failed = 0
    for test in (stage_table, manuals, links, disjoint_names):
        faults = list(test())
        for fault in faults:
            print(fault)
        passed, failed = (passed, failed + 1) if faults else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
