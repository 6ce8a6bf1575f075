#include "snapshot/row_layout.h"

namespace stream {
namespace {

std::size_t align(std::size_t value, std::size_t to) { return (value + to - 1) / to * to; }

// Flags of a row, as many as there may be, are one word or two.
bool flag(const TableSpec& spec, std::size_t column) {
  return column < spec.columns() && spec.field(column).type.kind == TypeKind::kBoolean;
}

}  // namespace

RowLayout::RowLayout(const TableSpec& spec) : key_columns_(spec.key.size()) {
  std::size_t at = align(kNulls + (spec.columns() + 7) / 8, 8);
  std::size_t alignment = 8;
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    const Type type = spec.field(i).type;
    if (type.kind == TypeKind::kDecimal) {
      at = align(at, 16);
      alignment = 16;
    }
    offsets_.push_back(static_cast<std::uint32_t>(at));
    types_.push_back(type);
    if (type.variable()) variable_.push_back(static_cast<std::uint32_t>(i));
    at += type.variable() ? sizeof(StringRef) : type.width();
    if (!flag(spec, i) || !flag(spec, i + 1) || i + 1 == spec.key.size()) at = align(at, 8);
    if (i + 1 == spec.key.size()) key_bytes_ = align(at, 16);
  }
  value_bytes_ = align(at, alignment);
  prefix_links_ = value_bytes_;
  time_links_ = prefix_links_ + (spec.prefix != 0 ? sizeof(PrefixLinks) : 0);
  row_bytes_ = align(time_links_ + (spec.ordered.empty() ? 0 : sizeof(RowLinks)), alignment);
  if (key_bytes_ > value_bytes_) key_bytes_ = value_bytes_;  // never the links, which change while a row is captured
}

}  // namespace stream
