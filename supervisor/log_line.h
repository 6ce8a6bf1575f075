// A line of a job's log, as a value, as it is kept, and as it is read by people.
//
// Many come in a second, so what is kept is written and read without a tree of JSON in between, where it has the form
// that to_json() gives it; anything else is read as JSON is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError };
std::string_view to_string(LogLevel level);
Result<LogLevel> parse_log_level(std::string_view text);

struct LogLine {
  Microseconds at_us = 0;
  LogLevel level = LogLevel::kInfo;
  std::string stage;  // "" = the supervisor
  std::uint32_t instance = 0;
  std::uint32_t attempt = 0;
  std::uint64_t checkpoint = 0;
  std::string message;
};

std::string to_json(const LogLine& line, const std::string& job);
std::optional<LogLine> log_line_from_json(std::string_view json);
// "2026-11-22T20:30:00.123Z warning errors.0 a2: message"
std::string to_text(const LogLine& line);
void append_text(const LogLine& line, std::string* out);
std::string log_timestamp(Microseconds at);  // "2026-11-22T20:30:00.123Z"

// A line a stage wrote to stderr: its level and what is left of it. "stream-filter: warning: x"
// is a warning, anything without a level is info.
LogLine line_of_stage(std::string_view text);
// Why its process ended, if the line says so: "stream-filter: fatal: x" gives "x", any other "".
std::string fatal_word(std::string_view text);

}  // namespace stream
