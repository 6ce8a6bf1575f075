#!/usr/bin/env bash
# Builds fuzz targets with libFuzzer and sanitizers and runs each for SECONDS: run.sh SECONDS [NAME…], else all.
set -euo pipefail
seconds=$1
shift
cd "$(dirname "$0")/../.."
[ -f build/asan/build.ninja ] || cmake --preset asan >/dev/null
cmake --build build/asan ${JOBS:+-j "$JOBS"} --target "${@/#/fuzz-}" $([ $# = 0 ] && echo fuzzers)
tests/fuzz/seeds.py build/asan/seeds
passed=0
for target in build/asan/tests/fuzz-*; do
  name=$(basename "$target")
  case " ${*/#/fuzz-} " in "  " | *" $name "*) ;; *) continue ;; esac
  corpus=build/asan/corpus/$name
  seeds=build/asan/seeds/$name
  mkdir -p "$corpus" "$seeds"
  words=()
  if [ -s "$seeds.dict" ]; then words=(-dict="$seeds.dict"); fi
  echo "$name: $seconds s"
  "$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=10 -print_final_stats=0 -verbosity=0 "${words[@]}" \
    -artifact_prefix="$corpus/" "$corpus" "$seeds"
  passed=$((passed + 1))
done
echo "$passed passed, 0 failed"
