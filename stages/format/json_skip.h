// Skipping JSON values by their structure; the bytes must be followed by a newline, see scan.h.
#pragma once

#include "stages/format/scan.h"

namespace stream::format {

// The end of a JSON string, given the byte behind its opening quote; null if it has none on its line or holds
// a control character. The result is behind the closing quote.
inline const char* skip_json_string(const char* p) {
  for (unsigned high = 0;;) {
    p = string_stop(p, high);
    if (*p == '"') return p + 1;
    if (*p != '\\' || p[1] == '\n') return nullptr;
    p += 2;
  }
}

// The end of an object or array at p: strings and the pairing of brackets (up to 1024 deep) are checked,
// scalars, commas and colons are not. Null if broken.
const char* skip_json_nested(const char* p);

// The end of any JSON value at p, by structure alone. Null if broken.
inline const char* skip_json_value(const char* p) {
  if (*p == '"') return skip_json_string(p + 1);
  if (*p == '{' || *p == '[') return skip_json_nested(p);
  const char* end = scalar_stop(p);
  return end == p ? nullptr : end;
}

}  // namespace stream::format
