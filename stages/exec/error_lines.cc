#include "stages/exec/error_lines.h"

#include <nlohmann/json.hpp>

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
  if (const auto name = json.find("_counter"); name != json.end() && name->is_string()) {
    const auto add = json.find("add");
    if (add != json.end() && !add->is_number_integer()) return false;
    return metrics_.count(name->get<std::string>(), add == json.end() ? 1 : add->get<std::int64_t>());
  }
  const auto name = json.find("_gauge");
  const auto value = json.find("value");
  if (name == json.end() || !name->is_string() || value == json.end() || !value->is_number()) return false;
  return metrics_.gauge(name->get<std::string>(), value->get<double>());
}

}  // namespace stream
