#include "supervisor/job_log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "supervisor/log_repeats.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr std::size_t kFileSize = 16 << 20;
constexpr std::size_t kFiles = 5;
constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info", "warning", "error"};

std::string timestamp(Microseconds at) {
  const std::time_t seconds = at / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + n, sizeof text - n, ".%03dZ", static_cast<int>(at / 1000 % 1000));
  return text;
}

struct StageLine {
  std::string_view level;  // as written; "" if the line is not of the form "stream-NAME: LEVEL: message"
  std::string_view message;
};

StageLine split_stage_line(std::string_view text) {
  const std::size_t colon = text.find(": ");
  if (!text.starts_with("stream-") || colon == std::string_view::npos) return {"", text};
  const std::string_view rest = text.substr(colon + 2);
  const std::size_t end = rest.find(": ");
  if (end == std::string_view::npos) return {"", text};
  return {rest.substr(0, end), rest.substr(end + 2)};
}

}  // namespace

std::string_view to_string(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == text) return static_cast<LogLevel>(i);
  }
  return usage_error("'" + std::string(text) + "' is not a log level; choose trace, debug, info, warning or error");
}

std::string to_json(const LogLine& line, const std::string& job) {
  json out = {{"ts", timestamp(line.at_us)},    {"us", line.at_us},
              {"level", to_string(line.level)}, {"job", job},
              {"attempt", line.attempt},        {"checkpoint", line.checkpoint},
              {"message", line.message}};
  if (!line.stage.empty()) {
    out["stage"] = line.stage;
    out["instance"] = line.instance;
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<LogLine> log_line_from_json(std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object() || !in.contains("message") || !in["message"].is_string()) return std::nullopt;
  try {
    LogLine line;
    line.at_us = in.value("us", Microseconds{0});
    const auto level = parse_log_level(in.value("level", "info"));
    if (level.ok()) line.level = *level;
    line.stage = in.value("stage", "");
    line.instance = in.value("instance", 0U);
    line.attempt = in.value("attempt", 0U);
    line.checkpoint = in.value("checkpoint", std::uint64_t{0});
    line.message = in["message"].get<std::string>();
    return line;
  } catch (const json::exception&) { return std::nullopt; }
}

std::string to_text(const LogLine& line) {
  std::string who = line.stage.empty() ? "supervisor" : line.stage + "." + std::to_string(line.instance);
  who += " a" + std::to_string(line.attempt);
  return timestamp(line.at_us) + " " + std::string(to_string(line.level)) + " " + who + ": " + line.message;
}

LogLine line_of_stage(std::string_view text) {
  const StageLine parts = split_stage_line(text);
  const auto known = parse_log_level(parts.level);
  const bool fatal = parts.level == "fatal";
  LogLine line;
  line.message = known.ok() || fatal ? parts.message : text;
  if (known.ok()) line.level = *known;
  if (fatal) line.level = LogLevel::kError;
  return line;
}

std::string fatal_word(std::string_view text) {
  const StageLine parts = split_stage_line(text);
  return std::string(parts.level == "fatal" ? parts.message : "");
}

JobLog::JobLog() : repeats_(std::make_unique<LogRepeats>()) {}
JobLog::JobLog(JobLog&& other) noexcept = default;
JobLog& JobLog::operator=(JobLog&& other) noexcept = default;

JobLog::~JobLog() {
  if (!logger_) return;
  listener_ = nullptr;  // it may be gone
  for (LogLine& line : repeats_->rest()) put(std::move(line));
}

Result<JobLog> JobLog::open(const std::string& folder, const std::string& job, LogLevel least) {
  JobLog log;
  log.job_ = job;
  log.least_ = least;
  try {
    auto sink =
        std::make_shared<spdlog::sinks::rotating_file_sink_st>(folder + "/" + std::string(kLogFile), kFileSize, kFiles);
    log.logger_ = std::make_shared<spdlog::logger>(job, std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    return Status(Code::kSystem, std::string("unable to open the log: ") + error.what());
  }
  log.logger_->set_pattern("%v");
  log.logger_->flush_on(spdlog::level::info);
  // A full disk must not end the job: what cannot be logged is lost.
  log.logger_->set_error_handler([](const std::string&) {});
  return log;
}

void JobLog::write(LogLine line) {
  const auto least = least_of_.find(line.stage);
  if (line.level < (least == least_of_.end() ? least_ : least->second)) return;
  if (line.at_us == 0) line.at_us = system_clock().wall_us();
  for (LogLine& told : repeats_->over(line.at_us)) put(std::move(told));
  if (repeats_->pass(line)) put(std::move(line));
}

void JobLog::tell_repeats() {
  for (LogLine& told : repeats_->over(system_clock().wall_us())) put(std::move(told));
}

void JobLog::set_least_of_all(LogLevel least) {
  least_ = least;
  for (auto& [stage, level] : least_of_) level = least;
}

void JobLog::put(LogLine line) {
  if (line.at_us == 0) line.at_us = system_clock().wall_us();
  if (line.attempt == 0) line.attempt = attempt_.value();
  if (line.checkpoint == 0) line.checkpoint = checkpoint_.value();
  logger_->info(to_json(line, job_));
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
