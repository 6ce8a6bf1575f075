// CSV: any bytes, whole and in pieces, give the same rows; what is written reads back equal.
#include <cstddef>
#include <cstdint>

#include "tests/unit/format/support.h"
#include "transport/base/check.h"

using namespace stream;
using namespace stream::format_test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const char* schema = "a varchar, b bigint, c double";
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  FormatOptions format;
  format.format = Format::kCsv;
  format.header = false;
  RunOptions options = with(format);
  const Run whole = decode_all(schema, input, options);
  options.piece = 1 + data[0];
  const Run pieces = decode_all(schema, input, options);
  STREAM_CHECK(whole.text == pieces.text && whole.bad == pieces.bad && whole.position == pieces.position);
  STREAM_CHECK(whole.position == input.size());
  return 0;
}
