#include "stages/format/encode_table.h"

#include <algorithm>
#include <numeric>

#include "stages/format/print_value.h"

namespace stream::format {
namespace {

constexpr std::size_t kWidthMin = 8;
constexpr std::string_view kGap = "  ";
constexpr std::string_view kCut = "…";
constexpr std::string_view kNull = "NULL";

struct Glyph {
  std::string_view bytes;
  std::size_t width;
};

bool between(char32_t code, char32_t low, char32_t high) { return code >= low && code <= high; }

std::size_t width_of(char32_t code) {
  if (between(code, 0x300, 0x36f) || between(code, 0x200b, 0x200f) || between(code, 0xfe00, 0xfe0f)) return 0;
  const bool wide = between(code, 0x1100, 0x115f) || between(code, 0x2e80, 0xa4cf) || between(code, 0xac00, 0xd7a3) ||
                    between(code, 0xf900, 0xfaff) || between(code, 0xfe30, 0xfe6f) || between(code, 0xff00, 0xff60) ||
                    between(code, 0xffe0, 0xffe6) || between(code, 0x1f300, 0x1faff) || between(code, 0x20000, 0x3fffd);
  return wide ? 2 : 1;
}

// Takes one code point off the front; a broken byte counts as one column.
Glyph take_glyph(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  size = std::min(size, text.size());
  char32_t code = size == 1 ? lead : lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  const Glyph glyph{text.substr(0, size), width_of(code)};
  text.remove_prefix(size);
  return glyph;
}

std::string cut(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const Glyph glyph = take_glyph(text);
    if (used + glyph.width > width - 1) break;
    used += glyph.width;
    out += glyph.bytes;
  }
  return out.append(kCut);
}

std::string without_controls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += "·";
    } else {
      out += c;
    }
  }
  return out;
}

bool is_number(Type type) {
  return type.kind == TypeKind::kBigint || type.kind == TypeKind::kDouble || type.kind == TypeKind::kDecimal;
}

void append(std::string_view text, ByteBuilder& out) { out.append(text.data(), text.size()); }

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) width += take_glyph(text).width;
  return width;
}

TableEncoder::TableEncoder(const EncoderOptions& options, SchemaPtr schema)
    : options_(options), schema_(std::move(schema)) {
  if (options_.row_kinds) {
    names_.emplace_back("_op");
    right_.push_back(false);
  }
  for (const Field& field : schema_->fields) {
    names_.push_back(without_controls(field.name));
    right_.push_back(is_number(field.type));
  }
}

TableEncoder::Row TableEncoder::cells(const Batch& batch, std::size_t row) const {
  Row out;
  if (options_.row_kinds) out.emplace_back(row_kind_name(batch.kind(row)));
  for (const Column& column : batch.columns) {
    if (!column.valid(row)) {
      out.emplace_back(kNull);
      continue;
    }
    std::string text(printed_size(column, row), '\0');
    text.resize(static_cast<std::size_t>(print_value(text.data(), column, row) - text.data()));
    out.push_back(without_controls(text));
  }
  return out;
}

// Columns grow with their values, as far as there is room: to replace values by dots is the last resort.
void TableEncoder::fit(const std::vector<Row>& rows) {
  if (widths_.empty()) {
    for (const std::string& name : names_) widths_.push_back(std::max<std::size_t>(display_width(name), 1));
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], display_width(row[i]));
  }
  if (options_.width == 0 || widths_.empty()) return;
  const std::size_t gaps = kGap.size() * (widths_.size() - 1);
  while (std::accumulate(widths_.begin(), widths_.end(), gaps) > options_.width) {
    const auto widest = std::max_element(widths_.begin(), widths_.end());
    if (*widest <= kWidthMin) return;
    --*widest;
  }
}

void TableEncoder::write_row(const Row& row, ByteBuilder& out) const {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t width = display_width(row[i]);
    const std::string padding(width < widths_[i] ? widths_[i] - width : 0, ' ');
    if (i != 0) append(kGap, out);
    if (right_[i]) append(padding, out);
    append(width > widths_[i] && !right_[i] ? cut(row[i], widths_[i]) : row[i], out);
    if (!right_[i] && i + 1 != row.size()) append(padding, out);
  }
  append("\n", out);
}

void TableEncoder::write_header(ByteBuilder& out) {
  if (!options_.header) return;
  write_row(names_, out);
  Row rule;
  for (const std::size_t width : widths_) rule.emplace_back(width, '-');
  write_row(rule, out);
}

void TableEncoder::encode(const Batch& batch, ByteBuilder& out) {
  std::vector<Row> rows;
  rows.reserve(batch.rows);
  for (std::size_t row = 0; row < batch.rows; ++row) rows.push_back(cells(batch, row));
  const bool first = widths_.empty();
  fit(rows);
  if (first) write_header(out);
  for (const Row& row : rows) write_row(row, out);
  counters_.rows += batch.rows;
}

void TableEncoder::finish(ByteBuilder& out) {
  if (!widths_.empty()) return;
  fit({});
  write_header(out);
}

}  // namespace stream::format
