#include "stages/write-postgres/commit_log.h"

namespace stream {
namespace {

constexpr std::int64_t kEpochsKept = 1000;
constexpr std::int64_t kForgetEvery = 100;

std::int64_t number(Epoch epoch) { return static_cast<std::int64_t>(epoch.value()); }

}  // namespace

PgCommitLog::PgCommitLog(const std::string& beside, std::string run, std::string stage)
    : run_(std::move(run)), stage_(std::move(stage)) {
  const std::size_t dot = beside.find('.');
  const std::string schema = dot == std::string::npos ? "" : beside.substr(0, dot + 1);
  sinks_ = pg_table(schema + "_stream_sinks");
  commits_ = pg_table(schema + "_stream_commits");
}

Status PgCommitLog::create_tables(PgConnection& server) const {
  // Two that create a table at once would fail in the catalogue, IF NOT EXISTS or not.
  STREAM_TRY(server.execute("SELECT pg_advisory_xact_lock(hashtext('_stream_sinks'))"));
  return server.execute("CREATE TABLE IF NOT EXISTS " + sinks_ +
                        " (run text, stage text, table_name text NOT NULL, forgotten bigint NOT NULL, "
                        "PRIMARY KEY (run, stage)); CREATE TABLE IF NOT EXISTS " +
                        commits_ +
                        " (run text, stage text, epoch bigint, instance bigint, xid bigint NOT NULL, "
                        "PRIMARY KEY (run, stage, epoch, instance))");
}

Result<bool> PgCommitLog::begun(PgConnection& server) const {
  STREAM_ASSIGN(const PgRows rows,
                server.query("SELECT 1 FROM " + sinks_ + " WHERE run = $1 AND stage = $2", {run_, stage_}));
  return rows.size() > 0;
}

Status PgCommitLog::begin(PgConnection& server, const std::string& table) const {
  return server.query("INSERT INTO " + sinks_ + " VALUES ($1, $2, $3, 0)", {run_, stage_, table}).status();
}

Result<bool> PgCommitLog::add(PgConnection& server, Committable committable) const {
  PgConnection::Parameters parameters = with(number(committable.epoch));
  parameters.emplace_back(std::to_string(committable.origin));
  STREAM_ASSIGN(const PgRows rows, server.query("INSERT INTO " + commits_ +
                                                    " VALUES ($1, $2, $3, $4, (pg_current_xact_id()::text::numeric % "
                                                    "4294967296)::bigint) ON CONFLICT DO NOTHING",
                                                parameters));
  if (rows.changed() == 0) return false;
  if (number(committable.epoch) % kForgetEvery == 0) STREAM_TRY(forget_old(server, committable.epoch));
  return true;
}

Result<bool> PgCommitLog::contains(PgConnection& server, Committable committable) const {
  PgConnection::Parameters parameters = with(number(committable.epoch));
  parameters.emplace_back(std::to_string(committable.origin));
  STREAM_ASSIGN(const PgRows rows, server.query("SELECT 1 FROM " + commits_ +
                                                    " WHERE run = $1 AND stage = $2 AND epoch = $3 AND instance = $4",
                                                parameters));
  return rows.size() > 0;
}

Status PgCommitLog::forget_old(PgConnection& server, Epoch newest) const {
  const std::int64_t through = number(newest) - kEpochsKept;
  if (through <= 0) return {};
  STREAM_TRY(server.query("DELETE FROM " + commits_ + " WHERE run = $1 AND stage = $2 AND epoch <= $3", with(through))
                 .status());
  return server
      .query("UPDATE " + sinks_ + " SET forgotten = greatest(forgotten, $3) WHERE run = $1 AND stage = $2",
             with(through))
      .status();
}

Result<std::vector<std::string>> PgCommitLog::take_after(PgConnection& server, Epoch epoch) const {
  const PgConnection::Parameters parameters = with(number(epoch));
  STREAM_ASSIGN(
      const PgRows forgotten,
      server.query("SELECT 1 FROM " + sinks_ + " WHERE run = $1 AND stage = $2 AND forgotten > $3", parameters));
  if (forgotten.size() > 0) {
    return failed("unable to take back the rows written to PostgreSQL '" + server.name() + "' since checkpoint " +
                  std::to_string(epoch.value()) + ": only the newest 1,000 epochs are remembered");
  }
  STREAM_ASSIGN(const PgRows rows,
                server.query("DELETE FROM " + commits_ + " WHERE run = $1 AND stage = $2 AND epoch > $3 RETURNING xid",
                             parameters));
  std::vector<std::string> transactions;
  for (std::size_t i = 0; i < rows.size(); ++i) transactions.push_back(rows.text(i, 0));
  return transactions;
}

}  // namespace stream
