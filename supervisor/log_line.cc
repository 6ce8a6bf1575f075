#include "supervisor/log_line.h"

#include <array>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

namespace stream {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info", "warning", "error"};

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

// Printable ASCII, as most lines are, needs no escape but for two characters.
bool plain(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') return false;
  }
  return true;
}

void add_text(std::string* out, std::string_view text) {
  if (!plain(text)) {
    *out += json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
    return;
  }
  *out += '"';
  *out += text;
  *out += '"';
}

void add_number(std::string* out, std::int64_t number) {
  char text[24];
  *out += std::string_view(text, std::to_chars(text, text + sizeof text, number).ptr);
}

// Reads what to_json() writes, from left to right. Once something is otherwise, all that follows fails.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  bool literal(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  template <class Number>
  bool number(Number* to) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *to);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }
  // Up to its closing quote; none with an escape.
  bool text(std::string_view* to) {
    const std::size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos || rest_[end] != '"') return false;
    *to = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<LogLine> read_plain(std::string_view text) {
  LineReader in(text);
  LogLine line;
  std::string_view job;
  std::string_view level;
  std::string_view message;
  std::string_view stage;
  std::string_view time;
  if (!in.literal(R"({"attempt":)") || !in.number(&line.attempt) || !in.literal(R"(,"checkpoint":)") ||
      !in.number(&line.checkpoint))
    return std::nullopt;
  const bool staged = in.literal(R"(,"instance":)");
  if (staged && !in.number(&line.instance)) return std::nullopt;
  if (!in.literal(R"(,"job":")") || !in.text(&job) || !in.literal(R"(,"level":")") || !in.text(&level) ||
      !in.literal(R"(,"message":")") || !in.text(&message))
    return std::nullopt;
  if (staged && (!in.literal(R"(,"stage":")") || !in.text(&stage))) return std::nullopt;
  if (!in.literal(R"(,"ts":")") || !in.text(&time) || !in.literal(R"(,"us":)") || !in.number(&line.at_us) ||
      !in.literal("}") || !in.at_end())
    return std::nullopt;
  const auto known = parse_log_level(level);
  if (!known.ok()) return std::nullopt;
  line.level = *known;
  line.message = message;
  line.stage = stage;
  return line;
}

std::optional<LogLine> read_any(std::string_view text) {
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

}  // namespace

std::string_view to_string(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == text) return static_cast<LogLevel>(i);
  }
  return usage_error("'" + std::string(text) + "' is not a log level; choose trace, debug, info, warning or error");
}

std::string log_timestamp(Microseconds at) {
  const std::time_t seconds = at / 1'000'000;
  // Lines come in order, many in a second.
  thread_local std::time_t known = -1;
  thread_local char text[24];
  if (seconds != known) {
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    known = seconds;
  }
  const auto millis = static_cast<int>(at / 1000 % 1000);
  const char end[] = {'.', static_cast<char>('0' + millis / 100), static_cast<char>('0' + millis / 10 % 10),
                      static_cast<char>('0' + millis % 10), 'Z'};
  return std::string(text).append(end, sizeof end);
}

// As nlohmann writes an object: keys in order.
std::string to_json(const LogLine& line, const std::string& job) {
  std::string out;
  out.reserve(line.message.size() + 200);
  out += R"({"attempt":)";
  add_number(&out, line.attempt);
  out += R"(,"checkpoint":)";
  add_number(&out, static_cast<std::int64_t>(line.checkpoint));
  if (!line.stage.empty()) {
    out += R"(,"instance":)";
    add_number(&out, line.instance);
  }
  out += R"(,"job":)";
  add_text(&out, job);
  out += R"(,"level":)";
  add_text(&out, to_string(line.level));
  out += R"(,"message":)";
  add_text(&out, line.message);
  if (!line.stage.empty()) {
    out += R"(,"stage":)";
    add_text(&out, line.stage);
  }
  out += R"(,"ts":)";
  add_text(&out, log_timestamp(line.at_us));
  out += R"(,"us":)";
  add_number(&out, line.at_us);
  out += '}';
  return out;
}

std::optional<LogLine> log_line_from_json(std::string_view text) {
  auto line = read_plain(text);
  return line ? line : read_any(text);
}

void append_text(const LogLine& line, std::string* out) {
  *out += log_timestamp(line.at_us);
  *out += ' ';
  *out += to_string(line.level);
  *out += ' ';
  if (line.stage.empty()) {
    *out += "supervisor";
  } else {
    *out += line.stage;
    *out += '.';
    add_number(out, line.instance);
  }
  *out += " a";
  add_number(out, line.attempt);
  *out += ": ";
  *out += line.message;
}

std::string to_text(const LogLine& line) {
  std::string out;
  append_text(line, &out);
  return out;
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

}  // namespace stream
