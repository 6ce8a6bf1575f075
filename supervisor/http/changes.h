// What a request may do to jobs. Each waits until it is done.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/http/jobs.h"

namespace stream::http {

class Changes {
 public:
  virtual ~Changes() = default;

  // `to`: the folder to make; "" = in the job's savepoints folder. Gives its path.
  virtual Result<std::string> savepoint(const std::string& job, const std::string& to) = 0;
  virtual Result<std::string> stop(const std::string& job, const std::string& to, bool drain) = 0;
  virtual Result<std::uint64_t> checkpoint(const std::string& job) = 0;
  virtual Status cancel(const std::string& job) = 0;
  virtual Status rescale(const std::string& job, const std::map<std::string, std::uint32_t>& parallelism) = 0;
  // A savepoint that a job has made.
  virtual Status dispose(const std::string& path) = 0;
  virtual Status resume(const std::string& job) = 0;
  // Starts the pipelines of a manifest, and gives their names when they run. Errors: kUsage, a line for each thing that
  // is wrong with it or is not allowed; kFailed where one cannot be started.
  virtual Result<std::vector<std::string>> submit(const std::string& manifest) = 0;
  virtual Status validate(const std::string& manifest) = 0;  // as submit(), without starting anything
  // Where a savepoint may be made: inside of one of the folders that the server was given. Errors: kUsage.
  virtual Status check_place(const std::string& path) = 0;
};

}  // namespace stream::http
