#include "transport/base/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace stream {

Status in_parallel(std::size_t count, std::size_t threads, const std::function<Status(std::size_t)>& work) {
  std::vector<Status> results(count);
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failing = false;
  const auto take_turns = [&] {
    while (!failing) {
      const std::size_t i = next++;
      if (i >= count) return;
      results[i] = work(i);
      if (!results[i].ok()) failing = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(take_turns);
    take_turns();
  }
  for (Status& result : results) STREAM_TRY(std::move(result));
  return {};
}

std::size_t threads_here() { return std::clamp(std::thread::hardware_concurrency(), 1U, 16U); }

}  // namespace stream
