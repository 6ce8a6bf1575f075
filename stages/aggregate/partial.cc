#include "stages/aggregate/partial.h"

#include <algorithm>
#include <numeric>

#include "transport/record/key.h"

namespace stream {
namespace {

std::string partial_name(const Field& field) { return std::string(kPartialPrefix) + field.name; }

// Of a call, why what it keeps cannot be added up in parts.
std::string why_not_combined(const AggregateCall& call) {
  if (call.distinct) return call.text + " must see each value, and DISTINCT ones of two parts may be the same";
  const Keeps keeps = kept_by(call);
  if (keeps == Keeps::kList) return call.text + " keeps every value it is given";
  if (keeps == Keeps::kSpread) return call.text + " keeps the values themselves";
  return "";
}

// Value columns stand behind the one column of the key.
AggregateDesign numbered(AggregateDesign design) {
  const std::size_t shift = design.table.key.size() - 1;
  design.table.key = {{"number", kBigint}};
  design.table.group_columns = 0;
  design.table.prefix = 0;
  design.table.ordered.clear();
  for (CallState& state : design.calls) {
    for (std::size_t* column : {&state.value, &state.count, &state.time, &state.squares}) {
      if (*column != kNone) *column -= shift;
    }
  }
  design.row_count -= shift;
  if (design.touched_first != kNone) design.touched_first -= shift;
  if (design.touched_last != kNone) design.touched_last -= shift;
  return design;
}

}  // namespace

std::string why_not_combined(const AggregateDesign& design, const Schema& input) {
  if (design.retracts) return "the input's rows may be taken back";
  if (design.processing) return "its windows go by the time at which rows come";
  if (design.sessions()) return "sessions are told apart by the single rows";
  if (design.counted()) return "its windows count the single rows as they come";
  for (const AggregateCall& call : design.aggregation.calls) {
    if (std::string why = why_not_combined(call); !why.empty()) return why;
  }
  for (const Field& field : input.fields) {
    if (field.name.starts_with(kPartialPrefix)) return "the input has a column '" + field.name + "' already";
  }
  return "";
}

std::optional<std::string> depends_on_order(const AggregateDesign& design) {
  for (const AggregateCall& call : design.aggregation.calls) {
    const Keeps keeps = kept_by(call);
    if ((keeps == Keeps::kSum || keeps == Keeps::kSquares) && call.argument_type == kDouble) return call.text;
  }
  return std::nullopt;
}

AggregateDesign partial_design(const AggregateDesign& design, const Schema& input) {
  AggregateDesign partial = design;
  partial.lateness = 0;
  partial.early = 0;
  partial.partial = true;
  partial.table = {};
  partial.distinct.clear();
  partial.calls.clear();
  partial.row_count = partial.fired = partial.overflow = kNone;
  lay_out_tables(partial, input, "partial", "");
  return partial;
}

std::vector<Field> partial_fields(const AggregateDesign& partial) {
  std::vector<Field> fields;
  for (const Field& field : partial.table.value) fields.push_back({partial_name(field), field.type});
  return fields;
}

Schema partial_schema(const AggregateDesign& partial, const Schema& input) {
  Schema schema = input;
  schema.key.clear();  // a row that stands for many has none
  for (Field& field : partial_fields(partial)) schema.fields.push_back(std::move(field));
  return schema;
}

std::size_t whole_columns(const Schema& input) {
  const auto added = [](const Field& field) { return field.name.starts_with(kPartialPrefix); };
  return static_cast<std::size_t>(std::ranges::find_if(input.fields, added) - input.fields.begin());
}

Result<std::unique_ptr<PartialRows>> PartialRows::make(const AggregateDesign& design, const Schema& input) {
  AggregateDesign partial = partial_design(design, input);
  std::vector<std::size_t> columns;
  for (const Field& field : partial_fields(partial)) {
    const auto column = input.find(field.name);
    if (!column || input.fields[*column].type != field.type) {
      return usage_error("the input has no column " + field.name + " " + to_string(field.type) +
                         ", as the same aggregate with `phase: partial` gives");
    }
    columns.push_back(*column);
  }
  return std::unique_ptr<PartialRows>(new PartialRows(numbered(std::move(partial)), std::move(columns)));
}

PartialRows::PartialRows(AggregateDesign design, std::vector<std::size_t> columns)
    : design_(std::move(design)),
      columns_(std::move(columns)),
      rows_column_(columns_[design_.row_count - 1]),
      table_(design_.table, false),
      from_{table_, design_, {}} {}

std::size_t PartialRows::same_until(const Batch& batch, std::size_t begin) const {
  const bool is = partial(batch, begin);
  std::size_t end = begin + 1;
  while (end < batch.rows && partial(batch, end) == is) ++end;
  return end;
}

std::uint64_t PartialRows::rows_in(const Batch& batch, std::span<const std::uint32_t> rows) const {
  std::uint64_t sum = 0;
  for (const std::uint32_t row : rows)
    sum += static_cast<std::uint64_t>(batch.columns[rows_column_].value<std::int64_t>(row));
  return sum;
}

TouchTimes PartialRows::touch_times(const Batch& batch) const {
  const auto times = [&](std::size_t column) { return batch.columns[columns_[column - 1]].values<std::int64_t>(); };
  return {times(design_.touched_first), times(design_.touched_last)};
}

const MergeFrom& PartialRows::load(const Batch& batch) {
  table_.clear();
  ColumnBuilder numbers(kBigint, batch.rows);
  for (std::size_t i = 0; i < batch.rows; ++i) numbers.append(static_cast<std::int64_t>(i));
  const Batch keys{nullptr, batch.rows, {numbers.finish()}, {}};
  const std::size_t key[] = {0};
  std::vector<std::uint64_t> hashes(batch.rows);
  hash_keys(keys, key, hashes);
  found_.resize(batch.rows);
  table_.upsert(keys, key, hashes, found_, {});
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = batch.columns[columns_[c]];
    for (std::size_t i = 0; i < batch.rows; ++i) table_.set_from(found_[i], 1 + c, column, i);
  }
  from_.rows = found_;
  return from_;
}

}  // namespace stream
