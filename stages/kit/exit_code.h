// Exit codes are an interface: the supervisor decides by them, scripts test them, man pages list
// them from this table. A child killed by a signal is a separate fact, never folded into a code.
#pragma once

#include <array>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitBadRecord = 98,
  kExitBadSnapshot = 99,
  kExitUsage = 100,
  kExitSystem = 111,
};

struct ExitCodeEntry {
  ExitCode code;
  std::string_view meaning;
  bool restart;  // what the supervisor does
};

inline constexpr std::array kExitCodes = {
    ExitCodeEntry{kExitOk, "end of input, everything emitted", false},
    ExitCodeEntry{kExitFailed, "failed; a supervisor restarts it from the last checkpoint", true},
    ExitCodeEntry{kExitBadRecord,
                  "a bad record under 'on-error: fail', or a row that the target refuses; never restarted", false},
    ExitCodeEntry{kExitBadSnapshot, "snapshot unusable; restarted from an earlier checkpoint", true},
    ExitCodeEntry{kExitUsage, "wrong options, or what they name is of the wrong kind; never restarted", false},
    ExitCodeEntry{kExitSystem, "the system failed; restarted from the last checkpoint", true},
};

constexpr ExitCode exit_code_of(Code code) {
  switch (code) {
    case Code::kOk:
    case Code::kInterrupted: return kExitOk;
    case Code::kBadRecord: return kExitBadRecord;
    case Code::kCorrupt: return kExitBadSnapshot;
    case Code::kUsage: return kExitUsage;
    case Code::kSystem:
    case Code::kNotFound: return kExitSystem;
    case Code::kFailed:
    case Code::kPeerGone: return kExitFailed;
  }
  return kExitFailed;
}

}  // namespace stream
