#include "stages/match/results.h"

#include <algorithm>
#include <set>

#include "stages/kit/row_text.h"

namespace stream {

MatchResults::MatchResults(const MatchDesign& design, const StateTable& table, SchemaPtr output)
    : design_(design), table_(table), output_(std::move(output)) {
  if (!output_) return;
  std::set<std::size_t> which;
  for (const Field& field : output_->fields) {
    Source source;
    const auto measure = std::ranges::find(design.expressions.measures, field.name, &PatternMeasure::name);
    if (measure != design.expressions.measures.end()) {
      source.measure = &measure->expression;
      for (const std::size_t value : measure->expression.columns()) which.insert(value);
    } else {
      source.column = design.columns[*design.input.find(field.name)];
    }
    sources_.push_back(source);
  }
  values_ = MatchValues(design.expressions, design.pattern.variables, {which.begin(), which.end()});
  for (const std::size_t value : values_.which()) builders_.emplace_back(design.expressions.values[value].type);
  for (Source& source : sources_) {
    if (source.measure != nullptr) continue;
    source.builder = builders_.size();
    builders_.emplace_back(table.spec().field(source.column).type);
  }
}

void MatchResults::add(const OpenRows& sequence, std::span<const std::uint32_t> variables) {
  if (!output_) return;
  MatchHistory history = values_.begin();
  for (std::uint32_t row = 0; row < variables.size(); ++row) {
    values_.add(history, sequence, row, variables[row]);
    if (design_.all_rows || row + 1 == variables.size()) add_row(sequence, row, history);
  }
}

void MatchResults::add_row(const OpenRows& sequence, std::size_t row, const MatchHistory& history) {
  for (std::size_t i = 0; i < values_.which().size(); ++i) {
    const char* reason = values_.append(history, sequence, i, builders_[i]);
    if (reason != nullptr) errors_.push_back({static_cast<std::uint32_t>(rows_), reason});
  }
  for (const Source& source : sources_) {
    if (source.measure == nullptr) table_.append_to(sequence.row(row), source.column, builders_[source.builder]);
  }
  ++rows_;
}

bool MatchResults::full() const {
  std::size_t bytes = 0;
  for (const ColumnBuilder& builder : builders_) bytes += builder.size_bytes();
  return rows_ >= kBatchRowsMax / 2 || bytes >= kBatchBytesTarget;
}

Status MatchResults::emit(Emitter& out) {
  if (rows_ == 0) return {};
  Batch values{nullptr, rows_, std::vector<Column>(design_.expressions.values.size()), {}};
  for (std::size_t i = 0; i < values_.which().size(); ++i) values.columns[values_.which()[i]] = builders_[i].finish();
  Batch batch{output_, rows_, {}, {}};
  for (const Source& source : sources_) {
    batch.columns.push_back(source.measure != nullptr ? source.measure->evaluate(values, &errors_)
                                                      : builders_[source.builder].finish());
  }
  rows_ = 0;
  if (errors_.empty()) return out.emit(std::move(batch));
  merge_row_errors(errors_);
  const std::vector<RowError> errors = std::exchange(errors_, {});
  const Status status = report_row_errors(batch, errors, out);
  std::vector<std::uint32_t> good = rows_without(errors, batch.rows);
  if (!status.ok()) keep_rows_before(errors, good);
  const Status emitted = good.empty() ? Status() : out.emit(batch.take(good));
  return status.ok() ? emitted : status;
}

}  // namespace stream
