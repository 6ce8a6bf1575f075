// Running a job in this process, or in one of its own.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/job_runner.h"

namespace stream {

// Blocks the signals that end a job, and those of a terminal that changes its size; they become readable.
int open_signals();

// Of a job for which supervisors on other hosts stand ready, see supervisor/ha.
struct SeveralSupervisors {
  std::string place;          // where they are found; "" = there are none
  bool only_standby = false;  // begin nothing
  std::string advertise;      // URL at which others reach what serves this host's jobs; "" = what `http` serves

  const std::string& advertised(const std::string& own) const { return advertise.empty() ? own : advertise; }
};

// `http`: where the job is served meanwhile; "" = nowhere. See job_server.h.
//
// In the foreground: one live status line on a terminal, warnings and errors on standard error,
// Ctrl-C stops at a final checkpoint. Returns the exit code.
int run_foreground(std::string_view verb, RunRequest request, const std::string& http = {},
                   const SeveralSupervisors& ha = {});

// In the background: returns when it is RUNNING, stands by, or has failed.
int run_detached(std::string_view verb, RunRequest request, const std::string& http = {},
                 const SeveralSupervisors& ha = {});

}  // namespace stream
