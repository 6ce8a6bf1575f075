// Sampler: looks at the threads of one process. A thread that is looked at stands still for some ten microseconds, as
// its registers and stack are copied; one that waits where it waited the last time is not touched at all.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/profile/settings.h"
#include "supervisor/profile/unwinder.h"

namespace stream::profile {

class Sampler {
 public:
  // Errors: kFailed if this user may not look into the process, with what to do; kNotFound if it has ended.
  static Result<std::unique_ptr<Sampler>> open(const Target& target, States states);

  using Take = std::function<void(const std::string& folded)>;  // "errors.0;stream-filter;main;…"
  // Looks at each thread once. False: the process has ended.
  bool look(const Take& take);

  std::uint64_t missed() const { return missed_; }

 private:
  struct Waiting {
    std::string where;  // the line of the kernel that tells in which call, with what, and where in the stack
    std::string folded;
  };
  Sampler(Target target, States states) : target_(std::move(target)), states_(states) {}
  void look_at(pid_t thread, const Take& take);
  std::optional<std::string> fold(pid_t thread);
  const std::string& name_of(pid_t thread);
  void let_go();

  Target target_;
  States states_;
  std::unique_ptr<Unwinder> unwinder_;
  std::map<pid_t, std::string> names_;
  std::map<pid_t, Waiting> waiting_;
  std::set<pid_t> late_;  // asked to stop, which they have not done yet
  std::uint64_t missed_ = 0;
};

}  // namespace stream::profile
