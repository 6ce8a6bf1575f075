#include "stages/lookup/postgres_reader.h"

#include "stages/format/value.h"
#include "stages/lookup/relation.h"
#include "stages/postgres/connection.h"
#include "stages/postgres/values.h"
#include "transport/base/secret.h"

namespace stream {
namespace {

constexpr std::size_t kFetchRows = 10'000;
// No wait is longer: a stage that ends waits for what its server is asked.
constexpr const char* kSettings = "set statement_timeout = '60s'; set default_transaction_read_only = on";
constexpr const char* kByKey = "stream_lookup";

Result<std::unique_ptr<PgConnection>> connect(const Reference& reference) {
  STREAM_ASSIGN(const std::string dsn, read_secret(system_files(), reference.folder, reference.dsn));
  STREAM_ASSIGN(auto server, PgConnection::open(dsn, {.application = "stream-lookup"}));
  STREAM_TRY(server->execute(kSettings));
  return server;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool append_hex(std::string_view text, ColumnBuilder& out) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  std::string bytes;
  for (std::size_t i = 2; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    bytes += static_cast<char>(high << 4 | low);
  }
  out.append_bytes(bytes);
  return true;
}

class PostgresReader final : public ReferenceReader {
 public:
  PostgresReader(const Reference& reference, SchemaPtr schema, std::vector<std::size_t> key)
      : reference_(reference), schema_(std::move(schema)), key_(std::move(key)), values_(format::TimeRules()) {}

  // A table says nothing of its changes that can be relied on.
  Result<std::string> version() override { return std::string(); }
  Result<std::vector<Batch>> read_all(std::uint64_t bytes_max) override;
  Result<std::vector<Batch>> read_keys(const Batch& keys) override;

 private:
  Status open();
  Status fetch(BatchGatherer& rows, std::uint64_t bytes_max);
  Status prepare();
  Status add(const PgRows& found, BatchGatherer& rows);
  bool read_value(std::string_view text, ColumnBuilder& out);
  // A connection that is lost is opened again by whoever asks next.
  Status settled(Status status) {
    if (status.code() == Code::kSystem) server_.reset();
    return status;
  }

  const Reference reference_;
  const SchemaPtr schema_;
  const std::vector<std::size_t> key_;
  format::ValueReader values_;
  std::unique_ptr<PgConnection> server_;
  bool prepared_ = false;
};

Status PostgresReader::open() {
  if (server_) return {};
  prepared_ = false;
  STREAM_ASSIGN(server_, connect(reference_));
  return {};
}

Result<std::vector<Batch>> PostgresReader::read_all(std::uint64_t bytes_max) {
  STREAM_TRY(open());
  BatchGatherer rows(schema_);
  STREAM_TRY(settled(server_->transact([&] { return fetch(rows, bytes_max); })));
  return rows.finish();
}

Status PostgresReader::fetch(BatchGatherer& rows, std::uint64_t bytes_max) {
  STREAM_TRY(server_->execute("declare rows no scroll cursor for " + select_all(reference_, *schema_)));
  for (std::size_t count = kFetchRows; count == kFetchRows;) {
    STREAM_ASSIGN(const PgRows found, server_->query("fetch " + std::to_string(kFetchRows) + " from rows"));
    count = found.size();
    STREAM_TRY(add(found, rows));
    STREAM_TRY(check_size(reference_, rows.bytes(), bytes_max));
  }
  return {};
}

Status PostgresReader::prepare() {
  if (prepared_) return {};
  std::string types;
  for (const std::size_t column : key_)
    types += (types.empty() ? "" : ", ") + pg_type(schema_->fields[column].type) + "[]";
  STREAM_TRY(server_->execute("prepare " + std::string(kByKey) + " (" + types + ") as " +
                              select_keys(reference_, *schema_, key_)));
  prepared_ = true;
  return {};
}

Result<std::vector<Batch>> PostgresReader::read_keys(const Batch& keys) {
  STREAM_TRY(open());
  STREAM_TRY(settled(prepare()));
  std::string arrays;
  for (const Column& column : keys.columns) arrays += (arrays.empty() ? "" : ", ") + pg_literal(array_text(column));
  auto found = server_->query("execute " + std::string(kByKey) + " (" + arrays + ")");
  STREAM_TRY(settled(found.status()));
  BatchGatherer rows(schema_);
  STREAM_TRY(add(*found, rows));
  return rows.finish();
}

Status PostgresReader::add(const PgRows& found, BatchGatherer& rows) {
  for (std::size_t row = 0; row < found.size(); ++row) {
    for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
      ColumnBuilder& out = rows.builder().column(i);
      if (found.is_null(row, i)) {
        out.append_null();
        continue;
      }
      const std::string text = found.text(row, i);
      const Field& field = schema_->fields[i];
      if (read_value(text, out)) continue;
      return failed(describe(reference_) + ": " + format::bad_value(field.name, field.type, text, format::TimeRules()));
    }
    rows.end_row();
  }
  return {};
}

bool PostgresReader::read_value(std::string_view text, ColumnBuilder& out) {
  switch (out.type().kind) {
    case TypeKind::kVarchar: out.append_bytes(text); return true;
    case TypeKind::kBlob: return append_hex(text, out);
    case TypeKind::kBoolean: out.append<std::uint8_t>(text == "t" ? 1 : 0); return true;
    default: return values_.read_text(text, out);
  }
}

}  // namespace

Result<Schema> schema_of_postgres(const Reference& reference, std::string& option) {
  option = "dsn";
  STREAM_ASSIGN(const auto server, connect(reference));
  option = reference.option;
  STREAM_ASSIGN(const PgRows none, server->query("select * from " + relation_of(reference) + " limit 0"));
  std::string types;
  for (std::size_t i = 0; i < none.columns(); ++i) types += (i == 0 ? "select " : ", ") + none.type(i);
  if (types.empty()) return usage_error(describe(reference) + " has no columns");
  STREAM_ASSIGN(const PgRows names, server->query(types));
  Schema schema;
  for (std::size_t i = 0; i < none.columns(); ++i)
    schema.fields.push_back({none.name(i), type_of_pg(names.text(0, i))});
  return schema;
}

std::unique_ptr<ReferenceReader> make_postgres_reader(const Reference& reference, SchemaPtr schema,
                                                      std::vector<std::size_t> key) {
  return std::make_unique<PostgresReader>(reference, std::move(schema), std::move(key));
}

}  // namespace stream
