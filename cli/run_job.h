// Running a job in this process, or in one of its own.
#pragma once

#include <string_view>

#include "supervisor/job_runner.h"

namespace stream {

// Blocks the signals that end a job, and those of a terminal that changes its size; they become readable.
int open_signals();

// `http`: where the job is served meanwhile; "" = nowhere. See job_server.h.
//
// `ha`: where supervisors of the job on other hosts are found; "" = there are none. See supervisor/ha.
//
// In the foreground: one live status line on a terminal, warnings and errors on standard error,
// Ctrl-C stops at a final checkpoint. Returns the exit code.
int run_foreground(std::string_view verb, RunRequest request, const std::string& http = {}, const std::string& ha = {});

// In the background: returns when it is RUNNING, stands by, or has failed.
int run_detached(std::string_view verb, RunRequest request, const std::string& http = {}, const std::string& ha = {});

}  // namespace stream
