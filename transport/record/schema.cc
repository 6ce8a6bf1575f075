#include "transport/record/schema.h"

#include <algorithm>
#include <cctype>

#include "transport/base/text.h"

namespace stream {
namespace {

// Splits at commas that stand outside parentheses and double quotes.
std::vector<std::string_view> split_columns(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '"') quoted = !quoted;
    if (quoted && i < text.size()) continue;
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    parts.push_back(trim(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return parts;
}

// Takes a plain or double-quoted identifier off the front of `text`; "" if there is none.
std::string take_identifier(std::string_view& text) {
  std::string name;
  if (!text.starts_with('"')) {
    std::size_t n = 0;
    while (n < text.size() && std::isspace(static_cast<unsigned char>(text[n])) == 0) ++n;
    name = text.substr(0, n);
    text.remove_prefix(n);
    return name;
  }
  std::size_t i = 1;
  for (; i < text.size(); ++i) {
    if (text[i] != '"') {
      name += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '"') {
      name += text[i++];
    } else {
      text.remove_prefix(i + 1);
      return name;
    }
  }
  return {};
}

bool plain_identifier(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) return false;
  return std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c >= 0x80; });
}

std::string quoted_if_odd(std::string_view name) {
  if (plain_identifier(name)) return std::string(name);
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

}  // namespace

std::optional<std::size_t> Schema::find(std::string_view name) const {
  const auto it = std::ranges::find(fields, name, &Field::name);
  if (it == fields.end()) return std::nullopt;
  return static_cast<std::size_t>(it - fields.begin());
}

std::vector<std::string> Schema::names() const {
  std::vector<std::string> out;
  for (const Field& field : fields) out.push_back(field.name);
  return out;
}

Result<Schema> parse_schema(std::string_view text) {
  Schema schema;
  for (std::string_view part : split_columns(text)) {
    const std::string whole(part);
    std::string name = take_identifier(part);
    if (name.empty() || trim(part).empty()) {
      return usage_error("'" + whole + "' is not a column; a schema reads \"ts timestamp, n bigint\"");
    }
    if (schema.find(name)) return usage_error("column '" + name + "' stands twice in the schema");
    STREAM_ASSIGN(const Type type, parse_type(trim(part)));
    schema.fields.push_back({std::move(name), type});
  }
  return schema;
}

std::string to_string(const Schema& schema) {
  std::string out;
  for (const Field& field : schema.fields) {
    if (!out.empty()) out += ", ";
    out += quoted_if_odd(field.name) + " " + lower(to_string(field.type));
  }
  return out;
}

Schema project(const Schema& schema, const std::vector<std::size_t>& columns) {
  Schema out;
  out.changelog = schema.changelog;
  const auto position = [&](std::size_t column) -> std::optional<std::size_t> {
    const auto it = std::ranges::find(columns, column);
    if (it == columns.end()) return std::nullopt;
    return static_cast<std::size_t>(it - columns.begin());
  };
  for (const std::size_t column : columns) out.fields.push_back(schema.fields[column]);
  if (schema.time) out.time = position(*schema.time);
  for (const std::size_t column : schema.key) {
    const auto at = position(column);
    if (!at) {
      out.key.clear();
      break;
    }
    out.key.push_back(*at);
  }
  return out;
}

}  // namespace stream
