#!/usr/bin/env bash
# ./dev bench: measures against other tools in one run and writes tests/bench/RESULTS.md.
set -euo pipefail
exec python3 "$(dirname "$0")/run.py" "$@"
