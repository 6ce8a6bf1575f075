#include "stages/write-postgres/target_table.h"

#include <algorithm>

#include "stages/kit/row_text.h"
#include "stages/postgres/values.h"
#include "stages/write-postgres/last_rows.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr int kNullsNotDistinct = 150000;  // the version that knows UNIQUE NULLS NOT DISTINCT

// Each column through `piece`.
template <class Piece>
std::string listed(std::span<const std::size_t> columns, std::string_view separator, const Piece& piece) {
  std::string out;
  for (const std::size_t column : columns) {
    if (!out.empty()) out += separator;
    out += piece(column);
  }
  return out;
}

std::vector<std::size_t> all_columns(const Schema& schema) {
  std::vector<std::size_t> all(schema.fields.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

void append_line(const Batch& batch, std::size_t row, std::string& out) {
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    if (i > 0) out += '\t';
    append_copy_value(batch.columns[i], row, out);
  }
}

}  // namespace

PgTarget::PgTarget(std::string name, SchemaPtr schema, std::vector<std::size_t> key)
    : name_(std::move(name)), table_(pg_table(name_)), schema_(std::move(schema)), key_(std::move(key)) {}

std::string PgTarget::column(std::size_t index) const { return pg_name(schema_->fields[index].name); }

std::string PgTarget::columns() const {
  return listed(all_columns(*schema_), ", ", [&](std::size_t index) { return column(index); });
}

Result<bool> PgTarget::exists(PgConnection& server) const {
  STREAM_ASSIGN(const PgRows rows, server.query("SELECT relkind FROM pg_class WHERE oid = to_regclass($1)", {table_}));
  if (rows.size() == 0) return false;
  const std::string kind = rows.text(0, 0);
  if (kind == "r" || kind == "p" || kind == "f") return true;
  return usage_error("'" + name_ + "' in PostgreSQL '" + server.name() + "' is no table");
}

Status PgTarget::create(PgConnection& server) const {
  std::string sql = "CREATE TABLE " + table_ + " (";
  sql += listed(all_columns(*schema_), ", ",
                [&](std::size_t index) { return column(index) + " " + pg_type(schema_->fields[index].type); });
  if (!key_.empty()) {
    const bool equal_nulls = server.server_version() >= kNullsNotDistinct;
    sql += std::string(", UNIQUE ") + (equal_nulls ? "NULLS NOT DISTINCT " : "") + "(" +
           listed(key_, ", ", [&](std::size_t index) { return column(index); }) + ")";
  }
  return server.execute(sql + ")");
}

Status PgTarget::drop(PgConnection& server) const { return server.execute("DROP TABLE " + table_); }

Result<std::vector<std::string>> PgTarget::columns_there(PgConnection& server) const {
  STREAM_ASSIGN(const PgRows rows, server.query("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND "
                                                "attnum > 0 AND NOT attisdropped",
                                                {table_}));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

Status PgTarget::add_columns(PgConnection& server) const {
  STREAM_ASSIGN(const std::vector<std::string> names, columns_there(server));
  for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
    const Field& field = schema_->fields[i];
    const bool there = std::ranges::find(names, field.name) != names.end();
    if (there || std::ranges::find(key_, i) != key_.end()) continue;
    // Another instance may have come first.
    STREAM_TRY(
        server.execute("ALTER TABLE " + table_ + " ADD COLUMN IF NOT EXISTS " + column(i) + " " + pg_type(field.type)));
  }
  return {};
}

Status PgTarget::check(PgConnection& server) const {
  STREAM_ASSIGN(const std::vector<std::string> names, columns_there(server));
  for (const Field& field : schema_->fields) {
    if (std::ranges::find(names, field.name) != names.end()) continue;
    return usage_error("table '" + name_ + "' in PostgreSQL '" + server.name() + "' has no column '" + field.name +
                       "'" + did_you_mean(field.name, names));
  }
  return key_.empty() ? Status() : check_key(server);
}

Status PgTarget::check_key(PgConnection& server) const {
  PgConnection::Parameters parameters = {table_};
  std::string names;
  for (const std::size_t index : key_) {
    parameters.emplace_back(schema_->fields[index].name);
    names += (names.empty() ? "$" : ", $") + std::to_string(parameters.size());
  }
  const std::string count = std::to_string(key_.size());
  STREAM_ASSIGN(
      const PgRows rows,
      server.query("SELECT 1 FROM pg_index i WHERE indrelid = to_regclass($1) AND indisunique AND indisvalid AND "
                   "indpred IS NULL AND indexprs IS NULL AND indnkeyatts = " +
                       count +
                       " AND (SELECT count(*) FROM pg_attribute a WHERE attrelid = indrelid AND attnum = ANY "
                       "((indkey::int2[])[0:" +
                       std::to_string(key_.size() - 1) + "]) AND attname::text IN (" + names + ")) = " + count,
                   parameters));
  if (rows.size() > 0) return {};
  const std::string key = listed(key_, ", ", [&](std::size_t index) { return column(index); });
  return usage_error("table '" + name_ + "' in PostgreSQL '" + server.name() + "' has no unique index on its key (" +
                     key + "): CREATE UNIQUE INDEX ON " + table_ + " (" + key + ")");
}

Status PgTarget::write(PgConnection& server, std::span<const Batch> batches) const {
  return key_.empty() ? insert(server, batches) : merge(server, batches);
}

Status PgTarget::take_back(PgConnection& server, const std::vector<std::string>& transactions) const {
  if (!key_.empty() || transactions.empty()) return {};
  return server
      .query("DELETE FROM " + table_ + " WHERE xmin::text::bigint = ANY ($1::bigint[])",
             {"{" + join(transactions, ",") + "}"})
      .status();
}

// "…; COPY orders, line 3: …" is about the third row.
Status PgTarget::name_row(Status refused, std::span<const Batch> batches) const {
  if (refused.code() != Code::kBadRecord) return refused;
  constexpr std::string_view kMark = ", line ";
  const std::size_t at = refused.what().rfind(kMark);
  if (at == std::string::npos) return refused;
  std::size_t row = static_cast<std::size_t>(std::atoll(refused.what().c_str() + at + kMark.size()));
  for (const Batch& batch : batches) {
    if (row >= 1 && row <= batch.rows) {
      return {Code::kBadRecord,
              refused.what().substr(0, refused.what().rfind("; ", at)) + ": " + row_text(batch, row - 1)};
    }
    row -= std::min(row, batch.rows);
  }
  return refused;
}

Status PgTarget::insert(PgConnection& server, std::span<const Batch> batches) const {
  std::string lines;
  for (const Batch& batch : batches) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      append_line(batch, row, lines);
      lines += '\n';
    }
  }
  return name_row(server.copy_in("COPY " + table_ + " (" + columns() + ") FROM STDIN", lines), batches);
}

// NULLs in a key are equal: such rows are deleted and inserted, as a unique index may hold several.
Status PgTarget::merge(PgConnection& server, std::span<const Batch> batches) const {
  std::string lines;
  for (const LastRow& last : last_rows(batches, key_)) {
    const Batch& batch = batches[last.batch];
    append_line(batch, last.row, lines);
    const bool null_key = std::ranges::any_of(key_, [&](std::size_t at) { return !batch.columns[at].valid(last.row); });
    lines += std::string(last.gone ? "\tt" : "\tf") + (null_key ? "\tt\n" : "\tf\n");
  }
  const std::string epoch = "pg_temp._stream_rows";
  STREAM_TRY(server.execute("CREATE TEMP TABLE _stream_rows ON COMMIT DROP AS SELECT " + columns() +
                            ", false AS _stream_gone, false AS _stream_null FROM " + table_ + " WITH NO DATA"));
  STREAM_TRY(server.copy_in("COPY " + epoch + " FROM STDIN", lines));
  const auto equal = [&](std::string_view with) {
    return listed(key_, " AND ",
                  [&](std::size_t at) { return "t." + column(at) + std::string(with) + "r." + column(at); });
  };
  const std::string erase = "DELETE FROM " + table_ + " t USING " + epoch + " r WHERE ";
  STREAM_TRY(server.execute(erase + "r._stream_gone AND NOT r._stream_null AND " + equal(" = ")));
  STREAM_ASSIGN(const PgRows nulls, server.query("SELECT 1 FROM " + epoch + " WHERE _stream_null LIMIT 1"));
  if (nulls.size() > 0) STREAM_TRY(server.execute(erase + "r._stream_null AND " + equal(" IS NOT DISTINCT FROM ")));
  std::vector<std::size_t> values = all_columns(*schema_);
  std::erase_if(values, [&](std::size_t at) { return std::ranges::find(key_, at) != key_.end(); });
  const std::string set =
      listed(values, ", ", [&](std::size_t at) { return column(at) + " = excluded." + column(at); });
  return server.execute("INSERT INTO " + table_ + " (" + columns() + ") SELECT " + columns() + " FROM " + epoch +
                        " WHERE NOT _stream_gone ON CONFLICT (" +
                        listed(key_, ", ", [&](std::size_t at) { return column(at); }) + ") DO " +
                        (set.empty() ? "NOTHING" : "UPDATE SET " + set));
}

}  // namespace stream
