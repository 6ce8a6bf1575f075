#include "stages/kit/row_text.h"

#include <algorithm>

#include "stages/format/encoder.h"
#include "stages/kit/stdin_source.h"

namespace stream {

std::string row_text(const Batch& batch, std::size_t row) {
  if (const auto line = batch.schema->find(kRawLineColumn)) return std::string(batch.columns[*line].bytes(row));
  const auto position = static_cast<std::uint32_t>(row);
  const Batch one = batch.take({&position, 1});
  ByteBuilder out;
  make_encoder({}, batch.schema)->encode(one, out);
  std::string text(reinterpret_cast<const char*>(out.data()), out.size());
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

void merge_row_errors(std::vector<RowError>& errors) {
  std::ranges::stable_sort(errors, {}, &RowError::row);
  const auto same_row = [](const RowError& a, const RowError& b) { return a.row == b.row; };
  errors.erase(std::unique(errors.begin(), errors.end(), same_row), errors.end());
}

std::vector<std::uint32_t> rows_without(std::span<const RowError> errors, std::size_t rows) {
  std::vector<std::uint32_t> good;
  auto bad = errors.begin();
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (bad != errors.end() && bad->row == row) {
      ++bad;
    } else {
      good.push_back(row);
    }
  }
  return good;
}

Status report_row_errors(const Batch& batch, std::span<const RowError> errors, Emitter& out) {
  for (const RowError& error : errors) { STREAM_TRY(out.bad_record({error.reason, "", row_text(batch, error.row)})); }
  return {};
}

void keep_rows_before(std::span<const RowError> errors, std::vector<std::uint32_t>& rows) {
  rows.erase(std::ranges::lower_bound(rows, errors.front().row), rows.end());
}

PlanError plan_error(std::string option, const ExpressionError& error) {
  return {std::move(option), error.offset, error.message, error.hint};
}

}  // namespace stream
