#include "supervisor/http/message.h"

#include <nlohmann/json.hpp>

#include "transport/base/text.h"

namespace stream::http {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Result<std::string> decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high * 16 + low == 0)
      return usage_error("the address holds a '%' that no two hexadecimal digits follow; write '%25' for the sign");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

Answer answer_with(const nlohmann::json& body, int status) {
  return {.status = status, .text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

Answer refuse(int status, const std::string& why) { return answer_with({{"errors", {why}}}, status); }

Answer refuse(const Status& status) {
  switch (status.code()) {
    case Code::kUsage: return refuse(400, status.what());
    case Code::kNotFound: return refuse(404, status.what());
    case Code::kInterrupted: {
      Answer answer = refuse(503, status.what());
      answer.headers.emplace_back("Retry-After", "1");
      return answer;
    }
    case Code::kSystem:
    case Code::kCorrupt: return refuse(500, status.what());
    default: return refuse(409, status.what());
  }
}

Result<Target> parse_target(std::string_view text) {
  const std::size_t mark = text.find('?');
  std::string_view path = text.substr(0, mark);
  if (!path.starts_with('/')) return usage_error("the address must begin with '/'");
  path.remove_prefix(1);
  Target target;
  for (const std::string& part : split(path, '/')) {
    STREAM_ASSIGN(std::string segment, decoded(part, false));
    target.segments.push_back(std::move(segment));
  }
  if (!target.segments.empty() && target.segments.back().empty()) target.segments.pop_back();
  if (!target.segments.empty() && target.segments.front() == "v1") target.segments.erase(target.segments.begin());
  if (mark == std::string_view::npos) return target;
  for (const std::string& part : split(text.substr(mark + 1), '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    STREAM_ASSIGN(std::string name, decoded(std::string_view(part).substr(0, equals), true));
    STREAM_ASSIGN(std::string value,
                  decoded(equals == std::string::npos ? "" : std::string_view(part).substr(equals + 1), true));
    target.query.insert_or_assign(std::move(name), std::move(value));
  }
  return target;
}

std::string without_parameters(std::string_view target) {
  const std::size_t mark = target.find('?');
  std::string out(target.substr(0, mark));
  if (mark == std::string_view::npos) return out;
  char before = '?';
  for (const std::string& part : split(target.substr(mark + 1), '&')) {
    const std::string_view name = std::string_view(part).substr(0, part.find('='));
    const auto plain = decoded(name, true);
    const bool shown = plain.ok() && !plain->starts_with("p.");
    out += before + (shown ? part : std::string(name) + "=...");
    before = '&';
  }
  return out;
}

}  // namespace stream::http
