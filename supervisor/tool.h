// The programs of what others run, called as its users call them: sbatch, systemctl.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

// What it prints. Looked up in PATH. Errors: kFailed with what it says, or where it is not installed.
// The default is long enough for a controller that is started again to answer.
inline constexpr Microseconds kToolPatience = 120'000'000;
Result<std::string> run_tool(const std::string& name, const std::vector<std::string>& args, std::string_view input = {},
                             Microseconds patience = kToolPatience);

}  // namespace stream
