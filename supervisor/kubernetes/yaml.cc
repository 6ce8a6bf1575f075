#include "supervisor/kubernetes/yaml.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace stream::kubernetes {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kShort = 100;

// Words that are a text in YAML without quotes too, and are no number, no truth value and nothing else.
bool is_plain(const std::string& text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kOthers = "0123456789-_./";
  constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  std::string small = text;
  std::ranges::transform(small, small.begin(), [](unsigned char c) { return std::tolower(c); });
  return !text.empty() && (kLetters.find(text.front()) != std::string_view::npos || text.front() == '/') &&
         text.find_first_not_of(std::string(kLetters) + std::string(kOthers)) == std::string::npos &&
         std::ranges::find(kWords, small) == std::end(kWords);
}

std::string scalar(const ordered_json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) return value.get<std::string>();
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bool is_flat(const ordered_json& value) {
  return std::ranges::none_of(value, [](const ordered_json& item) { return item.is_structured(); });
}

// A short list or map of scalars stands on one line.
std::string flow(const ordered_json& value) {
  std::string text;
  for (const auto& [key, item] : value.items()) {
    if (!text.empty()) text += ", ";
    text += (value.is_object() ? scalar(key) + ": " : "") + scalar(item);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

void put(std::string& out, const ordered_json& value, std::size_t indent);

// Behind "key:" or "-".
void put_value(std::string& out, const ordered_json& value, std::size_t indent, bool in_list) {
  if (!value.is_structured()) {
    out += " " + scalar(value) + "\n";
    return;
  }
  if (is_flat(value)) {
    const std::string line = flow(value);
    if (value.empty() || line.size() <= kShort || value.is_array()) {
      out += " " + line + "\n";
      return;
    }
  }
  if (in_list && value.is_object()) {  // the first key stands behind the dash
    std::string block;
    put(block, value, indent);
    out += " " + block.substr(indent);
    return;
  }
  out += "\n";
  put(out, value, indent);
}

void put(std::string& out, const ordered_json& value, std::size_t indent) {
  for (const auto& [key, item] : value.items()) {
    out += std::string(indent, ' ') + (value.is_object() ? scalar(key) + ":" : "-");
    put_value(out, item, indent + 2, value.is_array());
  }
}

}  // namespace

std::string yaml_of(const ordered_json& document) {
  std::string out = "---\n";
  put(out, document, 0);
  return out;
}

}  // namespace stream::kubernetes
