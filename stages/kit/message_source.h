// What every source of messages from a broker has in common: its options, its plan, its rows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "stages/format/message_decoder.h"
#include "stages/kit/stage.h"

namespace stream {

inline constexpr Option kMessageFormatOption{.name = "format",
                                             .arg = "FORMAT",
                                             .doc = "Format of the messages; CSV without a header.",
                                             .kind = OptionKind::kChoice,
                                             .fallback = "json",
                                             .choices = "json|ndjson|csv|text|regex|logfmt|debezium-json|avro"};
// Of what comes in lines, which Avro does not.
inline constexpr Option kLineMessageFormatOption{.name = "format",
                                                 .arg = "FORMAT",
                                                 .doc = "Format of the records; CSV without a header.",
                                                 .kind = OptionKind::kChoice,
                                                 .fallback = "json",
                                                 .choices = "json|ndjson|csv|text|regex|logfmt|debezium-json"};
inline constexpr Option kStartOption{
    .name = "start",
    .arg = "WHERE",
    .doc =
        "Where a new run begins: with the oldest message, behind the newest, or with the first at or after a time "
        "like 2026-01-31T00:00:00Z.",
    .fallback = "earliest"};
inline constexpr Option kStopAtEndOption{
    .name = "stop-at-end",
    .doc = "End behind the messages that were there when the run began, instead of waiting for more.",
    .kind = OptionKind::kFlag};

// Where `start` begins.
struct StartAt {
  enum class Kind : std::uint8_t { kEarliest, kLatest, kTime };
  Kind kind = Kind::kEarliest;
  Microseconds time = 0;
};
// Errors: kUsage.
Result<StartAt> parse_start(std::string_view text);

// Something a source can tell about a message: `--metadata key` adds the column `_key`.
struct AboutMessage {
  std::string_view name;
  Type type;
};

struct MessageSourcePlan {
  std::span<const AboutMessage> about;
  // The beginning of the data, as append_message() writes it; called only where nothing declares a schema.
  // Errors: kNotFound if there is no message yet.
  std::function<Status(const FormatOptions&, InputBuffer&)> sample;
};

// The answer of a source: output, schema, warnings, errors. State and parallelism are left to the caller.
PlanAnswer plan_message_source(const PlanRequest& request, const MessageSourcePlan& plan);

// What planning has said, for the running stage: MessageDecoder gets a value for each of `about`.
// `options`: the context's, or what the stage has made of them.
Result<MessageFormat> message_format_of(const Context& context, const Values& options,
                                        std::span<const AboutMessage> about);

// Rows of the messages of one poll(): emits what is full, and what came before a bad record.
class MessageRows {
 public:
  static Result<std::unique_ptr<MessageRows>> make(const Context& context, const Values& options,
                                                   std::span<const AboutMessage> about);
  static Result<std::unique_ptr<MessageRows>> make(const Context& context, std::span<const AboutMessage> about) {
    return make(context, context.options, about);
  }

  // `position`: names the message where it is bad.
  Status add(std::string_view payload, std::span<const MessageValue> values,
             const std::function<std::string()>& position, Emitter& out);
  Status bad(std::string reason, std::string position, Emitter& out);
  // Emits what has been added. Call at the end of each poll(), also where add() gave kBadRecord.
  Status flush(Emitter& out);

 private:
  std::unique_ptr<MessageDecoder> decoder_;
  const std::function<std::string()>* position_ = nullptr;
  Emitter* out_ = nullptr;
};

}  // namespace stream
