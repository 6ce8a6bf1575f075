#include "supervisor/drain_watch.h"

#include "transport/base/text.h"

namespace stream {

std::set<std::string> DrainWatch::drained_of(const std::vector<std::string>& lines) {
  std::set<std::string> nodes;
  for (const std::string& line : lines) {
    const std::size_t blank = line.find(' ');
    if (blank != std::string::npos && trim(line.substr(blank)).starts_with("drain"))
      nodes.insert(line.substr(0, blank));
  }
  return nodes;
}

void DrainWatch::add_to(Poller& poller) const {
  if (process_) poller.add_descriptor(process_->talk());
}

// Where the controller is away nothing is told, and what was known holds.
void DrainWatch::turn(Microseconds now) {
  if (!process_ && now - asked_at_ >= kEvery) {
    asked_at_ = now;
    auto process =
        PipedProcess::start({"sinfo", "--noheader", "--Node", "--format=%N %T", "--nodes=" + join(nodes_, ",")});
    if (!process.ok()) return;
    process_.emplace(*std::move(process));
    link_ = LineLink(process_->talk(), process_->talk());
    lines_.clear();
  }
  if (!process_) return;
  const bool ended = !link_.read(lines_).ok();
  if (ended && !lines_.empty()) drained_ = drained_of(lines_);
  if (!ended && now - asked_at_ < kPatience) return;
  if (!ended) process_->kill();
  link_ = LineLink();
  process_.reset();
}

}  // namespace stream
