#include "stages/write-sqlite/write_sqlite.h"

namespace stream {
namespace {

constexpr std::size_t kFlushAt = 8 << 20;  // plain mode: rows are gathered no further

}  // namespace

std::string WriteSqlite::path_of(const Values& options, const std::string& folder) {
  const std::string& path = options.text("path");
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

std::string WriteSqlite::table_of(const Values& options, const std::string& stage) {
  return options.has("table") ? options.text("table") : stage;
}

Result<std::unique_ptr<Sink>> WriteSqlite::make(Context& context) {
  std::unique_ptr<WriteSqlite> sink(new WriteSqlite(context));
  for (const std::string& name : context.options.list("key")) {
    const auto column = sink->schema_->find(name);
    if (!column) return usage_error("option 'key': no column '" + name + "'");
    sink->key_.push_back(*column);
  }
  if (sink->key_.empty()) sink->key_ = sink->schema_->key;
  // Without a key there is no telling which row changed, so a key of an append-only stream is none.
  if (!context.options.has("key") && sink->schema_->changelog == Changelog::kAppend) sink->key_.clear();
  const std::string& text = context.options.text("if-exists");
  const bool append = text == "append" || (text.empty() && !sink->key_.empty());
  sink->if_exists_ = append ? IfExists::kAppend : text == "replace" ? IfExists::kReplace : IfExists::kFail;
  if (!context.supervised) STREAM_TRY(sink->on_restored(Epoch(0)));
  return std::unique_ptr<Sink>(std::move(sink));
}

WriteSqlite::WriteSqlite(Context& context)
    : supervised_(context.supervised),
      instance_(context.instance),
      schema_(context.inputs[0]),
      path_(path_of(context.options, context.folder)),
      run_(context.run),
      stage_(context.stage),
      table_name_(table_of(context.options, context.stage)),
      outbox_(context.state.outbox(outbox_spec("outbox", schema_->fields))) {}

Status WriteSqlite::open() {
  if (database_) return {};
  STREAM_ASSIGN(database_, TargetDatabase::open(path_));
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
  return table_->check();
}

// The first instance of a run to come here makes or replaces the table; the others, and later
// attempts, find the run in the log.
Status WriteSqlite::begin(bool fresh) {
  if (!supervised_) return make_table(true);
  STREAM_TRY(log_->create_tables());
  STREAM_ASSIGN(const bool begun, log_->begun());
  STREAM_TRY(make_table(fresh && !begun));
  return begun ? Status() : log_->begin(table_name_);
}

Status WriteSqlite::on_restored(Epoch epoch) {
  STREAM_TRY(open());
  STREAM_TRY(database_->transact([&] { return begin(epoch == Epoch(0)); }));
  for (const Committable& committable : outbox_.committables()) {
    prepared_.push_back({committable, outbox_.batches(committable)});
  }
  return {};
}

Status WriteSqlite::rewind(Epoch epoch) {
  STREAM_TRY(open());
  return database_->transact([&]() -> Status {
    STREAM_TRY(log_->create_tables());
    STREAM_ASSIGN(const std::vector<RowRange> ranges, log_->take_after(epoch));
    STREAM_ASSIGN(const bool exists, table_->exists());
    if (!exists) return {};
    STREAM_TRY(table_->check());
    for (const RowRange& rows : ranges) STREAM_TRY(table_->erase(rows));
    return {};
  });
}

Status WriteSqlite::on_batch(std::size_t /*input*/, Batch batch, Emitter& /*out*/) {
  pending_bytes_ += batch.size_bytes();
  pending_.push_back(std::move(batch));
  return !supervised_ && pending_bytes_ >= kFlushAt ? flush() : Status();
}

Status WriteSqlite::prepare(Epoch epoch) {
  Prepared prepared{{epoch, instance_}, std::move(pending_)};
  pending_.clear();
  pending_bytes_ = 0;
  if (prepared.batches.empty()) return {};
  for (const Batch& batch : prepared.batches) outbox_.append(epoch, batch);
  const std::lock_guard lock(mutex_);
  prepared_.push_back(std::move(prepared));
  return {};
}

Status WriteSqlite::apply(const Prepared& prepared) {
  STREAM_ASSIGN(const bool known, log_->contains(prepared.committable));
  if (known) return {};
  std::vector<RowRange> inserted;
  for (const Batch& batch : prepared.batches) STREAM_TRY(table_->apply(batch, inserted));
  return log_->add(prepared.committable, inserted);
}

Status WriteSqlite::commit(Epoch epoch) {
  std::vector<Prepared> due;
  {
    const std::lock_guard lock(mutex_);
    for (const Prepared& prepared : prepared_) {
      if (prepared.committable.epoch <= epoch) due.push_back(prepared);
    }
  }
  if (due.empty()) return {};
  return database_->transact([&]() -> Status {
    for (const Prepared& prepared : due) STREAM_TRY(apply(prepared));
    return {};
  });
}

Status WriteSqlite::committed(Epoch epoch) {
  outbox_.drop_through(epoch);
  const std::lock_guard lock(mutex_);
  std::erase_if(prepared_, [&](const Prepared& prepared) { return prepared.committable.epoch <= epoch; });
  return {};
}

Status WriteSqlite::flush() {
  if (supervised_ || pending_.empty()) return {};
  std::vector<RowRange> inserted;
  Status written = database_->transact([&]() -> Status {
    for (const Batch& batch : pending_) STREAM_TRY(table_->apply(batch, inserted));
    return {};
  });
  if (!written.ok()) return written;
  pending_.clear();
  pending_bytes_ = 0;
  return {};
}

}  // namespace stream
