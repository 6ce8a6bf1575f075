// JobLog: the job's log, JSON lines in JOB/logs/stream.log, rotated at 16 MiB, 5 files kept.
//
// Each line is {"ts","level","job","stage","instance","attempt","checkpoint","message"}; the
// supervisor's own lines have no stage. `stream logs` renders and filters it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"

namespace spdlog {
class logger;
}

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

// A line a stage wrote to stderr: its level and what is left of it. "stream-filter: warning: x"
// is a warning, anything without a level is info.
LogLine line_of_stage(std::string_view text);
// Why its process ended, if the line says so: "stream-filter: fatal: x" gives "x", any other "".
std::string fatal_word(std::string_view text);

class LogRepeats;

class JobLog {
 public:
  static Result<JobLog> open(const std::string& folder, const std::string& job, LogLevel least);
  JobLog(JobLog&& other) noexcept;
  JobLog& operator=(JobLog&& other) noexcept;
  ~JobLog();

  void set_least(const std::string& stage, LogLevel least) { least_of_[stage] = least; }  // else as the job
  void set_least_of_all(LogLevel least);
  // A line that repeats itself is held back: see log_repeats.h.
  void write(LogLine line);
  void tell_repeats();  // of intervals that are over; now and then
  void debug(std::string message) { own(LogLevel::kDebug, std::move(message)); }
  void info(std::string message) { own(LogLevel::kInfo, std::move(message)); }
  void warning(std::string message) { own(LogLevel::kWarning, std::move(message)); }
  void error(std::string message) { own(LogLevel::kError, std::move(message)); }
  void set_context(Attempt attempt, Epoch checkpoint);
  // Also called with each line that is written: the foreground's stderr.
  void on_line(std::function<void(const LogLine&)> listener) { listener_ = std::move(listener); }

 private:
  JobLog();
  void own(LogLevel level, std::string message);
  void put(LogLine line);

  std::shared_ptr<spdlog::logger> logger_;
  std::string job_;
  LogLevel least_ = LogLevel::kInfo;
  std::map<std::string, LogLevel> least_of_;
  std::unique_ptr<LogRepeats> repeats_;
  Attempt attempt_;
  Epoch checkpoint_;
  std::function<void(const LogLine&)> listener_;
};

inline constexpr std::string_view kLogFile = "stream.log";

}  // namespace stream
