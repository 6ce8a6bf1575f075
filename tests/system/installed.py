"""Programs that were installed, and then moved elsewhere, find each other and the library they share."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Stream, check, main  # noqa: E402


def install_and_move(stream):
    """Returns the folder of the programs, far from where they were built and installed."""
    done = subprocess.run(["cmake", "--install", stream.programs.parent, "--prefix", stream.folder / "installed"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, f"cmake --install: {done.stderr}")
    return (stream.folder / "installed").rename(stream.folder / "moved") / "bin"


def moved_programs_run(stream):
    programs = install_and_move(stream)
    check((programs.parent / "share/stream/monitoring/grafana.json").exists(), "the dashboard is not installed")
    libraries = subprocess.run(["ldd", programs / "stream-filter"], capture_output=True, text=True, check=True).stdout
    check(str(stream.folder / "moved") in libraries, f"stream-filter uses another library:\n{libraries}")
    with Stream(programs) as moved:
        moved.environment["PATH"] = os.defpath  # stages are found beside the program, not in PATH
        plain = moved.run(programs / "stream-filter", "v > 1", stdin='{"v":1}\n{"v":2}\n')
        check(plain == '{"v":2}\n', f"plain: {plain!r}")
        supervised = moved.run(programs / "stream", "run", "generate --rows 5 'n' | filter 'n > 2' | print")
        check(supervised == '{"n":3}\n{"n":4}\n', f"supervised: {supervised!r}")


if __name__ == "__main__":
    main([moved_programs_run])
