// SinkRig: drives a sink as a supervised instance would, over real snapshot files, and can let it
// die between any two steps: the next life restores the newest complete checkpoint and the input
// is replayed from there.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/snapshot_writer.h"
#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "tests/support/temp_dir.h"
#include "transport/base/text.h"

namespace stream {

inline void require_ok(const Status& status) { BOOST_REQUIRE_MESSAGE(status.ok(), status.what()); }

class NoEmitter final : public Emitter {
 public:
  Status emit(Batch, std::size_t) override { return {}; }
  Status bad_record(BadRecord record) override {
    bad.push_back(std::move(record));
    return {};
  }
  void late_records(std::uint64_t, std::size_t) override {}
  bool full() const override { return false; }
  std::vector<BadRecord> bad;
};

struct SinkScript {
  std::vector<std::vector<Batch>> epochs;  // the input, cut by barriers
  std::vector<std::size_t> aborted;        // indexes of epochs whose first checkpoint is not completed
  std::vector<Microseconds> watermarks;    // behind the rows of each epoch; fewer: none
};

class SinkRig {
 public:
  using Make = std::function<Result<std::unique_ptr<Sink>>(Context&)>;

  SinkRig(Make make, Values values, SchemaPtr schema, std::string folder)
      : make_(std::move(make)), values_(std::move(values)), schema_(std::move(schema)), folder_(std::move(folder)) {}

  // One life from the newest complete checkpoint to the end of the input. It dies behind the step
  // number `steps` (counted from 0), or at the first error. True if it reached the end.
  bool live(const SinkScript& script, std::size_t steps = SIZE_MAX, bool rewind = false) {
    error_ = {};
    steps_left_ = steps;
    auto life = std::make_unique<Life>();
    StateStore& store = life->store;
    Context context{values_, folder_, {schema_}, {}, store, clock, "job", "sink", run, 0, 1, 1024, 64 << 20, true};
    context.attempt = attempt_ + 1;
    context.predecessor_may_wake = static_cast<bool>(zombie);
    auto made = make_(context);
    if (!made.ok()) return dies(std::move(made).status());
    life->sink = *std::move(made);
    Sink* const sink = life->sink.get();
    if (zombie) lives_.push_back(std::move(life));
    SnapshotWriter writer(system_files(), writer_options());
    std::size_t next = 0;
    if (!restore(store, writer, &next)) return false;
    const Epoch restored(checkpoint_ ? checkpoint_->epoch.value() : 0);
    if (rewind && !happens(sink->rewind(restored))) return false;
    if (!happens(sink->on_restored(restored))) return false;
    // The end of the input comes again to a sink that has seen it, and with it a last checkpoint.
    for (next = std::min(next, script.epochs.size()); next <= script.epochs.size(); ++next) {
      if (!run_epoch(script, next, store, writer, *sink)) return false;
    }
    return true;
  }

  // Forgets checkpoints behind the `kept`th, as if their files were damaged.
  void lose_checkpoints_after(std::size_t kept) {
    history_.resize(std::min(kept, history_.size()));
    checkpoint_ = history_.empty() ? std::nullopt : std::optional(history_.back());
  }

  std::size_t steps_taken() const { return steps_taken_; }
  std::size_t checkpoints() const { return history_.size(); }
  const Status& error() const { return error_; }

  // If set, nobody dies: whoever is given up stands still, and before each step of the lives that follow it wakes and
  // does this, with the last epoch that it knows to be complete.
  std::function<void(Sink&, Epoch)> zombie;

  ManualClock clock;
  NoEmitter emitter;
  std::string run = "0123456789abcdef0123456789abcdef";

 private:
  struct Life {
    StateStore store;
    std::unique_ptr<Sink> sink;
    Epoch complete;
  };
  struct Checkpoint {
    Epoch epoch;
    std::size_t next = 0;  // epoch of the script that comes behind
    InstanceFiles files;
  };

  WriterOptions writer_options() const {
    WriterOptions options;
    options.identity.job = "job";
    options.identity.run = run;
    options.identity.stage = "sink";
    options.identity.attempt = Attempt(attempt_);
    options.checkpoints = state_ / "checkpoints";
    options.scratch = state_ / ("scratch" + std::to_string(attempt_));
    return options;
  }

  bool dies(Status status) {
    error_ = std::move(status);
    return false;
  }
  bool happens(Status status) {
    if (!status.ok()) return dies(std::move(status));
    ++steps_taken_;
    for (std::size_t i = 0; i + 1 < lives_.size(); ++i) zombie(*lives_[i]->sink, lives_[i]->complete);
    if (steps_left_ == 0) return false;
    --steps_left_;
    return true;
  }

  bool restore(StateStore& store, SnapshotWriter& writer, std::size_t* next) {
    ++attempt_;
    if (!checkpoint_) return true;
    const RestoreSource source{state_ / "checkpoints", checkpoint_->epoch, 1, {checkpoint_->files}, true};
    require_ok(store.restore(source));
    writer.restored(source);
    *next = checkpoint_->next;
    return true;
  }

  bool run_epoch(const SinkScript& script, std::size_t index, StateStore& store, SnapshotWriter& writer, Sink& sink) {
    if (index < script.epochs.size()) {
      for (const Batch& batch : script.epochs[index]) {
        if (!happens(sink.on_batch(0, batch, emitter))) return false;
      }
      if (index < script.watermarks.size()) require_ok(sink.on_watermark(script.watermarks[index]));
    } else {
      require_ok(sink.on_watermark(kEndOfTime));
      if (!happens(sink.on_end())) return false;
    }
    epoch_ = epoch_.next();
    if (!happens(sink.prepare(epoch_))) return false;
    auto files = writer.write(store.capture(epoch_));
    require_ok(files.status());
    if (!happens({})) return false;
    const bool aborted = std::find(script.aborted.begin(), script.aborted.end(), index) != script.aborted.end();
    if (aborted) return true;
    checkpoint_ = Checkpoint{epoch_, index + 1, *std::move(files)};
    history_.push_back(*checkpoint_);
    store.completed(epoch_);
    if (!lives_.empty()) lives_.back()->complete = epoch_;
    if (!happens({})) return false;
    if (!happens(sink.commit(epoch_))) return false;
    return happens(sink.committed(epoch_));
  }

  Make make_;
  Values values_;
  SchemaPtr schema_;
  std::string folder_;
  TempDir state_;
  std::optional<Checkpoint> checkpoint_;
  std::vector<Checkpoint> history_;
  std::vector<std::unique_ptr<Life>> lives_;  // with zombies: all, the newest last
  Epoch epoch_;                               // ids are never used again
  std::uint32_t attempt_ = 0;
  std::size_t steps_left_ = 0;
  std::size_t steps_taken_ = 0;
  Status error_;
};

// Rows of (n BIGINT, s VARCHAR) as texts: "+I 1 a"; "-" is NULL.
inline Batch rows_of(const SchemaPtr& schema, const std::vector<std::string>& rows) {
  BatchBuilder builder(schema);
  for (const std::string& text : rows) {
    const std::vector<std::string> parts = split(text, ' ');
    if (parts[1] == "-")
      builder.column(0).append_null();
    else
      builder.column(0).append<std::int64_t>(std::stoll(parts[1]));
    if (parts[2] == "-")
      builder.column(1).append_null();
    else
      builder.column(1).append_bytes(parts[2]);
    const bool update = parts[0][1] == 'U';
    const bool before = parts[0][0] == '-';
    builder.end_row(update ? (before ? RowKind::kUpdateBefore : RowKind::kUpdateAfter)
                           : (before ? RowKind::kDelete : RowKind::kInsert));
  }
  return builder.finish();
}

}  // namespace stream
