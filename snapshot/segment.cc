#include "snapshot/segment.h"

#include <cstring>

namespace stream {
namespace {

constexpr std::uint32_t kMagic = 0x31474553;  // "SEG1"
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kEntryBytes = 16;
constexpr std::size_t kAlignment = 16;

struct Header {
  std::uint32_t magic;
  std::uint32_t rows;
  std::uint32_t columns;
  std::uint32_t zero;
};

struct Entry {
  std::uint8_t kind;
  std::uint8_t precision;
  std::uint8_t scale;
  std::uint8_t has_validity;
  std::uint32_t zero;
  std::uint64_t value_bytes;
};
static_assert(sizeof(Header) == kHeaderBytes && sizeof(Entry) == kEntryBytes);

std::size_t padded(std::size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

void append_part(ByteBuilder& out, const void* bytes, std::size_t size) {
  std::uint8_t* at = out.extend(padded(size));
  if (size != 0) std::memcpy(at, bytes, size);
  std::memset(at + size, 0, padded(size) - size);
}

std::size_t value_bytes(const Column& column) {
  if (!column.type().variable()) return column.size() * column.type().width();
  return column.size() == 0 ? 0 : static_cast<std::size_t>(column.offsets()[column.size()]);
}

// Hands out the parts of the body one after the other, never past the end.
class Parts {
 public:
  Parts(const Buffer& bytes, std::size_t at) : bytes_(bytes), at_(at) {}

  bool take(std::size_t size, Buffer& out) {
    if (size > bytes_.size() || padded(size) > bytes_.size() - at_) return false;
    out = Buffer(bytes_.owner(), bytes_.data() + at_, size);
    at_ += padded(size);
    return true;
  }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  const Buffer& bytes_;
  std::size_t at_;
};

bool type_ok(const Entry& entry) {
  if (entry.kind > static_cast<std::uint8_t>(TypeKind::kJson) || entry.has_validity > 1 || entry.zero != 0)
    return false;
  if (entry.kind != static_cast<std::uint8_t>(TypeKind::kDecimal)) return entry.precision == 0 && entry.scale == 0;
  return entry.precision >= 1 && entry.precision <= 38 && entry.scale <= entry.precision;
}

bool offsets_ok(const Buffer& offsets, std::size_t rows, std::size_t bytes) {
  const auto* at = offsets.as<std::int32_t>();
  if (at[0] != 0 || static_cast<std::size_t>(at[rows]) != bytes) return false;
  for (std::size_t i = 0; i < rows; ++i) {
    if (at[i] > at[i + 1]) return false;
  }
  return true;
}

bool booleans_ok(const Buffer& values) {
  std::uint8_t all = 0;
  for (std::size_t i = 0; i < values.size(); ++i) all |= values.data()[i];
  return all <= 1;
}

Result<Column> read_column(const Entry& entry, std::size_t rows, Parts& parts) {
  const Type type{static_cast<TypeKind>(entry.kind), entry.precision, entry.scale};
  Buffer validity;
  Buffer offsets;
  Buffer values;
  if (entry.has_validity != 0 && !parts.take((rows + 7) / 8, validity)) return corrupt("cut short");
  if (type.variable()) {
    if (entry.value_bytes > INT32_MAX) return corrupt("a column is too long");
    if (!parts.take((rows + 1) * sizeof(std::int32_t), offsets)) return corrupt("cut short");
    if (!offsets_ok(offsets, rows, entry.value_bytes)) return corrupt("offsets out of order");
  } else if (entry.value_bytes != rows * type.width()) {
    return corrupt("a column has not as many values as rows");
  }
  if (!parts.take(entry.value_bytes, values)) return corrupt("cut short");
  if (type.kind == TypeKind::kBoolean && !booleans_ok(values)) return corrupt("a boolean is not 0 or 1");
  return Column(type, rows, validity, values, offsets);
}

}  // namespace

void append_segment(const Batch& batch, ByteBuilder& out) {
  out.append_value(
      Header{kMagic, static_cast<std::uint32_t>(batch.rows), static_cast<std::uint32_t>(batch.columns.size()), 0});
  for (const Column& column : batch.columns) {
    const Type type = column.type();
    out.append_value(Entry{static_cast<std::uint8_t>(type.kind), type.precision, type.scale,
                           static_cast<std::uint8_t>(column.has_nulls() ? 1 : 0), 0, value_bytes(column)});
  }
  for (const Column& column : batch.columns) {
    if (column.has_nulls()) append_part(out, column.validity_buffer().data(), (batch.rows + 7) / 8);
    if (column.type().variable()) append_part(out, column.offsets(), (batch.rows + 1) * sizeof(std::int32_t));
    append_part(out, column.values_buffer().data(), value_bytes(column));
  }
}

Result<Batch> read_segment(const Buffer& bytes) {
  STREAM_CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0);
  Header header;
  if (bytes.size() < sizeof header) return corrupt("cut short");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic || header.zero != 0) return corrupt("not a segment");
  if (header.rows > kBatchRowsMax || header.columns > 65535) return corrupt("impossible size");
  const std::size_t directory_end = kHeaderBytes + header.columns * kEntryBytes;
  if (bytes.size() < directory_end) return corrupt("cut short");
  Batch batch;
  batch.rows = header.rows;
  Parts parts(bytes, directory_end);
  for (std::uint32_t i = 0; i < header.columns; ++i) {
    Entry entry;
    std::memcpy(&entry, bytes.data() + kHeaderBytes + i * kEntryBytes, sizeof entry);
    if (!type_ok(entry)) return corrupt("unknown type");
    STREAM_ASSIGN(Column column, read_column(entry, header.rows, parts));
    batch.columns.push_back(std::move(column));
  }
  if (!parts.at_end()) return corrupt("bytes behind the end");
  return batch;
}

}  // namespace stream
