// DrainWatch: which nodes of a Slurm job are being drained. Asks now and then, and never waits for an answer.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/agent/line_link.h"
#include "supervisor/piped_process.h"
#include "transport/base/clock.h"
#include "transport/channel.h"

namespace stream {

class DrainWatch {
 public:
  void watch(std::vector<std::string> nodes) { nodes_ = std::move(nodes); }
  void add_to(Poller& poller) const;
  void turn(Microseconds now);
  Microseconds next_turn() const { return asked_at_ + (process_ ? kPatience : kEvery); }
  const std::set<std::string>& drained() const { return drained_; }  // as far as is known

  // Of lines such as "n2 draining".
  static std::set<std::string> drained_of(const std::vector<std::string>& lines);

 private:
  static constexpr Microseconds kEvery = 10'000'000;
  static constexpr Microseconds kPatience = 60'000'000;

  std::vector<std::string> nodes_;
  std::set<std::string> drained_;
  std::optional<PipedProcess> process_;
  LineLink link_;
  std::vector<std::string> lines_;
  Microseconds asked_at_ = 0;
};

}  // namespace stream
