// What stream-profiler is told, as one JSON text, and what it says.
//
// It prints folded stacks, "errors.0;stream-filter;main;… 12", a line each, then "# " and a Summary as JSON; or one
// line "fatal: …", and exits with 1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::profile {

enum class States : std::uint8_t { kOnCpu, kOffCpu, kBoth };  // of the threads that are looked at

struct Target {
  pid_t pid = 0;
  std::string label;  // "errors.0"
};

struct Settings {
  std::vector<Target> targets;
  Microseconds duration = 5'000'000;
  std::uint32_t rate = 99;  // samples of each thread in a second
  States states = States::kOnCpu;
};

struct Summary {
  std::uint64_t rounds = 0;   // all threads were looked at so often
  std::uint64_t samples = 0;  // stacks that are in the result
  std::uint64_t missed = 0;   // threads that could not be looked at then
  Microseconds took_us = 0;
};

std::string to_json(const Settings& settings);
Result<Settings> settings_from_json(const std::string& text);  // Errors: kUsage

std::string to_json(const Summary& summary);
Result<Summary> summary_from_json(const std::string& text);  // Errors: kCorrupt

inline constexpr std::string_view kFatal = "fatal: ";
inline constexpr std::string_view kSummary = "# ";

}  // namespace stream::profile
