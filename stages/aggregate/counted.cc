#include "stages/aggregate/counted.h"

#include <algorithm>
#include <numeric>

namespace stream {

CountedAggregate::CountedAggregate(AggregateDesign design, const Context& context, SchemaPtr output)
    : AggregateOperator(std::move(design), context, nullptr),
      rows_a_window_(static_cast<std::int64_t>(design_.window->count)) {
  if (output) results_.emplace(design_, table_, distinct_, std::move(output));
}

void CountedAggregate::find(const Work& work) {
  if (!design_.global()) return find_groups(work);
  rows_.resize(work.batch.rows);
  inserted_.assign(work.batch.rows, 0);
  find_global();
}

// Windows that are forgotten by the time of these rows are gone before the rows are counted.
void CountedAggregate::forget_idle(const Batch& batch) {
  find({batch, {}});
  touch_groups(batch);
  undo_groups();
}

// Which window of its group each row is for, if none is bad: 0 is the one that is being filled. The counts of the
// groups serve as scratch.
void CountedAggregate::plan(const Batch& batch) {
  find({batch, {}});
  std::vector<std::uint32_t> turns(batch.rows);
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    turns[i] = static_cast<std::uint32_t>((*table_.at<std::int64_t>(rows_[i], design_.row_count))++ / rows_a_window_);
    last = std::max(last, turns[i]);
  }
  for (const Row row : rows_) --*table_.at<std::int64_t>(row, design_.row_count);
  undo_groups();
  begin_of_.assign(last + 2, 0);
  for (const std::uint32_t turn : turns) ++begin_of_[turn + 1];
  std::partial_sum(begin_of_.begin(), begin_of_.end(), begin_of_.begin());
  order_.resize(batch.rows);
  std::vector<std::uint32_t> next(begin_of_.begin(), begin_of_.end() - 1);
  for (std::uint32_t i = 0; i < batch.rows; ++i) order_[next[turns[i]]++] = i;
}

std::span<const std::uint32_t> CountedAggregate::turn(std::size_t number) const {
  return std::span(order_).subspan(begin_of_[number], begin_of_[number + 1] - begin_of_[number]);
}

Status CountedAggregate::on_rows(Batch batch, Emitter& out) {
  while (batch.rows != 0) {
    STREAM_ASSIGN(const std::vector<std::uint32_t> left, add_turns(batch, out));
    batch = batch.take(left);
  }
  return {};
}

// Returns the rows that are left: where some were bad, others take their places.
Result<std::vector<std::uint32_t>> CountedAggregate::add_turns(const Batch& batch, Emitter& out) {
  if (idle_) forget_idle(batch);
  plan(batch);
  const std::size_t turns = begin_of_.size() - 1;
  for (std::size_t number = 0; number < turns; ++number) {
    const auto rows = turn(number);
    added_ = 0;
    STREAM_TRY(apply({turns == 1 ? batch : batch.take(rows), {}}, out));
    if (added_ == rows.size() || number + 1 == turns) continue;
    std::vector<std::uint32_t> left(order_.begin() + begin_of_[number + 1], order_.end());
    std::ranges::sort(left);
    return left;
  }
  return std::vector<std::uint32_t>();
}

Result<bool> CountedAggregate::add(const Work& work, Emitter& out) {
  find(work);
  if (idle_) touch_groups(work.batch);
  if (!accumulators_.add(work.batch, {rows_, inserted_, &keys_})) {
    undo_groups();
    return false;
  }
  added_ += work.batch.rows;
  touched_.clear();
  touched_.add_all(rows_);
  touched_.drop_if([&](Row row) { return table_.get<std::int64_t>(row, design_.row_count) < rows_a_window_; });
  std::vector<Row> full = touched_.rows();
  if (results_) STREAM_TRY(emit_groups(*results_, full, out));
  erase(touched_.rows());
  return true;
}

void CountedAggregate::erase(std::span<const Row> groups) {
  for (const Row group : groups) {
    erase_values(group);
    table_.erase(group);
  }
}

}  // namespace stream
