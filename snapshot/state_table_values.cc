// Values of a StateTable: reading, writing, strings.
#include "snapshot/state_table_keys.h"
#include "transport/base/check.h"
#include "transport/base/copy_short.h"

namespace stream {
namespace {

// The usual columns, where no value is NULL; nothing where one is.
std::optional<Column> gather_eight(const RowLayout& layout, std::span<const Row> rows, std::size_t column) {
  const std::size_t offset = layout.offset(column);
  ByteBuilder values;
  std::uint8_t* out = values.extend(rows.size() * 8);
  for (const Row row : rows) {
    if (!row || layout.is_null(row, column)) return std::nullopt;
    std::memcpy(out, row.at + offset, 8);
    out += 8;
  }
  return Column(layout.type(column), rows.size(), {}, values.finish());
}

std::optional<Column> gather_texts(const RowLayout& layout, std::span<const Row> rows, std::size_t column) {
  ByteBuilder offsets;
  auto* at = reinterpret_cast<std::int32_t*>(offsets.extend((rows.size() + 1) * sizeof(std::int32_t)));
  std::int32_t size = 0;
  *at = 0;
  for (const Row row : rows) {
    if (!row || layout.is_null(row, column)) return std::nullopt;
    *++at = size += static_cast<std::int32_t>(layout.string(row, column)->length);
  }
  ByteBuilder values;
  auto* out = reinterpret_cast<char*>(values.extend(static_cast<std::size_t>(size)));
  for (const Row row : rows) {
    const std::string_view bytes = layout.bytes(row, column);
    out = copy_short(out, bytes.data(), bytes.size());
  }
  return Column(layout.type(column), rows.size(), {}, values.finish(), offsets.finish());
}

}  // namespace

Cell StateTable::cell(Row row, std::size_t column) const {
  if (is_null(row, column)) return {};
  switch (layout_.type(column).kind) {
    case TypeKind::kBoolean: return get<std::uint8_t>(row, column);
    case TypeKind::kDate: return get<std::int32_t>(row, column);
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return get<std::int64_t>(row, column);
    case TypeKind::kDouble: return get<double>(row, column);
    case TypeKind::kDecimal: return get<Decimal>(row, column);
    case TypeKind::kInterval: return get<Interval>(row, column);
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: return bytes(row, column);
  }
  return {};
}

void StateTable::release_bytes(Row row, std::size_t column) {
  StringRef* ref = layout_.string(row, column);
  if (!ref->is_inline()) heap_.release(reinterpret_cast<char*>(ref->word()), ref->length);
  *ref = {};
}

void StateTable::store_bytes(Row row, std::size_t column, std::string_view bytes) {
  STREAM_CHECK(bytes.size() <= INT32_MAX);
  StringRef* ref = layout_.string(row, column);
  const auto length = static_cast<std::uint32_t>(bytes.size());
  const bool reuse =
      !ref->is_inline() && bytes.size() > kInlineBytes && StringHeap::same_block(ref->length, bytes.size());
  if (!reuse) release_bytes(row, column);
  if (bytes.size() <= kInlineBytes) {
    StringRef fresh;
    fresh.length = length;
    if (!bytes.empty()) std::memcpy(fresh.body, bytes.data(), bytes.size());
    *ref = fresh;
    return;
  }
  if (!reuse) ref->set_word(reinterpret_cast<std::uint64_t>(heap_.allocate(bytes.size())));
  ref->length = length;
  std::memcpy(reinterpret_cast<char*>(ref->word()), bytes.data(), bytes.size());
}

void StateTable::store_from(Row row, std::size_t column, const Column& from, std::size_t from_row) {
  const bool null = !from.valid(from_row);
  if (column == time_column_) { return set_time(row, null ? 0 : from.value<std::int64_t>(from_row), null); }
  const Type type = layout_.type(column);
  layout_.set_null(row, column, null);
  if (type.variable()) return store_bytes(row, column, null ? std::string_view() : from.bytes(from_row));
  std::uint8_t* at = row.at + layout_.offset(column);
  const std::size_t width = type.width();
  if (null) {
    std::memset(at, 0, width);
  } else if (width == 8) {
    std::memcpy(at, from.values<std::int64_t>() + from_row, 8);
  } else {
    std::memcpy(at, from.values_buffer().data() + from_row * width, width);
  }
}

// The row is new: nothing to release, and its place in the indexes follows.
void StateTable::store_key(Row row, std::size_t column, const Column& from, std::size_t from_row) {
  const Type type = layout_.type(column);
  if (!from.valid(from_row)) return layout_.set_null(row, column, true);
  if (type.variable()) return store_bytes(row, column, from.bytes(from_row));
  const std::size_t width = type.width();
  std::uint8_t* at = row.at + layout_.offset(column);
  std::memcpy(at, from.values_buffer().data() + from_row * width, width);
  if (type.kind == TypeKind::kDouble) {
    const double value = canonical_double(from.value<double>(from_row));
    std::memcpy(at, &value, sizeof value);
  }
}

void StateTable::set_null(Row row, std::size_t column) {
  STREAM_CHECK(column >= layout_.key_columns());
  touch(row);
  if (column == time_column_) return set_time(row, 0, true);
  if (layout_.type(column).variable()) release_bytes(row, column);
  layout_.set_null(row, column, true);
}

void StateTable::set_bytes(Row row, std::size_t column, std::string_view bytes) {
  STREAM_CHECK(column >= layout_.key_columns() && layout_.type(column).variable());
  touch(row);
  layout_.set_null(row, column, false);
  store_bytes(row, column, bytes);
}

void StateTable::set_cell(Row row, std::size_t column, const Cell& value) {
  STREAM_CHECK(column >= layout_.key_columns());
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          set_null(row, column);
        } else if constexpr (std::is_same_v<T, std::string_view>) {
          set_bytes(row, column, v);
        } else {
          STREAM_CHECK(sizeof(T) == layout_.type(column).width());
          set(row, column, v);
        }
      },
      value);
}

void StateTable::set_from(Row row, std::size_t column, const Column& from, std::size_t from_row) {
  STREAM_CHECK(column >= layout_.key_columns() && from.type() == layout_.type(column));
  touch(row);
  store_from(row, column, from, from_row);
}

void StateTable::append_to(Row row, std::size_t column, ColumnBuilder& out) const {
  if (!row || is_null(row, column)) return out.append_null();
  const Type type = layout_.type(column);
  switch (type.width()) {
    case 0: return out.append_bytes(bytes(row, column));
    case 1: return out.append(get<std::uint8_t>(row, column));
    case 4: return out.append(get<std::int32_t>(row, column));
    case 8: return out.append(get<std::int64_t>(row, column));
    default: return out.append(get<Interval>(row, column));
  }
}

Column StateTable::gather(std::span<const Row> rows, std::size_t column) const {
  const std::size_t width = layout_.type(column).width();
  std::optional<Column> whole;
  if (width == 8) whole = gather_eight(layout_, rows, column);
  if (width == 0) whole = gather_texts(layout_, rows, column);
  if (whole) return *std::move(whole);
  ColumnBuilder builder(layout_.type(column), rows.size());
  for (const Row row : rows) append_to(row, column, builder);
  return builder.finish();
}

}  // namespace stream
