#include "stages/listen/json_records.h"

#include <nlohmann/json.hpp>

#include "stages/listen/cutter.h"

namespace stream::listen {
namespace {

bool lines_of(std::string_view body, std::size_t record_max, std::vector<std::string>* records, std::string* why) {
  Cutter cutter(record_max, false);
  const auto on_record = [&](std::string_view record, bool too_long) {
    if (too_long) *why = "a record is longer than " + std::to_string(record_max) + " bytes";
    records->emplace_back(record);
  };
  cutter.add(body, on_record);
  cutter.end(on_record);
  return why->empty();
}

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// The elements of an array as they are written, whatever their numbers would lose as doubles. It is valid JSON.
void elements_of(std::string_view array, std::vector<std::string>* records) {
  std::size_t begin = 1;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 1; i < array.size(); ++i) {
    const char c = array[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
      continue;
    }
    if (c == '"') quoted = true;
    const bool last = depth == 0 && c == ']';
    if (last || (depth == 0 && c == ',')) {
      const std::string_view element = trimmed(array.substr(begin, i - begin));
      if (!element.empty()) records->emplace_back(element);
      begin = i + 1;
    }
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
  }
}

bool values_of(std::string_view body, std::vector<std::string>* records) {
  if (!nlohmann::json::accept(body)) return false;
  const std::string_view text = trimmed(body);
  if (text.starts_with('[')) {
    elements_of(text, records);
  } else {
    records->emplace_back(text);
  }
  return true;
}

}  // namespace

bool records_of(std::string_view content_type, std::string_view body, std::size_t record_max,
                std::vector<std::string>* records, std::string* why) {
  if (content_type.substr(0, content_type.find(';')) != "application/json")
    return lines_of(body, record_max, records, why);
  if (!values_of(body, records)) {
    *why = "the body is not JSON";
    return false;
  }
  for (const std::string& record : *records) {
    if (record.size() > record_max) *why = "a record is longer than " + std::to_string(record_max) + " bytes";
  }
  return why->empty();
}

}  // namespace stream::listen
