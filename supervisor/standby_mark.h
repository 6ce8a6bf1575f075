// Standby mark: JOB/standby, which a supervisor that stands by for the job holds locked, and in which it says who
// leads.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "supervisor/job_paths.h"
#include "transport/base/status.h"

namespace stream {

class StandbyMark {
 public:
  // Errors: kFailed if another process of this host stands by for the job; kSystem.
  static Result<StandbyMark> hold(const JobPaths& paths);
  StandbyMark(StandbyMark&& other) noexcept;
  StandbyMark& operator=(StandbyMark&& other) = delete;
  ~StandbyMark();

  // {"host", "pid", "folder", "http", "term"} of the leader, and of the standby itself: {"own_pid", "since_us"}.
  Status say(const nlohmann::json& leader);

 private:
  StandbyMark(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

// What the one that stands by says; none if nobody does here.
std::optional<nlohmann::json> standby_of(const JobPaths& paths);

}  // namespace stream
