#include "stages/exec/error_lines.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace stream {
namespace {

constexpr std::size_t kLineMax = 16 * 1024;
constexpr std::size_t kLastLines = 3;
constexpr std::size_t kLastLineMax = 300;

}  // namespace

void ErrorLines::add(std::string_view bytes) {
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    begun_ += bytes.substr(0, end);
    on_line(begun_);
    begun_.clear();
    bytes.remove_prefix(end + 1);
  }
  begun_ += bytes;
  if (begun_.size() > kLineMax) finish();
}

void ErrorLines::finish() {
  if (!begun_.empty()) on_line(begun_);
  begun_.clear();
}

std::string ErrorLines::last() const {
  std::string out;
  for (const std::string& line : last_) out += (out.empty() ? "" : " / ") + line;
  return out;
}

void ErrorLines::on_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (on_metric(line)) return;
  log_(line);
  if (line.empty()) return;
  last_.emplace_back(line.substr(0, kLastLineMax));
  if (last_.size() > kLastLines) last_.pop_front();
}

// False: it is no count, or not one that is kept, and belongs into the log.
bool ErrorLines::on_metric(std::string_view line) {
  if (!line.starts_with('{') || line.find("\"_") == std::string_view::npos) return false;
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return false;
  const auto named = [&](const char* kind) {
    const auto name = json.find(kind);
    return name != json.end() && name->is_string() ? std::optional(name->get<std::string>()) : std::nullopt;
  };
  const auto whole = [&](const char* key) -> std::optional<std::int64_t> {
    const auto at = json.find(key);
    if (at == json.end()) return 1;
    return at->is_number_integer() ? std::optional(at->get<std::int64_t>()) : std::nullopt;
  };
  if (const auto name = named("_counter")) {
    const auto add = whole("add");
    return add && metrics_.count(*name, *add);
  }
  if (const auto name = named("_meter")) {
    const auto events = whole("events");
    return events && metrics_.meter(*name, *events);
  }
  const auto value = json.find("value");
  if (value == json.end() || !value->is_number()) return false;
  if (const auto name = named("_gauge")) return metrics_.gauge(*name, value->get<double>());
  const auto name = named("_histogram");
  return name && metrics_.histogram(*name, value->get<double>());
}

}  // namespace stream
