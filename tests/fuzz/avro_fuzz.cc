// Avro: any bytes behind a good header, whole and in pieces, give the same rows; any bytes at all end.
#include <cstddef>
#include <cstdint>

#include "stages/format/avro_header.h"
#include "tests/unit/format/support.h"
#include "transport/base/check.h"

using namespace stream;
using namespace stream::format;
using namespace stream::format_test;

namespace {

constexpr const char* kSchema = R"({"type":"record","name":"r","fields":[
  {"name":"a","type":["null","string"]},{"name":"b","type":"long"},
  {"name":"c","type":{"type":"array","items":["null","double",{"type":"map","values":"bytes"}]}},
  {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":3}}]})";
constexpr const char* kColumns = "a varchar, b bigint, c json, d decimal(20,3)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  FormatOptions format;
  format.format = Format::kAvro;
  RunOptions options = with(format);
  (void)decode_all(kColumns, bytes, options);
  const auto codec = static_cast<AvroCodec>(data[1] % 4);
  // A marker that mutations find.
  const std::string file = make_avro_header(kSchema, codec, std::string(kAvroMarkerSize, 'm')).append(bytes);
  const Run whole = decode_all(kColumns, file, options);
  options.piece = 1 + data[0];
  const Run pieces = decode_all(kColumns, file, options);
  STREAM_CHECK(whole.status.ok() && pieces.status.ok());
  STREAM_CHECK(whole.text == pieces.text && whole.bad == pieces.bad && whole.position == pieces.position);
  STREAM_CHECK(whole.position == file.size());
  return 0;
}
