#include "stages/replay/recording.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "stages/format/encoder.h"
#include "stages/format/timestamp.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kOp = R"({"_op":")";
constexpr std::size_t kOpSize = 2;  // "+I"
constexpr std::array kKinds = {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kUpdateAfter, RowKind::kDelete};

// The value of a line that is one field and nothing else.
std::optional<std::string> only_field(std::string_view line, const char* name) {
  if (!line.starts_with(std::string(R"({")") + name + '"')) return std::nullopt;
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || json.size() != 1 || !json.contains(name) || !json[name].is_string()) return std::nullopt;
  return json[name].get<std::string>();
}

Result<RecordedLine> watermark_line(const std::string& text) {
  RecordedLine out{.kind = RecordedLine::Kind::kWatermark};
  std::uint64_t ambiguous = 0;
  if (format::parse_rfc3339(text, nullptr, out.watermark, ambiguous)) return out;
  return usage_error("watermark '" + text + "' is no time, such as 2026-01-31T12:00:00Z");
}

Result<RecordedLine> change_line(std::string_view line) {
  const std::string_view op = line.substr(kOp.size(), kOpSize);
  const auto kind = std::ranges::find(kKinds, op, row_kind_name);
  std::string_view rest = line.substr(std::min(line.size(), kOp.size() + kOpSize));
  if (kind == kKinds.end() || !rest.starts_with('"')) return usage_error("'_op' must be +I, -U, +U or -D");
  rest.remove_prefix(1);
  if (rest.starts_with(',')) rest.remove_prefix(1);
  return RecordedLine{.change = *kind, .says_change = true, .text = "{" + std::string(rest)};
}

}  // namespace

Result<RecordedLine> read_recorded_line(std::string_view line) {
  if (line.starts_with(kOp)) return change_line(line);
  if (const auto time = only_field(line, "_watermark")) return watermark_line(*time);
  if (auto text = only_field(line, "_text")) {
    return RecordedLine{.kind = RecordedLine::Kind::kText, .text = *std::move(text)};
  }
  return RecordedLine{.text = std::string(line)};
}

std::optional<std::string_view> Recording::next() {
  while (offset_ < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', offset_), text_.size());
    const std::string_view line = trim(std::string_view(text_).substr(offset_, end - offset_));
    offset_ = std::min<std::uint64_t>(end + 1, text_.size());
    ++line_;
    if (!line.empty()) return line;
  }
  return std::nullopt;
}

void Recording::go_to(std::uint64_t offset) {
  offset_ = std::min<std::uint64_t>(offset, text_.size());
  line_ =
      static_cast<std::uint64_t>(std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(offset_), '\n'));
}

}  // namespace stream
