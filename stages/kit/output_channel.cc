#include <algorithm>
#include <utility>

#include "stages/kit/output.h"

namespace stream {
namespace {

constexpr Microseconds kFrameGap = 50;               // between small frames of one channel
constexpr Microseconds kFlushInterval = 1'000;       // the longest a row waits for others
constexpr Microseconds kWatermarkInterval = 20'000;  // between frames that only carry a watermark
constexpr std::size_t kLargeBatch = 32 * 1024;       // from here on a batch goes as it is

std::uint64_t frame_limit(const SendWindow& window) {
  return std::min<std::uint64_t>(kBatchBytesTarget, window.frame_bytes_max());
}

}  // namespace

OutputChannel::OutputChannel(Sender sender, SchemaPtr schema)
    : sender_(std::move(sender)), schema_(std::move(schema)) {}

void OutputChannel::add(const Batch& batch) {
  if (batch.rows == 0) return;
  const std::size_t bytes = batch.size_bytes();
  if (bytes >= kLargeBatch) {
    seal();
    items_.push_back({{}, batch, 0, bytes, watermark_});
    items_bytes_ += bytes;
    return;
  }
  if (!builder_) builder_.emplace(schema_);
  builder_->append_all(batch);
  if (builder_->full()) seal();
}

void OutputChannel::add_rows(const Batch& batch, std::span<const std::uint32_t> rows) {
  if (rows.empty()) return;
  if (!builder_) builder_.emplace(schema_);
  builder_->append_rows(batch, rows);
  if (builder_->full()) seal();
}

void OutputChannel::seal() {
  if (!builder_ || builder_->rows() == 0) return;
  Batch batch = builder_->finish();
  const std::size_t bytes = batch.size_bytes();
  items_.push_back({{}, std::move(batch), 0, bytes, watermark_, std::exchange(builder_mark_, 0)});
  items_bytes_ += bytes;
  builder_since_ = 0;
}

void OutputChannel::add_marker(FrameHeader marker) {
  seal();
  if (marker.kind == FrameKind::kBarrier) ++barriers_;
  items_.push_back({marker, std::nullopt, 0, 0, watermark_});
}

void OutputChannel::set_watermark(Microseconds watermark, bool idle) {
  // A watermark binds the rows emitted after it. A frame may carry every watermark that was set
  // before its last row was added, and no frame in front of them may.
  if (apart_ && watermark > watermark_) {
    seal();
    FrameHeader alone;
    alone.kind = FrameKind::kWatermark;
    items_.push_back({alone, std::nullopt, 0, 0, watermark});
  }
  watermark_ = std::max(watermark_, watermark);
  idle_input_ = idle;
}

bool OutputChannel::mark(Microseconds origin) {
  Microseconds* place = nullptr;
  if (builder_ && builder_->rows() != 0)
    place = &builder_mark_;
  else if (!items_.empty() && items_.back().batch)
    place = &items_.back().origin;
  if (place != nullptr && *place == 0) *place = origin;
  return place != nullptr;
}

// What was sent beyond the window counts as if it waited here.
bool OutputChannel::full() const {
  const SendWindow& window = sender_.window();
  const std::uint64_t beyond = window.in_flight_bytes() - std::min(window.in_flight_bytes(), window.window_bytes());
  const std::size_t most = std::clamp<std::size_t>(window.window_bytes(), kBytesMin, kBytesMax);
  return queued_bytes() + beyond >= most;
}

// A barrier must not wait for a receiver that takes its time but keeps what it is given in its state: the rows in front
// of it go beyond the window. For any other receiver it makes no difference, as it has to work through them anyway.
bool OutputChannel::may_send_rows() const { return barriers_ > 0 || sender_.may_send(); }

std::size_t OutputChannel::queued_bytes() const { return items_bytes_ + (builder_ ? builder_->size_bytes() : 0); }

bool OutputChannel::builder_due(Microseconds now, bool drain) const {
  if (!builder_ || builder_->rows() == 0) return false;
  if (builder_->size_bytes() >= frame_limit(sender_.window())) return true;
  if (builder_since_ != 0 && now - builder_since_ >= kFlushInterval) return true;
  return drain && now - last_frame_ >= kFrameGap;
}

Status OutputChannel::send_frame(FrameHeader header, const Batch* batch, Microseconds now) {
  header.created_us = system_clock().wall_us();
  header.idle = idle_input_;
  last_frame_ = now;
  watermark_sent_ = header.watermark;
  idle_sent_ = header.idle;
  ++counters_.frames;
  if (batch != nullptr) {
    counters_.records += batch->rows;
    counters_.bytes += batch->size_bytes();
  }
  return sender_.send(header, batch, now);
}

Status OutputChannel::send_rows(Item& item, Microseconds now) {
  const std::size_t left = item.batch->rows - item.begin;
  const std::size_t row_bytes = item.bytes / item.batch->rows + 1;
  const std::size_t count = std::clamp<std::size_t>(frame_limit(sender_.window()) / row_bytes, 1, left);
  FrameHeader header;
  header.kind = FrameKind::kData;
  const bool last = count == left;
  // The newest watermark holds behind the last row there is. Between two parts of one item only
  // what was sent before is sure: the item may have been gathered while the watermark rose.
  const bool newest = last && items_.size() == 1 && (!builder_ || builder_->rows() == 0);
  header.watermark = newest ? watermark_ : last ? std::max(item.watermark, watermark_sent_) : watermark_sent_;
  if (last) header.origin_us = item.origin;
  const Batch part = item.batch->slice(item.begin, item.begin + count);
  STREAM_TRY(send_frame(header, &part, now));
  item.begin += count;
  if (last) {
    items_bytes_ -= item.bytes;
    items_.pop_front();
  }
  return {};
}

Status OutputChannel::send_front(Microseconds now) {
  Item& item = items_.front();
  if (item.batch) return send_rows(item, now);
  FrameHeader header = item.marker;
  if (header.kind != FrameKind::kEnd) header.watermark = std::max(item.watermark, watermark_sent_);
  if (header.kind == FrameKind::kBarrier) --barriers_;
  items_.pop_front();
  return send_frame(header, nullptr, now);
}

Result<std::optional<Microseconds>> OutputChannel::pump(Microseconds now, bool drain) {
  const auto sendable = [&] { return !items_.empty() && (!items_.front().batch || may_send_rows()); };
  while (sendable()) STREAM_TRY(send_front(now));
  if (items_.empty() && builder_due(now, drain) && sender_.may_send()) {
    seal();
    while (sendable()) STREAM_TRY(send_front(now));
  }
  if (builder_ && builder_->rows() != 0) {
    if (builder_since_ == 0) builder_since_ = now;
    if (!sender_.may_send()) return std::optional<Microseconds>();
    return std::optional(std::min(builder_since_ + kFlushInterval, last_frame_ + kFrameGap));
  }
  if (!items_.empty() || (lone_mark_ == 0 && watermark_ == watermark_sent_ && idle_input_ == idle_sent_)) {
    return std::optional<Microseconds>();
  }
  if (lone_mark_ == 0 && now - last_frame_ < kWatermarkInterval) return std::optional(last_frame_ + kWatermarkInterval);
  FrameHeader header;
  header.kind = FrameKind::kWatermark;
  header.watermark = watermark_;
  header.origin_us = std::exchange(lone_mark_, 0);
  STREAM_TRY(send_frame(header, nullptr, now));
  return std::optional<Microseconds>();
}

}  // namespace stream
