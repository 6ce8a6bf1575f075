// CompareKeeper: the process between `stream compare` and the two runs it has started.
//
// It lives as long as somebody holds the other end of its pipe. Whatever ends `stream compare`, the keeper then kills
// both runs with all their processes, which are its descendants, and removes their folder.
//
//   stream compare ── keeper ─┬─ supervisor of A ── its stages
//                             └─ supervisor of B ── its stages
#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "compare/result_diff.h"
#include "supervisor/job_runner.h"

namespace stream {

class CompareKeeper {
 public:
  struct Wish {
    std::vector<RunRequest> requests;  // A, B
    std::string folder;                // made at first, with a/ and b/ in it, and removed at the end
    bool both = true;                  // else B is started by start_second()
  };
  // Forks: this process has one thread. Errors: kSystem.
  static Result<std::unique_ptr<CompareKeeper>> start(Wish wish);
  // Ends both runs if they are not over, and waits until nothing is left of them.
  ~CompareKeeper();
  CompareKeeper(const CompareKeeper&) = delete;
  CompareKeeper& operator=(const CompareKeeper&) = delete;

  int reports(Side side) const { return reports_[index_of(side)]; }  // what run_side() says; does not block
  void start_second() const { say('b'); }
  void stop() const { say('s'); }  // at a final checkpoint

 private:
  CompareKeeper() = default;
  void say(char word) const;

  pid_t pid_ = -1;
  std::string folder_;
  int control_ = -1;
  std::array<int, 2> reports_ = {-1, -1};
};

}  // namespace stream
