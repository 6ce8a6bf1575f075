// Which of the parts that are open, by folder, are closed: what parts in a folder and in object storage have alike.
#pragma once

#include <algorithm>
#include <utility>

#include "transport/base/clock.h"

namespace stream {

template <class Open, class Closed>
void close_oldest(Open& open, Closed& closed) {
  const auto oldest = std::ranges::min_element(open, {}, [](const auto& entry) { return entry.second->opened; });
  closed.push_back(std::move(oldest->second));
  open.erase(oldest);
}

// Those that were opened by `since`.
template <class Open, class Closed>
void close_opened_until(Open& open, Closed& closed, Microseconds since) {
  for (auto entry = open.begin(); entry != open.end();) {
    if (entry->second->opened > since) {
      ++entry;
      continue;
    }
    closed.push_back(std::move(entry->second));
    entry = open.erase(entry);
  }
}

}  // namespace stream
