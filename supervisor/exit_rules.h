// What the end of a stage's process means for the job: the supervisor's side of the exit codes.
#pragma once

#include "supervisor/stage_process.h"

namespace stream {

enum class ExitRule : std::uint8_t {
  kRestart,         // from the newest checkpoint
  kRestartEarlier,  // its snapshot is unusable: from an earlier one
  kNever,           // starting again cannot help: wrong options, or a record that must not be
};

constexpr ExitRule rule_of(const ProcessExit& exit) {
  if (exit.signalled) return ExitRule::kRestart;
  switch (exit.code) {
    case 98:
    case 100: return ExitRule::kNever;
    case 99: return ExitRule::kRestartEarlier;
    default: return ExitRule::kRestart;
  }
}

}  // namespace stream
