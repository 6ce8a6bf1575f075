// OutboxSink: a sink whose rows wait in its outbox, so in the snapshot, until their checkpoint is durable.
//
// What is left to a subclass is to make a committable's rows visible, once, and to know which are. The
// thread of commit() is not that of the others; both may use only what stands here as theirs.
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/stage.h"

namespace stream {

struct Prepared {
  Committable committable;
  std::vector<Batch> batches;
  bool restored = false;  // from a snapshot: it may have been made visible, in part or whole
};

// Columns that an outbox cannot hold: errors for the plan of a sink that keeps these.
std::vector<PlanError> check_outbox_columns(const Schema& schema);

class OutboxSink : public Sink {
 public:
  Status on_batch(std::size_t input, Batch batch, Emitter& out) final;
  Status prepare(Epoch epoch) final;
  Status commit(Epoch epoch) final;
  Status committed(Epoch epoch) final;
  Status on_restored(Epoch epoch) final;
  Status flush() final;
  Status on_end() final { return flush(); }

 protected:
  // `spec` is of outbox_spec(): the input's columns and those that kept() adds.
  OutboxSink(Context& context, const TableSpec& spec);

  // The loop's thread. The batch as it is kept in the outbox.
  virtual Batch kept(Batch batch) { return batch; }
  // The loop's thread, before any commit. `pending`: what the snapshot holds uncommitted.
  virtual Status begin(Epoch epoch, std::span<const Prepared> pending) = 0;
  // The commit thread: all rows of these visible, once. In order of epochs; may be empty.
  virtual Status make_visible(std::span<const Prepared> due) = 0;
  // Without a supervisor: these rows visible now.
  virtual Status write_now(const std::vector<Batch>& batches) = 0;

  bool supervised() const { return supervised_; }
  std::uint32_t instance() const { return instance_; }

 private:
  const bool supervised_;
  const std::uint32_t instance_;
  Outbox& outbox_;
  std::vector<Batch> pending_;  // since the last prepare
  std::size_t pending_bytes_ = 0;
  std::mutex mutex_;
  std::vector<Prepared> prepared_;  // guarded by mutex_: the commit thread takes from it
  // The commit thread's: what it has made visible itself. The next commit() may come before committed() has
  // taken the rows of the last one away.
  Epoch visible_;
};

}  // namespace stream
