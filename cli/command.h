// What the verbs share: options through CLI11, exit codes, errors on standard error.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace CLI {
class App;
}

namespace stream {

inline constexpr int kDone = 0;
inline constexpr int kNo = 1;  // the answer is no
inline constexpr int kUsageExit = 100;
inline constexpr int kSystemExit = 111;

// Prints "stream VERB: fatal: WHAT". Returns the exit code that goes with the status.
int fail(std::string_view verb, const Status& status);

// Runs a verb: `declare` gives the options, `run` does the work. --help prints the options and
// returns 0; every mistake of CLI11 is one line and 100.
int run_verb(std::string_view verb, std::span<const std::string> args, const std::function<void(CLI::App&)>& declare,
             const std::function<int()>& run);

}  // namespace stream
