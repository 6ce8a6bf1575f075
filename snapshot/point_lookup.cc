#include "snapshot/point_lookup.h"

#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "snapshot/given_text.h"
#include "snapshot/sql_value.h"
#include "snapshot/table_slices.h"
#include "transport/base/text.h"
#include "transport/record/key.h"

namespace stream {

nlohmann::json texts_of_row(const Batch& rows, std::size_t row) {
  nlohmann::json texts = nlohmann::json::array();
  for (const Column& column : rows.columns) {
    texts.push_back(column.valid(row) ? nlohmann::json(value_text(column, row)) : nlohmann::json());
  }
  return texts;
}

Result<Batch> row_of_texts(const TableSpec& spec, const nlohmann::json& texts, std::size_t columns) {
  if (!texts.is_array() || texts.size() != columns)
    return usage_error("state table '" + spec.name + "' has " + std::to_string(columns) + " columns there");
  Batch row{nullptr, 1, {}, {}};
  for (std::size_t i = 0; i < columns; ++i) {
    ColumnBuilder column(spec.field(i).type);
    if (texts[i].is_null())
      column.append_null();
    else if (!texts[i].is_string() || !append_text(texts[i].get_ref<const std::string&>(), column))
      return usage_error("column '" + spec.field(i).name + "' is " + to_string(spec.field(i).type) + " and cannot be " +
                         texts[i].dump());
    row.columns.push_back(column.finish());
  }
  return row;
}

Result<std::string> look_up(const StateTable& table, const nlohmann::json& key) {
  const TableSpec& spec = table.spec();
  STREAM_ASSIGN(const Batch batch, row_of_texts(spec, key, spec.key.size()));
  std::vector<std::size_t> columns(spec.key.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  std::array<std::uint64_t, 1> hashes{};
  hash_keys(batch, columns, hashes);
  std::array<Row, 1> found{};
  table.find(batch, columns, hashes, found);
  if (!found[0]) return std::string("null");
  std::string text =
      texts_of_row(all_columns(table, found), 0).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() <= kLookupBytesMax) return text;
  return usage_error("the row has " + format_size(text.size()) +
                     ", more than is looked up in an instance that works; " +
                     "ask its newest checkpoint, without --live");
}

}  // namespace stream
