#include "stages/write-sqlite/write_sqlite.h"

#include "stages/kit/sink_key.h"

namespace stream {

std::string WriteSqlite::path_of(const Values& options, const std::string& folder) {
  const std::string& path = options.text("path");
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

std::string WriteSqlite::table_of(const Values& options, const std::string& stage) {
  return options.has("table") ? options.text("table") : stage;
}

Result<std::unique_ptr<Sink>> WriteSqlite::make(Context& context) {
  std::unique_ptr<WriteSqlite> sink(new WriteSqlite(context));
  STREAM_ASSIGN(sink->key_, sink_key(context));
  const std::string& text = context.options.text("if-exists");
  const bool append = text == "append" || (text.empty() && !sink->key_.empty());
  sink->if_exists_ = append ? IfExists::kAppend : text == "replace" ? IfExists::kReplace : IfExists::kFail;
  if (!context.supervised) STREAM_TRY(sink->on_restored(Epoch(0)));
  return std::unique_ptr<Sink>(std::move(sink));
}

WriteSqlite::WriteSqlite(Context& context)
    : OutboxSink(context, outbox_spec("outbox", context.inputs[0]->fields)),
      schema_(context.inputs[0]),
      path_(path_of(context.options, context.folder)),
      run_(context.run),
      stage_(context.stage),
      attempt_(context.attempt),
      going_back_(context.going_back),
      trouble_(context.trouble),
      table_name_(table_of(context.options, context.stage)) {}

Status WriteSqlite::open() {
  if (database_) return {};
  STREAM_ASSIGN(database_, TargetDatabase::open(path_, trouble_));
  table_.emplace(*database_, table_name_, schema_, key_);
  log_.emplace(*database_, run_, stage_);
  return {};
}

Status WriteSqlite::make_table(bool fresh) {
  STREAM_ASSIGN(bool exists, table_->exists());
  if (exists && fresh && if_exists_ == IfExists::kFail) {
    return usage_error("table '" + table_name_ + "' exists in '" + path_ + "'; give --if-exists append or replace");
  }
  if (exists && fresh && if_exists_ == IfExists::kReplace) {
    STREAM_TRY(table_->drop());
    exists = false;
  }
  if (!exists) STREAM_TRY(table_->create());
  if (!fresh) STREAM_TRY(table_->add_columns());  // it was ours, and its manifest has changed
  return table_->check();
}

// The first instance of a run to come here makes or replaces the table; the others, and later
// attempts, find the run in the log.
Status WriteSqlite::register_run(bool fresh) {
  if (!supervised()) return make_table(true);
  STREAM_TRY(log_->create_tables());
  STREAM_TRY(log_->take_over(attempt_));
  STREAM_ASSIGN(const bool begun, log_->begun());
  STREAM_TRY(make_table(fresh && !begun));
  return begun ? Status() : log_->begin(table_name_);
}

Status WriteSqlite::begin(Epoch epoch, std::span<const Prepared> /*pending*/) {
  STREAM_TRY(open());
  return database_->transact([&] { return register_run(epoch == Epoch(0)); });
}

Status WriteSqlite::rewind(Epoch epoch) {
  STREAM_TRY(open());
  return database_->transact([&]() -> Status {
    STREAM_TRY(log_->create_tables());
    STREAM_TRY(log_->take_over(attempt_));
    STREAM_ASSIGN(const bool changed, going_back_ ? log_->changed_since(epoch) : Result<bool>(false));
    if (changed) {
      return failed("unable to give rows of table '" + table_name_ + "' in '" + path_ +
                    "' back what they were at checkpoint " + std::to_string(epoch.value()) +
                    ": they have been replaced since");
    }
    STREAM_ASSIGN(const std::vector<RowRange> ranges, log_->take_after(epoch));
    STREAM_ASSIGN(const bool exists, table_->exists());
    if (!exists) return {};
    STREAM_TRY(table_->add_columns());
    STREAM_TRY(table_->check());
    for (const RowRange& rows : ranges) STREAM_TRY(table_->erase(rows));
    return {};
  });
}

Status WriteSqlite::apply(const Prepared& prepared) {
  STREAM_ASSIGN(const bool known, log_->contains(prepared.committable));
  if (known) return {};
  std::vector<RowRange> inserted;
  for (const Batch& batch : prepared.batches) STREAM_TRY(table_->apply(batch, inserted));
  return log_->add(prepared.committable, inserted, table_->take_oldest_changed());
}

Status WriteSqlite::make_visible(std::span<const Prepared> due) {
  if (due.empty()) return {};
  return database_->transact([&]() -> Status {
    STREAM_TRY(log_->check_newest(attempt_));
    for (const Prepared& prepared : due) STREAM_TRY(apply(prepared));
    return {};
  });
}

Status WriteSqlite::write_now(const std::vector<Batch>& batches) {
  std::vector<RowRange> inserted;
  return database_->transact([&]() -> Status {
    for (const Batch& batch : batches) STREAM_TRY(table_->apply(batch, inserted));
    return {};
  });
}

}  // namespace stream
