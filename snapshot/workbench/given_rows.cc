#include "snapshot/workbench/given_rows.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

#include "snapshot/sql_value.h"
#include "snapshot/sqlite.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kDatabase = "SQLite format 3";
constexpr std::array<std::string_view, 3> kQueries = {"select", "with", "values"};

Status status_of(int code, const char* message, const std::string& path) {
  switch (code & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_NOTADB: return usage_error("'" + path + "': " + message);
    default: return {Code::kSystem, "unable to read '" + path + "': " + message};
  }
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// --- CSV -----------------------------------------------------------------------------------------

class CsvRows final : public GivenRows {
 public:
  CsvRows(std::ifstream file, const std::string& path) : file_(std::move(file)), name_(base_name(path)) {}

  Status start() {
    STREAM_ASSIGN(const bool any, read());
    if (!any) return usage_error("'" + name_ + "' is empty: the first line of a CSV file names its columns");
    for (auto& field : fields_) names_.push_back(field.value_or(""));
    return {};
  }

  Result<bool> next(GivenRow& row) override {
    STREAM_ASSIGN(const bool any, read());
    if (!any) return false;
    if (fields_.size() != names_.size())
      return usage_error(place() + ": " + std::to_string(fields_.size()) + " fields under a header of " +
                         std::to_string(names_.size()));
    row.clear();
    for (std::size_t i = 0; i < names_.size(); ++i) row.push_back({names_[i], std::move(fields_[i])});
    return true;
  }

  std::string place() const override { return name_ + ":" + std::to_string(began_); }

 private:
  // One record, of one line or, within quotes, several. Empty lines are none.
  Result<bool> read() {
    std::string line;
    do {
      if (!std::getline(file_, line)) return false;
      began_ = ++line_;
    } while (line.empty() || line == "\r");
    fields_.clear();
    for (std::size_t at = 0;;) {
      if (at < line.size() && line[at] == '"') {
        STREAM_TRY(quoted(line, at));
      } else {
        const std::size_t end = std::min(line.find(',', at), line.size());
        std::string text = line.substr(at, end - at);
        if (end == line.size() && text.ends_with('\r')) text.pop_back();
        fields_.push_back(text.empty() ? std::nullopt : std::optional(std::move(text)));
        at = end;
      }
      if (at >= line.size()) return true;
      ++at;  // the comma
    }
  }

  // Moves `at` behind the closing quote; takes further lines as they are needed.
  Status quoted(std::string& line, std::size_t& at) {
    std::string text;
    for (++at;; ++at) {
      if (at >= line.size()) {
        text += '\n';
        if (!std::getline(file_, line)) return usage_error(place() + ": a quote is not closed");
        ++line_;
        at = static_cast<std::size_t>(-1);
      } else if (line[at] != '"') {
        text += line[at];
      } else if (at + 1 < line.size() && line[at + 1] == '"') {
        text += line[at++];
      } else {
        break;
      }
    }
    ++at;
    if (at < line.size() && line[at] == '\r' && at + 1 == line.size()) ++at;
    if (at < line.size() && line[at] != ',') return usage_error(place() + ": something stands behind a closing quote");
    fields_.emplace_back(std::move(text));
    return {};
  }

  std::ifstream file_;
  std::string name_;
  std::vector<std::string> names_;
  std::vector<std::optional<std::string>> fields_;
  std::size_t line_ = 0;
  std::size_t began_ = 0;
};

// --- SQLite --------------------------------------------------------------------------------------

class Connection {
 public:
  ~Connection() { sqlite3_close(db_); }
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status open(const std::string& path) {
    path_ = path;
    const int code = sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    return code == SQLITE_OK ? Status() : status_of(code, sqlite3_errstr(code), path_);
  }

  sqlite3_stmt* prepare(const std::string& sql, Status& status) {
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, &rest);
    if (code != SQLITE_OK) status = status_of(code, sqlite3_errmsg(db_), path_);
    return statement;
  }

  const std::string& path() const { return path_; }

 private:
  sqlite3* db_ = nullptr;
  std::string path_;
};

class QueryRows final : public GivenRows {
 public:
  Status start(const std::string& path, const std::string& sql) {
    STREAM_TRY(db_.open(path));
    Status status;
    raw_ = db_.prepare(sql, status);
    STREAM_TRY(status);
    rows_ = Statement(raw_, &db_.path(), status_of);
    if (sqlite3_column_count(raw_) == 0) return usage_error("'" + sql + "' gives no rows");
    return {};
  }

  Result<bool> next(GivenRow& row) override {
    STREAM_ASSIGN(const bool any, rows_.step());
    if (!any) return false;
    ++number_;
    row.clear();
    for (int i = 0; i < sqlite3_column_count(raw_); ++i) row.push_back({sqlite3_column_name(raw_, i), value(i)});
    return true;
  }

  std::string place() const override { return base_name(db_.path()) + ", row " + std::to_string(number_); }

 private:
  std::optional<std::string> value(int column) const {
    switch (sqlite3_column_type(raw_, column)) {
      case SQLITE_NULL: return std::nullopt;
      case SQLITE_FLOAT: return real_text(sqlite3_column_double(raw_, column));
      case SQLITE_BLOB: return hex_text(rows_.blob(column));
      default: return std::string(rows_.text(column));
    }
  }

  Connection db_;
  Statement rows_;
  sqlite3_stmt* raw_ = nullptr;  // of rows_
  std::size_t number_ = 0;
};

// --- NDJSON --------------------------------------------------------------------------------------

// By SQLite, which leaves numbers as they are written.
class JsonRows final : public GivenRows {
 public:
  JsonRows(std::ifstream file, const std::string& path) : file_(std::move(file)), name_(base_name(path)) {}

  Status start() {
    STREAM_TRY(db_.open(":memory:"));
    Status status;
    sqlite3_stmt* raw = db_.prepare(
        "SELECT key, type, CASE type WHEN 'text' THEN atom ELSE ?1 -> fullkey END, iif(type = 'text', ?1 -> fullkey, "
        "'') "
        "FROM json_each(?1)",
        status);
    fields_ = Statement(raw, &db_.path(), status_of);
    return status;
  }

  Result<bool> next(GivenRow& row) override {
    std::string line;
    do {
      if (!std::getline(file_, line)) return false;
      ++line_;
    } while (trim(line).empty());
    if (!trim(line).starts_with('{')) return usage_error(place() + ": a row is a JSON object");
    row.clear();
    fields_.reset();
    fields_.bind_text(1, line);
    for (;;) {
      const auto any = fields_.step();
      if (!any.ok()) return usage_error(place() + ": this is no JSON");
      if (!*any) return true;
      const bool null = fields_.text(1) == "null";
      row.push_back({std::string(fields_.text(0)), null ? std::nullopt : std::optional(std::string(fields_.text(2))),
                     std::string(fields_.text(3))});
    }
  }

  std::string place() const override { return name_ + ":" + std::to_string(line_); }

 private:
  std::ifstream file_;
  std::string name_;
  Connection db_;
  Statement fields_;
  std::size_t line_ = 0;
};

// "old.db select …" -> {"old.db", "select …"}
std::pair<std::string, std::string> part(const std::string& from) {
  for (std::size_t at = from.find(' '); at != std::string::npos; at = from.find(' ', at + 1)) {
    const std::string rest(trim(std::string_view(from).substr(at)));
    const std::string word = lower(rest.substr(0, rest.find_first_of(" (\t\n")));
    if (std::ranges::find(kQueries, word) != kQueries.end()) return {std::string(trim(from.substr(0, at))), rest};
  }
  return {from, ""};
}

template <class Rows, class... Args>
Result<std::unique_ptr<GivenRows>> started(std::unique_ptr<Rows> rows, const Args&... args) {
  STREAM_TRY(rows->start(args...));
  return std::unique_ptr<GivenRows>(std::move(rows));
}

}  // namespace

Result<std::unique_ptr<GivenRows>> open_given_rows(const std::string& from, const std::string& table) {
  const auto [path, query] = part(from);
  std::ifstream file(path);
  std::array<char, kDatabase.size()> head{};
  if (!file) return usage_error(system_error("open", path, errno).what());
  file.read(head.data(), head.size());
  const std::string_view begin(head.data(), static_cast<std::size_t>(file.gcount()));
  file.clear();
  file.seekg(0);
  if (begin == kDatabase)
    return started(std::make_unique<QueryRows>(), path, query.empty() ? "SELECT * FROM " + sql_name(table) : query);
  if (!query.empty()) return usage_error("'" + path + "' is no SQLite database, so that no query can be asked of it");
  if (trim(begin).starts_with('{')) return started(std::make_unique<JsonRows>(std::move(file), path));
  return started(std::make_unique<CsvRows>(std::move(file), path));
}

}  // namespace stream
