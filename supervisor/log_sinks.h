// Where else a job's log goes, beside its file: standard error, syslog, journald. None of them is ever waited for: what
// a receiver does not take at once is left out, counted, and told of when it takes lines again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/job_log.h"
#include "supervisor/log_spec.h"

namespace stream {

class LogSink {
 public:
  virtual ~LogSink() = default;
  // `json` is the line as the file has it.
  void put(const LogLine& line, const std::string& job, const std::string& json);

 protected:
  explicit LogSink(const LogSinkSpec& spec);
  // False: it takes nothing now.
  virtual bool send(const LogLine& line, const std::string& job, const std::string& json) = 0;
  const LogSinkSpec spec_;

 private:
  LogLevel least_;
  std::uint64_t left_out_ = 0;
};

// Errors: kUsage for an address that is none.
Result<std::unique_ptr<LogSink>> make_log_sink(const LogSinkSpec& spec);

// The parts of what is sent, for tests.
std::string journal_fields(const LogLine& line, const std::string& job);
std::string syslog_local(const LogLine& line, const std::string& text, int facility);
std::string syslog_5424(const LogLine& line, const std::string& job, const std::string& text, int facility,
                        const std::string& host);

}  // namespace stream
