// Profiles of running instances: `stream profile` and the flame graphs of the server.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "supervisor/job_paths.h"
#include "supervisor/profile/call_tree.h"
#include "supervisor/profile/settings.h"

namespace stream {

struct ProfileWish {
  std::string stage = {};
  std::optional<std::uint32_t> instance = {};  // else all of the stage
  Microseconds duration = 5'000'000;
  std::uint32_t rate = 99;
  profile::States states = profile::States::kOnCpu;
};

struct Profile {
  profile::CallTree tree;  // instance, thread, functions
  profile::Summary summary;
  std::size_t instances = 0;
};

// Has `profiler`, a program, look at the instances, for as long as is wished; at least one sample of a thread that runs
// all the time is there then. Errors: kUsage for a stage or an instance that is not there, kFailed if the job does not
// run or its processes may not be looked into.
Result<Profile> profile_job(const JobPaths& job, const ProfileWish& wish, const std::string& profiler);

}  // namespace stream
