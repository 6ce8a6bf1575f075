// CLI11 as all programs use it: errors are a status of one line.
#pragma once

#include <span>
#include <string>

#include "transport/base/status.h"

namespace CLI {
class App;
}

namespace stream {

// Errors: kUsage, "option '--set' needs a value".
Status read_command_line(CLI::App& app, std::span<const std::string> args);

}  // namespace stream
