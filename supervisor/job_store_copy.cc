// What of a job store another host needs to lead the job, as JSON, and a store made of that.
#include <sqlite3.h>

#include <array>
#include <nlohmann/json.hpp>

#include "supervisor/job_store.h"
#include "supervisor/sqlite_query.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr std::string_view kFile = "job store";
constexpr int kFormat = 1;

// Checkpoints and events stay on the host that saw them.
constexpr std::array kEssential = {"job",        "epochs",          "runs",
                                   "taken_back", "upgrade",         "accepted_drain",
                                   "savepoints", "savepoint_facts", "savepoint_rules"};
// Tables of a later version than the first that was shared: an earlier one has not written them.
constexpr std::array kEssentialLater = {"elastic"};

Result<json> rows_of(sqlite3* db, const std::string& table) {
  SqliteQuery columns(
      db,
      ("SELECT group_concat(quote(name) || ', \"' || name || '\"') FROM pragma_table_info('" + table + "')").c_str(),
      kFile);
  if (!columns.row()) return columns.status();
  SqliteQuery rows(db, ("SELECT json_group_array(json_object(" + columns.text(0) + ")) FROM " + table).c_str(), kFile);
  if (!rows.row()) return rows.status();
  json parsed = json::parse(rows.text(0), nullptr, false);
  if (parsed.is_discarded()) return corrupt("job store: table '" + table + "' has text that is not UTF-8");
  return parsed;
}

// Of columns that a later version has added the defaults are taken.
Status put_rows(sqlite3* db, const std::string& table, const json& rows) {
  STREAM_TRY(SqliteQuery(db, ("DELETE FROM " + table).c_str(), kFile).run());
  for (const json& row : rows) {
    std::string names, values;
    for (const auto& [name, value] : row.items()) {
      names += (names.empty() ? "\"" : ", \"") + name + "\"";
      values += (values.empty() ? "?" : ", ?");
    }
    SqliteQuery insert(db, ("INSERT INTO " + table + " (" + names + ") VALUES (" + values + ")").c_str(), kFile);
    for (const json& value : row)
      value.is_number() ? insert.put(value.get<std::int64_t>()) : insert.put(value.get<std::string>());
    STREAM_TRY(insert.run());
  }
  return {};
}

}  // namespace

Result<std::string> JobStore::essentials() {
  STREAM_ASSIGN(const auto known, load());
  if (!known) return std::string();
  json out = {{"format", kFormat}};
  for (const char* table : kEssential) { STREAM_ASSIGN(out[table], rows_of(db_, table)); }
  for (const char* table : kEssentialLater) { STREAM_ASSIGN(out[table], rows_of(db_, table)); }
  return out.dump();
}

Result<std::string> manifest_in(const std::string& essentials) {
  try {
    return json::parse(essentials).at("job").at(0).at("manifest").get<std::string>();
  } catch (const json::exception& error) {
    return corrupt(std::string("what is known of the job is damaged: ") + error.what());
  }
}

Status JobStore::adopt_tables(const std::string& essentials) {
  try {
    const json in = json::parse(essentials);
    if (in.at("format") != kFormat) return corrupt("a later version of stream has written what is known of the job");
    for (const char* table : kEssential) STREAM_TRY(put_rows(db_, table, in.at(table)));
    for (const char* table : kEssentialLater) STREAM_TRY(put_rows(db_, table, in.value(table, json::array())));
  } catch (const json::exception& error) {
    return corrupt(std::string("what is known of the job is damaged: ") + error.what());
  }
  return {};
}

Status JobStore::adopt(const std::string& essentials, Epoch reserved) {
  STREAM_TRY(SqliteQuery(db_, "BEGIN IMMEDIATE", kFile).run());
  Status adopted = adopt_tables(essentials);
  if (adopted.ok()) {
    adopted = SqliteQuery(db_, "UPDATE epochs SET reserved = max(reserved, ?)", kFile)
                  .put(static_cast<std::int64_t>(reserved.value()))
                  .run();
  }
  // What this host saw before is history: since then others have published.
  if (adopted.ok())
    adopted =
        SqliteQuery(db_, "INSERT OR REPLACE INTO checkpoint_runs SELECT reserved, run FROM epochs, job", kFile).run();
  if (adopted.ok()) adopted = SqliteQuery(db_, "COMMIT", kFile).run();
  if (!adopted.ok()) {
    (void)SqliteQuery(db_, "ROLLBACK", kFile).run();
    return adopted;
  }
  return read_epochs();
}

}  // namespace stream
