// What the verbs share: how one is run, exit codes, errors on standard error.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "cli/verb.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr int kDone = 0;
inline constexpr int kNo = 1;
inline constexpr int kUsageExit = 100;
inline constexpr int kSystemExit = 111;

struct VerbExit {
  int code;
  std::string_view meaning;
};

// Of all verbs; manual pages list them from here.
inline constexpr std::array kVerbExits = {
    VerbExit{kDone, "Done."},
    VerbExit{kNo, "The answer is no, or what was asked for has failed."},
    VerbExit{kUsageExit, "Wrong use: an option, a name, a manifest, a pipeline."},
    VerbExit{kSystemExit, "The system failed."},
};

// Prints "stream VERB: fatal: WHAT". Returns the exit code that goes with the status.
int fail(std::string_view verb, const Status& status);

// Reads the arguments behind the verb by its table and runs it, or prints its help or manual page.
int run_verb(const Verb& verb, std::span<const std::string> args);

}  // namespace stream
