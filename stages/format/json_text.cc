#include "stages/format/json_text.h"

#include <cstring>

#include "stages/format/scan.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

char* escape_byte(char* to, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\': *to++ = c; return to;
    case '\n': *to++ = 'n'; return to;
    case '\r': *to++ = 'r'; return to;
    case '\t': *to++ = 't'; return to;
    default: break;
  }
  std::memcpy(to, "u00", 3);
  to[3] = kHex[c >> 4];
  to[4] = kHex[c & 15];
  return to + 5;
}

bool plain(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

void append_string(std::string_view text, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + escaped_size(text.size()) + 16);
  const char* end = escape_json(out.data() + start, text);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

std::string repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t size = 1;
    while (size <= 4 && size <= text.size() && !valid_utf8(text.substr(0, size))) ++size;
    const bool good = size <= 4 && size <= text.size();
    out += good ? text.substr(0, size) : "\xef\xbf\xbd";
    text.remove_prefix(good ? size : 1);
  }
  return out;
}

}  // namespace

char* escape_json(char* to, std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  while (end - p >= 16) {
    const __m128i bytes = load16(p);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    const unsigned found =
        bits_of(_mm_or_si128(_mm_or_si128(equal_to(bytes, '"'), equal_to(bytes, '\\')), at_most(bytes, 0x1f)));
    const int count = found == 0 ? 16 : __builtin_ctz(found);
    p += count;
    to += count;
    if (found != 0) to = escape_byte(to, *p++);
  }
  for (; p != end; ++p) {
    if (plain(*p)) {
      *to++ = *p;
    } else {
      to = escape_byte(to, *p);
    }
  }
  return to;
}

void append_quoted(std::string_view text, std::string& to) {
  to += '"';
  append_string(text, to);
  to += '"';
}

void append_member(std::string_view key, std::string_view text, std::string& object) {
  object += object.empty() ? "{\"" : ",\"";
  append_string(valid_utf8(key) ? key : repaired(key), object);
  object += "\":\"";
  append_string(valid_utf8(text) ? text : repaired(text), object);
  object += '"';
}

}  // namespace stream::format
