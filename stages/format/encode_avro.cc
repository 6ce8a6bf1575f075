#include "stages/format/encode_avro.h"

#include <sys/random.h>

#include <bit>
#include <cstring>

#include "stages/format/value.h"

namespace stream::format {
namespace {

constexpr std::size_t kBlockSize = 64 << 10;
constexpr std::size_t kLongSize = 10;  // the most bytes of one
constexpr char kNullBranch = 0;
constexpr char kValueBranch = 2;  // 1, in zigzag

char* put_long(char* to, std::int64_t value) {
  auto bits = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (; bits >= 0x80; bits >>= 7) *to++ = static_cast<char>(bits | 0x80);
  *to++ = static_cast<char>(bits);
  return to;
}

char* put_bytes(char* to, std::string_view bytes) {
  to = put_long(to, static_cast<std::int64_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

// Two's complement in as few bytes as say it, the highest first.
char* put_decimal(char* to, Decimal value) {
  std::size_t size = 1;
  while (size < sizeof value && (value >> (8 * size - 1)) != 0 && (value >> (8 * size - 1)) != -1) ++size;
  to = put_long(to, static_cast<std::int64_t>(size));
  for (std::size_t i = size; i-- > 0;) *to++ = static_cast<char>(value >> (8 * i));
  return to;
}

char* put_interval(char* to, const Interval& value) {
  char text[kIntervalSize];
  const char* end = print_interval(text, value);
  return put_bytes(to, {text, static_cast<std::size_t>(end - text)});
}

template <class T>
char* put_raw(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

char* put_value(char* to, const Column& column, std::size_t row) {
  if (!column.valid(row)) {
    *to++ = kNullBranch;
    return to;
  }
  *to++ = kValueBranch;
  switch (column.type().kind) {
    case TypeKind::kBoolean: *to++ = static_cast<char>(column.value<std::uint8_t>(row)); return to;
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return put_long(to, column.value<std::int64_t>(row));
    case TypeKind::kDate: return put_long(to, column.value<std::int32_t>(row));
    case TypeKind::kDouble: return put_raw(to, column.value<double>(row));
    case TypeKind::kDecimal: return put_decimal(to, column.value<Decimal>(row));
    case TypeKind::kInterval: return put_interval(to, column.value<Interval>(row));
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: return put_bytes(to, column.bytes(row));
  }
  return to;
}

std::string new_marker() {
  std::string marker(kAvroMarkerSize, '\0');
  STREAM_CHECK(::getrandom(marker.data(), marker.size(), 0) == static_cast<ssize_t>(marker.size()));
  return marker;
}

}  // namespace

void append_avro_row(const Batch& batch, std::size_t row, bool row_kinds, ByteBuilder& out) {
  std::size_t size = row_kinds ? 3 : 0;
  for (const Column& column : batch.columns) {
    size += 1 + kLongSize + (column.type().variable() ? column.bytes(row).size() : kIntervalSize);
  }
  const std::size_t start = out.size();
  auto* const begin = reinterpret_cast<char*>(out.extend(size));
  char* to = begin;
  if (row_kinds) to = put_bytes(to, row_kind_name(batch.kind(row)));
  for (const Column& column : batch.columns) to = put_value(to, column, row);
  out.shrink(start + static_cast<std::size_t>(to - begin));
}

AvroEncoder::AvroEncoder(const EncoderOptions& options, const Schema& schema)
    : options_(options),
      marker_(options.avro_marker.empty() ? new_marker() : options.avro_marker),
      header_due_(options.header) {
  auto text = avro_schema_of(schema, options.row_kinds);
  STREAM_CHECK(text.ok());  // planning has refused what cannot be written
  schema_ = *std::move(text);
}

void AvroEncoder::write_header(ByteBuilder& out) {
  if (!header_due_) return;
  header_due_ = false;
  const std::string header = make_avro_header(schema_, options_.avro_codec, marker_);
  out.append(header.data(), header.size());
}

void AvroEncoder::encode(const Batch& batch, ByteBuilder& out) {
  for (std::size_t row = 0; row < batch.rows; ++row) {
    append_avro_row(batch, row, options_.row_kinds, block_);
    ++rows_;
    if (block_.size() >= kBlockSize) complete(out);
  }
  counters_.rows += batch.rows;
}

void AvroEncoder::complete(ByteBuilder& out) {
  if (rows_ == 0) return;
  write_header(out);
  const std::string_view rows(reinterpret_cast<const char*>(block_.data()), block_.size());
  std::string_view data = rows;
  if (options_.avro_codec != AvroCodec::kNull) {
    compress_avro(options_.avro_codec, rows, packed_);
    data = packed_;
  }
  std::string sizes;
  append_avro_long(rows_, sizes);
  append_avro_long(static_cast<std::int64_t>(data.size()), sizes);
  out.append(sizes.data(), sizes.size());
  out.append(data.data(), data.size());
  out.append(marker_.data(), marker_.size());
  block_.shrink(0);
  rows_ = 0;
}

}  // namespace stream::format
