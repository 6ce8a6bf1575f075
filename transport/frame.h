// Frames: the bytes between two processes. Layout and rules: stream-frame(7).
//
// One frame is one ZeroMQ message: a header of 80 bytes, then a body. All numbers are little
// endian. A receiver checks everything before it believes anything: decode_header() and
// decode_batch() accept any bytes and return kCorrupt for what does not fit.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"
#include "transport/record/batch.h"

namespace stream {

inline constexpr std::uint32_t kFrameMagic = 0x314d5453;  // "STM1"
inline constexpr std::uint16_t kFrameVersion = 1;
inline constexpr std::size_t kFrameHeaderSize = 80;
inline constexpr std::size_t kFrameBodyMax = 1U << 30;

enum class FrameKind : std::uint8_t {
  kOpen = 1,       // first frame of a channel; body: schema as JSON
  kData = 2,       // body: a batch
  kBarrier = 3,    // epoch
  kWatermark = 4,  // no body
  kEnd = 5,        // no more data; barriers may still follow
  kCredit = 6,     // receiver to sender: bytes consumed since `open`
  kClosed = 7,     // receiver to sender: `end` has been processed, the socket may go
};

// A run is minted at each start of a job; all zero outside a job.
using RunId = std::array<std::uint8_t, 16>;
std::string to_string(const RunId& run);  // 32 hex digits
Result<RunId> parse_run_id(std::string_view hex);

struct FrameHeader {
  FrameKind kind = FrameKind::kData;
  bool idle = false;  // the sender has no input now: its watermark holds nothing back
  RunId run{};
  Attempt attempt;
  ChannelId channel;
  Sequence sequence;                   // from 0, without gaps, per direction
  Microseconds watermark = INT64_MIN;  // holds after the rows of this frame
  Microseconds created_us = 0;         // wall clock at the sender
  std::uint32_t rows = 0;
  Epoch epoch;                       // kBarrier
  Microseconds origin_us = 0;        // kData, kWatermark: when a source emitted what this is about; 0 = not marked
  std::uint64_t consumed_bytes = 0;  // kCredit
  std::uint32_t body_size = 0;
};

// Header without body.
std::string encode_header(const FrameHeader& header);

// Header and body of a text (kOpen).
std::string encode_text(FrameHeader header, std::string_view body);

// Header and batch in one aligned buffer; rows and body_size of the header are filled in.
Buffer encode_batch(FrameHeader header, const Batch& batch);

// The size encode_batch() would give.
std::size_t encoded_size(const Batch& batch);

// Errors: kCorrupt, saying which field.
Result<FrameHeader> decode_header(std::span<const std::uint8_t> frame);

// Reads the batch in place: the columns share `frame`, which starts with the header and must be
// 8-aligned (see aligned()). A DECIMAL column that is not 16-aligned there is copied. Errors:
// kCorrupt, naming the column.
Result<Batch> decode_batch(const FrameHeader& header, const Buffer& frame, const SchemaPtr& schema);

// `frame` itself if its data is 8-aligned, else an aligned copy.
Buffer aligned(Buffer frame);

}  // namespace stream
