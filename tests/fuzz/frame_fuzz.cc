// Frames from a hostile peer: header and batch are decoded, and every value is read.
#include <cstdint>
#include <cstring>

#include "transport/frame.h"

namespace {

const stream::SchemaPtr& schema() {
  static const auto value = std::make_shared<const stream::Schema>(
      *stream::parse_schema("a bigint, b varchar, c boolean, d decimal(20,4), e interval, f date"));
  return value;
}

std::uint64_t read_all(const stream::Batch& batch) {
  std::uint64_t sum = 0;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    sum += static_cast<std::uint64_t>(batch.kind(row));
    for (const stream::Column& column : batch.columns) {
      sum += column.valid(row) ? 1 : 0;
      if (column.type().variable()) {
        for (const char c : column.bytes(row)) sum += static_cast<unsigned char>(c);
      } else {
        sum += column.values_buffer().data()[row * column.type().width()];
      }
    }
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Most inputs should get past the fields that any peer gets right.
  stream::ByteBuilder copy;
  copy.append(data, size);
  if (size >= stream::kFrameHeaderSize) {
    const std::uint32_t magic = stream::kFrameMagic;
    const std::uint16_t version = stream::kFrameVersion;
    const auto body = static_cast<std::uint32_t>(size - stream::kFrameHeaderSize);
    std::memcpy(copy.data(), &magic, sizeof magic);
    std::memcpy(copy.data() + 4, &version, sizeof version);
    std::memcpy(copy.data() + 60, &body, sizeof body);
  }
  const stream::Buffer frame = copy.finish();
  const auto header = stream::decode_header({frame.data(), frame.size()});
  if (!header.ok()) return 0;
  const auto batch = stream::decode_batch(*header, frame, schema());
  if (batch.ok()) [[maybe_unused]]
    volatile std::uint64_t sum = read_all(*batch);
  return 0;
}
