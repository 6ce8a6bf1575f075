// Changes as the verbs make them: a supervisor is asked, or the job's store is changed where there is none.
#pragma once

#include <semaphore>
#include <vector>

#include "supervisor/http/changes.h"
#include "supervisor/http/submission.h"

namespace stream::http {

inline constexpr std::ptrdiff_t kSubmissions = 4;  // looked at or started at once

class LiveChanges final : public Changes {
 public:
  // `program`: the `stream` that starts jobs. What requests may name is inside of the permissions.
  LiveChanges(std::string program, Permissions permissions)
      : program_(std::move(program)), permissions_(std::move(permissions)) {}

  Result<std::string> savepoint(const std::string& job, const std::string& to) override;
  Result<std::string> stop(const std::string& job, const std::string& to, bool drain) override;
  Result<std::uint64_t> checkpoint(const std::string& job) override;
  Status cancel(const std::string& job) override;
  Status rescale(const std::string& job, const std::map<std::string, std::uint32_t>& parallelism) override;
  Status dispose(const std::string& path) override;
  Status resume(const std::string& job) override;
  Result<std::vector<std::string>> submit(const std::string& manifest) override;
  Status validate(const std::string& manifest) override;
  Status check_place(const std::string& path) override;

 private:
  Status run(const std::vector<std::string>& args, const std::string& manifest) const;

  const std::string program_;
  const Permissions permissions_;
  std::counting_semaphore<kSubmissions> room_{kSubmissions};
};

}  // namespace stream::http
