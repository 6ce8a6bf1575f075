// What is known of this machine.
#pragma once

#include <cstdint>

namespace stream::http {

struct HostFacts {
  std::int64_t cores = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t free_bytes = 0;  // that processes can still get
};
HostFacts host_facts();

}  // namespace stream::http
