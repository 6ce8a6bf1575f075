#!/usr/bin/env bash
# Layers, manual pages, scripts, format; clang-tidy on the files named, or on those changed since main.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 tests/layers_test.py
for page in man/*.[1-9]; do
  mandoc -T lint -W warning "$page" | grep -v 'outdated mandoc.db' && exit 1
done
bash -n dev tests/*.sh tests/*/*.sh .ci/run
python3 -m compileall -q tests
git ls-files '*.cc' '*.h' | xargs clang-format --dry-run -Werror
[ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git diff --name-only --diff-filter=d main -- '*.cc' | grep -v '^tests/')
[ ${#files[@]} -eq 0 ] || clang-tidy --quiet --extra-arg=-Wno-unknown-warning-option -p build/dev "${files[@]}"
echo "1 passed, 0 failed"
