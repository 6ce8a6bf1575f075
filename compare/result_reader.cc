#include "compare/result_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "compare/csv_fields.h"
#include "compare/line_source.h"

namespace stream {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kRowsSampled = 10'000;  // as planning looks at
constexpr std::string_view kOperation = "_op";

class NdjsonReader final : public ResultReader {
 public:
  explicit NdjsonReader(LineSource lines) : lines_(std::move(lines)) {}

  Result<bool> next() override {
    do {
      STREAM_ASSIGN(const bool found, lines_.next(line_));
      if (!found) return false;
    } while (line_.find_first_not_of(" \t") == std::string::npos);
    const json row = json::parse(line_, nullptr, false);
    if (!row.is_object()) return usage_error(lines_.place() + ": this is no JSON object");
    times_ = 1;
    for (ResultValue& value : values_) value = {};
    for (const auto& [name, value] : row.items()) take(name, value);
    return true;
  }

 private:
  void take(const std::string& name, const json& value) {
    if (value.is_string() && take_operation(name, value.get_ref<const std::string&>())) return;
    const std::size_t column = column_of(name);
    if (values_.size() <= column) values_.resize(column + 1);
    values_[column] = json_value(value);
  }

  // Names come sorted, so mostly each stands behind the last one.
  std::size_t column_of(const std::string& name) {
    if (last_ + 1 < columns_.size() && columns_[last_ + 1] == name) return ++last_;
    const auto found = std::ranges::find(columns_, name);
    last_ = static_cast<std::size_t>(found - columns_.begin());
    if (found == columns_.end()) columns_.push_back(name);
    return last_;
  }

  LineSource lines_;
  std::string line_;
  std::size_t last_ = 0;
};

class CsvReader final : public ResultReader {
 public:
  CsvReader(LineSource lines, char delimiter) : lines_(std::move(lines)), delimiter_(delimiter) {}

  Result<bool> next() override {
    for (;;) {
      STREAM_ASSIGN(const bool found, read_record());
      if (!found) return false;
      if (header_) {
        STREAM_TRY(take_header());
        continue;
      }
      if (fields_.size() != names_.size()) {
        return usage_error(lines_.place() + ": " + std::to_string(fields_.size()) + " fields, where the header has " +
                           std::to_string(names_.size()));
      }
      times_ = 1;
      for (ResultValue& value : values_) value = {};
      for (std::size_t i = 0; i < fields_.size(); ++i) take(i);
      return true;
    }
  }

 private:
  void take(std::size_t field) {
    CsvField& from = fields_[field];
    if (take_operation(names_[field].first, from.text)) return;
    values_[names_[field].second] =
        from.text.empty() && !from.quoted ? ResultValue() : text_value(std::move(from.text));
  }

  // A field in quotes may go over several lines.
  Result<bool> read_record() {
    STREAM_ASSIGN(const bool found, lines_.next(record_));
    if (!found) return false;
    header_ = lines_.first_of_file();
    const std::string began = lines_.place();
    while (!split_csv(record_, delimiter_, fields_)) {
      STREAM_ASSIGN(const bool more, lines_.next(line_));
      if (!more) return usage_error(began + ": a field in quotes has no end");
      record_ += '\n' + line_;
    }
    return true;
  }

  Status take_header() {
    names_.clear();
    for (CsvField& field : fields_) {
      if (field.text == kOperation) {
        names_.emplace_back(field.text, 0);
        continue;
      }
      const auto found = std::ranges::find(columns_, field.text);
      names_.emplace_back(field.text, found - columns_.begin());
      if (found == columns_.end()) columns_.push_back(field.text);
    }
    values_.resize(columns_.size());
    return columns_.empty() ? usage_error(lines_.place() + ": the header names no column") : Status();
  }

  LineSource lines_;
  char delimiter_;
  std::string record_;
  std::string line_;
  bool header_ = false;
  std::vector<CsvField> fields_;
  std::vector<std::pair<std::string, std::size_t>> names_;  // of this file's fields, and their columns
};

bool is_sqlite(const std::string& path) {
  std::array<char, 16> head{};
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  return std::memcmp(head.data(), "SQLite format 3", head.size()) == 0;
}

Result<ResultForm> form_by_name(const std::string& path, const std::string& ending) {
  if (ending == ".csv" || ending == ".tsv") return ResultForm::kCsv;
  if (ending == ".ndjson" || ending == ".jsonl" || ending == ".json") return ResultForm::kNdjson;
  return usage_error("'" + path + "' is no result that can be compared: NDJSON, CSV and SQLite can" +
                     (ending == ".gz" || ending == ".zst" ? "; decompress it first" : "") +
                     (ending == ".avro" ? "; 'stream-read-file' makes NDJSON of it" : ""));
}

// By the first file in it that says.
Result<ResultForm> form_of_folder(const std::string& path) {
  for (const ResultForm form : {ResultForm::kNdjson, ResultForm::kCsv}) {
    STREAM_ASSIGN(LineSource lines, LineSource::open(path, form, false));
    std::string line;
    STREAM_ASSIGN(const bool found, lines.next(line));
    if (found) return form;
  }
  return usage_error("there is no NDJSON and no CSV in '" + path + "'");
}

char delimiter_of(const std::string& path) { return path.ends_with(".tsv") ? '\t' : ','; }

}  // namespace

bool ResultReader::take_operation(const std::string& name, const std::string& text) {
  if (name != kOperation || text.size() != 2) return false;
  if (text != "+I" && text != "+U" && text != "-U" && text != "-D") return false;
  times_ = text[0] == '+' ? 1 : -1;
  return true;
}

Result<ResultForm> form_of(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return system_error("open", path, error ? error.value() : ENOENT);
  if (fs::is_directory(path, error)) return form_of_folder(path);
  if (is_sqlite(path)) return ResultForm::kSqlite;
  return form_by_name(path, fs::path(path).extension().string());
}

Result<std::unique_ptr<ResultReader>> read_rows(const std::string& path, ResultForm form, bool growing) {
  STREAM_ASSIGN(LineSource lines, LineSource::open(path, form, growing));
  std::unique_ptr<ResultReader> reader;
  if (form == ResultForm::kCsv)
    reader = std::make_unique<CsvReader>(std::move(lines), delimiter_of(path));
  else
    reader = std::make_unique<NdjsonReader>(std::move(lines));
  return reader;
}

Result<FirstRows> look_at_rows(const std::string& path, ResultForm form, const std::string& table) {
  std::unique_ptr<ResultReader> reader;
  if (form == ResultForm::kSqlite) {
    STREAM_ASSIGN(reader, read_table(path, table));
  } else {
    STREAM_ASSIGN(reader, read_rows(path, form, false));
  }
  FirstRows first;
  for (std::size_t i = 0; i < kRowsSampled; ++i) {
    STREAM_ASSIGN(const bool found, reader->next());
    if (!found) break;
    for (std::size_t column = 0; column < reader->values().size(); ++column) {
      const ResultValue& value = reader->values()[column];
      const bool real =
          form == ResultForm::kCsv ? loosened(value).kind == ResultKind::kReal : value.kind == ResultKind::kReal;
      if (real) first.reals.insert(reader->columns()[column]);
    }
  }
  first.columns = reader->columns();
  return first;
}

}  // namespace stream
