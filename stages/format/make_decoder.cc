#include "stages/format/avro.h"
#include "stages/format/csv.h"
#include "stages/format/debezium.h"
#include "stages/format/line.h"
#include "stages/format/ndjson.h"

namespace stream {
namespace {

using namespace format;

Status check_schemas(const DecoderSetup& setup) {
  for (const Field& field : setup.wanted->fields) {
    const auto declared = setup.declared->find(field.name);
    const bool rest = setup.options.unknown_fields == UnknownFields::kKeep && field.name == kRestColumn;
    if (rest && field.type == kJson) continue;
    if (rest) return usage_error("column '_rest' must be of type JSON");
    if (!declared || !(setup.declared->fields[*declared].type == field.type)) {
      return usage_error("column '" + field.name + "' is not in the declared schema");
    }
  }
  return {};
}

Status check_text_schema(const Schema& declared) {
  if (declared.fields.size() == 1 && declared.fields[0].name == kLineColumn) return {};
  return usage_error("format text has one column, 'line varchar'; the schema is: " + to_string(declared));
}

}  // namespace

Result<TextRules> format::TextRules::make(const FormatOptions& options) {
  TextRules rules;
  STREAM_ASSIGN(rules.zone_, Zone::load(options.zone));
  auto time_format = TimeFormat::parse(options.time_format);
  if (!time_format.ok()) return std::move(time_format).status().while_doing("time-format");
  rules.time_format_ = *std::move(time_format);
  rules.unit_ = options.time_unit;
  return rules;
}

Result<std::unique_ptr<Decoder>> make_decoder(DecoderSetup setup) {
  STREAM_TRY(check_schemas(setup));
  STREAM_ASSIGN(TextRules rules, TextRules::make(setup.options));
  switch (setup.options.format) {
    case Format::kNdjson: return std::unique_ptr<Decoder>(new NdjsonDecoder(std::move(setup), std::move(rules)));
    case Format::kCsv: return std::unique_ptr<Decoder>(new CsvDecoder(std::move(setup), std::move(rules)));
    case Format::kDebezium: return std::unique_ptr<Decoder>(new DebeziumDecoder(std::move(setup), std::move(rules)));
    case Format::kAvro:
      if (!setup.options.avro_schema.empty()) return AvroMessageDecoder::make(std::move(setup), std::move(rules));
      return std::unique_ptr<Decoder>(new AvroFileDecoder(std::move(setup), std::move(rules)));
    case Format::kText: STREAM_TRY(check_text_schema(*setup.declared)); break;
    case Format::kRegex:
    case Format::kLogfmt: break;
  }
  STREAM_ASSIGN(auto splitter, make_splitter(setup.options));
  return std::unique_ptr<Decoder>(new LineDecoder(std::move(setup), std::move(rules), std::move(splitter)));
}

}  // namespace stream
