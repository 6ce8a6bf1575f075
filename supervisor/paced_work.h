// PacedWork: work in steps beside a running job, each on the thread whose priority is right by then.
//
// Threads of this process rather than a process of its own: what is unfinished goes with the supervisor, whatever ends
// it, and nobody writes on behind the back of its successor.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "supervisor/savepoint_pace.h"
#include "transport/base/worker.h"

namespace stream {

class PacedWork {
 public:
  // Runs one step to its end, on a thread that gives way to the job, or here once there is hurry. Steps are short: one
  // that has begun stays where it is.
  Status run(const std::function<Status()>& step);
  // From now on nothing is given way to: the job does not run, or somebody waits for its end. For any thread.
  void hurry() { hurry_ = true; }

  // What the kernel did not grant, if anything.
  const std::string& refused() const { return refused_; }

 private:
  class GentleThread {
   public:
    explicit GentleThread(ThreadPriority priority) : priority_(priority) {}
    Status run(const std::function<Status()>& step, std::string& refused);

   private:
    ThreadPriority priority_;
    bool started_ = false;
    Worker worker_;
  };

  std::atomic<bool> hurry_ = false;
  SavepointPace pace_;
  GentleThread idle_{ThreadPriority::kIdle};
  GentleThread low_{ThreadPriority::kLow};
  std::string refused_;
};

}  // namespace stream
