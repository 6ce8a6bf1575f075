// OutboxSink: what sinks share that write to a database with transactions.
//
// In a job, rows of an epoch wait in the outbox, so in the snapshot, until the checkpoint is durable. Then
// apply() gets them, each committable once or more often: it writes them in one transaction together with the
// committable's id and skips an id that is there already. So nothing is lost and nothing comes twice, wherever
// a process dies. Outside a job, write() gets the rows whenever no more input waits.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "snapshot/outbox.h"
#include "stages/kit/stage.h"

namespace stream {

class OutboxSink : public Sink {
 public:
  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status prepare(Epoch epoch) override;
  Status commit(Epoch epoch) override;
  Status committed(Epoch epoch) override;
  Status flush() override;
  Status on_end() override { return flush(); }

  // The state tables such a sink has.
  static TableSpec outbox_of(const Schema& schema) { return outbox_spec("outbox", schema.fields); }

 protected:
  struct Prepared {
    Committable committable;
    std::vector<Batch> batches;
  };

  explicit OutboxSink(Context& context);

  // On the commit thread: makes all of these visible, or nothing of them.
  virtual Status apply(std::span<const Prepared> due) = 0;
  // Makes all rows visible, or none.
  virtual Status write(std::span<const Batch> batches) = 0;

  // What a snapshot has brought is to be committed again. Call in on_restored().
  void restore_prepared();

  bool supervised() const { return supervised_; }

 private:
  const bool supervised_;
  const std::uint32_t instance_;
  Outbox& outbox_;
  std::vector<Batch> pending_;  // since the last prepare
  std::size_t pending_bytes_ = 0;
  std::mutex mutex_;
  std::vector<Prepared> prepared_;  // guarded by mutex_: the commit thread takes from it
};

}  // namespace stream
