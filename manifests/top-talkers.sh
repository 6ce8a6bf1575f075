#!/bin/sh
# The three paths with most errors in a log of JSON lines: stages between sort, head and awk. Nothing supervises them; the
# same words in quotes behind `stream run` would.
set -eu
stream-read-file "${1:?usage: top-talkers.sh LOG}" --on-error skip 2>/dev/null |
  stream-filter 'status >= 500' |
  stream-aggregate --by path 'count(*) as errors' |
  awk -F '[":,}]+' '{ print $5, $3 }' | # {"path":"/cart","errors":7}
  sort -k1,1nr -k2 |
  head -3
