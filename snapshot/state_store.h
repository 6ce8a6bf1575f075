// StateStore: all state tables of one instance.
//
// Order of calls, all from the loop thread:
//
//   open tables (in the stage's constructor), restore()?, ( work | capture() | completed() )*
//
//   StateStore store({.instance = 0, .parallelism = 2, .key_groups = 1024});
//   SnapshotWriter writer(system_files(), …);            // snapshot/snapshot_writer.h
//   store.restore(source); writer.restored(source);      // snapshot/restore_source.h
//   Capture capture = store.capture(epoch);              // at the barrier, after before_snapshot()
//   writer.write(std::move(capture));                    // on the writer thread
//   store.completed(epoch);                              // checkpoint-complete came
//
// A capture holds every change since the newest epoch *known complete*; when a checkpoint is
// aborted nothing has to be said, the next capture contains its changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/capture.h"
#include "snapshot/outbox.h"
#include "snapshot/restore_source.h"
#include "snapshot/state_table.h"
#include "transport/base/ids.h"
#include "transport/record/key.h"

namespace stream {

struct StoreOptions {
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  std::uint32_t key_groups = kKeyGroupsDefault;
  bool track_changes = true;  // off in plain mode: no checkpoint will come
};

class RestoreReader;

class StateStore {
 public:
  explicit StateStore(StoreOptions options = {});
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;
  ~StateStore();

  // Opens the table, empty until restore(). Asking again with an equal spec gives the same table;
  // a different spec under a known name is a programmer's mistake. References live as long as
  // the store.
  StateTable& table(const TableSpec& spec);
  // The same for an outbox; `spec` is of outbox_spec().
  Outbox& outbox(const TableSpec& spec);

  std::vector<TableSpec> specs() const;  // of all opened tables, by name
  std::size_t rows() const;
  std::size_t size_bytes() const;

  // Fills the opened tables, which must be empty, with this instance's share of a checkpoint or
  // savepoint, see fit_table() for what becomes of it; `language` is that of conversions. Errors: kCorrupt if a file
  // does not check (fall back to an earlier checkpoint); kUsage if something is kept that no table takes up (the
  // manifest does not fit the state), or that cannot be converted.
  Status restore(const RestoreSource& source, const RowLanguage* language = nullptr);

  // What changed since the newest epoch known complete. Epochs rise. The pause is that of copying
  // the changed rows; nothing else is touched. Needs track_changes.
  Capture capture(Epoch epoch);
  // Checkpoint `epoch`, captured here or restored, is published, and so is every earlier one that
  // matters. Unknown and older epochs are ignored.
  void completed(Epoch epoch);
  Epoch last_completed() const { return completed_; }

 private:
  struct Open {
    std::shared_ptr<const TableSpec> spec;
    std::shared_ptr<const RowLayout> layout;  // null for an outbox
    std::unique_ptr<StateTable> table;
    std::unique_ptr<Outbox> outbox;
  };
  TableCapture capture_table(Open& open) const;
  Status check_taken(const RestoreReader& reader) const;

  StoreOptions options_;
  std::map<std::string, Open> tables_;
  std::map<Epoch, std::uint64_t> generations_;  // captured epoch -> generation it closed
  std::uint64_t generation_ = 1;                // changes now belong to this one
  std::uint64_t completed_generation_ = 0;
  Epoch completed_;
  Epoch captured_;
};

}  // namespace stream
