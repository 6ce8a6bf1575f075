#include "cli/state_columns.h"

namespace stream {

using nlohmann::ordered_json;

std::vector<std::string> column_lines(const TableSpec& spec) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    const Field& field = spec.field(i);
    const std::string means(spec.definition_of(i));
    const bool says_more = !means.empty() && means != field.name;
    lines.push_back((i < spec.key.size() ? "key    " : "value  ") + field.name + " " + to_string(field.type) +
                    (says_more ? "  = " + means : ""));
  }
  return lines;
}

ordered_json columns_json(const TableSpec& spec) {
  ordered_json columns = ordered_json::array();
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    ordered_json column = {
        {"name", spec.field(i).name}, {"type", to_string(spec.field(i).type)}, {"key", i < spec.key.size()}};
    if (!spec.definition_of(i).empty()) column["means"] = spec.definition_of(i);
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace stream
