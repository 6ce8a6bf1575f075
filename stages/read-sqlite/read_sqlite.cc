#include "stages/read-sqlite/read_sqlite.h"

#include <cmath>

#include "stages/format/value.h"
#include "stages/kit/row_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kOf = "rows";

std::string rows_text(const SourceRows& rows, int columns) {
  std::string out;
  for (int i = 0; i < columns; ++i) out += (i > 0 ? "|" : "") + std::string(rows.value(i).bytes);
  return out;
}

}  // namespace

Result<std::unique_ptr<Source>> ReadSqlite::make(Context& context) {
  STREAM_ASSIGN(SqliteTimes times, sqlite_times(context.options));
  return std::unique_ptr<Source>(new ReadSqlite(context, std::move(times)));
}

ReadSqlite::ReadSqlite(Context& context, SqliteTimes times)
    : options_(context.options),
      path_(sqlite_path(context.options, context.folder)),
      follow_(context.options.flag("follow")),
      interval_(context.options.duration("poll-interval")),
      wanted_(context.outputs[0] ? context.outputs[0] : std::make_shared<const Schema>()),
      times_(std::move(times)),
      values_(times_.rules),
      batch_(wanted_),
      positions_(context.state) {}

Status ReadSqlite::on_restored() {
  STREAM_ASSIGN(const std::vector<std::string> after, positions_.load(std::string(kOf)));
  if (!after.empty()) after_ = after[0];
  return {};
}

Status ReadSqlite::before_snapshot() {
  if (!after_.empty()) positions_.store(std::string(kOf), {after_});
  return {};
}

Status ReadSqlite::open() {
  if (database_ != nullptr) return {};
  STREAM_ASSIGN(database_, SourceDatabase::open(path_));
  STREAM_ASSIGN(pages_, sqlite_pages(*database_, options_));
  STREAM_ASSIGN(const SourceRows rows, database_->query(pages_.columns_query()));
  const int count = rows.columns() - (pages_.column.empty() ? 0 : 1);
  position_column_ = pages_.column.empty() ? -1 : count;
  columns_.clear();
  for (const Field& field : wanted_->fields) {
    int at = 0;
    while (at < count && rows.name(at) != field.name) ++at;
    if (at == count) return usage_error("'" + path_ + "' no longer has the column '" + field.name + "'");
    columns_.push_back(at);
  }
  return {};
}

bool ReadSqlite::read_value(const SqliteValue& value, ColumnBuilder& out) {
  const Type type = out.type();
  if (value.kind == SqliteValue::Kind::kNull) {
    out.append_null();
    return true;
  }
  if (type == kBlob) {
    out.append_bytes(value.bytes);
    return true;
  }
  if (value.kind == SqliteValue::Kind::kBytes) return false;
  if (type == kBigint && value.kind == SqliteValue::Kind::kInteger) {
    out.append(value.integer);
    return true;
  }
  if (type == kDouble && value.kind == SqliteValue::Kind::kReal && std::isfinite(value.real)) {
    out.append(value.real);
    return true;
  }
  return values_.read_text(value.bytes, out);
}

Status ReadSqlite::read_row(const SourceRows& rows, Emitter& out) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const SqliteValue value = rows.value(columns_[i]);
    if (read_value(value, batch_.column(i))) continue;
    batch_.drop_row();
    const Field& field = wanted_->fields[i];
    return out.bad_record(
        {format::bad_value(field.name, field.type, value.kind == SqliteValue::Kind::kBytes ? "a BLOB" : value.bytes,
                           times_.rules),
         path_, rows_text(rows, rows.columns())});
  }
  batch_.end_row();
  return {};
}

// A page at a time: whoever writes the database waits for no more than that.
Result<int> ReadSqlite::read_page(Emitter& out) {
  STREAM_ASSIGN(SourceRows rows, database_->query(pages_.page_query(after_.empty())));
  if (!after_.empty()) STREAM_TRY(rows.bind_position(1, after_));
  int count = 0;
  std::string after = after_;
  for (;; ++count) {
    STREAM_ASSIGN(const bool more, rows.step());
    if (!more) break;
    Status read = read_row(rows, out);
    if (!read.ok()) {
      STREAM_TRY(out.emit(batch_.finish()));
      return read;
    }
    if (position_column_ >= 0) after = position_text(rows.value(position_column_));
  }
  if (position_column_ < 0) {
    STREAM_ASSIGN(const std::int64_t before,
                  after_.empty() ? Result<std::int64_t>(0) : parse_integer(after_.substr(1)));
    after = "i" + std::to_string(before + count);
  }
  after_ = std::move(after);
  if (batch_.rows() > 0) STREAM_TRY(out.emit(batch_.finish()));
  return count;
}

Result<Source::Poll> ReadSqlite::poll(Emitter& out) {
  STREAM_TRY(open());
  STREAM_ASSIGN(const int rows, read_page(out));
  if (rows == kSqlitePageRows) return Poll::kMore;
  return follow_ ? Poll::kIdle : Poll::kEnd;
}

}  // namespace stream
