// The headers of a message as the column `_headers`.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>

namespace stream {

// A JSON object of texts and nulls; of headers of one name the last counts, as with Kafka's lastHeader(). Bytes that
// are not UTF-8 stay as they are.
std::string headers_json(const rd_kafka_message_t& message);

}  // namespace stream
