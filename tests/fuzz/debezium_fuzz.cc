// Debezium: any bytes, decoded whole and in pieces, give the same rows, each kind of change the rows it should.
//
// The first byte picks the columns, the second the size of the pieces.
#include <cstddef>
#include <cstdint>

#include "stages/format/infer.h"
#include "tests/unit/format/support.h"
#include "transport/base/check.h"

using namespace stream;
using namespace stream::format_test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const char* wanted[] = {"", "i", "s,i", "t,j", "m,s"};
  if (size < 2) return 0;
  const char* schema = "i bigint, s varchar, m decimal(10,2), t timestamp, j json";
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  RunOptions options;
  options.format.format = Format::kDebezium;
  options.format.key = {"i"};
  options.format.record_size_max = 4096;
  options.wanted = wanted[data[0] % std::size(wanted)];
  options.row_kinds = true;
  const Run whole = decode_all(schema, input, options);
  options.piece = 1 + data[1];
  const Run pieces = decode_all(schema, input, options);
  STREAM_CHECK(pieces.text == whole.text && pieces.bad == whole.bad && pieces.position == whole.position);
  (void)infer_schema(options.format, input, true);
  return 0;
}
