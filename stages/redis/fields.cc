#include "stages/redis/fields.h"

#include "stages/format/json_text.h"

namespace stream {
namespace {

std::span<redisReply* const> fields_in(const redisReply& entry) {
  const auto parts = redis_items(entry);
  return parts.size() == 2 ? redis_items(*parts[1]) : std::span<redisReply* const>();
}

}  // namespace

Result<std::string> fields_record(const redisReply& entry) {
  const auto fields = fields_in(entry);
  std::string record;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string_view name = redis_text(*fields[i]);
    if (name.empty() || name.find_first_of(" \t\r\n=\"") != std::string_view::npos) {
      return Status(Code::kBadRecord, "a field's name is empty or holds a blank, a quote or an equals sign");
    }
    if (!record.empty()) record += ' ';
    record.append(name) += '=';
    format::append_quoted(redis_text(*fields[i + 1]), record);
  }
  return record;
}

const redisReply* field_of(const redisReply& entry, std::string_view name) {
  const auto fields = fields_in(entry);
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    if (redis_text(*fields[i]) == name) return fields[i + 1];
  }
  return nullptr;
}

}  // namespace stream
