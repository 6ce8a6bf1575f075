#include "stages/read-kafka/headers.h"

#include <map>
#include <optional>
#include <string_view>

#include "stages/format/json_text.h"

namespace stream {

std::string headers_json(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  std::map<std::string_view, std::optional<std::string_view>> found;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i) {
      auto& known = found[name];
      known.reset();
      if (value != nullptr) known.emplace(static_cast<const char*>(value), size);
    }
  }
  std::string text = "{";
  for (const auto& [name, value] : found) {
    if (text.size() > 1) text += ',';
    format::append_quoted(name, text);
    text += ':';
    value ? format::append_quoted(*value, text) : static_cast<void>(text += "null");
  }
  return text + "}";
}

}  // namespace stream
