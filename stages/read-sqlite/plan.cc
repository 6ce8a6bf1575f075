#include <algorithm>

#include "snapshot/sqlite.h"
#include "stages/format/timestamp.h"
#include "stages/format/zone.h"
#include "stages/kit/sqlite_types.h"
#include "stages/read-sqlite/read_sqlite.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr int kSampleRows = 10'000;

// The type that a column declares; nothing: it says nothing, or no more than that there is text or some number.
std::optional<Type> declared_type(const std::string& declared) {
  const Type type = type_of_sqlite(declared);
  const std::string name = lower(declared);
  if (type == kVarchar || name == "numeric" || name == "decimal" || name == "number") return std::nullopt;
  return type;
}

// What the values of a column are, of which the declaration does not say it.
struct SampledColumn {
  bool integer = false;
  bool real = false;
  bool text = false;
  bool blob = false;
  bool times = true;  // every text is a time

  void see(const SqliteValue& value) {
    using Kind = SqliteValue::Kind;
    integer = integer || value.kind == Kind::kInteger;
    real = real || value.kind == Kind::kReal;
    blob = blob || value.kind == Kind::kBytes;
    text = text || value.kind == Kind::kText;
    if (value.kind == Kind::kText) times = times && format::looks_like_timestamp(value.bytes);
  }
  Type type() const {
    const bool number = integer || real;
    if (blob) return kBlob;
    if (text) return times && !number ? kTimestamp : kVarchar;
    if (number) return real ? kDouble : kBigint;
    return kVarchar;
  }
};

Result<bool> has_column(SourceDatabase& database, const std::string& rows, const std::string& name) {
  STREAM_ASSIGN(const SourceRows columns, database.query("SELECT * FROM " + rows));
  for (int i = 0; i < columns.columns(); ++i) {
    if (lower(columns.name(i)) == lower(name)) return true;
  }
  return false;
}

// A view gives NULL for the row id.
Result<bool> is_view(SourceDatabase& database, const std::string& name) {
  STREAM_ASSIGN(SourceRows rows, database.query("SELECT 1 FROM sqlite_master WHERE type = 'view' AND name = ?1 COLLATE "
                                                "NOCASE"));
  STREAM_TRY(rows.bind_position(1, "t" + name));
  return rows.step();
}

// The name under which a table gives its row ids; "": it has none, or no column has left one.
Result<std::string> row_id(SourceDatabase& database, const std::string& rows) {
  for (const char* name : {"rowid", "_rowid_", "oid"}) {
    STREAM_ASSIGN(const bool taken, has_column(database, rows, name));
    if (taken) continue;
    const auto found = database.query("SELECT " + std::string(name) + " FROM " + rows);
    return found.ok() ? std::string(name) : std::string();
  }
  return std::string();
}

// A declared type counts for the columns that `schema` names; the others stay as they were found.
void apply_schema(const PlanRequest& request, Schema& found, PlanAnswer& answer) {
  if (!request.options.has("schema")) return;
  auto given = parse_schema(request.options.text("schema"));
  if (!given.ok()) {
    answer.errors.push_back({"schema", 0, given.status().what(), ""});
    return;
  }
  for (const Field& field : given->fields) {
    if (const auto at = found.find(field.name)) {
      found.fields[*at].type = field.type;
    } else {
      answer.errors.push_back(
          {"schema", 0, "there is no column '" + field.name + "'" + did_you_mean(field.name, found.names()), ""});
    }
  }
}

void check_options(const Values& options, PlanAnswer& answer) {
  if (options.has("table") == options.has("query")) {
    answer.errors.push_back({"table", 0, "give either a table or a query", ""});
  }
  if (const auto times = sqlite_times(options); !times.ok()) {
    answer.errors.push_back({"zone", 0, times.status().what(), ""});
  }
}

Result<Schema> find_schema(const PlanRequest& request) {
  STREAM_ASSIGN(const auto database, SourceDatabase::open(sqlite_path(request.options, request.folder)));
  STREAM_ASSIGN(const SqlitePages pages, sqlite_pages(*database, request.options));
  STREAM_ASSIGN(const SqliteTimes times, sqlite_times(request.options));
  return sqlite_schema(*database, pages, times.rules);
}

// Whether the row ids of a table that is followed are its own, and not a column's: then VACUUM renumbers them.
Result<bool> follows_loose_row_ids(const PlanRequest& request) {
  const Values& options = request.options;
  if (!options.flag("follow") || options.has("column") || !options.has("table")) return false;
  STREAM_ASSIGN(const auto database, SourceDatabase::open(sqlite_path(options, request.folder)));
  STREAM_ASSIGN(SourceRows rows,
                database->query("SELECT count(*), max(upper(type)) FROM pragma_table_info(?1) WHERE pk > 0"));
  STREAM_TRY(rows.bind_position(1, "t" + options.text("table")));
  STREAM_TRY(rows.step().status());
  return rows.value(0).integer != 1 || rows.value(1).bytes != "INTEGER";
}

}  // namespace

std::string sqlite_path(const Values& options, const std::string& folder) {
  const std::string& path = options.text("path");
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

Result<SqliteTimes> sqlite_times(const Values& options) {
  SqliteTimes times;
  STREAM_ASSIGN(times.zone, format::Zone::load(options.text("zone")));
  times.rules.zone = times.zone.get();
  const std::string& unit = options.text("time-unit");
  times.rules.unit = unit == "s"    ? TimeUnit::kSeconds
                     : unit == "ms" ? TimeUnit::kMilliseconds
                     : unit == "us" ? TimeUnit::kMicroseconds
                     : unit == "ns" ? TimeUnit::kNanoseconds
                                    : TimeUnit::kNone;
  return times;
}

Result<SqlitePages> sqlite_pages(SourceDatabase& database, const Values& options) {
  const bool table = options.has("table");
  SqlitePages pages{table ? sql_name(options.text("table")) : "(" + options.text("query") + ")", ""};
  const std::string& column = options.text("column");
  if (!column.empty()) {
    STREAM_ASSIGN(const bool there, has_column(database, pages.rows, column));
    if (!there && lower(column) != "rowid") return usage_error("there is no column '" + column + "'");
    pages.column = sql_name(column);
  } else if (table) {
    STREAM_ASSIGN(const bool view, is_view(database, options.text("table")));
    if (!view) { STREAM_ASSIGN(pages.column, row_id(database, pages.rows)); }
  }
  if (pages.column.empty() && options.flag("follow")) {
    return usage_error("what is followed needs a column that grows: give --column");
  }
  return pages;
}

Result<Schema> sqlite_schema(SourceDatabase& database, const SqlitePages& pages, const format::TimeRules& /*rules*/) {
  STREAM_ASSIGN(SourceRows rows, database.query(pages.columns_query() + " LIMIT " + std::to_string(kSampleRows)));
  const int count = rows.columns() - (pages.column.empty() ? 0 : 1);
  std::vector<SampledColumn> samples(static_cast<std::size_t>(count));
  for (;;) {
    STREAM_ASSIGN(const bool more, rows.step());
    if (!more) break;
    for (int i = 0; i < count; ++i) samples[static_cast<std::size_t>(i)].see(rows.value(i));
  }
  Schema schema;
  for (int i = 0; i < count; ++i) {
    if (schema.find(rows.name(i))) return usage_error("two columns are named '" + rows.name(i) + "'");
    const Type sampled = samples[static_cast<std::size_t>(i)].type();
    schema.fields.push_back({rows.name(i), declared_type(rows.declared(i)).value_or(sampled)});
  }
  return schema;
}

PlanAnswer plan_read_sqlite(const PlanRequest& request) {
  PlanAnswer answer;
  check_options(request.options, answer);
  if (!answer.errors.empty()) return answer;
  answer.parallelism_max = 1;
  answer.parallelism_why = "one instance reads the rows, in their order";
  auto schema = find_schema(request);
  if (!schema.ok()) {
    const bool column = schema.status().what().find("column") != std::string::npos;
    const char* from = request.options.has("table") ? "table" : "query";
    const bool sql = schema.status().code() == Code::kUsage;
    answer.errors.push_back({column ? "column" : sql ? from : "path", 0, schema.status().what(), ""});
    return answer;
  }
  apply_schema(request, *schema, answer);
  if (const auto loose = follows_loose_row_ids(request); loose.ok() && *loose) {
    answer.warnings.push_back("table '" + request.options.text("table") +
                              "' has no INTEGER PRIMARY KEY, so VACUUM renumbers its rows, and new ones may then be "
                              "missed: name a column that grows, or do not VACUUM it");
  }
  answer.fixed["schema"] = to_string(*schema);
  OutputPlan output{"out", *std::move(schema), {}};
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  answer.state.push_back(PolledPositions::spec());
  return answer;
}

}  // namespace stream
