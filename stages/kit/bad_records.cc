#include "stages/kit/bad_records.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace stream {
namespace {

constexpr Microseconds kTellEvery = 1'000'000;
constexpr std::size_t kFlushAt = 1024;
constexpr std::size_t kShownBytes = 200;

}  // namespace

const SchemaPtr& errors_schema() {
  static const auto schema = std::make_shared<const Schema>(
      *parse_schema("stage varchar, reason varchar, position varchar, record varchar"));
  return schema;
}

BadRecords::BadRecords(OnError policy, std::string program, std::string stage)
    : policy_(policy), program_(std::move(program)), stage_(std::move(stage)) {}

Status BadRecords::report(const BadRecord& record, Microseconds now_wall, Microseconds now_monotonic) {
  ++count_;
  if (policy_ == OnError::kFail) {
    const std::string where = record.position.empty() ? "" : " at " + record.position;
    return {Code::kBadRecord, "bad record" + where + ": " + record.reason + ": " + record.record.substr(0, kShownBytes)};
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
  const nlohmann::json line = {{"stage", stage_},       {"reason", record.reason}, {"position", record.position},
                               {"record", record.record}, {"time_us", now_wall}};
  return gather_(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void BadRecords::tell(const BadRecord& record, Microseconds now) {
  ++untold_;
  if (told_at_ != INT64_MIN && now - told_at_ < kTellEvery) return;
  told_at_ = now;
  std::fprintf(stderr, "%s: warning: bad record%s%s: %s: %s (%llu so far)\n", program_.c_str(),
               record.position.empty() ? "" : " at ", record.position.c_str(), record.reason.c_str(),
               record.record.substr(0, kShownBytes).c_str(), static_cast<unsigned long long>(count_));
  untold_ = 0;
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
