// A child process that answers one question: started, fed, read and reaped within a bounded time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

struct Finished {
  int exit_code = 0;  // if signal == 0
  int signal = 0;     // that ended it
  std::string out;
  std::string err;  // the first 64 KiB
};

inline constexpr Microseconds kAnswerTimeout = 10'000'000;
inline constexpr std::size_t kAnswerBytesMax = 64U << 20;

// Runs `executable` (a path; PATH is not searched) with `input` on its standard input. A child
// that takes longer or prints more than kAnswerBytesMax is killed. Errors: kFailed naming the
// executable, kSystem or kNotFound if it could not be started.
Result<Finished> run_child(const std::string& executable, const std::vector<std::string>& args, std::string_view input,
                           Microseconds timeout = kAnswerTimeout);

// The standard output of a child that exited with 0. Errors: kFailed with the last line it wrote
// to standard error.
Result<std::string> ask_child(const std::string& executable, const std::vector<std::string>& args,
                              std::string_view input, Microseconds timeout = kAnswerTimeout);

}  // namespace stream
