#include "stages/kit/bad_records.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "stages/format/value.h"

namespace stream {
namespace {

constexpr std::size_t kFlushAt = 1024;
constexpr std::size_t kShownBytes = 200;

// What a person reads on a terminal: no control bytes, no broken UTF-8, not too long.
std::string shown(std::string_view text) {
  const bool cut = text.size() > kShownBytes;
  std::string out;
  for (text = text.substr(0, kShownBytes); !text.empty();) {
    std::size_t size = 1;
    while (size <= 4 && size <= text.size() && !format::valid_utf8(text.substr(0, size))) ++size;
    const bool whole = size <= 4 && size <= text.size();
    const bool control = static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7f;
    out += whole && !control ? text.substr(0, size) : "?";
    text.remove_prefix(whole ? size : 1);
  }
  return cut ? out + "..." : out;
}

}  // namespace

const SchemaPtr& errors_schema() {
  static const auto schema =
      std::make_shared<const Schema>(*parse_schema("stage varchar, reason varchar, position varchar, record varchar"));
  return schema;
}

BadRecords::BadRecords(OnError policy, std::string program, std::string stage)
    : policy_(policy), program_(std::move(program)), stage_(std::move(stage)) {}

Status BadRecords::report(const BadRecord& record, Microseconds now_wall, Microseconds now_monotonic) {
  ++count_;
  if (policy_ == OnError::kFail) {
    const std::string where = record.position.empty() ? "" : " at " + record.position;
    return {Code::kBadRecord, "bad record" + where + ": " + shown(record.reason) + ": " + shown(record.record)};
  }
  tell(record, now_monotonic);
  if (output_) {
    waiting_.push_back(record);
    return waiting_.size() >= kFlushAt ? flush() : Status();
  }
  return policy_ == OnError::kDeadLetter ? put(record, now_wall) : Status();
}

Status BadRecords::put(const BadRecord& record, Microseconds now_wall) {
  if (!gather_) return {};
  nlohmann::json line = {{"stage", stage_},
                         {"reason", record.reason},
                         {"position", record.position},
                         {"record", record.record},
                         {"time_us", now_wall}};
  if (!not_read_.empty()) line["not_read"] = not_read_;
  return gather_(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void BadRecords::tell(const BadRecord& record, Microseconds now) {
  if (!limit_.happened(now)) return;
  std::fprintf(stderr, "%s: warning: bad record%s%s: %s: %s (%llu so far)\n", program_.c_str(),
               record.position.empty() ? "" : " at ", record.position.c_str(), shown(record.reason).c_str(),
               shown(record.record).c_str(), static_cast<unsigned long long>(count_));
}

void BadRecords::tell_rest(Microseconds now) {
  if (!limit_.due(now)) return;
  std::fprintf(stderr, "%s: warning: %llu bad records so far\n", program_.c_str(),
               static_cast<unsigned long long>(count_));
}

void BadRecords::finish() {
  if (!limit_.rest()) return;
  std::fprintf(stderr, "%s: warning: %llu bad records in all\n", program_.c_str(),
               static_cast<unsigned long long>(count_));
}

Status BadRecords::flush() {
  if (waiting_.empty()) return {};
  BatchBuilder rows(errors_schema());
  for (const BadRecord& record : waiting_) {
    rows.column(0).append_bytes(stage_);
    rows.column(1).append_bytes(record.reason);
    rows.column(2).append_bytes(record.position);
    rows.column(3).append_bytes(record.record);
    rows.end_row();
  }
  waiting_.clear();
  return output_(rows.finish());
}

}  // namespace stream
