// WriteSqlite: rows into a table of an SQLite database, each exactly once.
//
// Rows of an epoch wait in the outbox, so in the snapshot. When the checkpoint is durable they are
// applied in one transaction together with their id (run, stage, epoch, instance); an id that is
// there already is skipped. So nothing is lost and nothing comes twice, wherever a process dies.
//
// rewind() deletes the rows that later epochs have inserted. Of a keyed table this is enough: rows
// they updated or deleted are written again by the replay, which brings the same changes per key;
// until it has, such rows show values of the epochs taken back.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "stages/write-sqlite/commit_log.h"

namespace stream {

PlanAnswer plan_write_sqlite(const PlanRequest& request);

class WriteSqlite final : public Sink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);
  // The database, absolute.
  static std::string path_of(const Values& options, const std::string& folder);
  static std::string table_of(const Values& options, const std::string& stage);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status prepare(Epoch epoch) override;
  Status commit(Epoch epoch) override;
  Status committed(Epoch epoch) override;
  Status on_restored(Epoch epoch) override;
  Status rewind(Epoch epoch) override;
  void accept_duplicates() override { if_exists_ = IfExists::kAppend; }
  Status flush() override;
  Status on_end() override { return flush(); }

 private:
  struct Prepared {
    Committable committable;
    std::vector<Batch> batches;
  };
  enum class IfExists : std::uint8_t { kAppend, kReplace, kFail };

  explicit WriteSqlite(Context& context);
  Status open();
  Status begin(bool fresh);
  Status make_table(bool fresh);
  Status apply(const Prepared& prepared);

  const bool supervised_;
  const std::uint32_t instance_;
  const SchemaPtr schema_;
  const std::string path_;
  const std::string run_;
  const std::string stage_;
  std::string table_name_;
  std::vector<std::size_t> key_;
  IfExists if_exists_ = IfExists::kFail;
  Outbox& outbox_;

  std::unique_ptr<TargetDatabase> database_;  // used by one thread at a time: loop, then commit
  std::optional<TargetTable> table_;
  std::optional<CommitLog> log_;

  std::vector<Batch> pending_;  // since the last prepare
  std::size_t pending_bytes_ = 0;
  std::mutex mutex_;
  std::vector<Prepared> prepared_;  // guarded by mutex_: the commit thread takes from it
};

}  // namespace stream
