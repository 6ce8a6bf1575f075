#include "supervisor/http/threads.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "transport/base/text.h"

namespace stream::http {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return std::string(trim(std::string(std::istreambuf_iterator<char>(file), {})));
}

// Of "12 (a name) S 1 …": a name may hold anything, also brackets.
std::string state_of(const std::string& stat) {
  const std::size_t end = stat.rfind(") ");
  switch (end == std::string::npos ? '?' : stat[end + 2]) {
    case 'R': return "RUNNABLE";
    case 'S': return "WAITING";
    case 'D': return "BLOCKED";
    case 'T':
    case 't': return "STOPPED";
    default: return "TERMINATED";
  }
}

}  // namespace

std::vector<ThreadFacts> threads_of(pid_t process) {
  std::vector<ThreadFacts> threads;
  std::error_code error;
  const std::string folder = "/proc/" + std::to_string(process) + "/task";
  for (auto at = std::filesystem::directory_iterator(folder, error); !error && at != std::filesystem::end(at);
       at.increment(error)) {
    const auto id = parse_integer(at->path().filename().string());
    const std::string stat = read(at->path() / "stat");
    if (!id.ok() || stat.empty()) continue;  // it has ended meanwhile
    const std::string waits_in = read(at->path() / "wchan");
    threads.push_back({static_cast<pid_t>(*id), read(at->path() / "comm"), state_of(stat),
                       waits_in == "0" ? std::string() : waits_in});
  }
  std::ranges::sort(threads, {}, &ThreadFacts::id);
  return threads;
}

}  // namespace stream::http
