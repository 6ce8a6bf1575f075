#include "stages/read-postgres/slot.h"

#include <cstdio>

#include "stages/kit/state_names.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kNameMax = 63;

std::string hash_text(const std::string& text) {
  char out[17];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(hash_key(text)));
  return std::string(out).substr(0, 8);
}

}  // namespace

std::string slot_name(const std::string& job, const std::string& stage) {
  std::string name = "stream_" + state_identifier(job) + "_" + state_identifier(stage);
  // Names that differ in other characters only must not meet.
  const bool same = name.size() <= kNameMax && job.find('_') == std::string::npos;
  return same ? name : name.substr(0, kNameMax - 9) + "_" + hash_text(job + "/" + stage);
}

ReplicationSlot::ReplicationSlot(std::string name, std::string publication, std::vector<std::string> tables)
    : name_(std::move(name)),
      publication_(publication.empty() ? name_ : std::move(publication)),
      own_publication_(publication_ == name_),
      tables_(std::move(tables)) {}

Status ReplicationSlot::publish(PgConnection& server) const {
  STREAM_ASSIGN(const PgRows rows, server.query("SELECT 1 FROM pg_publication WHERE pubname = $1", {publication_}));
  if (!own_publication_) {
    return rows.size() > 0 ? check_publication(server)
                           : usage_error("there is no publication '" + publication_ + "' in PostgreSQL '" +
                                         server.name() + "'; CREATE PUBLICATION, or leave out 'publication'");
  }
  std::string tables;
  for (const std::string& table : tables_) tables += (tables.empty() ? "" : ", ") + pg_table(table);
  if (rows.size() > 0) return server.execute("ALTER PUBLICATION " + pg_name(publication_) + " SET TABLE " + tables);
  return server.execute("CREATE PUBLICATION " + pg_name(publication_) + " FOR TABLE " + tables +
                        " WITH (publish_via_partition_root = true)");
}

// Changes of a table that it does not hold would never come, and nobody would say so.
Status ReplicationSlot::check_publication(PgConnection& server) const {
  for (const std::string& table : tables_) {
    STREAM_ASSIGN(const PgRows held,
                  server.query("SELECT 1 FROM pg_publication_tables WHERE pubname = $1 AND "
                               "(quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass = $2::regclass",
                               {publication_, pg_table(table)}));
    if (held.size() > 0) continue;
    return usage_error("publication '" + publication_ + "' in PostgreSQL '" + server.name() +
                       "' does not hold table '" + table + "'; ALTER PUBLICATION " + pg_name(publication_) +
                       " ADD TABLE " + pg_table(table));
  }
  return {};
}

Result<bool> ReplicationSlot::exists(PgConnection& server) const {
  STREAM_ASSIGN(const PgRows rows, server.query("SELECT 1 FROM pg_replication_slots WHERE slot_name = $1", {name_}));
  return rows.size() > 0;
}

Result<bool> ReplicationSlot::drop(PgConnection& server) const {
  STREAM_ASSIGN(const PgRows rows,
                server.query("SELECT active FROM pg_replication_slots WHERE slot_name = $1", {name_}));
  if (rows.size() == 0) return true;
  if (rows.text(0, 0) == "t") return false;
  STREAM_TRY(server.query("SELECT pg_drop_replication_slot($1)", {name_}).status());
  return true;
}

Status ReplicationSlot::drop_publication(PgConnection& server) const {
  return own_publication_ ? server.execute("DROP PUBLICATION IF EXISTS " + pg_name(publication_)) : Status();
}

Result<ReplicationSlot::State> ReplicationSlot::state(PgConnection& server, Lsn from) const {
  STREAM_ASSIGN(const PgRows rows, server.query("SELECT active, confirmed_flush_lsn, wal_status FROM "
                                                "pg_replication_slots WHERE slot_name = $1",
                                                {name_}));
  const std::string anew = "; start anew with --fresh";
  if (rows.size() == 0) {
    return usage_error("the replication slot '" + name_ + "' is gone from PostgreSQL '" + server.name() + "'" + anew);
  }
  if (rows.text(0, 2) == "lost") {
    return usage_error("PostgreSQL '" + server.name() + "' no longer has the changes behind the slot '" + name_ +
                       "' (max_slot_wal_keep_size)" + anew);
  }
  STREAM_ASSIGN(const Lsn confirmed, parse_lsn(rows.text(0, 1)));
  if (confirmed > from) {
    return usage_error("the checkpoint stands at " + print_lsn(from) + ", and PostgreSQL '" + server.name() +
                       "' has forgotten changes up to " + print_lsn(confirmed) + anew);
  }
  return rows.text(0, 0) == "t" ? State::kInUse : State::kReady;
}

std::string ReplicationSlot::create_command() const {
  return "CREATE_REPLICATION_SLOT " + pg_name(name_) + " LOGICAL pgoutput EXPORT_SNAPSHOT";
}

std::string ReplicationSlot::start_command(Lsn from) const {
  return "START_REPLICATION SLOT " + pg_name(name_) + " LOGICAL " + print_lsn(from) +
         " (proto_version '1', publication_names " + pg_literal(pg_name(publication_)) + ")";
}

Status end_connections(PgConnection& server, const std::string& application) {
  return server
      .query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> "
          "pg_backend_pid()",
          {application})
      .status();
}

}  // namespace stream
