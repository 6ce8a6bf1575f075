// What a request may do to jobs. Each waits until it is done.
#pragma once

#include <map>
#include <string>

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
  // Where a savepoint may be made: inside of one of the folders that the server was given. Errors: kUsage.
  virtual Status check_place(const std::string& path) = 0;
};

}  // namespace stream::http
