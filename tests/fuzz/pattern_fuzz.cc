// Any text is a row pattern or is refused with a place in it; what was accepted reads back from its one spelling.
#include <cstdint>

#include "stages/match/pattern.h"
#include "transport/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stream;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ExpressionError error;
  const auto pattern = parse_pattern(text, &error);
  if (!pattern) {
    STREAM_CHECK(!error.message.empty() && error.offset <= size);
    return 0;
  }
  STREAM_CHECK(pattern->next.size() == pattern->variable_of.size() && !pattern->first.ends);
  for (const PatternNext& next : pattern->next) {
    for (const std::uint32_t position : next.positions) STREAM_CHECK(position < pattern->next.size());
  }
  return 0;
}
