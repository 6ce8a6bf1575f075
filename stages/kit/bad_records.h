// BadRecords: what becomes of records that cannot be processed, by the stage's `on-error`.
//
// They are an output `errors` (stage, reason, position, record) where that is connected. Else,
// under dead-letter, they are kept in a state table until the checkpoint of their epoch is
// complete and then written to the stage's dead-letter file at a place fixed before, so that
// neither a crash nor a rewind writes one twice. Always counted; talk about them is limited.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "stages/kit/stage.h"
#include "stages/kit/warning_limit.h"

namespace stream {

enum class OnError : std::uint8_t { kDeadLetter, kSkip, kFail };

// The schema of every `errors` output.
const SchemaPtr& errors_schema();

class BadRecords {
 public:
  // `program` is for messages: "stream-filter".
  BadRecords(OnError policy, std::string program, std::string stage);

  // Rows go to this function instead of the dead-letter file.
  void connect(std::function<Status(Batch)> output) { output_ = std::move(output); }
  // Rows are gathered here for the dead-letter file; without it they are only counted and told.
  void gather(std::function<Status(const std::string& line)> sink) { gather_ = std::move(sink); }

  // Columns that no record here holds, as nothing downstream uses them: the dead letters say so.
  void not_read(std::vector<std::string> columns) { not_read_ = std::move(columns); }

  // Errors: kBadRecord under `fail`.
  Status report(const BadRecord& record, Microseconds now_wall, Microseconds now_monotonic);
  // Hands gathered rows to the connected output.
  Status flush();

  // Call when there is time: says how many have come since one was told.
  void tell_rest(Microseconds now);

  // The input has ended: says how many there were, where not all have been told.
  void finish();

  std::uint64_t count() const { return count_; }

 private:
  void tell(const BadRecord& record, Microseconds now);
  Status put(const BadRecord& record, Microseconds now_wall);

  OnError policy_;
  std::string program_;
  std::string stage_;
  std::function<Status(Batch)> output_;
  std::function<Status(const std::string&)> gather_;
  std::vector<std::string> not_read_;
  std::vector<BadRecord> waiting_;
  std::uint64_t count_ = 0;
  WarningLimit limit_;
};

}  // namespace stream
