#include "stages/format/options.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <vector>

#include "stages/format/time_format.h"
#include "stages/format/zone.h"
#include "transport/base/text.h"

namespace stream {
namespace {

template <class T>
struct Named {
  std::string_view name;
  T value;
};

constexpr std::array kFormats = {
    Named<Format>{"ndjson", Format::kNdjson}, Named<Format>{"json", Format::kNdjson},
    Named<Format>{"jsonl", Format::kNdjson},  Named<Format>{"csv", Format::kCsv},
    Named<Format>{"text", Format::kText},     Named<Format>{"regex", Format::kRegex},
    Named<Format>{"logfmt", Format::kLogfmt}, Named<Format>{"debezium-json", Format::kDebezium},
    Named<Format>{"avro", Format::kAvro},
};
constexpr std::array kFramings = {
    Named<AvroFraming>{"plain", AvroFraming::kPlain},
    Named<AvroFraming>{"confluent", AvroFraming::kConfluent},
    Named<AvroFraming>{"single-object", AvroFraming::kSingleObject},
};
constexpr std::array kUnknown = {
    Named<UnknownFields>{"count", UnknownFields::kCount},
    Named<UnknownFields>{"keep", UnknownFields::kKeep},
    Named<UnknownFields>{"error", UnknownFields::kError},
};
constexpr std::array kUnits = {
    Named<TimeUnit>{"s", TimeUnit::kSeconds},
    Named<TimeUnit>{"ms", TimeUnit::kMilliseconds},
    Named<TimeUnit>{"us", TimeUnit::kMicroseconds},
    Named<TimeUnit>{"ns", TimeUnit::kNanoseconds},
};

template <class T, std::size_t N>
Result<T> look_up(const std::array<Named<T>, N>& table, std::string_view what, std::string_view name) {
  std::vector<std::string> names;
  for (const Named<T>& row : table) {
    if (row.name == name) return row.value;
    names.emplace_back(row.name);
  }
  return usage_error("unknown " + std::string(what) + " '" + std::string(name) + "'" + did_you_mean(name, names));
}

std::string_view without_compression(std::string_view path) {
  for (const std::string_view ending : {".gz", ".zst", ".zstd"}) {
    if (path.ends_with(ending)) return path.substr(0, path.size() - ending.size());
  }
  return path;
}

}  // namespace

Result<Format> parse_format(std::string_view name) { return look_up(kFormats, "format", name); }

std::string_view format_name(Format format) {
  return std::find_if(kFormats.begin(), kFormats.end(), [&](const auto& row) { return row.value == format; })->name;
}

Result<UnknownFields> parse_unknown_fields(std::string_view text) {
  return look_up(kUnknown, "value of unknown-fields", text);
}

Result<TimeUnit> parse_time_unit(std::string_view text) {
  if (text.empty()) return TimeUnit::kNone;
  return look_up(kUnits, "time unit", text);
}

Result<AvroFraming> parse_avro_framing(std::string_view text) {
  return look_up(kFramings, "value of avro-framing", text);
}

Result<char> parse_delimiter(std::string_view text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1) return usage_error("a delimiter is one byte, or 'tab': '" + std::string(text) + "'");
  if (text[0] == '"' || text[0] == '\n' || text[0] == '\r') {
    return usage_error("a delimiter cannot be a quote or a line end");
  }
  return text[0];
}

Format format_from_path(std::string_view path) {
  const std::string name = lower(without_compression(path));
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return Format::kCsv;
  if (name.ends_with(".avro")) return Format::kAvro;
  if (name.ends_with(".logfmt")) return Format::kLogfmt;
  if (name.ends_with(".txt") || name.ends_with(".log")) return Format::kText;
  return Format::kNdjson;
}

char delimiter_from_path(std::string_view path) {
  return lower(without_compression(path)).ends_with(".tsv") ? '\t' : ',';
}

Status check_format_options(const FormatOptions& options) {
  if (auto zone = format::Zone::load(options.zone); !zone.ok()) { return std::move(zone).status().while_doing("zone"); }
  if (auto made = format::TimeFormat::parse(options.time_format); !made.ok()) {
    return std::move(made).status().while_doing("time-format");
  }
  if (options.format != Format::kRegex) return {};
  if (options.pattern.empty()) return usage_error("pattern: required with format regex");
  const re2::RE2 pattern(options.pattern, re2::RE2::Quiet);
  if (!pattern.ok()) return usage_error("pattern: " + pattern.error());
  if (pattern.NamedCapturingGroups().empty()) { return usage_error("pattern: has no named group; write (?P<name>…)"); }
  return {};
}

}  // namespace stream
