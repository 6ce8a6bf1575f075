// The jobs of this user on this machine. Whatever comes in, a supervisor is asked for the same thing at most a few
// times a second: answers are kept for a moment, and those who ask meanwhile wait for one answer.
#pragma once

#include <functional>
#include <mutex>

#include "supervisor/http/jobs.h"
#include "supervisor/job_paths.h"
#include "transport/base/clock.h"

namespace stream::http {

class LiveJobs final : public Jobs {
 public:
  explicit LiveJobs(std::string only) : only_(std::move(only)) {}  // one job; "" = all

  std::vector<std::string> names() override;
  Result<SharedJson> summary(const std::string& job) override;
  Result<SharedJson> stats(const std::string& job) override;
  Result<SharedJson> metrics(const std::string& job) override;
  Result<SharedJson> list(const std::string& job, const std::string& what) override;
  std::map<std::int64_t, std::string> kept_checkpoints(const std::string& job) override;
  Result<SharedPlan> plan(const std::string& job) override;
  Result<Json> news(const std::string& job, Microseconds since, bool stats) override;
  Result<std::vector<HistoryColumn>> history_columns(const std::string& job) override;
  Result<std::vector<HistorySeries>> history(const std::string& job, const HistoryWish& wish) override;
  std::string stored_mark(const std::string& job) override;
  void forget(const std::string& job) override;
  std::string log_folder(const std::string& job) override { return job_paths(job).logs(); }
  std::map<std::string, std::string> logs(const std::string& job) override;

 private:
  struct Known;
  Result<SharedJson> know(const std::string& job, const std::string& what, const std::function<Result<Json>()>& ask);

  const std::string only_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Known>> known_;  // by "JOB what"
};

}  // namespace stream::http
