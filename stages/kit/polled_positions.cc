#include "stages/kit/polled_positions.h"

#include <nlohmann/json.hpp>

namespace stream {

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
    return nlohmann::json::parse(table_.bytes(row, 1)).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception& error) {
    return corrupt("the position of '" + of + "' cannot be read: " + error.what());
  }
}

void PolledPositions::store(const std::string& of, const std::vector<std::string>& after) {
  if (after.empty()) return;
  const Row row = table_.upsert({std::string_view(of)}).first;
  table_.set_bytes(row, 1, nlohmann::json(after).dump());
}

}  // namespace stream
