#include "stages/write-file/folders.h"

#include <set>

#include "stages/format/print_value.h"
#include "stages/kit/row_text.h"
#include "stages/write-file/part_name.h"

namespace stream {
namespace {

constexpr std::size_t kNameMax = 200;  // file systems allow 255 bytes a name

std::string folder_name(const std::string& name, const Column& column, std::size_t row) {
  if (!column.valid(row)) return escape_folder(name) + "=__null__";
  std::string text(format::printed_size(column, row), '\0');
  text.resize(static_cast<std::size_t>(format::print_value(text.data(), column, row) - text.data()));
  return escape_folder(name) + "=" + escape_folder(text);
}

}  // namespace

Result<std::map<std::string, std::vector<std::uint32_t>>> spread(const std::vector<SelectedColumn>& by,
                                                                 const Batch& batch, Emitter& out) {
  std::vector<std::string> folders(batch.rows);
  std::set<std::uint32_t> bad;
  std::vector<RowError> errors;
  for (const SelectedColumn& selected : by) {
    std::vector<RowError> failures;
    const Column column = selected.expression.evaluate(batch, &failures);
    for (const RowError& failure : failures) {
      if (bad.insert(failure.row).second) errors.push_back(failure);
    }
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
      const std::string name = folder_name(selected.name, column, row);
      if (name.size() > kNameMax && bad.insert(row).second)
        errors.push_back({row, "the value is too long for a folder's name"});
      folders[row] += name + "/";
    }
  }
  STREAM_TRY(report_row_errors(batch, errors, out));
  std::map<std::string, std::vector<std::uint32_t>> spread_rows;
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    if (!bad.contains(row)) spread_rows[folders[row]].push_back(row);
  }
  return spread_rows;
}

}  // namespace stream
