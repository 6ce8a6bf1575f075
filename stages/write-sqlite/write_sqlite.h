// WriteSqlite: rows into a table of an SQLite database, each exactly once.
//
// Rows of an epoch wait in the outbox, so in the snapshot. When the checkpoint is durable they are
// applied in one transaction together with their id (run, stage, epoch, instance); an id that is
// there already is skipped. So nothing is lost and nothing comes twice, wherever a process dies.
//
// rewind() deletes the rows that later epochs have inserted. Of a keyed table this is enough: rows
// they updated or deleted are written again by the replay, which brings the same changes per key;
// until it has, such rows show values of the epochs taken back. Where the user goes back, to do better this
// time, the replay may be another, and what rows were is not known: that is refused.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stages/kit/outbox_sink.h"
#include "stages/write-sqlite/commit_log.h"

namespace stream {

PlanAnswer plan_write_sqlite(const PlanRequest& request);

class WriteSqlite final : public OutboxSink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);
  // The database, absolute.
  static std::string path_of(const Values& options, const std::string& folder);
  static std::string table_of(const Values& options, const std::string& stage);

  Status rewind(Epoch epoch) override;
  void accept_duplicates() override { if_exists_ = IfExists::kAppend; }

 protected:
  Status begin(Epoch epoch, std::span<const Prepared> pending) override;
  Status make_visible(std::span<const Prepared> due) override;
  Status write_now(const std::vector<Batch>& batches) override;

 private:
  enum class IfExists : std::uint8_t { kAppend, kReplace, kFail };

  explicit WriteSqlite(Context& context);
  Status open();
  Status register_run(bool fresh);
  Status make_table(bool fresh);
  Status apply(const Prepared& prepared);

  const SchemaPtr schema_;
  const std::string path_;
  const std::string run_;
  const std::string stage_;
  const std::uint32_t attempt_;
  const bool going_back_;
  const std::shared_ptr<Trouble> trouble_;  // another process that writes to the database
  std::string table_name_;
  std::vector<std::size_t> key_;
  IfExists if_exists_ = IfExists::kFail;

  std::unique_ptr<TargetDatabase> database_;  // used by one thread at a time: loop, then commit
  std::optional<TargetTable> table_;
  std::optional<CommitLog> log_;
};

}  // namespace stream
