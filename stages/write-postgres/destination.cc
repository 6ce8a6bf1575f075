#include "stages/write-postgres/destination.h"

#include "stages/kit/retry.h"
#include "stages/kit/sink_key.h"
#include "transport/base/secret.h"

namespace stream {

std::string pg_table_of(const Values& options, const std::string& stage) {
  return options.has("table") ? options.text("table") : stage;
}

Result<std::unique_ptr<PgDestination>> PgDestination::of(const Context& context) {
  std::unique_ptr<PgDestination> made(new PgDestination());
  made->supervised_ = context.supervised;
  made->trouble_ = context.trouble;
  STREAM_ASSIGN(made->dsn_, read_secret(system_files(), context.folder, context.options.text("dsn")));
  made->application_ =
      "stream/" + context.run.substr(0, 16) + "/" + context.stage + "/" + std::to_string(context.instance);
  made->name_ = pg_table_of(context.options, context.stage);
  STREAM_ASSIGN(const std::vector<std::size_t> key, sink_key(context));
  const std::string& text = context.options.text("if-exists");
  const bool append = text == "append" || (text.empty() && !key.empty());
  made->if_exists_ = append ? IfExists::kAppend : text == "replace" ? IfExists::kReplace : IfExists::kFail;
  made->table_ = std::make_unique<PgTarget>(made->name_, context.inputs[0], key);
  made->log_ = std::make_unique<PgCommitLog>(made->name_, context.run, context.stage);
  return made;
}

Result<std::unique_ptr<PgConnection>> PgDestination::connect(Microseconds patience) const {
  std::unique_ptr<PgConnection> server;
  STREAM_TRY(retry(*trouble_, system_clock(), Patience(patience, server_is_away), [&]() -> Status {
    STREAM_ASSIGN(server, connect());
    return {};
  }));
  return server;
}

Result<std::unique_ptr<PgConnection>> PgDestination::connect() const {
  return PgConnection::open(dsn_, {application_, false});
}

Status PgDestination::patiently(const std::function<Status(PgConnection&)>& work) {
  return retry(*trouble_, system_clock(), Patience(kServerPatience, server_is_away), [&]() -> Status {
    if (server_ == nullptr) { STREAM_ASSIGN(server_, connect()); }
    Status done = work(*server_);
    if (done.code() == Code::kSystem) server_.reset();
    return done;
  });
}

Status PgDestination::transact(const std::function<Status(PgConnection&)>& work) {
  return patiently([&](PgConnection& server) { return server.transact([&] { return work(server); }); });
}

Status PgDestination::begin(bool fresh) {
  if (!supervised_) return transact([&](PgConnection& server) { return make_table(server, true); });
  return transact([&](PgConnection& server) -> Status {
    STREAM_TRY(log_->create_tables(server));
    STREAM_ASSIGN(const bool begun, log_->begun(server));
    STREAM_TRY(make_table(server, fresh && !begun));
    return begun ? Status() : log_->begin(server, name_);
  });
}

Status PgDestination::make_table(PgConnection& server, bool fresh) {
  STREAM_ASSIGN(bool exists, table_->exists(server));
  if (exists && fresh && if_exists_ == IfExists::kFail) {
    return usage_error("table '" + name_ + "' exists in PostgreSQL '" + server.name() +
                       "'; give --if-exists append or replace");
  }
  if (exists && fresh && if_exists_ == IfExists::kReplace) {
    STREAM_TRY(table_->drop(server));
    exists = false;
  }
  if (!exists) STREAM_TRY(table_->create(server));
  if (!fresh) STREAM_TRY(table_->add_columns(server));  // it was ours, and its manifest has changed
  return table_->check(server);
}

Status PgDestination::rewind(Epoch epoch) {
  return transact([&](PgConnection& server) -> Status {
    STREAM_TRY(log_->create_tables(server));
    STREAM_ASSIGN(const std::vector<std::string> transactions, log_->take_after(server, epoch));
    STREAM_ASSIGN(const bool exists, table_->exists(server));
    return exists ? table_->take_back(server, transactions) : Status();
  });
}

}  // namespace stream
