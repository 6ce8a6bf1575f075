#include "supervisor/http/command_lines.h"

#include <array>
#include <nlohmann/json.hpp>

namespace stream::http {
namespace {

using nlohmann::json;

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 3; ++i)
      three = three << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      out += at + i > bytes.size() ? '=' : kDigits[three >> (18U - 6U * static_cast<unsigned>(i)) & 63U];
  }
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  std::string out;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const std::size_t value = kDigits.find(c);
    if (value == std::string_view::npos) return Status(Code::kCorrupt, "what should be base64 is not");
    held = held << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(held >> bits & 255U);
  }
  return out;
}

bool follows(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::size_t length_of(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte >= 0xF0U) return 4;
  if (byte >= 0xE0U) return 3;
  return byte >= 0xC0U ? 2 : 1;
}

// How many bytes at the end are the beginning of a character whose end is not there.
std::size_t unfinished(std::string_view bytes) {
  for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const char c = bytes[bytes.size() - back];
    if (!follows(c)) return length_of(c) > back ? back : 0;
  }
  return 0;
}

template <class Value>
std::string line_of(const std::string& name, const Value& value) {
  json line = json::object();
  line[name] = value;
  return line.dump() + "\n";
}

constexpr std::array kNames = {std::pair("stdout", CommandLine::What::kOut),
                               std::pair("stderr", CommandLine::What::kErr)};

}  // namespace

std::string CommandOutput::line(std::string_view bytes) const {
  if (bytes.empty()) return "";
  // The library knows best what it takes for text.
  try {
    return line_of(name_, bytes);
  } catch (const json::type_error&) { return line_of(name_ + "64", base64(bytes)); }
}

std::string CommandOutput::add(std::string_view bytes) {
  rest_ += bytes;
  const std::size_t waits = unfinished(rest_);
  std::string out = line(std::string_view(rest_).substr(0, rest_.size() - waits));
  rest_.erase(0, rest_.size() - waits);
  return out;
}

std::string CommandOutput::end() {
  std::string out = line(rest_);
  rest_.clear();
  return out;
}

std::string exit_line(int code) { return line_of("exit", code); }
std::string signal_line(int number) { return line_of("signal", number); }

Result<CommandLine> read_command_line(std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return Status(Code::kCorrupt, "a line of the answer is no JSON object");
  CommandLine line;
  for (const auto& [name, what] : kNames) {
    const auto plain = in.find(name);
    const auto coded = in.find(std::string(name) + "64");
    if (plain != in.end() && plain->is_string()) {
      line = {what, plain->get<std::string>()};
    } else if (coded != in.end() && coded->is_string()) {
      STREAM_ASSIGN(std::string bytes, from_base64(coded->get_ref<const std::string&>()));
      line = {what, std::move(bytes)};
    }
  }
  for (const auto& [name, what] :
       {std::pair("exit", CommandLine::What::kExit), std::pair("signal", CommandLine::What::kSignal)}) {
    const auto number = in.find(name);
    if (number != in.end() && number->is_number_integer()) line = {what, "", number->get<int>()};
  }
  return line;
}

}  // namespace stream::http
