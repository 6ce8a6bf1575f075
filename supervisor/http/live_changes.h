// Changes as the verbs make them: a supervisor is asked, or the job's store is changed where there is none.
#pragma once

#include <functional>
#include <semaphore>
#include <vector>

#include "supervisor/http/changes.h"
#include "supervisor/http/shared_jobs.h"
#include "supervisor/http/submission.h"

namespace stream::http {

inline constexpr std::ptrdiff_t kSubmissions = 4;  // looked at or started at once
inline constexpr std::ptrdiff_t kQuestions = 4;    // of state, likewise

class LiveChanges final : public Changes {
 public:
  // `program`: the `stream` that starts jobs. What requests may name is inside of the permissions.
  // `shared`: what is begun is also in common with other servers; none: it is this one's.
  LiveChanges(std::string program, Permissions permissions, SharedJobs* shared = nullptr)
      : program_(std::move(program)), permissions_(std::move(permissions)), shared_(shared) {}

  // A supervisor of this host stands by for the job of a manifest, if that keeps to the permissions.
  Status stand_by(const std::string& manifest);

  Result<std::string> savepoint(const std::string& job, const std::string& to) override;
  Result<std::string> stop(const std::string& job, const std::string& to, bool drain) override;
  Result<std::uint64_t> checkpoint(const std::string& job) override;
  Status cancel(const std::string& job) override;
  Status rescale(const std::string& job, const std::map<std::string, WantedInstances>& wanted) override;
  Status dispose(const std::string& path) override;
  Status resume(const std::string& job) override;
  std::optional<SharedJob> in_common(const std::string& wanted) override;
  Result<std::vector<std::string>> submit(const Submission& submission) override;
  Status validate(const Submission& submission) override;
  Status check_upgrade(const std::string& job, const Submission& submission) override;
  Result<Json> upgrade(const std::string& job, const Submission& submission, const UpgradeOptions& options) override;
  Result<Json> state_tables(const std::string& job) override;
  Result<Json> query_state(const std::string& job, const StateQuestion& question) override;
  Status check_place(const std::string& path) override;

 private:
  // One of few at a time.
  using Names = std::vector<std::string>;
  Result<Names> checked(const Submission& submission, const std::function<Status(const Names&)>& then);
  Status run_shared(std::vector<std::string> args, const Submission& submission, const Names& names);
  Status run(std::vector<std::string> args, const Submission& submission) const;
  Result<std::string> ask(const std::vector<std::string>& args);

  const std::string program_;
  const Permissions permissions_;
  SharedJobs* const shared_;
  std::counting_semaphore<kSubmissions> room_{kSubmissions};
  std::counting_semaphore<kQuestions> questions_{kQuestions};
};

}  // namespace stream::http
