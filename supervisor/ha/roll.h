// Roll: the jobs that several servers stand ready for, by name. It is kept at the place like what is kept of a job,
// under a name that no job has.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/ha/coordination.h"

namespace stream::ha {

class Roll {
 public:
  static constexpr const char* kName = "stream.serve";

  explicit Roll(std::shared_ptr<Coordination> coordination) : coordination_(std::move(coordination)) {}

  // Errors: kSystem, if the place is out of reach; kCorrupt.
  Result<std::vector<std::string>> jobs();  // in alphabetical order
  Status add(const std::string& job);
  Status remove(const std::string& job);

 private:
  Status change(const std::function<void(std::vector<std::string>&)>& edit);

  std::shared_ptr<Coordination> coordination_;
};

}  // namespace stream::ha
