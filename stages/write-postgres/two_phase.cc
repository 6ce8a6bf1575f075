#include "stages/write-postgres/two_phase.h"

#include <algorithm>
#include <thread>

namespace stream {
namespace {

constexpr std::size_t kSendAt = 1 << 20;
constexpr Microseconds kEndPatience = 10'000'000;  // for old connections to end
constexpr Microseconds kLoopPatience = 5'000'000;  // on the loop's thread, which must show life
constexpr std::size_t kName = 2;                   // column of `prepared`

Status check_enabled(PgConnection& server) {
  STREAM_ASSIGN(const PgRows rows, server.query("SHOW max_prepared_transactions"));
  if (rows.text(0, 0) != "0") return {};
  return usage_error("PostgreSQL '" + server.name() +
                     "' allows no prepared transactions: set max_prepared_transactions in postgresql.conf, or leave "
                     "out commit: two-phase");
}

}  // namespace

TableSpec TwoPhasePostgres::table_spec() {
  TableSpec spec;
  spec.name = "prepared";
  spec.distribution = Distribution::kOutbox;
  spec.key = {{"epoch", kBigint}, {"instance", kBigint}};
  spec.value = {{"transaction", kVarchar}};
  return spec;
}

Result<std::unique_ptr<Sink>> TwoPhasePostgres::make(Context& context) {
  STREAM_ASSIGN(std::unique_ptr<PgDestination> destination, PgDestination::of(context));
  return std::unique_ptr<Sink>(new TwoPhasePostgres(context, std::move(destination)));
}

TwoPhasePostgres::TwoPhasePostgres(Context& context, std::unique_ptr<PgDestination> destination)
    : run_(context.run),
      stage_(context.stage),
      instance_(context.instance),
      parallelism_(context.parallelism),
      attempt_(context.attempt),
      table_(context.state.table(table_spec())),
      destination_(std::move(destination)) {}

Status TwoPhasePostgres::on_restored(Epoch epoch) {
  Status settled = destination_->patiently([&](PgConnection& server) -> Status {
    STREAM_TRY(check_enabled(server));
    STREAM_TRY(end_old_connections(server));
    return resolve(server);
  });
  return settled.ok() ? destination_->begin(epoch == Epoch(0)) : settled;
}

// A server may still be busy with the last words of a process that was killed: what it prepares after we have
// looked would never be found.
Status TwoPhasePostgres::end_old_connections(PgConnection& server) const {
  const Microseconds deadline = system_clock().monotonic_us() + kEndPatience;
  for (;;) {
    STREAM_ASSIGN(const PgRows rows,
                  server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND "
                               "pid <> pg_backend_pid()",
                               {destination_->application()}));
    if (rows.size() == 0) return {};
    if (system_clock().monotonic_us() > deadline) {
      return {Code::kSystem, "a connection of an earlier attempt to PostgreSQL '" + server.name() + "' does not end"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Status TwoPhasePostgres::resolve(PgConnection& server) {
  std::vector<std::string> kept;
  prepared_.clear();
  table_.for_each([&](Row row) {
    kept.emplace_back(table_.bytes(row, kName));
    if (const auto name = parse_prepared_name(kept.back())) prepared_.push_back(*name);
  });
  std::ranges::sort(prepared_, {}, &PreparedName::epoch);
  STREAM_ASSIGN(const PgRows rows,
                server.query("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto name = parse_prepared_name(rows.text(i, 0));
    const bool mine = name && name->run == run_ && name->stage == stage_ && name->instance % parallelism_ == instance_;
    if (!mine || std::ranges::find(kept, rows.text(i, 0)) != kept.end()) continue;
    STREAM_TRY(server.execute("ROLLBACK PREPARED " + pg_literal(rows.text(i, 0))));
  }
  return {};
}

Status TwoPhasePostgres::on_batch(std::size_t /*input*/, Batch batch, Emitter& /*out*/) {
  pending_bytes_ += batch.size_bytes();
  pending_.push_back(std::move(batch));
  return pending_bytes_ >= kSendAt ? send() : Status();
}

Status TwoPhasePostgres::connect_writer() {
  if (writer_ != nullptr) return {};
  STREAM_ASSIGN(writer_, destination_->connect(kLoopPatience));
  return {};
}

Status TwoPhasePostgres::send() {
  if (pending_.empty()) return {};
  STREAM_TRY(connect_writer());
  if (!begun_) STREAM_TRY(writer_->execute("BEGIN"));
  begun_ = true;
  STREAM_TRY(destination_->table().write(*writer_, pending_));
  pending_.clear();
  pending_bytes_ = 0;
  return {};
}

Status TwoPhasePostgres::prepare(Epoch epoch) {
  STREAM_TRY(send());
  if (!begun_) return {};
  const PreparedName name{run_, stage_, instance_, attempt_, epoch.value()};
  STREAM_TRY(destination_->log().add(*writer_, {epoch, instance_}).status());
  STREAM_TRY(writer_->execute("PREPARE TRANSACTION " + pg_literal(to_string(name))));
  begun_ = false;
  const Row row = table_.upsert({static_cast<std::int64_t>(epoch.value()), std::int64_t{instance_}}).first;
  table_.set_bytes(row, kName, to_string(name));
  const std::lock_guard lock(mutex_);
  prepared_.push_back(name);
  return {};
}

Status TwoPhasePostgres::commit(Epoch epoch) {
  std::vector<PreparedName> due;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(prepared_, std::back_inserter(due),
                         [&](const PreparedName& name) { return name.epoch <= epoch.value(); });
  }
  for (const PreparedName& name : due) {
    STREAM_TRY(destination_->patiently([&](PgConnection& server) { return commit_one(server, name); }));
  }
  return {};
}

// That it is not there any more is right only if its rows are.
Status TwoPhasePostgres::commit_one(PgConnection& server, const PreparedName& name) {
  STREAM_ASSIGN(const PgRows rows,
                server.query("SELECT 1 FROM pg_prepared_xacts WHERE gid = $1 AND database = current_database()",
                             {to_string(name)}));
  if (rows.size() > 0) return server.execute("COMMIT PREPARED " + pg_literal(to_string(name)));
  STREAM_ASSIGN(const bool committed, destination_->log().contains(server, {Epoch(name.epoch), name.instance}));
  if (committed) return {};
  return usage_error("the prepared transaction '" + to_string(name) +
                     "' of a complete checkpoint is gone from "
                     "PostgreSQL '" +
                     server.name() +
                     "', and with it its rows: somebody has rolled it back; start "
                     "anew with --fresh");
}

Status TwoPhasePostgres::committed(Epoch epoch) {
  std::vector<Row> gone;
  table_.for_each([&](Row row) {
    if (table_.get<std::int64_t>(row, 0) <= static_cast<std::int64_t>(epoch.value())) gone.push_back(row);
  });
  for (const Row row : gone) table_.erase(row);
  const std::lock_guard lock(mutex_);
  std::erase_if(prepared_, [&](const PreparedName& name) { return name.epoch <= epoch.value(); });
  return {};
}

}  // namespace stream
