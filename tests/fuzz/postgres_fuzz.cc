// What a PostgreSQL server sends: messages of its replication, and rows as it prints them. The first byte picks which.
#include <cstdint>

#include "stages/postgres/values.h"
#include "stages/read-postgres/row_reader.h"
#include "transport/base/check.h"

using namespace stream;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const auto frame = parse_frame(bytes);
    const auto message = parse_pgoutput(frame.ok() && frame->data ? frame->bytes : bytes);
    if (message.ok()) {
      for (const PgValue& value : message->after) STREAM_CHECK(value.text.size() <= bytes.size());
    }
    return 0;
  }
  const auto schema = std::make_shared<const Schema>(*parse_schema(
      "b boolean, i bigint, d double, m decimal(10,2), s varchar, t timestamp, e date, j json, x blob, v interval"));
  RowReader reader(schema);
  std::string store;
  const ReadRow row = reader.read(split_copy_line(bytes, store));
  STREAM_CHECK(row.row.rows == 1);
  std::string copied;
  for (const Column& column : row.row.columns) append_copy_value(column, 0, copied);
  (void)type_of_pg(bytes);
  (void)parse_lsn(bytes);
  return 0;
}
