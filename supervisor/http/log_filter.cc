#include "supervisor/http/log_filter.h"

#include <re2/re2.h>

namespace stream::http {
namespace {

constexpr std::size_t kPatternMax = 1000;         // bytes
constexpr std::int64_t kPatternMemory = 1 << 20;  // bytes, of a program that somebody else wrote

}  // namespace

bool LogFilter::passes(const LogLine& line) const {
  return line.level >= level && (stage.empty() || line.stage == stage) &&
         (!pattern || re2::RE2::PartialMatch(line.message, *pattern));
}

Result<LogFilter> make_log_filter(const std::string& stage, const std::string& level, const std::string& pattern) {
  LogFilter filter{.stage = stage};
  if (!level.empty()) { STREAM_ASSIGN(filter.level, parse_log_level(level)); }
  if (pattern.empty()) return filter;
  if (pattern.size() > kPatternMax)
    return usage_error("'grep' is longer than " + std::to_string(kPatternMax) + " bytes, the most that is taken");
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kPatternMemory);
  auto compiled = std::make_shared<const re2::RE2>(pattern, options);
  if (!compiled->ok()) return usage_error("'grep' is no regular expression: " + compiled->error());
  filter.pattern = std::move(compiled);
  return filter;
}

}  // namespace stream::http
