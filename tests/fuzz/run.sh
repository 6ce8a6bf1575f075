#!/usr/bin/env bash
# Builds every fuzz target with libFuzzer and sanitizers and runs each for SECONDS.
set -euo pipefail
seconds=$1
cd "$(dirname "$0")/../.."
[ -f build/asan/build.ninja ] || cmake --preset asan >/dev/null
cmake --build build/asan --target fuzzers
passed=0
for target in build/asan/tests/fuzz-*; do
  name=$(basename "$target")
  corpus=build/asan/corpus/$name
  mkdir -p "$corpus"
  echo "$name: $seconds s"
  "$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=10 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="$corpus/" "$corpus"
  passed=$((passed + 1))
done
echo "$passed passed, 0 failed"
