#include "transport/record/key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace stream {
namespace {

template <class T>
void append_raw(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

double canonical(double value) {
  if (value == 0) return 0;
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

void append_decimal(std::string& out, Decimal value, std::uint8_t scale) {
  while (scale > 0 && value % 10 == 0) {
    value /= 10;
    --scale;
  }
  append_raw(out, value);
  append_raw(out, scale);
}

void append_value(const Column& column, std::size_t row, std::string& out) {
  switch (column.type().kind) {
    case TypeKind::kBoolean: return append_raw(out, column.value<std::uint8_t>(row));
    case TypeKind::kDate: return append_raw(out, column.value<std::int32_t>(row));
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return append_raw(out, column.value<std::int64_t>(row));
    case TypeKind::kDouble: return append_raw(out, canonical(column.value<double>(row)));
    case TypeKind::kDecimal: return append_decimal(out, column.value<Decimal>(row), column.type().scale);
    case TypeKind::kInterval: return append_raw(out, column.value<Interval>(row));
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: {
      const std::string_view bytes = column.bytes(row);
      append_raw(out, static_cast<std::uint32_t>(bytes.size()));
      out.append(bytes);
    }
  }
}

bool is_integer(const Column& column) {
  const TypeKind kind = column.type().kind;
  return (kind == TypeKind::kBigint || kind == TypeKind::kTimestamp) && !column.has_nulls();
}

// BIGINT or TIMESTAMP keys without NULLs: the common case, without a buffer in between.
template <std::size_t kColumns>
void hash_integers(std::array<const std::int64_t*, kColumns> values, std::span<std::uint64_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    char encoded[9 * kColumns];
    for (std::size_t k = 0; k < kColumns; ++k) {
      encoded[9 * k] = 1;
      std::memcpy(encoded + 9 * k + 1, values[k] + i, 8);
    }
    out[i] = XXH3_64bits(encoded, sizeof encoded);
  }
}

// One variable-width key without NULLs.
void hash_texts(const Column& column, std::span<std::uint64_t> out) {
  std::string encoded;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string_view bytes = column.bytes(i);
    const auto length = static_cast<std::uint32_t>(bytes.size());
    encoded.resize(5 + bytes.size());
    encoded[0] = 1;
    std::memcpy(encoded.data() + 1, &length, 4);
    std::memcpy(encoded.data() + 5, bytes.data(), bytes.size());
    out[i] = XXH3_64bits(encoded.data(), encoded.size());
  }
}

}  // namespace

void append_key(const Batch& batch, std::span<const std::size_t> key_columns, std::size_t row, std::string& out) {
  for (const std::size_t index : key_columns) {
    const Column& column = batch.columns[index];
    const bool valid = column.valid(row);
    out.push_back(valid ? '\1' : '\0');
    if (valid) append_value(column, row, out);
  }
}

std::uint64_t hash_key(std::string_view encoded_key) { return XXH3_64bits(encoded_key.data(), encoded_key.size()); }

void hash_keys(const Batch& batch, std::span<const std::size_t> key_columns, std::span<std::uint64_t> out) {
  STREAM_CHECK(out.size() == batch.rows);
  const auto integers = [&](std::size_t k) { return batch.columns[key_columns[k]].values<std::int64_t>(); };
  if (std::ranges::all_of(key_columns, [&](std::size_t index) { return is_integer(batch.columns[index]); })) {
    switch (key_columns.size()) {
      case 1: return hash_integers<1>({integers(0)}, out);
      case 2: return hash_integers<2>({integers(0), integers(1)}, out);
      case 3: return hash_integers<3>({integers(0), integers(1), integers(2)}, out);
      default: break;
    }
  } else if (key_columns.size() == 1 && !batch.columns[key_columns[0]].has_nulls() &&
             batch.columns[key_columns[0]].type().variable()) {
    return hash_texts(batch.columns[key_columns[0]], out);
  }
  std::string encoded;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    encoded.clear();
    append_key(batch, key_columns, row, encoded);
    out[row] = hash_key(encoded);
  }
}

namespace {

bool same_value(const Column& column, std::size_t a, std::size_t b) {
  switch (column.type().kind) {
    case TypeKind::kBoolean: return column.value<std::uint8_t>(a) == column.value<std::uint8_t>(b);
    case TypeKind::kDate: return column.value<std::int32_t>(a) == column.value<std::int32_t>(b);
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return column.value<std::int64_t>(a) == column.value<std::int64_t>(b);
    case TypeKind::kDouble: {
      const auto x = column.value<double>(a);
      const auto y = column.value<double>(b);
      return x == y || (std::isnan(x) && std::isnan(y));
    }
    case TypeKind::kDecimal: return column.value<Decimal>(a) == column.value<Decimal>(b);
    case TypeKind::kInterval: return column.value<Interval>(a) == column.value<Interval>(b);
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: return column.bytes(a) == column.bytes(b);
  }
  return false;
}

}  // namespace

bool same_key(const Batch& batch, std::span<const std::size_t> key_columns, std::size_t a, std::size_t b) {
  for (const std::size_t index : key_columns) {
    const Column& column = batch.columns[index];
    if (column.valid(a) != column.valid(b)) return false;
    if (column.valid(a) && !same_value(column, a, b)) return false;
  }
  return true;
}

KeyGroupRange key_groups_of(std::uint32_t instance, std::uint32_t parallelism, std::uint32_t key_groups) {
  const auto first = [&](std::uint64_t i) {
    return static_cast<std::uint32_t>((i * key_groups + parallelism - 1) / parallelism);
  };
  return {first(instance), first(std::uint64_t{instance} + 1)};
}

}  // namespace stream
