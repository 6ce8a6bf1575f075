// Lines of logs: any bytes as text, logfmt or by a pattern, whole and in pieces, give the same rows; so do times as
// they are written elsewhere.
//
// The first byte picks the format and how times are written, the second the size of the pieces.
#include <cstddef>
#include <cstdint>

#include "tests/unit/format/support.h"
#include "transport/base/check.h"

using namespace stream;
using namespace stream::format_test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr Format kFormats[] = {Format::kText, Format::kLogfmt, Format::kRegex};
  constexpr const char* kTimes[] = {"", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %I:%M:%S.%f %p %Z", "%s"};
  constexpr UnknownFields kUnknown[] = {UnknownFields::kCount, UnknownFields::kKeep, UnknownFields::kError};
  FormatOptions format;
  format.format = kFormats[data[0] % 3];
  format.time_format = kTimes[data[0] / 3 % 4];
  format.unknown_fields = kUnknown[data[0] / 12 % 3];
  format.zone = data[0] % 2 == 0 ? "UTC" : "Europe/Berlin";
  format.pattern = "(?P<ts>[^ ]* [^ ]*) (?P<host>\\S*) (?P<n>[-0-9.e]+)?";
  if (!check_format_options(format).ok()) return 0;
  const char* schema =
      format.format == Format::kText ? "line varchar" : "ts timestamp, host varchar, n bigint, x double";
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  RunOptions options = with(format);
  const Run whole = decode_all(schema, input, options);
  options.piece = 1 + data[1];
  const Run pieces = decode_all(schema, input, options);
  STREAM_CHECK(whole.text == pieces.text && whole.bad == pieces.bad && whole.position == pieces.position);
  STREAM_CHECK(whole.position == input.size());
  return 0;
}
