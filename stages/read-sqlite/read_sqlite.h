// ReadSqlite: rows of a table or a query of an SQLite database, and those that come.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stages/format/value.h"
#include "stages/kit/polled_positions.h"
#include "stages/kit/stage.h"
#include "stages/read-sqlite/pages.h"
#include "stages/read-sqlite/source_database.h"

namespace stream::format {
class Zone;
}

namespace stream {

PlanAnswer plan_read_sqlite(const PlanRequest& request);

// What is read, by the options and what the database says of the table. Errors: kUsage, kNotFound.
Result<SqlitePages> sqlite_pages(SourceDatabase& database, const Values& options);
std::string sqlite_path(const Values& options, const std::string& folder);

// What `zone` and `time-unit` mean; owns what the rules point to.
struct SqliteTimes {
  std::shared_ptr<const format::Zone> zone;
  format::TimeRules rules;
};
Result<SqliteTimes> sqlite_times(const Values& options);

// Columns and types: declared, or else as the first rows have them.
Result<Schema> sqlite_schema(SourceDatabase& database, const SqlitePages& pages, const format::TimeRules& rules);

class ReadSqlite final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);

  Result<Poll> poll(Emitter& out) override;
  Microseconds idle_wait() const override { return interval_; }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  ReadSqlite(Context& context, SqliteTimes times);
  Status open();
  Result<int> read_page(Emitter& out);
  Status read_row(const SourceRows& rows, Emitter& out);
  bool read_value(const SqliteValue& value, ColumnBuilder& out);

  const Values& options_;
  const std::string path_;
  const bool follow_;
  const Microseconds interval_;
  SchemaPtr wanted_;
  SqliteTimes times_;
  format::ValueReader values_;
  BatchBuilder batch_;
  PolledPositions positions_;
  std::unique_ptr<SourceDatabase> database_;
  SqlitePages pages_;
  std::vector<int> columns_;  // of the page, for each that is wanted
  int position_column_ = -1;
  std::string after_;  // position_text(); "" = from the beginning
};

}  // namespace stream
