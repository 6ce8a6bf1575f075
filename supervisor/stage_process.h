// StageProcess: one process of a stage, started and watched by its supervisor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

struct ProcessExit {
  bool signalled = false;
  int code = 0;                    // exit code, or the signal's number
  std::uint64_t resident_kib = 0;  // the most it ever had
  std::string lost = {};           // not empty: nobody knows how it ended, and why that is: its host is lost
};

// "exit code 98", "killed by SIGKILL".
std::string to_string(const ProcessExit& exit);

class StageProcess {
 public:
  // Starts `argv` (argv[0] is the path). The process has its own group, so that Ctrl-C reaches
  // only the supervisor, dies with its parent, reads nothing, writes both outputs into a pipe of
  // ours (standard output to `output` instead, if that is not negative), and inherits `inherit`
  // (the job's lock) if not negative. Call from the main thread only:
  // the death signal belongs to the thread that forks. `input`: what it reads after all.
  static Result<StageProcess> start(const std::vector<std::string>& argv, int inherit, int output = -1,
                                    const std::string& input = {});
  StageProcess(StageProcess&& other) noexcept;
  StageProcess& operator=(StageProcess&& other) noexcept;
  // Kills and reaps what still runs.
  ~StageProcess();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_; }    // readable when it has ended
  int output() const { return output_; }  // readable when it has written; -1 after its end

  // Whole lines written since the last call, without their ends; a line over 64 KiB is cut.
  std::vector<std::string> read_lines();
  const std::deque<std::string>& last_lines() const { return last_lines_; }  // at most 20

  std::optional<ProcessExit> reap();  // if it has ended; once
  bool running() const { return pid_ > 0 && !reaped_; }
  void signal(int number) const;

 private:
  StageProcess() = default;
  void close();
  void take_line(std::vector<std::string>& lines);

  pid_t pid_ = -1;
  int pidfd_ = -1;
  int output_ = -1;
  bool reaped_ = false;
  std::string partial_;
  std::deque<std::string> last_lines_;
};

}  // namespace stream
