#include "stages/write-file/folders.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "stages/format/print_value.h"
#include "stages/kit/batch_groups.h"
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

// Rows whose values have the same text, each other's group. Doubles that are equal may have two: -0 and 0.
std::vector<std::uint32_t> alike_rows(const Batch& values, std::vector<std::uint32_t>& first) {
  std::vector<std::uint32_t> of(values.rows);
  first.resize(values.rows);
  std::iota(of.begin(), of.end(), 0U);
  std::iota(first.begin(), first.end(), 0U);
  if (std::ranges::any_of(values.columns, [](const Column& column) { return column.type() == kDouble; })) return of;
  std::vector<std::size_t> columns(values.columns.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  BatchGroups groups;
  groups.make(values, columns);
  for (std::size_t row = 0; row < values.rows; ++row) of[row] = groups.of(row);
  first.assign(groups.first().begin(), groups.first().end());
  return of;
}

}  // namespace

Result<std::map<std::string, std::vector<std::uint32_t>>> spread(const std::vector<SelectedColumn>& by,
                                                                 const Batch& batch, Emitter& out) {
  Batch values{nullptr, batch.rows, {}, {}};
  std::set<std::uint32_t> bad;
  std::vector<RowError> errors;
  for (const SelectedColumn& selected : by) {
    std::vector<RowError> failures;
    values.columns.push_back(selected.expression.evaluate(batch, &failures));
    for (const RowError& failure : failures) {
      if (bad.insert(failure.row).second) errors.push_back(failure);
    }
  }
  std::vector<std::uint32_t> first;
  const std::vector<std::uint32_t> group_of = alike_rows(values, first);
  std::vector<std::string> folders(first.size());
  std::vector<bool> too_long(first.size());
  for (std::size_t group = 0; group < first.size(); ++group) {
    for (std::size_t c = 0; c < by.size(); ++c) {
      const std::string name = folder_name(by[c].name, values.columns[c], first[group]);
      too_long[group] = too_long[group] || name.size() > kNameMax;
      folders[group] += name + "/";
    }
  }
  std::map<std::string, std::vector<std::uint32_t>> spread_rows;
  std::vector<std::vector<std::uint32_t>*> rows_of(first.size());
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    const std::uint32_t group = group_of[row];
    if (bad.contains(row)) continue;
    if (too_long[group]) {
      errors.push_back({row, "the value is too long for a folder's name"});
      continue;
    }
    if (rows_of[group] == nullptr) rows_of[group] = &spread_rows[folders[group]];
    rows_of[group]->push_back(row);
  }
  STREAM_TRY(report_row_errors(batch, errors, out));
  return spread_rows;
}

}  // namespace stream
