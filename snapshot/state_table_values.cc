// Values of a StateTable: reading, writing, strings.
#include "snapshot/state_table_keys.h"
#include "transport/base/check.h"

namespace stream {
namespace {

constexpr std::size_t kAhead = 16;  // rows whose cache misses are under way

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

// Of a row that is new, so that there is nothing yet in this place.
void StateTable::place_bytes(Row row, std::size_t column, std::string_view bytes) {
  STREAM_CHECK(bytes.size() <= INT32_MAX);
  StringRef* ref = layout_.string(row, column);
  ref->length = static_cast<std::uint32_t>(bytes.size());
  if (bytes.size() > kInlineBytes) {
    char* block = heap_.allocate(bytes.size());
    std::memcpy(block, bytes.data(), bytes.size());
    ref->set_word(reinterpret_cast<std::uint64_t>(block));
  } else if (!bytes.empty()) {
    std::memcpy(ref->body, bytes.data(), bytes.size());
  }
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

void StateTable::renew(Row row) {
  touch(row);
  for (std::size_t column = layout_.key_columns(); column < layout_.columns(); ++column) {
    if (column == time_column_) {
      set_time(row, 0, true);
      continue;
    }
    const Type type = layout_.type(column);
    layout_.set_null(row, column, false);
    if (type.variable())
      release_bytes(row, column);
    else
      std::memset(row.at + layout_.offset(column), 0, type.width());
  }
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

void StateTable::store(std::span<const Row> rows, std::size_t column, const Column& from,
                       std::span<const std::uint32_t> from_rows) {
  STREAM_CHECK(column >= layout_.key_columns() && from.type() == layout_.type(column));
  const bool plain = layout_.type(column).width() == 8 && !from.has_nulls() && column != time_column_;
  const std::size_t offset = layout_.offset(column);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    STREAM_CHECK(RowLayout::generation(rows[i]) == changes_.generation());
    if (!plain) {
      store_from(rows[i], column, from, from_rows[i]);
      continue;
    }
    std::memcpy(rows[i].at + offset, from.values<std::int64_t>() + from_rows[i], 8);
    layout_.set_null(rows[i], column, false);
  }
}

// --- many rows at once --------------------------------------------------------------------------

// A row that is not there counts.
bool StateTable::any_null(std::span<const Row> rows, std::size_t column) const {
  bool any = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) __builtin_prefetch(rows[i + kAhead].at);
    any |= !rows[i] || is_null(rows[i], column);
  }
  return any;
}

template <class T>
Column StateTable::gather_fixed(std::span<const Row> rows, std::size_t column) const {
  const std::size_t offset = layout_.offset(column);
  ByteBuilder values;
  std::uint8_t* out = values.extend(rows.size() * sizeof(T));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) __builtin_prefetch(rows[i + kAhead].at + offset);
    std::memcpy(out + i * sizeof(T), rows[i].at + offset, sizeof(T));
  }
  return {layout_.type(column), rows.size(), {}, values.finish()};
}

// Lengths first, while the bytes are on their way.
Column StateTable::gather_bytes(std::span<const Row> rows, std::size_t column) const {
  ByteBuilder offsets;
  auto* ends = reinterpret_cast<std::int32_t*>(offsets.extend((rows.size() + 1) * sizeof(std::int32_t)));
  std::size_t total = 0;
  ends[0] = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) __builtin_prefetch(layout_.string(rows[i + kAhead], column));
    total += layout_.string(rows[i], column)->length;
    ends[i + 1] = static_cast<std::int32_t>(total);
  }
  STREAM_CHECK(total <= INT32_MAX);
  ByteBuilder values;
  std::uint8_t* out = values.extend(total);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) {
      const std::string_view soon = layout_.bytes(rows[i + kAhead], column);
      __builtin_prefetch(soon.data());
      __builtin_prefetch(soon.data() + 64);
    }
    const std::string_view bytes = layout_.bytes(rows[i], column);
    if (!bytes.empty()) std::memcpy(out + ends[i], bytes.data(), bytes.size());
  }
  return {layout_.type(column), rows.size(), {}, values.finish(), offsets.finish()};
}

Column StateTable::gather(std::span<const Row> rows, std::size_t column) const {
  if (rows.empty() || any_null(rows, column)) {
    ColumnBuilder builder(layout_.type(column), rows.size());
    for (const Row row : rows) append_to(row, column, builder);
    return builder.finish();
  }
  switch (layout_.type(column).width()) {
    case 0: return gather_bytes(rows, column);
    case 1: return gather_fixed<std::uint8_t>(rows, column);
    case 4: return gather_fixed<std::int32_t>(rows, column);
    case 8: return gather_fixed<std::int64_t>(rows, column);
    default: return gather_fixed<Interval>(rows, column);
  }
}

}  // namespace stream
