#!/usr/bin/env python3
"""The README's examples run as they stand."""

import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from harness import check, main  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent


def every_example_of_the_readme_runs(stream):
    shutil.copytree(TOP / "manifests", stream.folder / "manifests")
    blocks = re.findall(r"```sh\n(.*?)```", (TOP / "README.md").read_text(), re.DOTALL)
    blocks = [block for block in blocks if "./dev" not in block]
    check(len(blocks) >= 3, "the README has lost its examples")
    outputs = [stream.run("bash", "-euo", "pipefail", "-c", block, timeout=120) for block in blocks]
    check('"status":503' in outputs[0] and '"status":200' not in outputs[0], f"filter printed {outputs[0]!r}")
    check(len(outputs[1].splitlines()) == 4 and outputs[1].startswith('{"host":"b","status":503}'), f"the jobs printed {outputs[1]!r}")
    check(outputs[2].splitlines() == ['{"n":3,"lane":3}', '{"n":10,"lane":3}', '{"n":17,"lane":3}'], f"by hand: {outputs[2]!r}")
    check("RUNNING" in outputs[3], f"ps printed {outputs[3]!r}")


if __name__ == "__main__":
    main([every_example_of_the_readme_runs])
