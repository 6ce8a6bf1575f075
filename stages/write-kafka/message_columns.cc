#include "stages/write-kafka/message_columns.h"

#include <algorithm>
#include <limits>

#include "stages/format/print_value.h"
#include "stages/kit/option_columns.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::optional<std::size_t> find_one(const Values& options, const std::string& option, const Schema& schema,
                                    std::optional<Type> type, std::vector<PlanError>& errors) {
  if (!options.has(option)) return std::nullopt;
  const std::string& name = options.text(option);
  const auto at = schema.find(name);
  if (!at) {
    errors.push_back({option, 0, "no column '" + name + "'" + did_you_mean(name, schema.names()), ""});
  } else if (type && schema.fields[*at].type != *type) {
    errors.push_back({option, 0,
                      "'" + name + "' is " + to_string(schema.fields[*at].type) + ", not " + to_string(*type),
                      "convert it with select"});
  }
  return at;
}

std::optional<std::string> text_of(const Column& column, std::size_t row) {
  if (!column.valid(row)) return std::nullopt;
  if (column.type().variable()) return std::string(column.bytes(row));
  std::string text(format::printed_size(column, row), '\0');
  text.resize(static_cast<std::size_t>(format::print_value(text.data(), column, row) - text.data()));
  return text;
}

}  // namespace

MessageColumns message_columns(const Values& options, const Schema& schema, std::vector<PlanError>& errors) {
  MessageColumns out;
  out.key = find_one(options, "key", schema, std::nullopt, errors);
  out.partition = find_one(options, "partition", schema, kBigint, errors);
  out.timestamp = find_one(options, "timestamp", schema, kTimestamp, errors);
  PlanError error;
  if (!find_columns(options, "headers", schema, &out.headers, &error)) errors.push_back(error);
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    const bool about = out.partition == i || out.timestamp == i || std::ranges::count(out.headers, i) != 0;
    if (!about) out.payload.push_back(i);
  }
  if (out.payload.empty()) {
    errors.push_back({"headers", 0, "no column is left for the message itself", "select one more"});
  }
  return out;
}

Result<MessageHead> message_head(const MessageColumns& columns, const Batch& batch, std::size_t row) {
  MessageHead out;
  if (columns.key) out.key = text_of(batch.columns[*columns.key], row);
  if (columns.partition && batch.columns[*columns.partition].valid(row)) {
    const auto number = batch.columns[*columns.partition].value<std::int64_t>(row);
    if (number < 0 || number > std::numeric_limits<std::int32_t>::max()) {
      return usage_error("no partition has the number " + std::to_string(number));
    }
    out.partition = static_cast<std::int32_t>(number);
  }
  if (columns.timestamp && batch.columns[*columns.timestamp].valid(row)) {
    // To the client 0 means the present time.
    out.milliseconds = std::max<std::int64_t>(batch.columns[*columns.timestamp].value<std::int64_t>(row) / 1000, 1);
  }
  for (const std::size_t header : columns.headers) {
    out.headers.push_back({batch.schema->fields[header].name, text_of(batch.columns[header], row)});
  }
  return out;
}

}  // namespace stream
