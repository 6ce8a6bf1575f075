// MessageColumns: which columns of a row are about its message, and which are in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stages/kit/option.h"
#include "stages/kit/plan.h"
#include "transport/record/batch.h"

namespace stream {

struct MessageColumns {
  std::optional<std::size_t> key;        // in the message too
  std::optional<std::size_t> partition;  // BIGINT
  std::optional<std::size_t> timestamp;  // TIMESTAMP
  std::vector<std::size_t> headers;
  std::vector<std::size_t> payload;  // what is left, and what the message holds
};

// From the options 'key', 'partition', 'timestamp' and 'headers'. What is wrong goes to `errors`.
MessageColumns message_columns(const Values& options, const Schema& schema, std::vector<PlanError>& errors);

// What is sent with a row's message. Null: none, and the brokers or the client choose.
struct MessageHead {
  struct Header {
    std::string name;
    std::optional<std::string> value;
  };
  std::optional<std::string> key;
  std::optional<std::int32_t> partition;
  std::optional<std::int64_t> milliseconds;  // since 1970
  std::vector<Header> headers;
};

// Errors: kUsage for a number that no partition can have.
Result<MessageHead> message_head(const MessageColumns& columns, const Batch& batch, std::size_t row);

}  // namespace stream
