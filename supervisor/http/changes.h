// What a request may do to jobs. Each waits until it is done.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/http/jobs.h"
#include "supervisor/http/submission.h"

namespace stream::http {

struct UpgradeOptions {
  std::string trial = {};  // durations; "" = as the verb has it
  std::string timeout = {};
  std::string label = {};
  bool drop_state = false;  // of stages that are gone
};

struct StateQuestion {
  std::string sql;
  bool live = false;          // of the instances, as they are now
  std::int64_t limit = 1000;  // rows
};

// Of a stage: so many instances or, where `least` is not 0, at least that and at most so many.
struct WantedInstances {
  std::uint32_t least = 0;
  std::uint32_t most = 1;
};

// A job that servers have in common.
struct SharedJob {
  std::string name;
  std::string id;
  std::string ended;  // "STOPPED", …; "" = it is not over
};

class Changes {
 public:
  virtual ~Changes() = default;

  // `to`: the folder to make; "" = in the job's savepoints folder. Gives its path.
  virtual Result<std::string> savepoint(const std::string& job, const std::string& to) = 0;
  virtual Result<std::string> stop(const std::string& job, const std::string& to, bool drain) = 0;
  virtual Result<std::uint64_t> checkpoint(const std::string& job) = 0;
  virtual Status cancel(const std::string& job) = 0;
  virtual Status rescale(const std::string& job, const std::map<std::string, WantedInstances>& wanted) = 0;
  // A savepoint that a job has made.
  virtual Status dispose(const std::string& path) = 0;
  virtual Status resume(const std::string& job) = 0;
  // By its name or id. What this host knows itself of such a job may be old, or nothing.
  virtual std::optional<SharedJob> in_common(const std::string& wanted) = 0;
  // Starts the pipelines of a manifest, and gives their names when they run. Errors: kUsage, a line for each thing that
  // is wrong with it or is not allowed; kFailed where one cannot be started.
  virtual Result<std::vector<std::string>> submit(const Submission& submission) = 0;
  virtual Status validate(const Submission& submission) = 0;  // as submit(), without starting anything
  // Whether another version may take the place of a job. Errors: as validate().
  virtual Status check_upgrade(const std::string& job, const Submission& submission) = 0;
  // … and does: {"upgraded", "path", "epoch", "reason"}, as `stream upgrade --json` says it.
  virtual Result<Json> upgrade(const std::string& job, const Submission& submission, const UpgradeOptions& options) = 0;
  // Tables of the newest checkpoint, as `stream state show --json` says them. Errors: kNotFound where there is none.
  virtual Result<Json> state_tables(const std::string& job) = 0;
  // {"columns", "rows", …} of a statement that reads. Errors: kUsage for what is wrong with it, kFailed.
  virtual Result<Json> query_state(const std::string& job, const StateQuestion& question) = 0;
  // Where a savepoint may be made: inside of one of the folders that the server was given. Errors: kUsage.
  virtual Status check_place(const std::string& path) = 0;
};

}  // namespace stream::http
