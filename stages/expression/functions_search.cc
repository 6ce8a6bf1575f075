#include "stages/expression/functions.h"
#include "stages/expression/kernel.h"
#include "stages/expression/utf8.h"

namespace stream::expression {
namespace {

using std::int64_t;
using Bytes = std::string_view;

int64_t position(Bytes text, Bytes part) {
  const std::size_t at = text.find(part);
  return at == Bytes::npos ? 0 : static_cast<int64_t>(utf8_count(text.substr(0, at))) + 1;
}

const char* replace(Bytes text, Bytes from, Bytes to, Text& out) {
  if (from.empty()) {
    out.append(text);
    return nullptr;
  }
  for (;;) {
    const std::size_t at = text.find(from);
    out.append(text.substr(0, at));
    if (at == Bytes::npos) return nullptr;
    out.append(to);
    text.remove_prefix(at + from.size());
  }
}

int64_t count_parts(Bytes text, Bytes separator) {
  int64_t count = 1;
  for (std::size_t at = text.find(separator); at != Bytes::npos; at = text.find(separator, at + separator.size()))
    ++count;
  return count;
}

const char* split_part(Bytes text, Bytes separator, int64_t index, Text& out) {
  if (index == 0) return "split_part counts from 1 or -1, not 0";
  if (text.empty()) return nullptr;
  if (separator.empty()) {
    if (index == 1 || index == -1) out.append(text);
    return nullptr;
  }
  if (index < 0) index += count_parts(text, separator) + 1;
  if (index < 1) return nullptr;
  for (;;) {
    // Mostly one byte, which is found many bytes at a time.
    const std::size_t at = separator.size() == 1 ? text.find(separator[0]) : text.find(separator);
    if (index == 1) {
      out.append(text.substr(0, at));
      return nullptr;
    }
    if (at == Bytes::npos) return nullptr;
    text.remove_prefix(at + separator.size());
    --index;
  }
}

}  // namespace

void add_text_search_functions(Functions& f) {
  const CallTraits total{.total = true, .cost = 30};
  f.add("strpos", "tt", kBigint, map<int64_t, Bytes, Bytes>(position), total);
  f.add("position", "tt", kBigint, map<int64_t, Bytes, Bytes>(position), total);
  f.add("starts_with", "tt", kBoolean,
        map<std::uint8_t, Bytes, Bytes>([](Bytes a, Bytes b) { return a.starts_with(b); }), total);
  f.add("replace", "ttt", kVarchar, map_checked<Text, Bytes, Bytes, Bytes>(replace), {.cost = 60});
  f.add("split_part", "tti", kVarchar, map_checked<Text, Bytes, Bytes, int64_t>(split_part), {.cost = 60});
}

}  // namespace stream::expression
