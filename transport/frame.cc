#include "transport/frame.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace stream {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are written in place");

// The header as it stands in memory.
struct RawHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint8_t kind;
  std::uint8_t flags;
  std::uint8_t run[16];
  std::uint32_t attempt;
  std::uint32_t channel;
  std::uint64_t sequence;
  std::int64_t watermark;
  std::int64_t created_us;
  std::uint32_t rows;
  std::uint32_t body_size;
  std::uint64_t epoch;  // or origin_us
  std::uint64_t consumed_bytes;
};
static_assert(sizeof(RawHeader) == kFrameHeaderSize);

constexpr std::uint8_t kFlagIdle = 1;

bool may_be_marked(FrameKind kind) { return kind == FrameKind::kData || kind == FrameKind::kWatermark; }

RawHeader raw(const FrameHeader& header) {
  RawHeader out{};
  out.magic = kFrameMagic;
  out.version = kFrameVersion;
  out.kind = static_cast<std::uint8_t>(header.kind);
  out.flags = header.idle ? kFlagIdle : 0;
  std::ranges::copy(header.run, out.run);
  out.attempt = header.attempt.value();
  out.channel = header.channel.value();
  out.sequence = header.sequence.value();
  out.watermark = header.watermark;
  out.created_us = header.created_us;
  out.rows = header.rows;
  out.body_size = header.body_size;
  out.epoch = may_be_marked(header.kind) ? static_cast<std::uint64_t>(header.origin_us) : header.epoch.value();
  out.consumed_bytes = header.consumed_bytes;
  return out;
}

// One buffer of the body: offset from the start of the body, a multiple of 8, and size in bytes.
struct Extent {
  std::uint32_t offset;
  std::uint32_t size;
};

// The directory at the start of a data body: the row kinds, then three extents a column.
struct ColumnExtents {
  Extent validity;
  Extent values;
  Extent offsets;
};

constexpr std::size_t padded(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

std::size_t directory_size(std::size_t columns) { return sizeof(Extent) + columns * sizeof(ColumnExtents); }

class BodyWriter {
 public:
  BodyWriter(ByteBuilder& out, std::size_t directory) : out_(out), directory_(kFrameHeaderSize) {
    std::memset(out_.extend(directory), 0, directory);
  }

  void write(std::span<const std::uint8_t> bytes) {
    const Extent extent{static_cast<std::uint32_t>(out_.size() - kFrameHeaderSize),
                        static_cast<std::uint32_t>(bytes.size())};
    std::memcpy(out_.data() + directory_, &extent, sizeof extent);
    directory_ += sizeof extent;
    if (bytes.empty()) return;
    std::uint8_t* to = out_.extend(padded(bytes.size()));
    std::memcpy(to, bytes.data(), bytes.size());
    std::memset(to + bytes.size(), 0, padded(bytes.size()) - bytes.size());
  }
  void write(const Buffer& buffer) { write(std::span(buffer.data(), buffer.size())); }

 private:
  ByteBuilder& out_;
  std::size_t directory_;  // where the next extent goes
};

// The buffer itself if a T may be read from it in place, else an aligned copy.
template <class T>
Buffer aligned_for(Buffer bytes) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(T) == 0) return bytes;
  ByteBuilder copy(bytes.size());
  copy.append(bytes.data(), bytes.size());
  return copy.finish();
}

Status bad(const std::string& what) { return corrupt("frame: " + what); }

class BodyReader {
 public:
  BodyReader(const Buffer& frame, const FrameHeader& header)
      : frame_(frame), rows_(header.rows), size_(header.body_size) {}

  // The directory entry at byte `at` of the body as a buffer that shares the frame.
  Result<Buffer> buffer(std::size_t at) const {
    Extent extent{};
    std::memcpy(&extent, frame_.data() + kFrameHeaderSize + at, sizeof extent);
    if (extent.size == 0) return Buffer();
    if (extent.offset % 8 != 0 || extent.offset > size_ || extent.size > size_ - extent.offset) {
      return bad("a buffer lies outside the body");
    }
    return Buffer(frame_.owner(), frame_.data() + kFrameHeaderSize + extent.offset, extent.size);
  }

  Result<Column> column(std::size_t index, Type type) const {
    const std::size_t at = sizeof(Extent) + index * sizeof(ColumnExtents);
    STREAM_ASSIGN(Buffer validity, buffer(at + offsetof(ColumnExtents, validity)));
    STREAM_ASSIGN(Buffer values, buffer(at + offsetof(ColumnExtents, values)));
    STREAM_ASSIGN(Buffer offsets, buffer(at + offsetof(ColumnExtents, offsets)));
    if (!validity.empty() && validity.size() < (rows_ + 7) / 8) return bad("validity bitmap too short");
    if (type.variable()) {
      STREAM_TRY(check_offsets(offsets, values.size()));
    } else if (values.size() < rows_ * type.width()) {
      return bad("values too short");
    } else if (type.kind == TypeKind::kDecimal) {
      values = aligned_for<Decimal>(std::move(values));
    }
    if (type.kind == TypeKind::kBoolean) STREAM_TRY(check_below(values, 2, "boolean"));
    return Column(type, rows_, std::move(validity), std::move(values), std::move(offsets));
  }

  Status check_below(const Buffer& values, std::uint8_t limit, const char* what) const {
    std::uint8_t highest = 0;
    for (std::size_t i = 0; i < std::min(rows_, values.size()); ++i) highest = std::max(highest, values.data()[i]);
    return highest < limit ? Status() : bad(std::string("a ") + what + " out of range");
  }

 private:
  Status check_offsets(const Buffer& offsets, std::size_t values_size) const {
    if (offsets.size() < (rows_ + 1) * sizeof(std::int32_t)) return bad("offsets too short");
    const auto* at = offsets.as<std::int32_t>();
    bool descending = at[0] != 0;
    for (std::size_t i = 0; i < rows_; ++i) descending |= at[i + 1] < at[i];
    if (descending || static_cast<std::size_t>(at[rows_]) > values_size) return bad("offsets out of order");
    return {};
  }

  const Buffer& frame_;
  std::size_t rows_;
  std::size_t size_;
};

}  // namespace

std::string to_string(const RunId& run) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : run) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Result<RunId> parse_run_id(std::string_view hex) {
  RunId run{};
  bool good = hex.size() == 32;
  for (std::size_t i = 0; good && i < run.size(); ++i) {
    const char* at = hex.data() + 2 * i;
    good = std::from_chars(at, at + 2, run[i], 16).ptr == at + 2;
  }
  if (!good) return corrupt("'" + std::string(hex) + "' is not a run id of 32 hex digits");
  return run;
}

std::string encode_header(const FrameHeader& header) {
  const RawHeader out = raw(header);
  return {reinterpret_cast<const char*>(&out), sizeof out};
}

std::string encode_text(FrameHeader header, std::string_view body) {
  header.body_size = static_cast<std::uint32_t>(body.size());
  return encode_header(header).append(body);
}

std::size_t encoded_size(const Batch& batch) {
  std::size_t size = kFrameHeaderSize + directory_size(batch.columns.size()) + padded(batch.kinds.size());
  for (const Column& column : batch.columns) {
    size += padded(column.validity_buffer().size()) + padded(column.values_buffer().size()) +
            padded(column.offsets_buffer().size());
  }
  return size;
}

Buffer encode_batch(FrameHeader header, const Batch& batch) {
  ByteBuilder out(encoded_size(batch));
  out.extend(kFrameHeaderSize);
  BodyWriter body(out, directory_size(batch.columns.size()));
  body.write(batch.kinds);
  for (const Column& column : batch.columns) {
    body.write(column.validity_buffer());
    body.write(column.values_buffer());
    body.write(column.offsets_buffer());
  }
  header.rows = static_cast<std::uint32_t>(batch.rows);
  header.body_size = static_cast<std::uint32_t>(out.size() - kFrameHeaderSize);
  const RawHeader raw_header = raw(header);
  std::memcpy(out.data(), &raw_header, sizeof raw_header);
  return out.finish();
}

Result<FrameHeader> decode_header(std::span<const std::uint8_t> frame) {
  RawHeader in{};
  if (frame.size() < sizeof in) return bad("shorter than its header");
  std::memcpy(&in, frame.data(), sizeof in);
  if (in.magic != kFrameMagic) return bad("not a stream frame");
  if (in.version != kFrameVersion) return bad("version " + std::to_string(in.version) + " is not supported");
  if (in.kind < 1 || in.kind > 7) return bad("unknown kind " + std::to_string(in.kind));
  if (in.body_size != frame.size() - sizeof in) return bad("body size does not match");
  if (in.body_size > kFrameBodyMax) return bad("body too large");
  if (in.rows > kBatchRowsMax) return bad("too many rows");
  FrameHeader header;
  header.kind = static_cast<FrameKind>(in.kind);
  header.idle = (in.flags & kFlagIdle) != 0;
  std::ranges::copy(in.run, header.run.begin());
  header.attempt = Attempt(in.attempt);
  header.channel = ChannelId(in.channel);
  header.sequence = Sequence(in.sequence);
  header.watermark = in.watermark;
  header.created_us = in.created_us;
  header.rows = in.rows;
  if (may_be_marked(header.kind))
    header.origin_us = static_cast<Microseconds>(in.epoch);
  else
    header.epoch = Epoch(in.epoch);
  header.consumed_bytes = in.consumed_bytes;
  header.body_size = in.body_size;
  return header;
}

Result<Batch> decode_batch(const FrameHeader& header, const Buffer& frame, const SchemaPtr& schema) {
  STREAM_CHECK(reinterpret_cast<std::uintptr_t>(frame.data()) % 8 == 0);
  if (header.body_size < directory_size(schema->fields.size())) return bad("body shorter than its directory");
  const BodyReader body(frame, header);
  Batch batch{schema, header.rows, {}, {}};
  STREAM_ASSIGN(batch.kinds, body.buffer(0));
  if (!batch.kinds.empty() && batch.kinds.size() < batch.rows) return bad("row kinds too short");
  STREAM_TRY(body.check_below(batch.kinds, 4, "row kind"));
  batch.columns.reserve(schema->fields.size());
  for (std::size_t i = 0; i < schema->fields.size(); ++i) {
    auto column = body.column(i, schema->fields[i].type);
    if (!column.ok()) return std::move(column).status().while_doing("column '" + schema->fields[i].name + "'");
    batch.columns.push_back(*std::move(column));
  }
  return batch;
}

Buffer aligned(Buffer frame) { return aligned_for<std::uint64_t>(std::move(frame)); }

}  // namespace stream
