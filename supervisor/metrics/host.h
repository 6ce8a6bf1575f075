// What the machine and this process use, from /proc.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/metrics/view.h"

namespace stream::metrics {

// Texts of /proc. Pure.
struct CpuTicks {
  std::uint64_t busy = 0;
  std::uint64_t all = 0;
};
CpuTicks parse_cpu(std::string_view stat);                    // /proc/stat
void parse_load(std::string_view loadavg, HostView& host);    // /proc/loadavg
void parse_memory(std::string_view meminfo, HostView& host);  // /proc/meminfo
// /proc/self/stat; of the view all but cpu_share.
ProcessView parse_process(std::string_view stat, long ticks_per_second, long page_bytes);

class HostProbe {
 public:
  // Shares are of the time since the call before.
  void look(Microseconds monotonic, HostView& host, ProcessView& process);

 private:
  CpuTicks before_;
  Microseconds cpu_before_ = 0;
  Microseconds looked_ = 0;
};

std::string host_name();

}  // namespace stream::metrics
