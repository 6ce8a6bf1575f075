// What a script hands over: texts for columns of every type, and what it is itself. Its first byte picks which.
#include <cstdint>

#include "stages/format/print_value.h"
#include "stages/lua/results.h"
#include "stages/lua/script.h"
#include "transport/base/check.h"

using namespace stream;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Schema schema = *parse_schema(
      "b boolean, i bigint, d double, m decimal(10,2), s varchar, t timestamp, e date, j json, x blob, v interval");
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t which = data[0] % (schema.fields.size() + 1);
  if (which == schema.fields.size()) {
    (void)Script::check(text, "fuzz");
    return 0;
  }
  ColumnBuilder builder(schema.fields[which].type);
  const bool good = append_text(text, builder);
  if (!good) builder.truncate(0);
  if (!good) builder.append_null();
  const Column column = builder.finish();
  STREAM_CHECK(column.size() == 1 && column.valid(0) == good);
  std::string printed(format::printed_size(column, 0), '\0');
  const char* const end = format::print_value(printed.data(), column, 0);
  STREAM_CHECK(static_cast<std::size_t>(end - printed.data()) <= printed.size());
  return 0;
}
