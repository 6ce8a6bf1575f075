#include "supervisor/http/host.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace stream::http {

HostFacts host_facts() {
  HostFacts facts;
  facts.cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return facts;
  facts.memory_bytes = static_cast<std::int64_t>(info.totalram) * info.mem_unit;
  facts.free_bytes = static_cast<std::int64_t>(info.freeram) * info.mem_unit;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string name, unit; meminfo >> name;) {
    std::int64_t kib = 0;
    meminfo >> kib;
    std::getline(meminfo, unit);
    if (name == "MemAvailable:") facts.free_bytes = kib * 1024;
  }
  return facts;
}

}  // namespace stream::http
