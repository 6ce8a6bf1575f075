// Changes as the verbs make them: a supervisor is asked, or the job's store is changed where there is none.
#pragma once

#include <vector>

#include "supervisor/http/changes.h"

namespace stream::http {

class LiveChanges final : public Changes {
 public:
  // `program`: the `stream` that resumes jobs. `roots`: absolute folders that savepoints may be made in.
  LiveChanges(std::string program, std::vector<std::string> roots)
      : program_(std::move(program)), roots_(std::move(roots)) {}

  Result<std::string> savepoint(const std::string& job, const std::string& to) override;
  Result<std::string> stop(const std::string& job, const std::string& to, bool drain) override;
  Result<std::uint64_t> checkpoint(const std::string& job) override;
  Status cancel(const std::string& job) override;
  Status rescale(const std::string& job, const std::map<std::string, std::uint32_t>& parallelism) override;
  Status dispose(const std::string& path) override;
  Status resume(const std::string& job) override;
  Status check_place(const std::string& path) override;

 private:
  const std::string program_;
  const std::vector<std::string> roots_;
};

// Whether a path, with all links followed as far as it is there, is one of the folders or inside of one.
bool is_inside(const std::string& path, const std::vector<std::string>& folders);

}  // namespace stream::http
