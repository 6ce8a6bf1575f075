#include "tests/unit/format/support.h"

#include <cstring>

#include "stages/format/ndjson.h"
#include "transport/base/text.h"

namespace stream::format_test {

SchemaPtr schema_of(std::string_view text) { return std::make_shared<const Schema>(*parse_schema(text)); }

namespace {

SchemaPtr narrowed(const SchemaPtr& schema, std::string_view names) {
  if (names.empty()) return schema;
  std::vector<std::size_t> columns;
  for (const std::string& name : split(names, ',')) columns.push_back(*schema->find(name));
  return std::make_shared<const Schema>(project(*schema, columns));
}

std::string line_of(const BadInput& bad) {
  return std::to_string(bad.line) + ":" + std::to_string(bad.offset) + ": " + bad.reason + ": " + bad.text;
}

}  // namespace

Run decode_all(std::string_view schema, std::string_view input, const RunOptions& options) {
  Run run;
  const SchemaPtr declared = schema_of(schema);
  const SchemaPtr wanted = narrowed(declared, options.wanted);
  auto made = make_decoder({options.format, declared, wanted, [&](BadInput bad) {
                              run.bad.push_back(line_of(bad));
                              return Status();
                            }});
  if (!made.ok()) {
    run.status = made.status();
    return run;
  }
  Decoder& decoder = **made;
  if (auto* ndjson = dynamic_cast<format::NdjsonDecoder*>(&decoder)) ndjson->speculate(options.speculate);
  decoder.record_extents(&run.extents);
  BatchBuilder batch(wanted);
  ByteBuilder out;
  const auto encoder = make_encoder({.row_kinds = options.row_kinds}, wanted);
  InputBuffer buffer(64);
  std::size_t given = 0;
  for (;;) {
    const auto piece = input.substr(given, std::min(options.piece, input.size() - given));
    buffer.append(piece);
    given += piece.size();
    const bool last = given == input.size();
    auto count = decoder.decode(buffer.bytes(), last, batch);
    if (!count.ok()) {
      run.status = count.status();
      break;
    }
    buffer.consume(*count);
    const bool full = batch.full();
    if (full || last) encoder->encode(batch.finish(), out);
    if (last && !full) break;
  }
  if (out.size() != 0) run.text.assign(reinterpret_cast<const char*>(out.data()), out.size());
  run.counters = decoder.counters();
  run.position = decoder.position();
  return run;
}

}  // namespace stream::format_test
