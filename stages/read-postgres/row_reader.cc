#include "stages/read-postgres/row_reader.h"

namespace stream {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool decode_hex(std::string_view text, std::string& out) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  out.clear();
  for (std::size_t i = 2; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high << 4 | low);
  }
  return true;
}

char unescaped(char c) {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return c;
  }
}

}  // namespace

bool RowReader::read_value(std::string_view text, ColumnBuilder& out) {
  if (out.type() == kVarchar) {
    out.append_bytes(text);
    return true;
  }
  if (out.type() != kBlob) return values_.read_text(text, out);
  if (!decode_hex(text, scratch_)) return false;
  out.append_bytes(scratch_);
  return true;
}

ReadRow RowReader::read(const PgTuple& values) {
  ReadRow out;
  if (values.size() < schema_->fields.size()) out.wrong = "it has fewer columns than the table";
  const PgValue missing{.null = true};
  for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
    ColumnBuilder& column = batch_.column(i);
    const PgValue& value = i < values.size() ? values[i] : missing;
    if (value.unchanged) out.unchanged.push_back(i);
    if (value.null || value.unchanged) {
      column.append_null();
    } else if (!read_value(value.text, column)) {
      column.truncate(0);
      column.append_null();
      const Field& field = schema_->fields[i];
      if (out.wrong.empty()) out.wrong = format::bad_value(field.name, field.type, value.text, format::TimeRules());
    }
  }
  batch_.end_row();
  out.row = batch_.finish();
  return out;
}

PgTuple split_copy_line(std::string_view line, std::string& store) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  store.clear();
  store.reserve(line.size());  // so that the views stay
  PgTuple values;
  std::size_t begin = 0;
  bool null = false;
  const auto finish = [&] {
    values.push_back({.null = null, .text = std::string_view(store).substr(begin)});
    begin = store.size();
    null = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      finish();
    } else if (line[i] == '\\' && i + 1 < line.size()) {
      null = line[++i] == 'N';
      if (!null) store += unescaped(line[i]);
    } else {
      store += line[i];
    }
  }
  finish();
  return values;
}

}  // namespace stream
