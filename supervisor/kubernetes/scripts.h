// What the containers of a job do, as arguments of /bin/sh -c.
#pragma once

#include <string_view>

namespace stream::kubernetes {

// Before the others, where the job is served: for as long as the container lives, whatever becomes of the server.
inline constexpr std::string_view kServed =
    "case $STREAM_POD_IP in *:*) at=\"[$STREAM_POD_IP]\" ;; *) at=$STREAM_POD_IP ;; esac\n"
    "(while :; do\n"
    "  stream serve --http \"$at:8081\" --tokens /var/lib/stream-tokens --insecure --root \"$STREAM_DATA\" >/dev/null\n"
    "  sleep 1\n"
    "done) &\n";

// Of the one supervisor there is. A Deployment starts whatever ends: a job that has finished must not begin anew, so
// its end is read from what the job itself keeps, with the digest of what was run; that it was stopped by a verb is
// written down. SIGTERM is the job's: it ends with a checkpoint. $1 is the digest, $2 the job, $3 the savepoint that it
// begins from, $4 how; that holds once: what was begun from a savepoint says so in its events, if it is a path there.
// The rest is what `stream` is told.
inline constexpr std::string_view kAlone =
    "digest=$1 job=$2 from=$3 first=$4\n"
    "shift 4\n"
    "cd \"$STREAM_DATA\" || exit 1\n"
    "[ -z \"$STREAM_CHECKPOINTS\" ] || mkdir -p \"$STREAM_CHECKPOINTS\" || exit 1\n"
    "stop() { stopped=1; [ -z \"$pid\" ] || kill -TERM \"$pid\"; }\n"
    "trap stop TERM INT\n"
    "is() { [ \"$(cat \"$1\" 2>/dev/null)\" = \"$digest\" ]; }\n"
    "mark() { printf %s \"$digest\" > \"$1.new\" && mv \"$1.new\" \"$1\" || exit 1; }\n"
    "over() { is .stopped || stream wait \"$job\" --timeout 1ms 2>/dev/null; }\n"
    "begun() {\n"
    "  case $from in\n"
    "    '' | *://*) ;;\n"
    "    *) stream events \"$job\" 2>/dev/null | grep -qF \"continues from savepoint $from\" ;;\n"
    "  esac\n"
    "}\n"
    "! is .deployed || ! begun || from= first=\n"
    "if ! is .deployed || ! over; then\n"
    "  mark .deployed\n"
    "  stream \"$@\" ${from:+--from=\"$from\"} ${first:+\"$first\"} &\n"
    "  pid=$!\n"
    "  [ -z \"$stopped\" ] || kill -TERM \"$pid\"\n"
    "  wait \"$pid\"; code=$?\n"
    "  while kill -0 \"$pid\" 2>/dev/null; do wait \"$pid\"; code=$?; done\n"
    "  [ -z \"$stopped\" ] && [ \"$code\" = 0 ] || exit \"$code\"\n"
    "  pid=\n"
    "  over || mark .stopped\n"
    "fi\n"
    "if is .stopped; then echo \"$job: was stopped\"; else echo \"$job: has finished\"; fi\n"
    "[ -z \"$stopped\" ] || exit 0\n"
    "sleep infinity & pid=$!\n"
    "wait \"$pid\"\n"
    "exit 0\n";

// The job answers, or has finished. $0 is the job.
inline constexpr std::string_view kAloneIsReady =
    "stream wait \"$0\" --for running --timeout 5s || stream wait \"$0\" --timeout 1ms";

// Of each of several supervisors. Whether the job has ended is known where it is decided who leads: whoever asks there
// again is told so, and does nothing. One that fails is started again. $1 is the digest, $2 the job, $3 the savepoint
// that it begins from, $4 how, which holds until it has been seen to run, and the rest what `stream` is told.
inline constexpr std::string_view kOfSeveral =
    "digest=$1 job=$2 from=$3 first=$4\n"
    "shift 4\n"
    "cd \"$STREAM_DATA\" || exit 1\n"
    "[ -z \"$STREAM_CHECKPOINTS\" ] || mkdir -p \"$STREAM_CHECKPOINTS\" || exit 1\n"
    "[ \"$(cat .deployed 2>/dev/null)\" != \"$digest\" ] || from= first=\n"
    "rm -f \"$STREAM_HOME/ended\"\n"
    "stop() { stopped=1; [ -z \"$pid\" ] || kill -TERM \"$pid\"; }\n"
    "trap stop TERM INT\n"
    "stream \"$@\" ${from:+--from=\"$from\"} ${first:+\"$first\"} &\n"
    "pid=$!\n"
    "[ -z \"$from$first\" ] || (until stream wait \"$job\" --for running --timeout 5s 2>/dev/null; do sleep 1; done\n"
    "  printf %s \"$digest\" > .deployed.new && mv .deployed.new .deployed) &\n"
    "[ -z \"$stopped\" ] || kill -TERM \"$pid\"\n"
    "wait \"$pid\"; code=$?\n"
    "while kill -0 \"$pid\" 2>/dev/null; do wait \"$pid\"; code=$?; done\n"
    "[ -z \"$stopped\" ] && [ \"$code\" = 0 ] || exit \"$code\"\n"
    "echo \"$job: has ended\"\n"
    "touch \"$STREAM_HOME/ended\"\n"
    "sleep infinity & pid=$!\n"
    "wait \"$pid\"\n"
    "exit 0\n";

// It leads and every instance runs, or it stands by, or the job has ended.
inline constexpr std::string_view kOneOfSeveralIsReady =
    "[ -e \"$STREAM_HOME/ended\" ] || stream ps --json | grep -q '\"STANDBY\"' || "
    "stream wait \"$0\" --for running --timeout 5s";

}  // namespace stream::kubernetes
