#include "supervisor/http/operations.h"

#include <sys/random.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "transport/base/check.h"

namespace stream::http {

std::string new_id() {
  unsigned char bytes[16];
  STREAM_CHECK(::getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
  char text[33];
  for (int i = 0; i < 16; ++i) std::snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  return text;
}

void Operations::forget_old() {
  const Microseconds now = clock_.monotonic_us();
  std::erase_if(all_->entries, [now](const auto& entry) {
    return entry.second.outcome.over && now - entry.second.ended_us >= kOutcomeKept;
  });
  while (all_->entries.size() >= kOperationsKept) {
    auto oldest = all_->entries.end();
    for (auto at = all_->entries.begin(); at != all_->entries.end(); ++at) {
      if (at->second.outcome.over && (oldest == all_->entries.end() || at->second.ended_us < oldest->second.ended_us))
        oldest = at;
    }
    all_->entries.erase(oldest);  // far fewer run than are kept
  }
}

Result<std::string> Operations::begin(const std::string& what, const std::string& wished, Work work) {
  const std::string id = wished.empty() ? new_id() : wished;
  {
    const std::lock_guard lock(all_->mutex);
    forget_old();
    if (const auto known = all_->entries.find(id); known != all_->entries.end()) {
      if (known->second.what == what) return id;
      return usage_error("the triggerId '" + id + "' is that of another operation; send another, or none");
    }
    if (all_->running >= kOperationsAtOnce) {
      return Status(Code::kInterrupted, std::to_string(kOperationsAtOnce) +
                                            " operations are under way, the most at once; try again when one is over");
    }
    all_->entries[id].what = what;
    ++all_->running;
  }
  std::thread([all = all_, id, work = std::move(work), &clock = clock_] {
    nlohmann::json told = work();
    const std::lock_guard lock(all->mutex);
    Entry& entry = all->entries[id];
    entry.outcome = {true, std::move(told)};
    entry.ended_us = clock.monotonic_us();
    --all->running;
    all->changed.notify_all();
  }).detach();
  return id;
}

std::optional<Operations::Outcome> Operations::look(const std::string& what, const std::string& id) {
  const std::lock_guard lock(all_->mutex);
  forget_old();
  const auto at = all_->entries.find(id);
  if (at == all_->entries.end() || at->second.what != what) return std::nullopt;
  return at->second.outcome;
}

bool Operations::wait_until_idle(Microseconds patience) {
  std::unique_lock lock(all_->mutex);
  return all_->changed.wait_for(lock, std::chrono::microseconds(patience), [this] { return all_->running == 0; });
}

}  // namespace stream::http
