#!/usr/bin/env bash
# ./dev demo: real pipelines end to end, explained as they go. Leaves its results in a folder it names.
set -euo pipefail
bin=$(cd "$1" && pwd)
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d /tmp/stream-demo.XXXXXX)
export PATH="$bin:$PATH" STREAM_HOME="$work/home"
cd "$work"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }
fail() { echo "demo: fatal: $*" >&2; exit 1; }

say "1. The package manager's log: actions per package and hour"
echo "Five programs, joined by ZeroMQ: read-file takes each line apart with a regular expression, filter and"
echo "select keep what matters, aggregate counts in event-time windows of an hour, write-sqlite commits."
if ! ls /var/log/dpkg.log* >/dev/null 2>&1; then fail "there is no /var/log/dpkg.log on this machine"; fi
run stream graph "$top/manifests/package-log.yaml"
run stream run "$top/manifests/package-log.yaml" -p out="$work/packages.db"
echo
echo "The busiest hours:"
sqlite3 -header -column packages.db "select strftime('%Y-%m-%d %H:00', window_start, 'localtime') as hour, action,
  sum(n) as actions, count(*) as packages from actions group by 1, 2 order by 3 desc limit 8"
echo
echo "The same from an awk one-liner over the same files, to check it:"
# shellcheck disable=SC2016
awk_program='$3 ~ /^(install|upgrade|remove|purge)$/ { split($4, p, ":"); n[substr($1, 1, 10) " " substr($2, 1, 2) " " $3 " " p[1]]++ }
  END { for (k in n) print k, n[k] }'
echo "\$ zcat -f /var/log/dpkg.log* | awk '$awk_program' | sort"
zcat -f /var/log/dpkg.log* | awk "$awk_program" | LC_ALL=C sort > awk.txt
sqlite3 -separator ' ' packages.db "select strftime('%Y-%m-%d %H', window_start, 'localtime'), action, package, n from actions" \
  | LC_ALL=C sort > stream.txt
cmp awk.txt stream.txt || fail "the results differ: see $work/awk.txt and $work/stream.txt"
echo "equal: $(wc -l < awk.txt) rows, $(awk '{ s += $5 } END { print s }' awk.txt) actions"

say "2. Six million made-up records, counted by key; one run is left alone, one has a stage killed"
pipeline() {
  cat <<EOF
pipeline: $1
checkpoint: {interval: 200ms}
stages:
  orders:
    run: generate
    columns: n, random % 1000 as customer, random % 97 as amount
    rows: 6000000
    rate: 1500000
  large: {run: filter, where: amount >= 10}
  totals:
    run: aggregate
    by: [customer]
    compute: {orders: count(*), total: sum(amount), largest: max(amount)}
    emit: final
    parallelism: 2
  table: {run: write-sqlite, path: $1.db, table: totals}
EOF
}
pipeline quiet > quiet.yaml
pipeline killed > killed.yaml
run stream run quiet.yaml
run stream run -d killed.yaml
run stream wait killed --for checkpoint --timeout 20s
for _ in 1 2 3 4 5 6; do stream wait killed --for checkpoint --timeout 20s; done
# The numbers of an instance may hold an object of their own, its latency.
victim=$(stream stats killed --json | sed 's/.*"instance":1,[^}]*}*[^}]*"pid":\([0-9]*\).*/\1/')
run kill -9 "$victim"
echo "(that was totals.1, in the middle of its work, with half of the state)"
run stream wait killed --timeout 60s
run stream events killed
for job in quiet killed; do
  sqlite3 "$job.db" 'select * from totals order by customer' > "$job.txt"
done
cmp quiet.txt killed.txt || fail "the run with a killed stage has other results: see $work"
echo
echo "Both runs have the same $(wc -l < quiet.txt) rows. The largest customers:"
sqlite3 -header -column killed.db 'select * from totals order by total desc limit 5'

say "3. What to try next"
cat <<EOF
export PATH=$bin:\$PATH
stream run "generate --rate 5000 'n, random % 6 + 1 as dice' | aggregate --by dice 'count(*) as n' | print --format table"
stream run -d $top/manifests/heartbeat.yaml   # then: stream ps, stream stats --watch, stream stop heartbeat
stream-filter --help                                     # every stage has --help and --man
stream help                                              # the verbs
The results of this demo are in $work
EOF
