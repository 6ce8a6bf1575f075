#include <array>

#include "stages/format/number.h"
#include "stages/format/scan.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

constexpr int kDepthMax = 1024;

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const int letter = (c | 0x20) - 'a';
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

bool read_hex4(const char* p, const char* end, unsigned& value) {
  if (end - p < 4) return false;
  value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(p[i]);
    if (digit < 0) return false;
    value = value << 4 | static_cast<unsigned>(digit);
  }
  return true;
}

void append_utf8(unsigned code, std::string& out) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

// \uXXXX, p behind the u; a high surrogate takes its partner along. Null if bad.
const char* unescape_unicode(const char* p, const char* end, std::string& out) {
  unsigned code = 0;
  if (!read_hex4(p, end, code)) return nullptr;
  p += 4;
  if (code >= 0xd800 && code < 0xe000) {
    unsigned low = 0;
    if (code >= 0xdc00 || end - p < 6 || p[0] != '\\' || p[1] != 'u' || !read_hex4(p + 2, end, low)) return nullptr;
    if (low < 0xdc00 || low >= 0xe000) return nullptr;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    p += 6;
  }
  append_utf8(code, out);
  return p;
}

char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

// A recursive descent over the grammar; the bytes are known to be paired and to end in a delimiter.
class Validator {
 public:
  Validator(const char* begin, const char* end) : p_(begin), end_(end) {}

  bool whole() {
    blanks();
    if (!value(0)) return false;
    blanks();
    return p_ == end_;
  }

 private:
  char front() const { return p_ == end_ ? '\0' : *p_; }
  bool skip(char c) {
    if (front() != c) return false;
    ++p_;
    return true;
  }
  void blanks() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\r' || *p_ == '\n')) ++p_;
  }
  bool word(std::string_view expected) {
    if (std::string_view(p_, static_cast<std::size_t>(end_ - p_)).substr(0, expected.size()) != expected) return false;
    p_ += expected.size();
    return true;
  }

  bool string() {
    if (!skip('"')) return false;
    while (p_ != end_ && *p_ != '"') {
      if (static_cast<unsigned char>(*p_) < 0x20) return false;
      if (*p_++ != '\\') continue;
      if (p_ == end_) return false;
      const char escape = *p_++;
      if (escape == 'u' ? !unicode() : simple_escape(escape) == '\0') return false;
    }
    return skip('"');
  }

  // Surrogates only in pairs, so that every string has a text.
  bool unicode() {
    unused_.clear();
    p_ = unescape_unicode(p_, end_, unused_);
    return p_ != nullptr;
  }

  bool members(char close, bool with_keys, int depth) {
    ++p_;
    blanks();
    if (skip(close)) return true;
    for (;;) {
      blanks();
      if (with_keys) {
        if (!string()) return false;
        blanks();
        if (!skip(':')) return false;
        blanks();
      }
      if (!value(depth + 1)) return false;
      blanks();
      if (skip(close)) return true;
      if (!skip(',')) return false;
    }
  }

  bool value(int depth) {
    if (depth > kDepthMax) return false;
    switch (front()) {
      case '{': return members('}', true, depth);
      case '[': return members(']', false, depth);
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: break;
    }
    const char* end = p_ == end_ ? nullptr : skip_json_number(p_, end_);
    if (end == nullptr) return false;
    p_ = end;
    return true;
  }

  const char* p_;
  const char* end_;
  std::string unused_;
};

}  // namespace

const char* skip_json_nested(const char* p) {
  std::array<bool, kDepthMax> is_object;
  int depth = 0;
  for (;;) {
    switch (*p) {
      case '{':
      case '[':
        if (depth == kDepthMax) return nullptr;
        is_object[static_cast<std::size_t>(depth++)] = *p++ == '{';
        break;
      case '}':
      case ']':
        if (is_object[static_cast<std::size_t>(--depth)] != (*p++ == '}')) return nullptr;
        if (depth == 0) return p;
        break;
      case '"':
        p = skip_json_string(p + 1);
        if (p == nullptr) return nullptr;
        break;
      case '\t':
      case '\r': ++p; break;
      default: return nullptr;
    }
    p = structure_stop(p);
  }
}

bool valid_json(const char* begin, const char* end) {
  return Validator(begin, end).whole() && valid_utf8({begin, static_cast<std::size_t>(end - begin)});
}

bool unescape_json(std::string_view inside, std::string& out) {
  const char* p = inside.data();
  const char* end = p + inside.size();
  while (p != end) {
    const auto* slash = static_cast<const char*>(std::memchr(p, '\\', static_cast<std::size_t>(end - p)));
    out.append(p, slash == nullptr ? end : slash);
    if (slash == nullptr) return true;
    if (end - slash < 2) return false;
    p = slash + 2;
    if (slash[1] == 'u') {
      p = unescape_unicode(p, end, out);
      if (p == nullptr) return false;
      continue;
    }
    const char plain = simple_escape(slash[1]);
    if (plain == '\0') return false;
    out += plain;
  }
  return true;
}

}  // namespace stream::format
