// ForegroundTalk: what a foreground `run` says on stderr while its job runs: warnings, errors, the live line.
//
// Nothing here waits. A pipe nobody reads and a terminal on Ctrl-S take no more at some time, and a supervisor that
// waited there would hold up its job: such lines are left out, and counted once there is room again.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "supervisor/job_log.h"

namespace stream {

class JobRunner;

class ForegroundTalk {
 public:
  // `live`: stderr is a terminal that shows the live line. `warnings`: that a job restarts is logged.
  ForegroundTalk(std::string job, bool live, bool warnings) : job_(std::move(job)), live_(live), warnings_(warnings) {}

  // The last word of a stage waits for what follows at once: the end of the job, which repeats it, or the warning
  // that it restarts, where warnings are logged.
  void hear(const LogLine& line);
  void show(const JobRunner& runner);
  // The job is over, for `reason`, and stderr is left to whoever speaks next.
  void end(const std::string& reason);

 private:
  void say(const LogLine& line);
  void say_line(const std::string& text);
  void clear();
  std::string cleared() const;

  const std::string job_;
  const bool live_;
  const bool warnings_;
  std::optional<LogLine> last_;
  std::size_t shown_ = 0;   // columns of the live line
  std::size_t unsaid_ = 0;  // lines left out since the last one that was not
};

}  // namespace stream
