#include "snapshot/format_version.h"

#include <array>

#include "snapshot/snapshot_file.h"

namespace stream {
namespace {

constexpr std::array kSteps = {
    // An index says what somebody has to say of it, and who wrote it.
    FormatStep{1,
               "ALTER TABLE checkpoint ADD COLUMN note TEXT NOT NULL DEFAULT '';"
               "ALTER TABLE checkpoint ADD COLUMN written_by TEXT NOT NULL DEFAULT ''",
               ""},
};
static_assert(kSteps.size() + 1 == kSnapshotVersion, "a version without a step that leads to it");

// What every later version of an index will say in the same place.
std::string writer_of(Database& db) {
  auto row = db.prepare("SELECT written_by FROM checkpoint");
  if (!row.ok()) return "";
  const auto found = row->step();
  return found.ok() && *found ? std::string(row->text(0)) : "";
}

Status too_new(Database& db, std::int64_t version) {
  const std::string writer = writer_of(db);
  return usage_error("'" + db.path() + "' has format version " + std::to_string(version) + ", and stream " +
                     STREAM_VERSION + " reads up to " + std::to_string(kSnapshotVersion) + "; use stream " +
                     (writer.empty() ? "of the version that wrote it" : writer) + " or later");
}

std::string_view sql_of(const FormatStep& step, FormatPart part) {
  return part == FormatPart::kIndex ? step.index : step.state;
}

}  // namespace

std::span<const FormatStep> format_steps() { return kSteps; }

Result<std::unique_ptr<Database>> open_versioned(const std::string& path, FormatPart part) {
  STREAM_ASSIGN(auto db, Database::open(path));
  STREAM_ASSIGN(const std::int64_t version, db->query_integer("PRAGMA user_version"));
  if (version > kSnapshotVersion) return too_new(*db, version);
  if (version < 1) return corrupt("unable to read '" + path + "': not a snapshot");
  bool copied = false;
  for (const FormatStep& step : kSteps) {
    const std::string sql(sql_of(step, part));
    if (step.from < version || sql.empty()) continue;
    if (!copied) { STREAM_ASSIGN(db, Database::copy(*db)); }
    copied = true;
    STREAM_TRY(db->execute(sql));
  }
  return db;
}

}  // namespace stream
