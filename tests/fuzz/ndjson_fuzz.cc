// NDJSON: any bytes, decoded by layout and by key, whole and in pieces, give the same rows.
//
// The first byte picks the columns, the second the size of the pieces.
#include <cstddef>
#include <cstdint>

#include "tests/unit/format/support.h"
#include "transport/base/check.h"

using namespace stream;
using namespace stream::format_test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const char* wanted[] = {"", "i", "s,i", "t,j,b", "m,e,d", "v,x"};
  if (size < 2) return 0;
  const char* schema =
      "b boolean, i bigint, d double, m decimal(10,2), s varchar, t timestamp, e date, j json, x blob, v interval";
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  RunOptions options;
  options.format.record_size_max = 4096;
  options.wanted = wanted[data[0] % std::size(wanted)];
  const Run fast = decode_all(schema, input, options);
  options.piece = 1 + data[1];
  const Run pieces = decode_all(schema, input, options);
  options.speculate = false;
  const Run slow = decode_all(schema, input, options);
  STREAM_CHECK(fast.text == slow.text && fast.bad == slow.bad && fast.position == slow.position);
  STREAM_CHECK(pieces.text == slow.text && pieces.bad == slow.bad);
  // What was written reads back as it is.
  if (fast.text.find("null") == std::string::npos) {
    const Run again = decode_all(schema, fast.text);
    STREAM_CHECK(!options.wanted.empty() || again.text == fast.text);
  }
  return 0;
}
