#include "stages/format/avro_codec.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

namespace stream::format {
namespace {

constexpr std::pair<std::string_view, AvroCodec> kCodecs[] = {
    {"null", AvroCodec::kNull},
    {"deflate", AvroCodec::kDeflate},
    {"zstandard", AvroCodec::kZstandard},
    {"snappy", AvroCodec::kSnappy},
};
constexpr int kDeflateLevel = 3;  // half the time of the default, a few percent larger
constexpr int kZstandardLevel = 1;
constexpr int kRawDeflate = -15;
constexpr std::size_t kFirstRoom = 64 << 10;

bool inflate_into(std::string_view bytes, std::string& to) {
  z_stream state{};
  if (inflateInit2(&state, kRawDeflate) != Z_OK) return false;
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  to.resize(std::max(kFirstRoom, to.capacity()));
  std::size_t held = 0;
  int result = Z_OK;
  while (result == Z_OK) {
    if (held == to.size()) {
      if (to.size() >= kAvroBlockMax) break;
      to.resize(std::min(to.size() * 2, kAvroBlockMax));
    }
    state.next_out = reinterpret_cast<Bytef*>(to.data() + held);
    state.avail_out = static_cast<uInt>(to.size() - held);
    result = inflate(&state, Z_NO_FLUSH);
    held = to.size() - state.avail_out;
  }
  inflateEnd(&state);
  to.resize(held);
  return result == Z_STREAM_END;
}

void deflate_into(std::string_view bytes, std::string& to) {
  z_stream state{};
  STREAM_CHECK(deflateInit2(&state, kDeflateLevel, Z_DEFLATED, kRawDeflate, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  to.resize(deflateBound(&state, bytes.size()));
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(to.data());
  state.avail_out = static_cast<uInt>(to.size());
  STREAM_CHECK(deflate(&state, Z_FINISH) == Z_STREAM_END);
  to.resize(state.total_out);
  deflateEnd(&state);
}

bool unzstd_into(std::string_view bytes, std::string& to) {
  to.clear();
  ZSTD_DStream* state = ZSTD_createDStream();
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  std::size_t hint = 1;
  while (state != nullptr && ZSTD_isError(hint) == 0 && to.size() <= kAvroBlockMax) {
    const std::size_t held = to.size();
    to.resize(held + kFirstRoom);
    ZSTD_outBuffer output{to.data() + held, kFirstRoom, 0};
    hint = ZSTD_decompressStream(state, &output, &input);
    to.resize(held + output.pos);
    if (hint == 0 || (output.pos == 0 && input.pos == input.size)) break;
  }
  ZSTD_freeDStream(state);
  return hint == 0 && input.pos == input.size && to.size() <= kAvroBlockMax;
}

void zstd_into(std::string_view bytes, std::string& to) {
  to.resize(ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compress(to.data(), to.size(), bytes.data(), bytes.size(), kZstandardLevel);
  STREAM_CHECK(ZSTD_isError(size) == 0);
  to.resize(size);
}

// Snappy's blocks end with the CRC-32 of what is in them.
bool unsnappy_into(std::string_view bytes, std::string& to) {
  constexpr std::size_t kChecksum = 4;
  if (bytes.size() < kChecksum) return false;
  if (!decompress_snappy(bytes.substr(0, bytes.size() - kChecksum), to)) return false;
  std::uint32_t wanted = 0;
  for (const char byte : bytes.substr(bytes.size() - kChecksum))
    wanted = (wanted << 8) | static_cast<std::uint8_t>(byte);
  return crc32(0, reinterpret_cast<const Bytef*>(to.data()), static_cast<uInt>(to.size())) == wanted;
}

class SnappyInput {
 public:
  explicit SnappyInput(std::string_view bytes) : bytes_(bytes) {}
  bool done() const { return bytes_.empty(); }

  // The lowest byte first.
  bool number(std::size_t size, std::size_t& value) {
    if (bytes_.size() < size) return false;
    value = 0;
    for (std::size_t i = size; i-- > 0;) value = (value << 8) | static_cast<std::uint8_t>(bytes_[i]);
    bytes_.remove_prefix(size);
    return true;
  }

  bool varint(std::size_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      std::size_t byte = 0;
      if (!number(1, byte)) return false;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool literal(std::size_t size, std::string& to) {
    if (bytes_.size() < size) return false;
    to.append(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return true;
  }

 private:
  std::string_view bytes_;
};

// What was written before may overlap with what is being written.
bool copy_back(std::size_t offset, std::size_t size, std::size_t limit, std::string& to) {
  if (offset == 0 || offset > to.size() || size > limit - to.size()) return false;
  for (std::size_t i = 0; i < size; ++i) to += to[to.size() - offset];
  return true;
}

bool snappy_element(SnappyInput& input, std::size_t limit, std::string& to) {
  std::size_t tag = 0;
  std::size_t more = 0;
  if (!input.number(1, tag)) return false;
  const std::size_t high = tag >> 2;
  switch (tag & 3) {
    case 0: {
      std::size_t size = high;
      if (high >= 60 && !input.number(high - 59, size)) return false;
      return size < limit - to.size() && input.literal(size + 1, to);
    }
    case 1: return input.number(1, more) && copy_back(((tag >> 5) << 8) | more, (high & 7) + 4, limit, to);
    case 2: return input.number(2, more) && copy_back(more, high + 1, limit, to);
    default: return input.number(4, more) && copy_back(more, high + 1, limit, to);
  }
}

}  // namespace

bool decompress_snappy(std::string_view bytes, std::string& to) {
  to.clear();
  SnappyInput input(bytes);
  std::size_t size = 0;
  if (!input.varint(size) || size > kAvroBlockMax) return false;
  to.reserve(std::min(size, bytes.size() * 4 + kFirstRoom));
  while (!input.done()) {
    if (!snappy_element(input, size, to)) return false;
  }
  return to.size() == size;
}

Result<AvroCodec> parse_avro_codec(std::string_view name) {
  if (name.empty()) return AvroCodec::kNull;
  for (const auto& [known, codec] : kCodecs) {
    if (known == name) return codec;
  }
  return usage_error("blocks are compressed with '" + std::string(name) +
                     "', which cannot be read; null, deflate, zstandard and snappy can");
}

std::string_view avro_codec_name(AvroCodec codec) {
  return std::ranges::find(kCodecs, codec, [](const auto& row) { return row.second; })->first;
}

bool decompress_avro(AvroCodec codec, std::string_view bytes, std::string& to) {
  switch (codec) {
    case AvroCodec::kNull: to = bytes; return true;
    case AvroCodec::kDeflate: return inflate_into(bytes, to);
    case AvroCodec::kZstandard: return unzstd_into(bytes, to);
    case AvroCodec::kSnappy: return unsnappy_into(bytes, to);
  }
  return false;
}

void compress_avro(AvroCodec codec, std::string_view bytes, std::string& to) {
  STREAM_CHECK(codec != AvroCodec::kSnappy);
  if (codec == AvroCodec::kNull) {
    to = bytes;
  } else if (codec == AvroCodec::kDeflate) {
    deflate_into(bytes, to);
  } else {
    zstd_into(bytes, to);
  }
}

}  // namespace stream::format
