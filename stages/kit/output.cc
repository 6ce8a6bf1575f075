#include "stages/kit/output.h"

#include <algorithm>
#include <numeric>

#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kRowsFirst = 256;  // of which nobody knows yet how large they are
constexpr std::size_t kRowsLeast = 16;   // fewer are not worth a batch

}  // namespace

OutputEdge::OutputEdge(Config config, std::vector<Sender> senders) : config_(std::move(config)) {
  all_columns_ = !config_.where;
  for (std::size_t i = 0; i < config_.columns.size(); ++i) all_columns_ &= config_.columns[i] == i;
  take(std::move(senders));
}

void OutputEdge::take(std::vector<Sender> senders) {
  for (Sender& sender : senders) channels_.emplace_back(std::move(sender), config_.schema);
  rows_of_.resize(channels_.size());
}

void OutputEdge::add(const Batch& whole) {
  Batch batch = whole;
  if (!all_columns_ || whole.columns.size() != config_.columns.size()) {
    Batch narrow{config_.schema, whole.rows, {}, whole.kinds};
    for (const std::size_t column : config_.columns) narrow.columns.push_back(whole.columns[column]);
    batch = std::move(narrow);
    if (config_.where) {
      std::vector<std::uint32_t> rows;
      // Only total conditions are pushed, so there are no row errors to report.
      config_.where->select(whole, &rows, nullptr);
      if (rows.size() != whole.rows) batch = batch.take(rows);
    }
  }
  if (batch.rows == 0) return;
  if (!held_) return spread(batch);
  waiting_bytes_ += batch.size_bytes();
  waiting_.push_back({.batch = std::move(batch)});
}

void OutputEdge::spread(const Batch& batch) {
  if (channels_.size() == 1) return channels_[0].add(batch);
  switch (config_.spread) {
    case Spread::kBroadcast:
      for (OutputChannel& channel : channels_) channel.add(batch);
      return;
    case Spread::kHash: return spread_by_hash(batch);
    case Spread::kForward:
    case Spread::kRebalance: next_ = (next_ + 1) % channels_.size(); return channels_[next_].add(batch);
  }
}

void OutputEdge::spread_by_hash(const Batch& batch) {
  hashes_.resize(batch.rows);
  hash_keys(batch, config_.hash_columns, hashes_);
  for (auto& rows : rows_of_) rows.clear();
  const auto parallelism = static_cast<std::uint32_t>(channels_.size());
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    const KeyGroup group = key_group_of(hashes_[row], config_.key_groups);
    rows_of_[owner_of(group, config_.key_groups, parallelism)].push_back(row);
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i].add_rows(batch, rows_of_[i]);
}

void OutputEdge::add_marker(const FrameHeader& marker) {
  if (held_) return void(waiting_.push_back({.marker = marker}));
  if (marker.kind == FrameKind::kEnd) end_ = marker;
  for (OutputChannel& channel : channels_) channel.add_marker(marker);
}

void OutputEdge::set_watermark(Microseconds watermark, bool idle) {
  if (held_) {
    if (!waiting_.empty() && waiting_.back().watermark) waiting_.pop_back();
    return void(waiting_.push_back({.watermark = {{watermark, idle}}}));
  }
  watermark_ = std::max(watermark_, watermark);
  idle_input_ = idle;
  for (OutputChannel& channel : channels_) channel.set_watermark(watermark, idle);
}

// Where no rows wait one channel hears of it, as many channels would have much to do.
void OutputEdge::mark(Microseconds origin) {
  if (held_ || channels_.empty()) return;
  bool carried = false;
  for (OutputChannel& channel : channels_) carried |= channel.mark(origin);
  if (carried) return;
  next_marked_ = (next_marked_ + 1) % channels_.size();
  channels_[next_marked_].mark_alone(origin);
}

void OutputEdge::keep_watermarks_apart() {
  apart_ = true;
  for (OutputChannel& channel : channels_) channel.keep_watermarks_apart();
}

void OutputEdge::release() {
  held_ = false;
  waiting_bytes_ = 0;
  for (const Waiting& item : std::exchange(waiting_, {})) {
    if (item.batch) spread(*item.batch);
    if (item.marker) add_marker(*item.marker);
    if (item.watermark) set_watermark(item.watermark->first, item.watermark->second);
  }
}

std::size_t OutputEdge::rows_wanted() const {
  OutputCounters sent;
  std::uint64_t all = 0;
  std::uint64_t least = UINT64_MAX;
  for (const OutputChannel& channel : channels_) {
    sent += channel.counters();
    all += channel.window_bytes();
    least = std::min(least, channel.window_bytes());
  }
  if (channels_.empty()) return kBatchRowsMax;
  if (sent.records == 0) return kRowsFirst;
  const std::uint64_t bytes = config_.spread == Spread::kBroadcast ? least : all;
  const std::uint64_t rows = bytes * sent.records / std::max<std::uint64_t>(1, sent.bytes);
  return std::clamp<std::size_t>(rows, kRowsLeast, kBatchRowsMax);
}

void OutputEdge::detach() {
  for (const OutputChannel& channel : channels_) earlier_ += channel.counters();
  channels_.clear();
}

void OutputEdge::attach(Config config, std::vector<Sender> senders) {
  STREAM_CHECK(held_ && channels_.empty());
  config_ = std::move(config);
  next_ = 0;
  take(std::move(senders));
  for (OutputChannel& channel : channels_) {
    if (apart_) channel.keep_watermarks_apart();
    channel.set_watermark(watermark_, idle_input_);
    if (end_) channel.add_marker(*end_);
  }
  release();
}

void Outputs::hold(std::span<const std::uint32_t> channels) {
  for_each_edge([&](OutputEdge& edge) {
    for (OutputChannel& channel : edge.channels()) {
      const std::uint32_t id = channel.sender().identity().channel.value();
      if (std::ranges::find(channels, id) != channels.end()) edge.hold();
    }
  });
}

void Outputs::release() {
  for_each_edge([](OutputEdge& edge) { edge.release(); });
}

void Outputs::connect_local(std::size_t output, std::function<Status(const Batch&)> consumer) {
  local_[output] = std::move(consumer);
}

Status Outputs::add(std::size_t output, const Batch& batch) {
  if (watcher_) watcher_(output, batch);
  for (OutputEdge& edge : edges_[output]) edge.add(batch);
  const auto local = local_.find(output);
  return local == local_.end() ? Status() : local->second(batch);
}

void Outputs::add_marker(const FrameHeader& marker) {
  for_each_edge([&](OutputEdge& edge) { edge.add_marker(marker); });
}

void Outputs::set_watermark(Microseconds watermark, bool idle) {
  for_each_edge([&](OutputEdge& edge) { edge.set_watermark(watermark, idle); });
}

void Outputs::mark(Microseconds origin) {
  for_each_edge([&](OutputEdge& edge) { edge.mark(origin); });
}

void Outputs::keep_watermarks_apart() {
  for_each_edge([](OutputEdge& edge) { edge.keep_watermarks_apart(); });
}

Result<std::optional<Microseconds>> Outputs::pump(Microseconds now, bool drain) {
  std::optional<Microseconds> earliest;
  Status status;
  for_each_channel([&](OutputChannel& channel) {
    if (status.ok()) status = channel.sender().service(now);
    if (!status.ok()) return;
    auto due = channel.pump(now, drain);
    if (!due.ok()) {
      status = std::move(due).status();
    } else if (*due && (!earliest || **due < *earliest)) {
      earliest = *due;
    }
  });
  if (!status.ok()) return status;
  return earliest;
}

bool Outputs::full() const {
  bool full = false;
  const_cast<Outputs*>(this)->for_each_edge([&](OutputEdge& edge) {
    full |= edge.waiting_bytes() >= OutputChannel::kBytesMax;
    for (const OutputChannel& channel : edge.channels()) full |= channel.full();
  });
  return full;
}

std::size_t Outputs::rows_wanted() const {
  std::size_t rows = kBatchRowsMax;
  const_cast<Outputs*>(this)->for_each_edge([&](const OutputEdge& edge) { rows = std::min(rows, edge.rows_wanted()); });
  return rows;
}

bool Outputs::idle() const {
  bool idle = true;
  const_cast<Outputs*>(this)->for_each_channel([&](const OutputChannel& channel) { idle &= channel.idle(); });
  return idle;
}

bool Outputs::all_closed() const {
  bool closed = true;
  const_cast<Outputs*>(this)->for_each_channel([&](OutputChannel& channel) { closed &= channel.sender().closed(); });
  return closed;
}

OutputCounters Outputs::counters() const {
  OutputCounters sum;
  const_cast<Outputs*>(this)->for_each_edge([&](OutputEdge& edge) {
    sum += edge.earlier();
    for (const OutputChannel& channel : edge.channels()) sum += channel.counters();
  });
  return sum;
}

std::size_t Outputs::queued_bytes() const {
  std::size_t sum = 0;
  const_cast<Outputs*>(this)->for_each_edge([&](OutputEdge& edge) {
    sum += edge.waiting_bytes();
    for (const OutputChannel& channel : edge.channels()) sum += channel.queued_bytes();
  });
  return sum;
}

void Outputs::add_to(Poller& poller) {
  for_each_channel([&](OutputChannel& channel) {
    poller.add(channel.sender().socket().handle());
    poller.add(channel.sender().socket().monitor());
  });
}

}  // namespace stream
