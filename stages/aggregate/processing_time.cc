#include "stages/aggregate/processing_time.h"

#include <algorithm>

namespace stream {

Schema with_processing_time(const Schema& input) {
  Schema schema = input;
  schema.time = schema.fields.size();
  schema.fields.push_back({free_name("processing_time", input.fields), kTimestamp});
  return schema;
}

ProcessingTime::ProcessingTime(const AggregateDesign& design, const Schema& input, std::unique_ptr<Operator> windows,
                               const StateTable& table, const Clock& clock)
    : slices_(design.slices),
      size_(design.window->size),
      schema_(std::make_shared<const Schema>(with_processing_time(input))),
      windows_(std::move(windows)),
      table_(table),
      clock_(clock) {}

Status ProcessingTime::on_batch(std::size_t input, Batch batch, Emitter& out) {
  now_ = std::max(now_, clock_.wall_us());
  ColumnBuilder one(kTimestamp, 1);
  one.append(now_);
  batch.schema = schema_;
  batch.columns.push_back(repeat_column(one.finish(), batch.rows));
  const Microseconds end = slices_ ? slices_->next_end(now_) : now_ + size_;
  due_ = due_ ? std::min(*due_, end) : end;
  return windows_->on_batch(input, std::move(batch), out);
}

// Event time says nothing here, but for the end of the input.
Status ProcessingTime::on_watermark(Microseconds watermark, Emitter& out) {
  if (watermark != kEndOfTime) return {};
  due_.reset();
  return windows_->on_watermark(watermark, out);
}

Status ProcessingTime::on_time(Microseconds now, Emitter& out) {
  now_ = std::max(now_, now);
  STREAM_TRY(windows_->on_watermark(now_, out));
  due_.reset();
  if (table_.rows() != 0) due_ = first_end(now_);
  return {};
}

Microseconds ProcessingTime::first_end(Microseconds now) const {
  return slices_ ? slices_->next_end(now) : std::max(now + 1, table_.first_time().value_or(now + size_));
}

// Windows may have ended while nothing ran.
Status ProcessingTime::on_restored() {
  if (table_.rows() != 0) due_ = 0;
  return windows_->on_restored();
}

}  // namespace stream
