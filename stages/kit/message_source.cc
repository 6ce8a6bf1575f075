#include "stages/kit/message_source.h"

#include <algorithm>

#include "stages/format/infer.h"
#include "stages/format/timestamp.h"
#include "stages/kit/format_values.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kSchemaAdvice = "give a schema, such as 'ts timestamp, n bigint'";

std::string column_of(std::string_view about) { return "_" + std::string(about); }

void check_metadata(const Values& options, std::span<const AboutMessage> about, std::vector<PlanError>& errors) {
  std::vector<std::string> names;
  for (const AboutMessage& each : about) names.emplace_back(each.name);
  for (const std::string& name : options.list("metadata")) {
    if (std::ranges::find(names, name) != names.end()) continue;
    errors.push_back({"metadata", 0, "nothing is known as '" + name + "' of a message" + did_you_mean(name, names),
                      "there are: " + join(names, ", ")});
  }
}

bool asked_for(const Values& options, std::string_view about) {
  const auto& names = options.list("metadata");
  return std::ranges::find(names, about) != names.end();
}

void check_names(const MessageFormat& format, std::vector<PlanError>& errors) {
  for (const Field& field : format.about) {
    if (!format.payload.find(field.name)) continue;
    errors.push_back({"metadata", 0, "the messages have a column '" + field.name + "' themselves", "leave it out"});
  }
}

Schema sampled_schema(const FormatOptions& format, const MessageSourcePlan& plan, PlanAnswer& answer) {
  answer.cacheable = false;
  InputBuffer sample;
  if (Status status = plan.sample(format, sample); !status.ok()) {
    answer.errors.push_back({"", 0, status.what(), std::string(kSchemaAdvice)});
    return {};
  }
  auto inferred = infer_schema(format, sample.bytes(), true);
  if (!inferred.ok() || inferred->records == 0) {
    answer.errors.push_back(
        {"format", 0, "no record of format " + std::string(format_name(format.format)) + " in the first messages",
         "check the format, or " + std::string(kSchemaAdvice)});
    return {};
  }
  std::erase_if(inferred->schema.fields, [](const Field& field) { return field.name.empty(); });
  for (const std::string& hint : inferred->hints) answer.warnings.push_back(hint);
  answer.fixed["schema"] = to_string(inferred->schema);
  return std::move(inferred->schema);
}

Schema schema_of(const Values& options, const FormatOptions& format, const MessageSourcePlan& plan,
                 PlanAnswer& answer) {
  if (options.has("schema")) {
    auto schema = parse_schema(options.text("schema"));
    if (schema.ok()) return *std::move(schema);
    answer.errors.push_back({"schema", 0, schema.status().what(), ""});
    return {};
  }
  if (format.format == Format::kText) return *parse_schema("line varchar");
  return sampled_schema(format, plan, answer);
}

FormatOptions message_options(const Values& values, std::vector<PlanError>& errors) {
  FormatOptions options = format_options_of(values, "", errors);
  options.header = false;
  return options;
}

}  // namespace

Result<StartAt> parse_start(std::string_view text) {
  if (text == "earliest") return StartAt{};
  if (text == "latest") return StartAt{StartAt::Kind::kLatest, 0};
  StartAt at{StartAt::Kind::kTime, 0};
  std::uint64_t ambiguous = 0;
  if (format::parse_rfc3339(text, nullptr, at.time, ambiguous)) return at;
  return usage_error("'" + std::string(text) + "' is neither earliest nor latest nor a time like 2026-01-31T00:00:00Z");
}

PlanAnswer plan_message_source(const PlanRequest& request, const MessageSourcePlan& plan) {
  PlanAnswer answer;
  answer.cacheable = true;
  MessageFormat format;
  format.options = message_options(request.options, answer.errors);
  check_metadata(request.options, plan.about, answer.errors);
  const auto start = parse_start(request.options.has("start") ? request.options.text("start") : "earliest");
  if (!start.ok()) { answer.errors.push_back({"start", 0, start.status().what(), ""}); }
  if (!answer.errors.empty()) return answer;
  format.payload = schema_of(request.options, format.options, plan, answer);
  for (const AboutMessage& each : plan.about) {
    if (asked_for(request.options, each.name)) format.about.push_back({column_of(each.name), each.type});
  }
  check_names(format, answer.errors);
  OutputPlan output{"out", message_schema(format), {}};
  if (answer.errors.empty()) set_changelog(format.options, output.schema, answer.errors);
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  return answer;
}

Result<MessageFormat> message_format_of(const Context& context, const Values& options,
                                        std::span<const AboutMessage> about) {
  std::vector<PlanError> errors;
  MessageFormat format;
  format.options = message_options(options, errors);
  if (!errors.empty()) return usage_error(errors[0].option + ": " + errors[0].message);
  // What nobody asked for has no name: the payload may have a column that is called like it.
  for (const AboutMessage& each : about) {
    const bool asked = asked_for(options, each.name);
    format.about.push_back({asked ? column_of(each.name) : "", each.type});
  }
  if (options.has("schema")) {
    STREAM_ASSIGN(format.payload, parse_schema(options.text("schema")));
  } else if (format.options.format == Format::kText) {
    format.payload = *parse_schema("line varchar");
  }
  // The planner's word counts: what is asked for is there, under the type it was planned with.
  for (const Field& field : context.outputs[0]->fields) {
    const bool beside = std::ranges::any_of(format.about, [&](const Field& each) { return each.name == field.name; });
    const auto known = format.payload.find(field.name);
    if (beside || field.name == kRestColumn) continue;
    if (known) {
      format.payload.fields[*known].type = field.type;
    } else {
      format.payload.fields.push_back(field);
    }
  }
  return format;
}

Result<std::unique_ptr<MessageRows>> MessageRows::make(const Context& context, const Values& options,
                                                       std::span<const AboutMessage> about) {
  STREAM_ASSIGN(MessageFormat format, message_format_of(context, options, about));
  auto rows = std::make_unique<MessageRows>();
  const auto on_bad = [self = rows.get()](std::string reason, std::string text) {
    return self->out_->bad_record({std::move(reason), (*self->position_)(), std::move(text)});
  };
  STREAM_ASSIGN(rows->decoder_, MessageDecoder::make(std::move(format), context.outputs[0], on_bad));
  return rows;
}

Status MessageRows::add(std::string_view payload, std::span<const MessageValue> values,
                        const std::function<std::string()>& position, Emitter& out) {
  position_ = &position;
  out_ = &out;
  STREAM_TRY(decoder_->add(payload, values));
  while (decoder_->full()) STREAM_TRY(out.emit(decoder_->finish()));
  return {};
}

Status MessageRows::bad(std::string reason, std::string position, Emitter& out) {
  return out.bad_record({std::move(reason), std::move(position), ""});
}

Status MessageRows::flush(Emitter& out) {
  while (!decoder_->empty()) STREAM_TRY(out.emit(decoder_->finish()));
  return {};
}

}  // namespace stream
