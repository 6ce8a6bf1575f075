#include "stages/kit/polled_positions.h"

#include <nlohmann/json.hpp>

#include "stages/format/value.h"

namespace stream {
namespace {

using nlohmann::json;

// What is no UTF-8 cannot be a text of JSON: its bytes are a list of numbers.
json to_json(const std::string& value) {
  if (format::valid_utf8(value)) return value;
  return std::vector<std::uint8_t>(value.begin(), value.end());
}

std::string from_json(const json& value) {
  if (!value.is_array()) return value.get<std::string>();
  const auto bytes = value.get<std::vector<std::uint8_t>>();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TableSpec PolledPositions::spec() {
  TableSpec spec;
  spec.name = "positions";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"of", kVarchar}};
  spec.value = {{"after", kJson}};
  return spec;
}

Result<std::vector<std::string>> PolledPositions::load(const std::string& of) const {
  const Row row = table_.find({std::string_view(of)});
  if (!row) return std::vector<std::string>();
  try {
    std::vector<std::string> after;
    for (const json& value : json::parse(table_.bytes(row, 1))) after.push_back(from_json(value));
    return after;
  } catch (const json::exception& error) {
    return corrupt("the position of '" + of + "' cannot be read: " + error.what());
  }
}

void PolledPositions::store(const std::string& of, const std::vector<std::string>& after) {
  if (after.empty()) return;
  const Row row = table_.upsert({std::string_view(of)}).first;
  json values = json::array();
  for (const std::string& value : after) values.push_back(to_json(value));
  table_.set_bytes(row, 1, values.dump());
}

}  // namespace stream
