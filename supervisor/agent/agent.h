// Agent: starts the instances of one job on its host for a supervisor elsewhere, and ends them when that is gone.
//
// One supervisor has one agent a host. Whoever comes later with the same place ends the one before and all it has
// started, even where that stands still: there are never two generations of a job's processes on a host.
//
// Who sends it SIGUSR1 wants the host back: the supervisor is told, and moves the instances away.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "supervisor/agent/line_link.h"
#include "supervisor/agent/messages.h"
#include "transport/base/clock.h"

namespace stream {

class Agent {
 public:
  // `leave`: a signalfd(2) of SIGUSR1.
  Agent(int in, int out, int leave) : in_(in), out_(out), leave_(leave), link_(in, out) {}
  ~Agent();

  // Serves to the end of its input. Errors: whatever ends it else; said to the supervisor as well.
  Status run();

 private:
  Status greet();
  Status take_place(const AgentMessage& hello);
  void clear_scratch() const;
  Status end_predecessor(const std::string& file);
  Status wait();
  Status take(const AgentMessage& message);
  void start(const AgentMessage& message);
  void look();
  void look_whether_to_leave();
  void say(const AgentMessage& message) { link_.send(to_json(message)); }

  int in_;
  int out_;
  int leave_;
  LineLink link_;
  int lock_ = -1;
  std::string folder_;
  std::string sockets_;
  Microseconds silence_ = 30'000'000;  // until the supervisor has said what it is
  Microseconds heard_ = 0;
  std::map<std::uint64_t, StageProcess> processes_;
};

}  // namespace stream
