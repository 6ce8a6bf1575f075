// What every sink of messages to a broker has in common: options and plan.
#pragma once

#include "stages/format/message_encoder.h"
#include "stages/kit/option.h"
#include "stages/kit/plan.h"

namespace stream {

inline constexpr Option kMessageOutputOption{
    .name = "format",
    .arg = "FORMAT",
    .doc =
        "Format of the messages, one a row: JSON; CSV without a header; text, the value of the only column; "
        "debezium-json, which holds a row as what is created or deleted; avro, a record whose fields are the columns, "
        "each a union of null and its type.",
    .kind = OptionKind::kChoice,
    .fallback = "json",
    .choices = "json|ndjson|csv|text|debezium-json|avro"};
inline constexpr Option kMessageDelimiterOption{
    .name = "delimiter", .arg = "BYTE", .doc = "CSV: what separates fields, one byte or 'tab'.", .fallback = ","};

// What is wrong goes to `errors`. `schema`: of the rows.
MessageEncoderOptions message_output_of(const Values& options, const Schema& schema, std::vector<PlanError>& errors);

// The answer of a sink whose messages hold all columns of its input; `kept`: of its outbox.
PlanAnswer plan_message_sink(const PlanRequest& request, std::vector<Field> kept);
// Of one whose messages hold `message`, a part of them.
PlanAnswer plan_message_sink(const PlanRequest& request, std::vector<Field> kept, const Schema& message);

}  // namespace stream
