// md5, hexadecimal and base64.
#include <array>
#include <bit>
#include <cmath>

#include "stages/expression/functions.h"
#include "stages/expression/kernel.h"
#include "stages/expression/value_text.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

using std::uint32_t;
using Bytes = std::string_view;

struct Md5 {
  std::array<uint32_t, 4> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

  static const std::array<uint32_t, 64>& constants() {
    static const std::array<uint32_t, 64> values = [] {
      std::array<uint32_t, 64> out{};
      for (std::size_t i = 0; i < 64; ++i) {
        out[i] = static_cast<uint32_t>(std::floor(std::fabs(std::sin(static_cast<double>(i + 1))) * 4294967296.0));
      }
      return out;
    }();
    return values;
  }

  void block(const unsigned char* data) {
    static constexpr std::array<std::array<int, 4>, 4> kShifts = {
        {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};
    std::array<uint32_t, 16> words{};
    std::memcpy(words.data(), data, 64);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (uint32_t i = 0; i < 64; ++i) {
      uint32_t mixed = 0;
      uint32_t word = 0;
      switch (i / 16) {
        case 0:
          mixed = (b & c) | (~b & d);
          word = i;
          break;
        case 1:
          mixed = (d & b) | (~d & c);
          word = (5 * i + 1) % 16;
          break;
        case 2:
          mixed = b ^ c ^ d;
          word = (3 * i + 5) % 16;
          break;
        default: mixed = c ^ (b | ~d); word = (7 * i) % 16;
      }
      mixed += a + constants()[i] + words[word];
      a = d;
      d = c;
      c = b;
      b += std::rotl(mixed, kShifts[i / 16][i % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
};

std::string md5(Bytes bytes) {
  Md5 digest;
  std::size_t at = 0;
  for (; at + 64 <= bytes.size(); at += 64) digest.block(reinterpret_cast<const unsigned char*>(bytes.data()) + at);
  std::array<unsigned char, 128> tail{};
  const std::size_t rest = bytes.size() - at;
  bytes.copy(reinterpret_cast<char*>(tail.data()), rest, at);
  tail[rest] = 0x80;
  const std::size_t size = rest < 56 ? 64 : 128;
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  std::memcpy(tail.data() + size - 8, &bits, 8);
  digest.block(tail.data());
  if (size == 128) digest.block(tail.data() + 64);
  return format_blob({reinterpret_cast<const char*>(digest.state.data()), 16}).substr(2);
}

constexpr Bytes kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// A line feed after each 76 characters, as MIME and PostgreSQL want it.
void encode_base64(Bytes bytes, Text& out) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8) | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0);
    if (column == 76) {
      out.append('\n');
      column = 0;
    }
    for (std::size_t k = 0; k < 4; ++k) out.append(k <= count ? kBase64[(group >> (18 - 6 * k)) & 63] : '=');
    column += 4;
  }
  if (column == 76) out.append('\n');
}

const char* decode_base64(Bytes text, Text& out) {
  static constexpr char kInvalid[] = "invalid base64";
  uint32_t group = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    if (c == '=') {
      if (count < 2) return kInvalid;
      ++padding;
      group <<= 6;
    } else {
      const std::size_t value = kBase64.find(c);
      if (value == Bytes::npos || padding != 0) return kInvalid;
      group = (group << 6) | static_cast<uint32_t>(value);
    }
    if (++count < 4) continue;
    for (std::size_t k = 0; k + padding < 3; ++k) out.append(static_cast<char>(group >> (16 - 8 * k)));
    group = 0;
    count = 0;
    if (padding > 2) return kInvalid;
  }
  return count == 0 ? nullptr : kInvalid;
}

const char* encode(Bytes bytes, Bytes format, Text& out) {
  const std::string name = lower(format);
  if (name == "hex") {
    out.append(Bytes(format_blob(bytes)).substr(2));
  } else if (name == "base64") {
    encode_base64(bytes, out);
  } else {
    return "encoding must be hex or base64";
  }
  return nullptr;
}

const char* decode(Bytes text, Bytes format, Text& out) {
  const std::string name = lower(format);
  if (name == "base64") return decode_base64(text, out);
  if (name == "hex") return parse_blob("\\x" + std::string(text), out);
  return "encoding must be hex or base64";
}

std::string to_hex(std::int64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

void add_bytes_functions(Functions& f) {
  const CallTraits slow{.cost = 100};
  for (const char* parameter : {"t", "x"}) {
    f.add("md5", parameter, kVarchar, map_checked<Text, Bytes>([](Bytes bytes, Text& out) -> const char* {
            out.append(md5(bytes));
            return nullptr;
          }),
          {.total = true, .cost = 300});
  }
  f.add("to_hex", "i", kVarchar, map_checked<Text, std::int64_t>([](std::int64_t value, Text& out) -> const char* {
          out.append(to_hex(value));
          return nullptr;
        }),
        {.total = true, .cost = 60});
  f.add("encode", "xt", kVarchar, map_checked<Text, Bytes, Bytes>(encode), slow);
  f.add("decode", "tt", kBlob, map_checked<Text, Bytes, Bytes>(decode), slow);
}

}  // namespace stream::expression
