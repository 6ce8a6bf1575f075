// Renderer: has `stream deploy` plan a pipeline and make its objects, in a process of its own, which sees no more than
// the manifest. What was made is kept, so that nothing is planned twice.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/kubernetes/controller/told.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::kubernetes {

class Renderer {
 public:
  // `program`: path of `stream`. `folder`: an empty one, for what it is told.
  Renderer(std::string program, std::string folder) : program_(std::move(program)), folder_(std::move(folder)) {}

  // Errors: kFailed with all that is wrong with the manifest or the options, a line each.
  Result<std::vector<nlohmann::json>> objects(const Kept& kept, const Owner& owner, const std::string& tokens);

 private:
  struct Made {
    std::string lines;
    std::string wrong;
    Microseconds at = 0;  // monotonic; what was wrong may be right some time later
  };
  Result<Made> made(const Told& told);

  std::string program_;
  std::string folder_;
  std::map<std::string, Made> known_;
};

}  // namespace stream::kubernetes
