// What the containers of a job do, as arguments of /bin/sh -c.
#pragma once

#include <string_view>

namespace stream::kubernetes {

// Of the one supervisor there is. A Deployment starts whatever ends: a job that has finished must not begin anew, so
// its end is read from what the job itself keeps, with the digest of what was run. SIGTERM is the job's: it ends with a
// checkpoint. $1 is the digest, $2 the job, the rest what `stream` is told.
inline constexpr std::string_view kAlone =
    "digest=$1 job=$2\n"
    "shift 2\n"
    "cd \"$STREAM_DATA\" || exit 1\n"
    "stop() { stopped=1; [ -z \"$pid\" ] || kill -TERM \"$pid\"; }\n"
    "trap stop TERM INT\n"
    "if [ \"$(cat .deployed 2>/dev/null)\" != \"$digest\" ] || ! stream wait \"$job\" --timeout 1ms 2>/dev/null; then\n"
    "  printf %s \"$digest\" > .deployed.new && mv .deployed.new .deployed || exit 1\n"
    "  stream \"$@\" &\n"
    "  pid=$!\n"
    "  [ -z \"$stopped\" ] || kill -TERM \"$pid\"\n"
    "  wait \"$pid\"; code=$?\n"
    "  while kill -0 \"$pid\" 2>/dev/null; do wait \"$pid\"; code=$?; done\n"
    "  [ -z \"$stopped\" ] && [ \"$code\" = 0 ] || exit \"$code\"\n"
    "  pid=\n"
    "  stream wait \"$job\" --timeout 1ms || exit 1\n"
    "fi\n"
    "echo \"$job: has finished\"\n"
    "[ -z \"$stopped\" ] || exit 0\n"
    "sleep infinity & pid=$!\n"
    "wait \"$pid\"\n"
    "exit 0\n";

// The job answers, or has finished. $0 is the job.
inline constexpr std::string_view kAloneIsReady =
    "stream wait \"$0\" --for running --timeout 5s || stream wait \"$0\" --timeout 1ms";

// Of each of several supervisors. Whether the job has ended is known where it is decided who leads: whoever asks there
// again is told so, and does nothing. One that fails is started again. $1 is the job, the rest what `stream` is told.
inline constexpr std::string_view kOfSeveral =
    "job=$1\n"
    "shift\n"
    "cd \"$STREAM_DATA\" || exit 1\n"
    "rm -f \"$STREAM_HOME/ended\"\n"
    "stop() { stopped=1; [ -z \"$pid\" ] || kill -TERM \"$pid\"; }\n"
    "trap stop TERM INT\n"
    "stream \"$@\" &\n"
    "pid=$!\n"
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
