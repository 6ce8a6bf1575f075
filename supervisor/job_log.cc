#include "supervisor/job_log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "supervisor/log_repeats.h"
#include "supervisor/log_sinks.h"

namespace stream {

struct JobLog::Parts {
  LogRepeats repeats;
  std::vector<std::unique_ptr<LogSink>> sinks;
};

JobLog::JobLog() : parts_(std::make_unique<Parts>()) {}
JobLog::JobLog(JobLog&& other) noexcept = default;
JobLog& JobLog::operator=(JobLog&& other) noexcept = default;

JobLog::~JobLog() {
  if (!logger_) return;
  listener_ = nullptr;  // it may be gone
  for (LogLine& line : parts_->repeats.rest()) put(std::move(line));
}

Result<JobLog> JobLog::open(const std::string& folder, const std::string& job, LogLevel least,
                            const std::vector<LogSinkSpec>& sinks) {
  JobLog log;
  log.job_ = job;
  log.least_ = least;
  const auto file = std::ranges::find(sinks, "file", &LogSinkSpec::kind);
  const LogSinkSpec spec = file == sinks.end() ? LogSinkSpec() : *file;
  try {
    // The file that is written is one more than those it counts.
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_st>(folder + "/" + std::string(kLogFile),
                                                                       spec.size_bytes, spec.keep - 1);
    log.logger_ = std::make_shared<spdlog::logger>(job, std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    return Status(Code::kSystem, std::string("unable to open the log: ") + error.what());
  }
  log.logger_->set_pattern("%v");
  log.logger_->flush_on(spdlog::level::info);
  // A full disk must not end the job: what cannot be logged is lost.
  log.logger_->set_error_handler([](const std::string&) {});
  for (const LogSinkSpec& one : sinks) {
    if (one.kind == "file") continue;
    auto made = make_log_sink(one);
    if (made.ok())
      log.parts_->sinks.push_back(*std::move(made));
    else
      log.warning("nothing is logged to " + one.kind + ": " + made.status().what());
  }
  return log;
}

void JobLog::write(LogLine line) {
  const auto least = least_of_.find(line.stage);
  if (line.level < (least == least_of_.end() ? least_ : least->second)) return;
  if (line.at_us == 0) line.at_us = system_clock().wall_us();
  for (LogLine& told : parts_->repeats.over(line.at_us)) put(std::move(told));
  if (parts_->repeats.pass(line)) put(std::move(line));
}

void JobLog::tell_repeats() {
  for (LogLine& told : parts_->repeats.over(system_clock().wall_us())) put(std::move(told));
}

void JobLog::set_least_of_all(LogLevel least) {
  least_ = least;
  for (auto& [stage, level] : least_of_) level = least;
}

void JobLog::put(LogLine line) {
  if (line.at_us == 0) line.at_us = system_clock().wall_us();
  if (line.attempt == 0) line.attempt = attempt_.value();
  if (line.checkpoint == 0) line.checkpoint = checkpoint_.value();
  const std::string text = to_json(line, job_);
  logger_->info(text);
  for (const auto& sink : parts_->sinks) sink->put(line, job_, text);
  if (listener_) listener_(line);
}

void JobLog::own(LogLevel level, std::string message) {
  LogLine line;
  line.level = level;
  line.message = std::move(message);
  write(std::move(line));
}

void JobLog::set_context(Attempt attempt, Epoch checkpoint) {
  attempt_ = attempt;
  checkpoint_ = checkpoint;
}

}  // namespace stream
