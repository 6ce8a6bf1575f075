#include "cli/process_cpu.h"

#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace stream {

std::optional<Microseconds> cpu_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // Behind the name, which may hold anything: state, then 10 numbers, then the two that are meant, in ticks.
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (!(rest >> user >> system)) return std::nullopt;
  return (user + system) * (1'000'000 / ::sysconf(_SC_CLK_TCK));
}

std::map<int, Microseconds> cpu_of_instances(const nlohmann::json& stats) {
  std::map<int, Microseconds> all;
  for (const auto& instance : stats["instances"]) {
    const int pid = instance.value("pid", 0);
    if (pid <= 0 || instance.value("far", false)) continue;
    if (const auto us = cpu_of(pid)) all[pid] = *us;
  }
  return all;
}

}  // namespace stream
