#!/usr/bin/env bash
# The life of a job with nothing but curl, and each error that is documented, provoked.
#
#   curl_walk.sh URL FOLDER
#
# FOLDER is one of the server's --root; it holds authority.pem, which has signed the server's certificate, and the tokens of
# three roles: read.token, operate.token, admin.token. See stream-rest(7).
set -euo pipefail
url=$1
cd "$2"

# --- how it is asked -------------------------------------------------------------------------------
# as ROLE METHOD PATH [CURL'S OPTIONS…]: the status, and below it the answer.
as() {
  local role=$1 method=$2 path=$3
  shift 3
  curl -sS --cacert authority.pem --oauth2-bearer "$(cat "$role.token")" -X "$method" -w '%{stderr}%{http_code}\n' "$@" "$url$path" \
    2> status > answer || { echo "curl has failed at $method $path: $(cat status)" >&2; exit 1; }
}
yaml=(-H 'Content-Type: application/yaml' --data-binary)
json=(-H 'Content-Type: application/json' -d)

fail() {
  echo "$1: $(cat status) $(head -c 500 answer)" >&2
  exit 1
}
# gives WHAT STATUS [PATTERN]: that the last answer was so.
gives() {
  [ "$(cat status)" = "$2" ] || fail "$1 is not answered $2"
  [ -z "${3:-}" ] || grep -qE -- "$3" answer || fail "$1 does not say '$3'"
  echo "ok: $1"
}
# refused WHAT STATUS PATTERN: the same, and it is one line of JSON.
refused() {
  gives "$@"
  grep -qE '^\{"errors":\["[^"\\]*(\\.[^"\\]*)*"\]\}$' answer || fail "$1 is not refused in one line"
}
value() { grep -oE "\"$1\":\"[^\"]*\"" answer | head -n 1 | cut -d '"' -f 4; }
# outcome PATH: of the operation that has just begun, when it is over.
outcome() {
  local id
  id=$(value request-id)
  for _ in $(seq 600); do
    as operate GET "$1/$id"
    if grep -q COMPLETED answer; then
      if grep -q failure-cause answer; then fail "$1"; fi
      return
    fi
    sleep 0.05
  done
  fail "$1 does not end"
}
# is STATE: waits until the job is.
is() {
  for _ in $(seq 600); do
    as read GET /jobs/walk/status
    if grep -q "\"$1\"" answer; then
      echo "ok: it is $1"
      return
    fi
    sleep 0.05
  done
  fail "it is not $1"
}

# --- the life of a job -----------------------------------------------------------------------------
cat > walk.yaml <<'YAML'
pipeline: walk
checkpoint: {interval: 200ms}
stages:
  made: {run: generate, columns: "n, n % 7 as k", rate: 2000}
  totals: {run: aggregate, by: k, compute: count(*) as c}
  out: {run: write-null}
YAML

as operate POST /pipelines/validate "${yaml[@]}" @walk.yaml
gives 'a good manifest' 200 '"valid":true'
as operate POST /pipelines "${yaml[@]}" @walk.yaml
gives 'starting it' 200 '"name":"walk"'
is RUNNING

# Watched: events come until curl is ended.
curl -sSN --cacert authority.pem --oauth2-bearer "$(cat read.token)" "$url/stream?jobs=walk&topics=jobs,stats,checkpoints" > events &
watcher=$!
trap 'kill $watcher 2> /dev/null || true' EXIT
for topic in jobs stats checkpoints; do
  for _ in $(seq 600); do if grep -q "^event: $topic" events; then break; fi; sleep 0.05; done
  grep -q "^event: $topic" events || { echo "the event stream tells nothing of $topic" >&2; exit 1; }
done
kill $watcher
wait $watcher 2> /dev/null || true
echo 'ok: watching it'
as read GET /jobs/walk
gives 'looking at it' 200 '"name":"totals"'
as read GET '/jobs/walk/vertices/totals/subtasks/metrics?get=numRecordsIn&agg=sum'
gives 'a metric' 200 '"id":"numRecordsIn"'

as operate POST /jobs/walk/savepoints "${json[@]}" '{}'
gives 'beginning a savepoint' 202 request-id
outcome /jobs/walk/savepoints
savepoint=$(value location)
gives 'the savepoint' 200 "$savepoint"
as read GET /jobs/walk/savepoints/latest/download -o walk.tar.zst
gives 'downloading it' 200
zstd -tq walk.tar.zst

as operate POST /jobs/walk/stop "${json[@]}" '{"drain":false}'
gives 'stopping it' 202 request-id
outcome /jobs/walk/savepoints
gives 'its last savepoint' 200 location
is FINISHED
as operate POST /jobs/walk/resume
gives 'going on' 202
outcome /jobs/walk/resume
is RUNNING
as operate PATCH '/jobs/walk?mode=cancel'
gives 'cancelling it' 202
is CANCELED
as operate POST "/pipelines?savepointPath=$savepoint" "${yaml[@]}" @walk.yaml
gives 'restoring the savepoint' 200 '"name":"walk"'
is RUNNING
as operate PATCH /jobs/walk
gives 'cancelling it again' 202
is CANCELED
# What was sent over the network begins a job as well: the server's folder is where it is.
as operate POST "/pipelines?savepointPath=$PWD/walk.tar.zst" "${yaml[@]}" @walk.yaml
gives 'restoring what was downloaded' 200 '"name":"walk"'
is RUNNING

# --- each error ----------------------------------------------------------------------------------------
as read GET /jobs/wlak
refused 'an unknown job' 404 "no job 'wlak'; did you mean 'walk'"
as read GET "/jobs/$(printf 'a%.0s' {1..32})"
refused 'an unknown id' 404 'no job'
as read GET /jobs/walk/vertices/nobody
refused 'an unknown vertex' 404 "no vertex 'nobody'"
as read GET "/jobs/walk/savepoints/$(printf 'a%.0s' {1..32})"
refused 'an unknown operation' 404 'no operation'
as read GET /jobs/walk/savepoints/9999999/download
refused 'an unknown savepoint' 404 "no savepoint '9999999'; "
as operate POST '/pipelines?savepointPath=walk@9999999' "${yaml[@]}" @walk.yaml
refused 'beginning with an unknown savepoint' 404 'no savepoint'
as read GET /nothing
refused 'an unknown path' 404 'openapi.json lists all'

as operate POST /jobs/walk/savepoints "${json[@]}" '{"target-directory":'
refused 'half a body' 400 'no JSON'
as operate POST /jobs/walk/savepoints "${json[@]}" '{"target":"x"}'
refused 'a field that is not there' 400 "no field 'target'"
as operate POST /pipelines "${yaml[@]}" 'pipeline: x
stages: {made: {run: generat}}'
refused 'a wrong manifest' 400 "manifest:2:.*generat"
as operate POST /jobs/walk/savepoints -H 'Content-Type: text/plain' -d '{}'
refused 'a body of another type' 415 'application/json'
as read GET '/jobs/walk/vertices/totals/subtasks/metrics?agg=median'
refused 'a wrong parameter' 400 "'median'; it takes min"

as operate DELETE /jobs/walk
refused 'the wrong method' 405 'it takes GET, PATCH'
as admin POST /overview
refused 'another wrong method' 405 'it takes GET'

curl -sS --cacert authority.pem -w '%{stderr}%{http_code}\n' "$url/jobs" 2> status > answer
refused 'no token' 401 'a token is needed'
curl -sS --cacert authority.pem --oauth2-bearer nonsense -w '%{stderr}%{http_code}\n' "$url/jobs" 2> status > answer
refused 'an unknown token' 401 'not known'
as read POST /jobs/walk/savepoints "${json[@]}" '{}'
refused 'the wrong role' 403 'has the role read; .* needs operate'
as operate POST /savepoint-disposal "${json[@]}" "{\"savepoint-path\":\"$savepoint\"}"
refused 'deleting without being admin' 403 'needs admin'
as operate POST /commands "${json[@]}" '{"arguments":["gc"]}'
refused 'a verb that needs another role' 403 'needs admin'
as operate POST /jobs/walk/stop "${json[@]}" '{}' -H 'Origin: https://elsewhere.example'
refused 'a page from elsewhere' 403 'elsewhere.example'

head -c 5000000 /dev/zero | tr '\0' ' ' > large
as operate POST /pipelines "${yaml[@]}" @large
refused 'a body that is too large' 413 'larger than'
as operate GET /jobs -H "X: $(printf 'x%.0s' {1..40000})"
refused 'a head that is too large' 431 'larger than'

as operate POST /jobs/walk/savepoints "${json[@]}" '{"target-directory":"/etc"}'
refused 'a savepoint elsewhere' 400 'not inside a folder .* --root'
as operate POST /jobs/walk/savepoints "${json[@]}" "{\"target-directory\":\"$PWD/../elsewhere\"}"
refused 'a savepoint above' 400 'not inside a folder'
as read GET /jobmanager/logs/..%2f..%2f..%2fetc%2fpasswd
refused 'a log elsewhere' 404 'no log'
as read GET /jobs/walk/savepoints/..%2f..%2fjob/download
refused 'a savepoint that is a path' 404 'no savepoint'
as operate POST '/pipelines?savepointPath=/etc/passwd' "${yaml[@]}" @walk.yaml
refused 'beginning with a file elsewhere' 400 "neither a job's own nor inside"
as operate POST /pipelines "${yaml[@]}" 'pipeline: x
stages:
  made: {run: read-file, path: ../../../etc/passwd, format: lines}
  out: {run: write-null}'
refused 'a manifest that reads elsewhere' 400 'not inside a folder'
as operate POST /pipelines "${yaml[@]}" 'pipeline: x
stages:
  made: {run: generate, columns: n}
  own: {run: exec, command: cat, schema: n bigint}
  out: {run: write-null}'
refused 'a manifest that runs programs' 400 '--allow-exec'

as operate POST /jobs/walk/resume
refused 'going on with what runs' 409 'runs already'
as operate POST /pipelines "${yaml[@]}" @walk.yaml
gives 'starting what runs' 409 walk

is RUNNING
as operate PATCH /jobs/walk
gives 'the end' 202
is CANCELED
as operate POST /jobs/walk/savepoints "${json[@]}" '{}'
refused 'a savepoint of what does not run' 409 'needs a running one'
as admin POST /savepoint-disposal "${json[@]}" "{\"savepoint-path\":\"$savepoint\"}"
gives 'deleting the savepoint' 200 request-id
outcome /savepoint-disposal
[ ! -e "$savepoint" ] || fail 'it is still there'
as read GET '/operations?limit=3'
gives 'who has done all that' 200 '"who":"admin"'
