// One of the two runs that `stream compare` has started: its supervisor, and what that says to the other end.
//
// A line of JSON each:
//   {"stats": as `stats --json`, "cpu_us": {PID: N}}     now and then; left out where nobody reads fast enough
//   {"say": TEXT}                                        for the user
//   {"over": STATE, "reason": TEXT, "checkpoints": […], "cpu_us": N}
//   {"refused": TEXT, "usage": BOOLEAN}                  it has not begun
#pragma once

#include <string>

#include "supervisor/job_runner.h"

namespace stream {

// In a process of its own, to its end. Jobs are kept in `folder`/home.
[[noreturn]] void run_side(RunRequest request, const std::string& folder, int report);

}  // namespace stream
