// JobLog: the job's log, JSON lines in JOB/logs/stream.log, rotated, and whatever else it goes to: see log_sinks.h.
//
// Each line is {"ts","level","job","stage","instance","attempt","checkpoint","message"}; the
// supervisor's own lines have no stage. `stream logs` renders and filters it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/log_line.h"
#include "supervisor/log_spec.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"

namespace spdlog {
class logger;
}

namespace stream {

class JobLog {
 public:
  // A place it goes to that cannot be found is warned of, and nothing goes there.
  static Result<JobLog> open(const std::string& folder, const std::string& job, LogLevel least,
                             const std::vector<LogSinkSpec>& sinks = {});
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
  struct Parts;  // what is held back, and where else lines go
  JobLog();
  void own(LogLevel level, std::string message);
  void put(LogLine line);

  std::shared_ptr<spdlog::logger> logger_;
  std::string job_;
  LogLevel least_ = LogLevel::kInfo;
  std::map<std::string, LogLevel> least_of_;
  std::unique_ptr<Parts> parts_;
  Attempt attempt_;
  Epoch checkpoint_;
  std::function<void(const LogLine&)> listener_;
};

inline constexpr std::string_view kLogFile = "stream.log";

}  // namespace stream
