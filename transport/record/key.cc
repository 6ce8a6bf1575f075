#include "transport/record/key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "transport/base/copy_short.h"
#include "transport/record/same_value.h"

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

// Key columns of eight bytes or of texts, all without NULLs: most keys.
class PlainKeys {
 public:
  static bool plain(const Column& column) {
    const TypeKind kind = column.type().kind;
    return !column.has_nulls() &&
           (kind == TypeKind::kBigint || kind == TypeKind::kTimestamp || column.type().variable());
  }

  void add(const Column& column) {
    Part& part = parts_.emplace_back();
    part.bytes = column.values_buffer().as<char>();
    if (!column.type().variable()) return static_cast<void>(longest_ += 9);
    part.offsets = column.offsets();
    std::int32_t longest = 0;
    for (std::size_t i = 0; i < column.size(); ++i) {
      longest = std::max(longest, part.offsets[i + 1] - part.offsets[i]);
    }
    longest_ += 5 + static_cast<std::size_t>(longest);
  }

  void hash(std::span<std::uint64_t> out) const {
    std::string encoded(longest_, '\0');
    for (std::size_t row = 0; row < out.size(); ++row) {
      char* at = encoded.data();
      for (const Part& part : parts_) at = append(part, row, at);
      out[row] = XXH3_64bits(encoded.data(), static_cast<std::size_t>(at - encoded.data()));
    }
  }

 private:
  struct Part {
    const char* bytes = nullptr;
    const std::int32_t* offsets = nullptr;  // of texts
  };

  static char* append(const Part& part, std::size_t row, char* at) {
    *at++ = 1;
    if (part.offsets == nullptr) {
      std::memcpy(at, part.bytes + row * 8, 8);
      return at + 8;
    }
    const std::int32_t begin = part.offsets[row];
    const auto size = static_cast<std::uint32_t>(part.offsets[row + 1] - begin);
    std::memcpy(at, &size, 4);
    return copy_short(at + 4, part.bytes + begin, size);
  }

  std::vector<Part> parts_;
  std::size_t longest_ = 0;
};

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
  }
  if (std::ranges::all_of(key_columns, [&](std::size_t c) { return PlainKeys::plain(batch.columns[c]); })) {
    PlainKeys keys;
    for (const std::size_t column : key_columns) keys.add(batch.columns[column]);
    return keys.hash(out);
  }
  std::string encoded;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    encoded.clear();
    append_key(batch, key_columns, row, encoded);
    out[row] = hash_key(encoded);
  }
}

bool same_value(const Column& a, std::size_t a_row, const Column& b, std::size_t b_row) {
  if (a.valid(a_row) != b.valid(b_row)) return false;
  if (!a.valid(a_row)) return true;
  const auto same = [&]<class T>(T /*of the type*/) { return a.value<T>(a_row) == b.value<T>(b_row); };
  switch (a.type().kind) {
    case TypeKind::kBoolean: return same(std::uint8_t());
    case TypeKind::kDate: return same(std::int32_t());
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return same(std::int64_t());
    case TypeKind::kDouble: {
      const auto x = a.value<double>(a_row);
      const auto y = b.value<double>(b_row);
      return x == y || (std::isnan(x) && std::isnan(y));
    }
    case TypeKind::kDecimal: return same(Decimal());
    case TypeKind::kInterval: return same(Interval());
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: return a.bytes(a_row) == b.bytes(b_row);
  }
  return false;
}

bool same_key(const Batch& batch, std::span<const std::size_t> key_columns, std::size_t a, std::size_t b) {
  for (const std::size_t index : key_columns) {
    if (!same_value(batch.columns[index], a, batch.columns[index], b)) return false;
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
