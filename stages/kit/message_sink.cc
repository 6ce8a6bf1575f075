#include "stages/kit/message_sink.h"

#include "snapshot/outbox.h"
#include "stages/format/avro_schema.h"
#include "stages/format/options.h"
#include "stages/kit/format_values.h"
#include "stages/kit/outbox_sink.h"

namespace stream {
namespace {

void set_avro(const Values& options, const Schema& schema, MessageEncoderOptions& out, std::vector<PlanError>& errors) {
  FormatOptions format;
  format.format = out.format == MessageOutput::kAvro ? Format::kAvro : Format::kNdjson;
  set_avro_framing(options, format, errors);
  out.avro_framing = format.avro_framing;
  out.avro_schema_id = format.avro_schema_id.value_or(0);
  if (out.format != MessageOutput::kAvro) return;
  if (out.avro_framing == AvroFraming::kConfluent && !format.avro_schema_id) {
    errors.push_back({"avro-schema-id", 0, "required with avro-framing confluent",
                      "register the schema, and give the number that the registry has for it"});
  }
  const auto text = format::avro_schema_of(schema, out.row_kinds);
  if (!text.ok()) errors.push_back({"format", 0, text.status().what(), "rename it: select '\"odd name\" as name'"});
}

}  // namespace

MessageEncoderOptions message_output_of(const Values& options, const Schema& schema, std::vector<PlanError>& errors) {
  MessageEncoderOptions out;
  const std::string& format = options.text("format");
  out.format = format == "csv"             ? MessageOutput::kCsv
               : format == "text"          ? MessageOutput::kText
               : format == "debezium-json" ? MessageOutput::kDebezium
               : format == "avro"          ? MessageOutput::kAvro
                                           : MessageOutput::kNdjson;
  out.row_kinds = schema.changelog == Changelog::kUpdates;
  const auto delimiter = parse_delimiter(options.text("delimiter"));
  if (delimiter.ok()) {
    out.delimiter = *delimiter;
  } else {
    errors.push_back({"delimiter", 0, delimiter.status().what(), ""});
  }
  set_avro(options, schema, out, errors);
  if (out.format != MessageOutput::kText) return out;
  if (schema.fields.size() != 1) {
    errors.push_back({"format", 0, "text has one column, the input " + std::to_string(schema.fields.size()),
                      "select the one to write, or write json"});
  }
  if (out.row_kinds) {
    errors.push_back({"format", 0, "text cannot say which rows of a stream of changes are deleted", "write json"});
  }
  return out;
}

PlanAnswer plan_message_sink(const PlanRequest& request, std::vector<Field> kept) {
  return plan_message_sink(request, std::move(kept), request.inputs[0].schema);
}

PlanAnswer plan_message_sink(const PlanRequest& request, std::vector<Field> kept, const Schema& message) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& schema = request.inputs[0].schema;
  message_output_of(request.options, message, answer.errors);
  for (PlanError& error : check_outbox_columns(schema)) answer.errors.push_back(std::move(error));
  InputPlan input;
  input.needs = schema.names();
  // The changes of one row stay in order when one instance writes them.
  if (schema.changelog == Changelog::kUpdates && !schema.key.empty()) {
    input.partition = Partition::kHash;
    for (const std::size_t column : schema.key) input.partition_columns.push_back(schema.fields[column].name);
  }
  answer.inputs.push_back(std::move(input));
  answer.state.push_back(outbox_spec("outbox", std::move(kept)));
  answer.goes_back = GoesBack::kNone;
  answer.visible = "at each checkpoint";
  return answer;
}

}  // namespace stream
