// Which lines of a job's log somebody wants.
#pragma once

#include <memory>
#include <string>

#include "supervisor/job_log.h"

namespace re2 {
class RE2;
}

namespace stream::http {

struct LogFilter {
  std::string stage = {};  // "" = all
  LogLevel level = LogLevel::kTrace;
  std::shared_ptr<const re2::RE2> pattern = {};  // of the message

  bool passes(const LogLine& line) const;
};

// "" stands for all of each. Errors: kUsage.
Result<LogFilter> make_log_filter(const std::string& stage, const std::string& level, const std::string& pattern);

}  // namespace stream::http
