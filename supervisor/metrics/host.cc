#include "supervisor/metrics/host.h"

#include <unistd.h>

#include <charconv>
#include <climits>
#include <fstream>
#include <sstream>

#include "transport/base/text.h"

namespace stream::metrics {
namespace {

std::string read_all(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string> words(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

}  // namespace

CpuTicks parse_cpu(std::string_view stat) {
  const std::vector<std::string> fields = words(stat.substr(0, stat.find('\n')));
  CpuTicks ticks;
  // user nice system idle iowait irq softirq steal; what follows is in these.
  for (std::size_t i = 1; i < fields.size() && i <= 8; ++i) {
    const std::uint64_t value = number(fields[i]);
    ticks.all += value;
    if (i != 4 && i != 5) ticks.busy += value;
  }
  return ticks;
}

void parse_load(std::string_view loadavg, HostView& host) {
  std::istringstream in{std::string(loadavg)};
  in >> host.load[0] >> host.load[1] >> host.load[2];
}

void parse_memory(std::string_view meminfo, HostView& host) {
  std::uint64_t swap_free = 0;
  for (const std::string& line : split(meminfo, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = line.substr(0, colon);
    const std::uint64_t bytes = number(trim(std::string_view(line).substr(colon + 1))) * 1024;
    if (name == "MemTotal") host.memory_total = bytes;
    if (name == "MemAvailable") host.memory_available = bytes;
    if (name == "SwapTotal") host.swap_total = bytes;
    if (name == "SwapFree") swap_free = bytes;
  }
  host.swap_used = host.swap_total - std::min(host.swap_total, swap_free);
}

ProcessView parse_process(std::string_view stat, long ticks_per_second, long page_bytes) {
  ProcessView process;
  // Behind the name, which may hold anything: state, then numbers.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return process;
  const std::vector<std::string> fields = words(stat.substr(name_end + 1));
  if (fields.size() < 22) return process;
  const std::uint64_t ticks = number(fields[11]) + number(fields[12]);
  process.cpu_us = static_cast<Microseconds>(ticks) * (1'000'000 / ticks_per_second);
  process.threads = number(fields[17]);
  process.resident_bytes = number(fields[21]) * static_cast<std::uint64_t>(page_bytes);
  return process;
}

void HostProbe::look(Microseconds monotonic, HostView& host, ProcessView& process) {
  const CpuTicks ticks = parse_cpu(read_all("/proc/stat"));
  if (before_.all != 0 && ticks.all > before_.all) {
    host.cpu_share = static_cast<double>(ticks.busy - std::min(ticks.busy, before_.busy)) /
                     static_cast<double>(ticks.all - before_.all);
  }
  before_ = ticks;
  parse_load(read_all("/proc/loadavg"), host);
  parse_memory(read_all("/proc/meminfo"), host);
  process = parse_process(read_all("/proc/self/stat"), ::sysconf(_SC_CLK_TCK), ::sysconf(_SC_PAGESIZE));
  if (looked_ != 0 && monotonic > looked_) {
    process.cpu_share = static_cast<double>(process.cpu_us - cpu_before_) / static_cast<double>(monotonic - looked_);
  }
  cpu_before_ = process.cpu_us;
  looked_ = monotonic;
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, HOST_NAME_MAX) == 0 ? name : "localhost";
}

}  // namespace stream::metrics
