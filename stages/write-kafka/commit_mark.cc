#include "stages/write-kafka/commit_mark.h"

namespace stream {

Result<bool> is_committed(const std::optional<CommitMark>& mark, std::string_view run, Committable committable,
                          Microseconds age) {
  if (mark && mark->run == run) return mark->epoch >= committable.epoch;
  if (age < kMarksLive) return false;
  return usage_error("unable to tell whether the rows of checkpoint " + std::to_string(committable.epoch.value()) +
                     " are in the topic: they are older than a day, and the brokers may have forgotten since");
}

}  // namespace stream
