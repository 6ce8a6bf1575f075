// What the system says of processes.
#pragma once

#include <sys/types.h>

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "transport/base/clock.h"

namespace stream {

// CPU time of a process since it began, of all its threads; nothing if there is none.
std::optional<Microseconds> cpu_of(pid_t pid);

// The same of all instances of `stats --json`, by process. Of processes of this machine.
std::map<int, Microseconds> cpu_of_instances(const nlohmann::json& stats);

}  // namespace stream
