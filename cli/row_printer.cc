#include "cli/row_printer.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/table.h"
#include "snapshot/sql_value.h"

namespace stream {
namespace {

constexpr std::size_t kRowsMeasured = 1000;
constexpr std::size_t kFlushBytes = 64 * 1024;

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_boolean(const StateQuery& query, std::size_t column) {
  return query.columns()[column].declared == "BOOLEAN" && query.kind(column) == SqlKind::kInteger;
}

// On a terminal no column may push all others out of sight. Whole characters.
std::string fitting(std::string text, std::size_t most) {
  std::size_t characters = 0;
  for (std::size_t at = 0; most != 0 && at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (begins && ++characters > most) return text.substr(0, at) + "…";
  }
  return text;
}

std::string csv_text(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_of("\",\r\n") == std::string::npos;
  if (plain) return text;
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

std::string csv_field(const StateQuery& query, std::size_t column) {
  return query.kind(column) == SqlKind::kNull ? "" : csv_text(text_of(query, column));
}

class Output {
 public:
  Status add(std::string_view text) {
    pending_ += text;
    return pending_.size() < kFlushBytes ? Status() : flush();
  }
  Status flush() {
    const bool written = std::fwrite(pending_.data(), 1, pending_.size(), stdout) == pending_.size();
    pending_.clear();
    return written && std::fflush(stdout) == 0 ? Status() : system_error("write", "standard output", errno);
  }

 private:
  std::string pending_;
};

std::string json_line(const StateQuery& query, const std::vector<std::string>& names) {
  std::string line = "{";
  for (std::size_t i = 0; i < names.size(); ++i) line += (i == 0 ? "" : ",") + names[i] + ":" + json_of(query, i);
  return line + "}\n";
}

// The next row, as long as there may be more.
Result<bool> next_of(StateQuery& query, std::uint64_t& left) {
  if (left == 0) return false;
  --left;
  return query.next();
}

Status print_json(StateQuery& query, std::uint64_t left) {
  std::vector<std::string> names;
  for (const auto& column : query.columns()) names.push_back(json_text(column.name));
  Output out;
  for (;;) {
    STREAM_ASSIGN(const bool row, next_of(query, left));
    if (!row) return out.flush();
    STREAM_TRY(out.add(json_line(query, names)));
  }
}

Status print_lists(StateQuery& query, std::uint64_t left) {
  Output out;
  for (;;) {
    STREAM_ASSIGN(const bool row, next_of(query, left));
    if (!row) return out.flush();
    std::string line = "[";
    for (std::size_t i = 0; i < query.columns().size(); ++i) line += (i == 0 ? "" : ",") + json_of(query, i);
    STREAM_TRY(out.add(line + "]\n"));
  }
}

Status print_csv(StateQuery& query, std::uint64_t left) {
  Output out;
  std::string head;
  for (const auto& column : query.columns()) head += (head.empty() ? "" : ",") + csv_text(column.name);
  STREAM_TRY(out.add(head + "\n"));
  for (;;) {
    STREAM_ASSIGN(const bool row, next_of(query, left));
    if (!row) return out.flush();
    std::string line;
    for (std::size_t i = 0; i < query.columns().size(); ++i) line += (i == 0 ? "" : ",") + csv_field(query, i);
    STREAM_TRY(out.add(line + "\n"));
  }
}

// Numbers stand right if the first row has them.
std::vector<std::string> headers(const StateQuery& query, bool any) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < query.columns().size(); ++i) {
    const bool number = any && (query.kind(i) == SqlKind::kInteger || query.kind(i) == SqlKind::kReal);
    names.push_back((number ? ">" : "") + query.columns()[i].name);
  }
  return names;
}

Status print_table(StateQuery& query, std::uint64_t left) {
  Output out;
  STREAM_ASSIGN(bool row, next_of(query, left));
  const std::vector<std::string> names = headers(query, row);
  const std::size_t most = names.size() < 2 ? 0 : terminal_width() / 2;
  for (bool first = true; first || row; first = false) {
    Table table(names);
    for (std::size_t rows = 0; row && rows < kRowsMeasured; ++rows) {
      std::vector<std::string> cells;
      for (std::size_t i = 0; i < names.size(); ++i) cells.push_back(fitting(visible(text_of(query, i)), most));
      table.add(std::move(cells));
      STREAM_ASSIGN(row, next_of(query, left));
    }
    STREAM_TRY(out.add(table.text()));
  }
  return out.flush();
}

}  // namespace

std::string visible(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return text;
}

std::string json_of(const StateQuery& query, std::size_t column) {
  switch (query.kind(column)) {
    case SqlKind::kNull: return "null";
    case SqlKind::kInteger:
      if (is_boolean(query, column)) return query.integer(column) != 0 ? "true" : "false";
      return std::to_string(query.integer(column));
    case SqlKind::kReal:
      return std::isfinite(query.real(column)) ? real_text(query.real(column))
                                               : json_text(real_text(query.real(column)));
    case SqlKind::kText:
      if (query.columns()[column].declared == "JSON TEXT") return std::string(query.bytes(column));
      return json_text(query.bytes(column));
    case SqlKind::kBytes: return json_text(hex_text(query.bytes(column)));
  }
  return "null";
}

std::string text_of(const StateQuery& query, std::size_t column) {
  switch (query.kind(column)) {
    case SqlKind::kNull: return "NULL";
    case SqlKind::kInteger:
      if (is_boolean(query, column)) return query.integer(column) != 0 ? "true" : "false";
      return std::to_string(query.integer(column));
    case SqlKind::kReal: return real_text(query.real(column));
    case SqlKind::kText: return std::string(query.bytes(column));
    case SqlKind::kBytes: return hex_text(query.bytes(column));
  }
  return "";
}

std::string columns_of(const StateQuery& query) {
  nlohmann::json columns = nlohmann::json::array();
  for (const auto& column : query.columns()) columns.push_back({{"name", column.name}, {"type", column.declared}});
  return columns.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status print_rows(StateQuery& query, RowForm form, std::uint64_t most) {
  switch (form) {
    case RowForm::kTable: return print_table(query, most);
    case RowForm::kLines: return print_json(query, most);
    case RowForm::kCsv: return print_csv(query, most);
    case RowForm::kLists: return print_lists(query, most);
  }
  return {};
}

}  // namespace stream
