#include "stages/kit/outbox_sink.h"

#include "snapshot/state_store.h"

namespace stream {
namespace {

constexpr std::size_t kFlushAt = 8 << 20;  // outside a job: rows are gathered no further

}  // namespace

OutboxSink::OutboxSink(Context& context)
    : supervised_(context.supervised),
      instance_(context.instance),
      outbox_(context.state.outbox(outbox_of(*context.inputs[0]))) {}

void OutboxSink::restore_prepared() {
  for (const Committable& committable : outbox_.committables()) {
    prepared_.push_back({committable, outbox_.batches(committable)});
  }
}

Status OutboxSink::on_batch(std::size_t /*input*/, Batch batch, Emitter& /*out*/) {
  pending_bytes_ += batch.size_bytes();
  pending_.push_back(std::move(batch));
  return !supervised_ && pending_bytes_ >= kFlushAt ? flush() : Status();
}

Status OutboxSink::prepare(Epoch epoch) {
  Prepared prepared{{epoch, instance_}, std::move(pending_)};
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
    for (const Prepared& prepared : prepared_) {
      if (prepared.committable.epoch <= epoch) due.push_back(prepared);
    }
  }
  return due.empty() ? Status() : apply(due);
}

Status OutboxSink::committed(Epoch epoch) {
  outbox_.drop_through(epoch);
  const std::lock_guard lock(mutex_);
  std::erase_if(prepared_, [&](const Prepared& prepared) { return prepared.committable.epoch <= epoch; });
  return {};
}

Status OutboxSink::flush() {
  if (supervised_ || pending_.empty()) return {};
  STREAM_TRY(write(pending_));
  pending_.clear();
  pending_bytes_ = 0;
  return {};
}

}  // namespace stream
