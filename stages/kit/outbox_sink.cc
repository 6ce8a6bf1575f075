#include "stages/kit/outbox_sink.h"

#include <algorithm>
#include <array>
#include <utility>

namespace stream {
namespace {

constexpr std::size_t kFlushAt = 8 << 20;  // without a supervisor rows are gathered no further

}  // namespace

std::vector<PlanError> check_outbox_columns(const Schema& schema) {
  constexpr std::array<std::string_view, 4> kReserved = {"_epoch", "_instance", "_seq", "_kind"};
  std::vector<PlanError> errors;
  for (const Field& field : schema.fields) {
    if (std::ranges::find(kReserved, field.name) == kReserved.end()) continue;
    errors.push_back({"", 0, "a column cannot be named '" + field.name + "' here", "rename it with select"});
  }
  return errors;
}

OutboxSink::OutboxSink(Context& context, const TableSpec& spec)
    : supervised_(context.supervised), instance_(context.instance), outbox_(context.state.outbox(spec)) {}

Status OutboxSink::on_batch(std::size_t /*input*/, Batch batch, Emitter& /*out*/) {
  pending_bytes_ += batch.size_bytes();
  pending_.push_back(std::move(batch));
  return !supervised_ && pending_bytes_ >= kFlushAt ? flush() : Status();
}

Status OutboxSink::prepare(Epoch epoch) {
  Prepared prepared{{epoch, instance_}, {}, false};
  for (Batch& batch : pending_) prepared.batches.push_back(kept(std::move(batch)));
  pending_.clear();
  pending_bytes_ = 0;
  if (prepared.batches.empty()) return {};
  for (const Batch& batch : prepared.batches) outbox_.append(epoch, batch);
  const std::lock_guard lock(mutex_);
  prepared_.push_back(std::move(prepared));
  return {};
}

Status OutboxSink::commit(Epoch epoch) {
  std::vector<Prepared> due;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(prepared_, std::back_inserter(due), [&](const Prepared& prepared) {
      return prepared.committable.epoch <= epoch && prepared.committable.epoch > visible_;
    });
  }
  STREAM_TRY(make_visible(due));
  visible_ = std::max(visible_, epoch);
  return {};
}

Status OutboxSink::committed(Epoch epoch) {
  outbox_.drop_through(epoch);
  const std::lock_guard lock(mutex_);
  std::erase_if(prepared_, [&](const Prepared& prepared) { return prepared.committable.epoch <= epoch; });
  return {};
}

Status OutboxSink::on_restored(Epoch epoch) {
  for (const Committable& committable : outbox_.committables()) {
    prepared_.push_back({committable, outbox_.batches(committable), true});
  }
  return begin(epoch, prepared_);
}

Status OutboxSink::flush() {
  if (supervised_ || pending_.empty()) return {};
  STREAM_TRY(write_now(pending_));
  pending_.clear();
  pending_bytes_ = 0;
  return {};
}

}  // namespace stream
